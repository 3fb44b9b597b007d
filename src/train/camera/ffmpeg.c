#include "train/camera/driver.h"
#include "train/camera/ffmpeg_reader.h"

#include "base/clock.h"

#include <libswscale/swscale.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/*
 * Streams and films, the plug-in railquest-ffmpeg.so. FFmpeg blocks, so it has a thread for each
 * opening (a session), which puts pictures into one place. Of a stream the newest one is there. Of
 * a film the next one is, decoded ahead, with the number of the beat whose turn it is: so which
 * pictures are seen depends on the film and the rate alone, not on how fast this machine is.
 */

enum { STOP_MS = 200 };

struct picture_slot {
	AVPacket *packet;
	AVFrame *frame;
	bool is_full, is_packet;
	int64_t captured_us; // of a stream: when its last part came in
	int64_t beat;	     // of a film
};

struct session {
	atomic_int users; // the thread, and the source
	atomic_bool stop;
	struct camera_request request;
	char *where;
	bool is_live;
	int event_fd;
	pthread_t thread;

	pthread_mutex_t mutex; // guards all below
	pthread_cond_t emptied;
	struct picture_slot slot;
	bool is_awaited; // a look found the place of a film empty
	bool is_damaged, is_over, is_failed;
	struct error damage, failure;
	int64_t overtaken;
};

struct source {
	struct camera_request request;
	bool is_live;
	struct session *session;
	struct picture_slot given;
	int64_t beat; // which one the next look is
	int64_t overtaken;
	struct SwsContext *scaler;
};

static void slot_init(struct picture_slot *slot)
{
	slot->packet = av_packet_alloc();
	slot->frame = av_frame_alloc();
	if (!slot->packet || !slot->frame)
		abort();
}

static void slot_clear(struct picture_slot *slot)
{
	av_packet_unref(slot->packet);
	av_frame_unref(slot->frame);
	slot->is_full = false;
}

static void slot_finish(struct picture_slot *slot)
{
	av_packet_free(&slot->packet);
	av_frame_free(&slot->frame);
}

static void session_drop(struct session *session)
{
	if (atomic_fetch_sub(&session->users, 1) > 1)
		return;
	slot_finish(&session->slot);
	close(session->event_fd);
	pthread_mutex_destroy(&session->mutex);
	pthread_cond_destroy(&session->emptied);
	free(session->where);
	free(session);
}

static void tell(struct session *session)
{
	const uint64_t one = 1;

	// Fails only where it is told already.
	if (write(session->event_fd, &one, sizeof one) < 0)
		return;
}

static void put(struct session *session, const struct reader_picture *picture, int64_t beat)
{
	struct picture_slot *slot = &session->slot;

	pthread_mutex_lock(&session->mutex);
	while (!session->is_live && slot->is_full && !atomic_load(&session->stop))
		pthread_cond_wait(&session->emptied, &session->mutex);
	if (slot->is_full)
		session->overtaken++;
	slot_clear(slot);
	slot->is_full = true;
	slot->is_packet = picture->packet != NULL;
	slot->captured_us = clock_monotonic_us();
	slot->beat = beat;
	if (picture->packet)
		av_packet_move_ref(slot->packet, picture->packet);
	else
		av_frame_move_ref(slot->frame, picture->frame);
	if (session->is_live || session->is_awaited)
		tell(session);
	session->is_awaited = false;
	pthread_mutex_unlock(&session->mutex);
}

static void note_damage(struct session *session, const struct error *err)
{
	pthread_mutex_lock(&session->mutex);
	session->is_damaged = true;
	session->damage = *err;
	pthread_mutex_unlock(&session->mutex);
}

static void finish(struct session *session, const struct error *failure)
{
	pthread_mutex_lock(&session->mutex);
	if (failure) {
		session->is_failed = true;
		session->failure = *failure;
	} else {
		session->is_over = true;
	}
	if (session->is_live || session->is_awaited)
		tell(session);
	pthread_mutex_unlock(&session->mutex);
}

/*
 * Which beat a film's picture belongs to: the one during which it would be seen, but each picture
 * has its own; -1 where a later picture comes in time for that beat.
 */
static int64_t choose_beat(int64_t time_us, int64_t next_beat, double fps)
{
	const double beats = ((double)time_us + 1000) * fps / 1e6;

	if (beats < (double)next_beat)
		return -1;
	return (int64_t)beats > next_beat ? (int64_t)beats : next_beat;
}

