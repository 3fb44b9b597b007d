/*
 * Everything happens on the service's loop: the camera's descriptor says that there is a picture, a
 * timer says that a beat is due or that the camera is to be looked after. A live camera's pictures
 * are published when they come, those nearest to the beats; the others are made, or read, for each
 * beat. So no picture waits for a timer.
 */
#include "train/capture/private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/capture/control.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	CHECK_US = 250000,  // whether pictures are fresh
	STALE_US = 1000000, // not ready with pictures older than this, and than 3 periods
	LOOKS = 8,	    // at damaged pictures, before the loop goes on
};

/* --- the beat --- */

static void note_pace(struct capture *capture)
{
	double error_s = (double)capture->pace.error_us / 1e6;

	metric_observe(capture->counts.pace_s, error_s < 0 ? -error_s : error_s);
}

/* A live camera has something. */
static void take_live(struct capture *capture)
{
	struct error err = {0};
	int64_t captured_us = 0;

	for (int i = 0; i < LOOKS; i++) {
		int64_t now_us = clock_monotonic_us();

		switch (camera_look(capture->camera, now_us, &captured_us, &err)) {
		case CAMERA_DAMAGED:
			capture_complain(capture, now_us, err.text);
			break;
		case CAMERA_PICTURE:
			if (!pace_wants(&capture->pace, captured_us))
				metric_add(capture->counts.unwanted, 1);
			else if (capture_take_picture(capture, now_us, captured_us))
				note_pace(capture);
			return;
		case CAMERA_NOTHING:
		case CAMERA_LATE:
		case CAMERA_ENDED:
			return;
		}
	}
}

static void end_capture(struct capture *capture, const char *why)
{
	counts_keep(&capture->counts, capture->camera);
	service_watch_drop(capture->watch);
	camera_destroy(capture->camera);
	capture->watch = NULL;
	capture->camera = NULL;
	capture->is_late = false;
	capture->why_stopped = why;
}

/* A beat is due, or its picture was late and is there now. */
static void take_beat(struct capture *capture)
{
	struct error err = {0};
	int64_t captured_us = 0;

	for (int i = 0; i < LOOKS; i++) {
		int64_t now_us = clock_monotonic_us();

		switch (camera_look(capture->camera, now_us, &captured_us, &err)) {
		case CAMERA_DAMAGED:
			capture_complain(capture, now_us, err.text);
			break;
		case CAMERA_LATE:
			capture->is_late = true;
			return;
		case CAMERA_PICTURE:
			capture->is_late = false;
			pace_next(&capture->pace, now_us);
			// Such a source has no instants of its own. With the beat's, not with those
			// at which a busy machine came to it, the same pictures are taken at the
			// same times whenever they are played, and are decided on alike.
			captured_us = capture->pace.taken_us;
			if (capture_take_picture(capture, now_us, captured_us))
				note_pace(capture);
			return;
		case CAMERA_NOTHING:
			capture->is_late = false;
			pace_next(&capture->pace, now_us);
			return;
		case CAMERA_ENDED:
			log_info("the source is over after %lld pictures",
				(long long)capture->origin.sequence);
			end_capture(capture, "the source is over; POST /capture/start begins anew");
			return;
		}
	}
}

/* --- the loop --- */

static void check_ready(struct capture *capture, int64_t now_us)
{
	int64_t stale_us = (int64_t)(3 * capture->pace.period_us);
	struct camera_status status;

	if (!capture->camera) {
		service_ready(capture->service, "frames", false, capture->why_stopped);
		return;
	}
	status = camera_status(capture->camera);
	if (stale_us < STALE_US)
		stale_us = STALE_US;
	if (!capture->published_us || now_us - capture->published_us > stale_us)
		service_ready(capture->service, "frames", false,
			status.is_up ? "the camera gives pictures, but none that can be sent"
				     : status.why);
	else
		service_ready(capture->service, "frames", true, "");
}

/* An instant that is past, or none (INT64_MIN), is now. */
static void set_timer(struct capture *capture, int64_t at_us)
{
	struct itimerspec when = {0};

	if (at_us < 1)
		at_us = 1; // 0 would turn it off
	when.it_value.tv_sec = at_us / 1000000;
	when.it_value.tv_nsec = at_us % 1000000 * 1000;
	if (timerfd_settime(capture->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) != 0)
		log_error("the timer cannot be set: %s", strerror(errno));
}

static void attend(struct capture *capture)
{
	int64_t now_us = clock_monotonic_us();
	int64_t next_us = now_us + CHECK_US;

	if (capture->camera) {
		int64_t camera_us = camera_attend(capture->camera, now_us);

		if (camera_us < next_us)
			next_us = camera_us;
	}
	if (capture->camera && !camera_is_live(capture->camera)) {
		// These can wait, and do, so that no picture of a folder is sent to nobody.
		bool is_ours = capture->is_connected && !capture->is_late;

		if (is_ours && now_us >= pace_due(&capture->pace))
			take_beat(capture);
		is_ours = capture->is_connected && !capture->is_late && capture->camera;
		if (is_ours && pace_due(&capture->pace) < next_us)
			next_us = pace_due(&capture->pace);
	}
	check_ready(capture, clock_monotonic_us());
	set_timer(capture, next_us);
}

