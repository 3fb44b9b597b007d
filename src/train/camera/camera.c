#include "train/camera/camera.h"
#include "train/camera/driver.h"

#include "base/log.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/*
 * A source is shut, opened (it may give pictures), or over. It is up from its first picture on,
 * until it fails or is silent for too long: that a device can be opened says little.
 */
enum phase { PHASE_SHUT, PHASE_OPENED, PHASE_OVER };

struct camera {
	const struct camera_driver *driver;
	struct camera_source *source;
	struct str name; // for logs
	struct arena arena;
	int epoll_fd;
	enum phase phase;
	bool is_up;
	bool was_reported; // its absence is in the log already
	int64_t open_at_us, opened_us, last_picture_us;
	int64_t retry_us;
	int64_t dark_us; // silence that means it is not up
	struct camera_status status;
	struct error why;
};

struct scheme {
	const char *prefix;
	bool keep_prefix; // the driver gets the whole URL
	const struct camera_driver *driver;
	enum { BUILT_IN, STREAM, FILM } plugin;
};

static const struct scheme schemes[] = {
	{"v4l2:", false, &camera_v4l2, BUILT_IN},
	{"dir:", false, &camera_folder, BUILT_IN},
	{"test:", false, &camera_card, BUILT_IN},
	{"rtsp://", true, NULL, STREAM},
	{"rtsps://", true, NULL, STREAM},
	{"file:", false, NULL, FILM},
};

static const struct scheme *find_scheme(const char *source)
{
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (str_starts_with(str_from(source), str_from(schemes[i].prefix)))
			return &schemes[i];
	return NULL;
}

bool camera_check(const char *source, struct error *err)
{
	const struct scheme *scheme = find_scheme(source);

	if (!scheme)
		return error_set(err, ERROR_INVALID,
			"\"%s\" is no source; there are v4l2:/dev/video0, rtsp://HOST/PATH, "
			"rtsps://HOST/PATH, file:PATH, dir:FOLDER and test:",
			source);
	if (!source[strlen(scheme->prefix)] && strcmp(scheme->prefix, "test:") != 0)
		return error_set(err, ERROR_INVALID, "what follows \"%s\"?", scheme->prefix);
	return true;
}

struct str camera_public_name(const char *source, struct arena *arena)
{
	const char *host = strstr(source, "://");
	const struct scheme *scheme = find_scheme(source);

	if (!host || !scheme || scheme->plugin != STREAM)
		return str_copy(arena, str_from(source));
	host += 3;
	const char *end = host + strcspn(host, "/");

	// The last @ before the path: passwords have been seen that hold one themselves.
	for (const char *at = end; at > host; at--)
		if (at[-1] == '@')
			return str_format(arena, "%.*s%s", (int)(host - source), source, at);
	return str_copy(arena, str_from(source));
}

static const struct camera_driver *choose_driver(const struct scheme *scheme, struct error *err)
{
	const struct camera_plugin *plugin;

	if (scheme->plugin == BUILT_IN)
		return scheme->driver;
	plugin = camera_plugin_load(err);
	if (!plugin)
		return NULL;
	return scheme->plugin == STREAM ? plugin->stream : plugin->film;
}

struct camera *camera_create(const struct camera_options *options, struct error *err)
{
	if (!camera_check(options->source, err))
		return NULL;
	const struct scheme *scheme = find_scheme(options->source);
	const struct camera_driver *driver = choose_driver(scheme, err);

	if (!driver)
		return NULL;
	struct camera *camera = calloc(1, sizeof *camera);

	if (!camera)
		abort();
	camera->driver = driver;
	camera->name = camera_public_name(options->source, &camera->arena);
	camera->retry_us = driver->retry_us;
	// A camera of one picture a second is up between its pictures.
	camera->dark_us = CAMERA_DARK_US;
	if (options->fps < 3)
		camera->dark_us = (int64_t)(3e6 / options->fps);
	camera->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (camera->epoll_fd < 0) {
		error_errno(err, "watch %s", camera->name.data);
		goto fail;
	}
	const char *where = str_copy(&camera->arena, str_from(options->source)).data;

	camera->source = driver->create(
		&(struct camera_request){
			.where = where + (scheme->keep_prefix ? 0 : strlen(scheme->prefix)),
			.width_px = options->width_px,
			.height_px = options->height_px,
			.fps = options->fps,
			.loop = options->loop,
			.udp = options->udp,
		},
		err);
	if (!camera->source)
		goto fail;
	error_set(&camera->why, ERROR_NONE, "it was not opened yet");
	return camera;
fail:
	camera_destroy(camera);
	return NULL;
}

void camera_destroy(struct camera *camera)
{
	if (!camera)
		return;
	if (camera->source) {
		camera->driver->close(camera->source);
		camera->driver->destroy(camera->source);
	}
	if (camera->epoll_fd >= 0)
		close(camera->epoll_fd);
	arena_finish(&camera->arena);
	free(camera);
}