/* Once from its beginning to its end. Returns false where it failed. */
static bool play_once(struct session *session, int64_t *next_beat, struct error *err)
{
	const int64_t base = *next_beat;
	struct reader_picture picture;
	enum reader_result result = READER_FAILED;
	int64_t first_us = INT64_MIN, pictures = 0;
	struct reader reader;

	if (!reader_open(&reader, &session->request, session->is_live, &session->stop, err))
		goto done;
	while (!atomic_load(&session->stop)) {
		result = reader_next(&reader, &picture, err);
		if (result == READER_DAMAGED)
			note_damage(session, err);
		if (result == READER_END || result == READER_FAILED)
			break;
		if (result != READER_PICTURE)
			continue;
		pictures++;
		if (session->is_live) {
			put(session, &picture, 0);
			continue;
		}
		if (first_us == INT64_MIN)
			first_us = picture.time_us;
		// Without times: a picture a beat.
		int64_t beat = picture.time_us == INT64_MIN
				       ? *next_beat - base
				       : choose_beat(picture.time_us - first_us, *next_beat - base,
						 session->request.fps);

		if (beat < 0)
			continue;
		put(session, &picture, base + beat);
		*next_beat = base + beat + 1;
	}
	if (result == READER_END && !pictures) {
		error_set(err, ERROR_INVALID, "there is no picture in it");
		result = READER_FAILED;
	}
done:
	reader_close(&reader);
	return result != READER_FAILED;
}

static void *run(void *context)
{
	struct session *session = context;
	struct error err = {0};
	int64_t next_beat = 0;
	bool played;

	do
		played = play_once(session, &next_beat, &err);
	while (played && session->request.loop && !session->is_live &&
		!atomic_load(&session->stop));
	if (played && session->is_live)
		error_set(&err, ERROR_SYSTEM, "the stream ended");
	finish(session, played && !session->is_live ? NULL : &err);
	session_drop(session);
	return NULL;
}

static struct camera_source *create(const struct camera_request *request, bool is_live)
{
	struct source *source = calloc(1, sizeof *source);

	if (!source)
		abort();
	source->request = *request;
	source->is_live = is_live;
	slot_init(&source->given);
	return (struct camera_source *)source;
}

static struct camera_source *create_stream(const struct camera_request *request, struct error *err)
{
	(void)err;
	return create(request, true);
}

static struct camera_source *create_film(const struct camera_request *request, struct error *err)
{
	(void)err;
	return create(request, false);
}

static void source_destroy(struct camera_source *base)
{
	struct source *source = (struct source *)base;

	slot_finish(&source->given);
	sws_freeContext(source->scaler);
	free(source);
}

static bool source_open(struct camera_source *base, struct error *err)
{
	struct source *source = (struct source *)base;
	struct session *session = calloc(1, sizeof *session);

	if (!session || !(session->where = strdup(source->request.where)))
		abort();
	session->request = source->request;
	session->request.where = session->where; // the thread may outlive the source
	session->is_live = source->is_live;
	atomic_init(&session->users, 2);
	pthread_mutex_init(&session->mutex, NULL);
	pthread_cond_init(&session->emptied, NULL);
	slot_init(&session->slot);
	session->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	source->beat = 0;
	if (session->event_fd < 0 || pthread_create(&session->thread, NULL, run, session) != 0) {
		error_set(err, ERROR_SYSTEM, "no thread can be started for it");
		atomic_store(&session->users, 1);
		session_drop(session);
		return false;
	}
	source->session = session;
	return true;
}

/*
 * The thread ends as soon as FFmpeg asks whether to go on, in milliseconds. Looking up a name is
 * where it does not ask: such a thread is left to itself, and frees what it has when it returns.
 */
static void source_close(struct camera_source *base)
{
	struct source *source = (struct source *)base;
	struct session *session = source->session;
	const int64_t until_ms = clock_wall_ms() + STOP_MS;
	struct timespec until;

	slot_clear(&source->given);
	if (!session)
		return;
	pthread_mutex_lock(&session->mutex);
	atomic_store(&session->stop, true);
	source->overtaken += session->overtaken;
	pthread_cond_broadcast(&session->emptied);
	pthread_mutex_unlock(&session->mutex);
	until = (struct timespec){until_ms / 1000, until_ms % 1000 * 1000000};
	if (pthread_timedjoin_np(session->thread, NULL, &until) != 0)
		pthread_detach(session->thread);
	session_drop(session);
	source->session = NULL;
}

static int source_fd(const struct camera_source *base)
{
	const struct session *session = ((const struct source *)base)->session;

	return session ? session->event_fd : -1;
}

/* With the session's mutex held. */
static enum camera_outcome find_picture(struct source *source, struct session *session)
{
	struct picture_slot *slot = &session->slot, kept = source->given;

