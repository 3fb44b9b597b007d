#include "train/camera/driver.h"
#include "train/camera/ffmpeg_session.h"

#include <libswscale/swscale.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Streams and films, the plug-in railquest-ffmpeg.so. FFmpeg blocks, so it has a thread for each
 * opening (a session), which puts pictures into one place. Of a stream the newest one is there. Of
 * a film the next one is, decoded ahead, with the number of the beat whose turn it is: so which
 * pictures are seen depends on the film and the rate alone, not on how fast this machine is.
 */

struct source {
	struct camera_request request;
	bool is_live;
	struct session *session;
	struct picture_slot given;
	int64_t beat; // which one the next look is
	int64_t overtaken;
	struct SwsContext *scaler;
};

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

	source->beat = 0;
	source->session = session_open(&source->request, source->is_live, err);
	return source->session != NULL;
}

static void source_close(struct camera_source *base)
{
	struct source *source = (struct source *)base;

	slot_clear(&source->given);
	if (source->session)
		source->overtaken += session_close(source->session);
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