static void timer_ready(void *context, uint32_t events)
{
	struct capture *capture = context;
	uint64_t count;

	(void)events;
	// Nothing to read: it was set anew since.
	if (read(capture->timer_fd, &count, sizeof count) > 0)
		attend(capture);
}

static void camera_ready(void *context, uint32_t events)
{
	struct capture *capture = context;

	(void)events;
	if (camera_is_live(capture->camera))
		take_live(capture);
	else if (capture->is_late)
		take_beat(capture);
	// Whatever changed, the timer is to know.
	attend(capture);
}

/* --- starting and stopping --- */

static enum capture_answer begin(
	struct capture *capture, const char *source, bool loop, struct error *err)
{
	const struct capture_options *options = capture->options;
	struct camera_options camera = {
		.source = source,
		.width_px = capture->settings.camera_width_px,
		.height_px = capture->settings.camera_height_px,
		.fps = options->fps,
		.loop = loop,
		.udp = strcmp(options->transport, "udp") == 0,
	};

	if (capture->camera)
		return CAPTURE_IS_RUNNING;
	capture->camera = camera_create(&camera, err);
	if (!capture->camera)
		return CAPTURE_FAILED;
	capture->watch = service_watch(
		capture->service, camera_fd(capture->camera), EPOLLIN, camera_ready, capture);
	pace_begin(&capture->pace, options->fps);
	capture->published_us = 0;
	set_timer(capture, 0);
	return CAPTURE_DONE;
}

enum capture_answer capture_start(struct capture *capture, struct error *err)
{
	return begin(capture, capture->options->source, capture->options->loop, err);
}

enum capture_answer capture_test(struct capture *capture, struct error *err)
{
	struct buffer source = {0};
	enum capture_answer answer;

	if (capture->camera)
		return CAPTURE_IS_RUNNING;
	if (!capture->options->test_file)
		return CAPTURE_HAS_NO_FILE;
	buffer_printf(&source, "file:%s", capture->options->test_file);
	answer = begin(capture, source.data, false, err);
	buffer_finish(&source);
	return answer;
}

void capture_stop(struct capture *capture)
{
	if (capture->camera)
		end_capture(capture, "it was stopped; POST /capture/start begins anew");
	attend(capture);
}

static void bus_state(void *context, bool is_connected)
{
	struct capture *capture = context;

	capture->is_connected = is_connected;
	attend(capture);
}

static void collect(void *context)
{
	struct capture *capture = context;

	counts_collect(&capture->counts, capture->camera);
}

const struct guard *capture_guard(const struct capture *capture)
{
	return capture->settings.is_guarded ? &capture->settings.guard : NULL;
}

struct capture *capture_create(const struct capture_options *options, struct error *err)
{
	struct capture *capture = memory_alloc(sizeof *capture);
	struct service_options service = {
		.name = "capture",
		.settings = &options->service,
		.routes = capture_routes,
		.route_count = capture_route_count,
		.context = capture,
		.bus_state = bus_state,
		.collect = collect,
	};

	*capture = (struct capture){
		.options = options,
		.timer_fd = -1,
		.why_stopped = "it was not started; POST /capture/start starts it",
		.origin = {.source = str_from(options->name), .deadline_ms = options->deadline_ms},
	};
	if (!capture_read_settings(options, &capture->arena, &capture->settings, err) ||
		!(capture->service = service_create(&service, err)))
		goto fail;
	service_random_id(capture->origin.boot.bytes);
	if (!service_clock_id(capture->origin.clock.bytes))
		service_random_id(capture->origin.clock.bytes); // a clock that nobody shares
	counts_create(&capture->counts, service_metrics(capture->service));
	capture->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (capture->timer_fd < 0) {
		error_errno(err, "make a timer");
		goto fail;
	}
	capture->timer_watch =
		service_watch(capture->service, capture->timer_fd, EPOLLIN, timer_ready, capture);
	if (!options->no_start && capture_start(capture, err) != CAPTURE_DONE)
		goto fail;
	attend(capture);
	return capture;
fail:
	capture_destroy(capture);
	return NULL;
}

void capture_destroy(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->camera)
		end_capture(capture, "the program ends");
	service_watch_drop(capture->timer_watch);
	if (capture->timer_fd >= 0)
		close(capture->timer_fd);
	service_destroy(capture->service);
	buffer_finish(&capture->encoded);
	buffer_finish(&capture->message);
	arena_finish(&capture->arena);
	free(capture);
}

bool capture_run(struct capture *capture, struct error *err)
{
	return service_run(capture->service, err);
}