	if (!slot->is_full) {
		session->is_awaited = true;
		if (session->is_over)
			return CAMERA_ENDED;
		return session->is_live ? CAMERA_NOTHING : CAMERA_LATE;
	}
	if (!session->is_live && slot->beat > source->beat++)
		return CAMERA_NOTHING;
	slot_clear(&kept);
	source->given = *slot;
	*slot = kept;
	pthread_cond_signal(&session->emptied);
	return CAMERA_PICTURE;
}

static bool source_look(struct camera_source *base, int64_t now_us, enum camera_outcome *outcome,
	int64_t *captured_us, struct error *err)
{
	struct source *source = (struct source *)base;
	struct session *session = source->session;
	uint64_t told;
	bool is_lost = false;

	pthread_mutex_lock(&session->mutex);
	// Nothing to read is no news.
	if (read(session->event_fd, &told, sizeof told) < 0)
		told = 0;
	if (session->is_damaged) {
		session->is_damaged = false;
		*outcome = CAMERA_DAMAGED;
		*err = session->damage;
	} else if (session->is_failed && !session->slot.is_full) {
		is_lost = true;
		*err = session->failure;
	} else {
		*outcome = find_picture(source, session);
		*captured_us = session->is_live ? source->given.captured_us : now_us;
	}
	pthread_mutex_unlock(&session->mutex);
	return !is_lost;
}

static bool convert(struct source *source, const AVFrame *frame, struct arena *arena,
	struct picture *out, struct error *err)
{
	const int *coefficients = sws_getCoefficients(
		frame->colorspace == AVCOL_SPC_BT709 ? SWS_CS_ITU709 : SWS_CS_DEFAULT);
	size_t width = (size_t)frame->width, height = (size_t)frame->height;

	if (frame->width < 1 || frame->height < 1 || width > VISION_MAX_SIDE_PX ||
		height > VISION_MAX_SIDE_PX || width * height > VISION_MAX_PIXELS)
		return error_set(err, ERROR_INVALID, "a picture of %dx%d is not taken",
			frame->width, frame->height);
	source->scaler =
		sws_getCachedContext(source->scaler, frame->width, frame->height, frame->format,
			frame->width, frame->height, AV_PIX_FMT_RGB24, SWS_POINT, NULL, NULL, NULL);
	if (!source->scaler)
		return error_set(err, ERROR_INVALID, "its kind of pixels is not known");
	sws_setColorspaceDetails(source->scaler, coefficients,
		frame->color_range == AVCOL_RANGE_JPEG, coefficients, 1, 0, 1 << 16, 1 << 16);
	// The scaler may write up to a vector beyond a row's end.
	*out = (struct picture){arena_alloc(arena, width * height * 3 + 64), width, height};
	uint8_t *const to[4] = {out->pixels};
	const int strides[4] = {(int)width * 3};

	if (sws_scale(source->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0,
		    frame->height, to, strides) != frame->height)
		return error_set(err, ERROR_INVALID, "its pixels could not be converted");
	return true;
}

static bool source_take(struct camera_source *base, struct arena *arena, struct camera_frame *out,
	struct error *err)
{
	struct source *source = (struct source *)base;
	const struct picture_slot *given = &source->given;

	if (!given->is_packet)
		return convert(source, given->frame, arena, &out->pixels, err);
	out->encoded = (struct str){(const char *)given->packet->data, (size_t)given->packet->size};
	if (!out->encoded.len)
		return error_set(err, ERROR_INVALID, "the picture is empty");
	return true;
}

static int64_t source_overtaken(const struct camera_source *base)
{
	const struct source *source = (const struct source *)base;
	int64_t count = source->overtaken;

	if (source->session) {
		pthread_mutex_lock(&source->session->mutex);
		count += source->session->overtaken;
		pthread_mutex_unlock(&source->session->mutex);
	}
	return count;
}

static const struct camera_driver stream = {
	.is_live = true,
	.retry_us = 250000,
	.retry_max_us = 5000000,
	.create = create_stream,
	.destroy = source_destroy,
	.open = source_open,
	.close = source_close,
	.fd = source_fd,
	.look = source_look,
	.take = source_take,
	.overtaken = source_overtaken,
};

static const struct camera_driver film = {
	.retry_us = 500000,
	.retry_max_us = 5000000,
	.create = create_film,
	.destroy = source_destroy,
	.open = source_open,
	.close = source_close,
	.fd = source_fd,
	.look = source_look,
	.take = source_take,
};

/* What camera_plugin_load looks for. */
extern const struct camera_plugin railquest_camera_plugin;
const struct camera_plugin railquest_camera_plugin = {
	.version = CAMERA_PLUGIN_VERSION,
	.frame_size = sizeof(struct camera_frame),
	.stream = &stream,
	.film = &film,
};