bool camera_is_live(const struct camera *camera)
{
	return camera->driver->is_live;
}

int camera_fd(const struct camera *camera)
{
	return camera->epoll_fd;
}

static void go_down(struct camera *camera, const struct error *why)
{
	camera->why = *why;
	if (camera->is_up)
		camera->status.losses++;
	camera->is_up = false;
	if (!camera->was_reported)
		log_warn("no pictures from %s: %s. It is tried again until it is there",
			camera->name.data, why->text);
	camera->was_reported = true;
}

/* A thread that the driver left to itself may hold the descriptor open for longer: it is let go of
 * by name. */
static void close_source(struct camera *camera)
{
	int fd = camera->driver->fd(camera->source);

	if (camera->phase == PHASE_OPENED && fd >= 0)
		epoll_ctl(camera->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	camera->driver->close(camera->source);
}

static void shut(struct camera *camera, int64_t now_us, const struct error *why)
{
	close_source(camera);
	camera->phase = PHASE_SHUT;
	go_down(camera, why);
	camera->open_at_us = now_us + camera->retry_us;
	camera->retry_us *= 2;
	if (camera->retry_us > camera->driver->retry_max_us)
		camera->retry_us = camera->driver->retry_max_us;
}

static void open_source(struct camera *camera, int64_t now_us)
{
	struct error err = {0};

	if (!camera->driver->open(camera->source, &err)) {
		shut(camera, now_us, &err);
		return;
	}
	int fd = camera->driver->fd(camera->source);
	struct epoll_event event = {.events = EPOLLIN};

	if (fd >= 0 && epoll_ctl(camera->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		error_errno(&err, "watch %s", camera->name.data);
		shut(camera, now_us, &err);
		return;
	}
	camera->phase = PHASE_OPENED;
	camera->opened_us = camera->last_picture_us = now_us;
}

int64_t camera_attend(struct camera *camera, int64_t now_us)
{
	if (camera->phase == PHASE_SHUT && now_us >= camera->open_at_us)
		open_source(camera, now_us);
	if (camera->phase == PHASE_SHUT)
		return camera->open_at_us;
	if (camera->phase == PHASE_OVER || !camera->driver->is_live)
		return INT64_MAX;

	int64_t silent_us = now_us - camera->last_picture_us;
	int64_t reopen_us =
		camera->driver->silent_us ? camera->driver->silent_us + camera->dark_us : 0;
	struct error why;

	if (camera->is_up && silent_us >= camera->dark_us) {
		error_set(&why, ERROR_SYSTEM, "it has been silent for %.1f s",
			(double)silent_us / 1e6);
		go_down(camera, &why);
	}
	if (reopen_us && silent_us >= reopen_us) {
		error_set(&why, ERROR_SYSTEM, "it is open and gives none");
		shut(camera, now_us, &why);
		return camera->open_at_us;
	}
	if (camera->is_up)
		return camera->last_picture_us + camera->dark_us;
	return reopen_us ? camera->last_picture_us + reopen_us : INT64_MAX;
}

static void note_picture(struct camera *camera, int64_t now_us)
{
	camera->last_picture_us = now_us;
	camera->retry_us = camera->driver->retry_us;
	if (camera->is_up)
		return;
	camera->is_up = true;
	if (camera->was_reported)
		log_info("%s gives pictures again", camera->name.data);
	camera->was_reported = false;
	camera->status.openings++;
}

enum camera_outcome camera_look(
	struct camera *camera, int64_t now_us, int64_t *captured_us, struct error *err)
{
	enum camera_outcome outcome = CAMERA_NOTHING;

	if (camera->phase == PHASE_OVER)
		return CAMERA_ENDED;
	if (camera->phase == PHASE_SHUT)
		return CAMERA_NOTHING;
	if (!camera->driver->look(camera->source, now_us, &outcome, captured_us, err)) {
		shut(camera, now_us, err);
		return CAMERA_NOTHING;
	}
	if (outcome == CAMERA_PICTURE)
		note_picture(camera, now_us);
	if (outcome == CAMERA_ENDED) {
		close_source(camera);
		camera->phase = PHASE_OVER;
		camera->is_up = false;
		error_set(&camera->why, ERROR_NONE, "it is over");
	}
	return outcome;
}

bool camera_take(
	struct camera *camera, struct arena *arena, struct camera_frame *out, struct error *err)
{
	*out = (struct camera_frame){0};
	if (!camera->driver->take(camera->source, arena, out, err))
		return false;
	if (out->encoded.len)
		return camera_measure(
			out->encoded, &out->format, &out->width_px, &out->height_px, err);
	out->width_px = out->pixels.width_px;
	out->height_px = out->pixels.height_px;
	return true;
}

struct camera_status camera_status(const struct camera *camera)
{
	struct camera_status status = camera->status;

	status.is_up = camera->is_up;
	status.why = camera->is_up ? "" : camera->why.text;
	if (camera->driver->overtaken)
		status.overtaken = camera->driver->overtaken(camera->source);
	return status;
}
