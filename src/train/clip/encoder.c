#include "train/clip/film.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdlib.h>

/* The plug-in's part: pictures to H.264 in an MP4 file, in one thread. */

// A key picture so often, where a player can jump to; how long the last picture is shown.
enum { KEY_EVERY = 50, USUAL_MS = 100 };

struct film {
	AVFormatContext *output;
	AVCodecContext *encoder;
	AVStream *stream;
	struct SwsContext *scaler;
	AVFrame *frame;
	AVPacket *packet;
	int64_t first_ms, last_ms, step_ms;
	bool has_picture;
};

static bool fail(struct error *err, const char *what, int code)
{
	char text[AV_ERROR_MAX_STRING_SIZE] = "";

	av_strerror(code, text, sizeof text);
	return error_set(err, ERROR_SYSTEM, "%s: %s", what, text);
}

static void film_destroy(struct film *film)
{
	if (!film)
		return;
	if (film->output) {
		avio_closep(&film->output->pb);
		avformat_free_context(film->output);
	}
	avcodec_free_context(&film->encoder);
	sws_freeContext(film->scaler);
	av_frame_free(&film->frame);
	av_packet_free(&film->packet);
	free(film);
}

/* H.264 where it is there: that is what browsers and telephones play. */
static const AVCodec *find_encoder(void)
{
	const AVCodec *codec = avcodec_find_encoder_by_name("libx264");

	if (!codec)
		codec = avcodec_find_encoder_by_name("libopenh264");
	return codec ? codec : avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

static bool open_encoder(struct film *film, const AVCodec *codec, size_t width_px, size_t height_px,
	struct error *err)
{
	AVCodecContext *encoder = film->encoder = avcodec_alloc_context3(codec);

	if (!encoder)
		return fail(err, "open the encoder", AVERROR(ENOMEM));
	encoder->width = (int)(width_px & ~(size_t)1);
	encoder->height = (int)(height_px & ~(size_t)1);
	encoder->pix_fmt = AV_PIX_FMT_YUV420P;
	encoder->color_range = AVCOL_RANGE_MPEG;
	encoder->colorspace = AVCOL_SPC_SMPTE170M; // what the scaler makes of RGB
	encoder->time_base = (AVRational){1, 1000};
	encoder->gop_size = KEY_EVERY;
	encoder->max_b_frames = 0;
	encoder->thread_count = 1;
	encoder->bit_rate = (int64_t)width_px * (int64_t)height_px * 4; // where crf is unknown
	if (film->output->oformat->flags & AVFMT_GLOBALHEADER)
		encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	// Other encoders do not know them, and need not.
	if (av_opt_set(encoder->priv_data, "preset", "veryfast", 0) == 0 &&
		av_opt_set(encoder->priv_data, "crf", "22", 0) == 0)
		encoder->bit_rate = 0;
	int code = avcodec_open2(encoder, codec, NULL);

	return code >= 0 || fail(err, "open the encoder", code);
}

static bool open_output(struct film *film, const char *path, struct error *err)
{
	AVDictionary *options = NULL;
	int code = avcodec_parameters_from_context(film->stream->codecpar, film->encoder);

	film->stream->time_base = film->encoder->time_base;
	if (code >= 0)
		code = avio_open(&film->output->pb, path, AVIO_FLAG_WRITE);
	if (code < 0)
		return fail(err, path, code);
	// The table of contents in front, so that a player begins before it has all.
	av_dict_set(&options, "movflags", "+faststart", 0);
	code = avformat_write_header(film->output, &options);
	av_dict_free(&options);
	return code >= 0 || fail(err, path, code);
}

static bool open_frame(struct film *film, struct error *err)
{
	film->frame = av_frame_alloc();
	film->packet = av_packet_alloc();
	if (!film->frame || !film->packet)
		return fail(err, "open the encoder", AVERROR(ENOMEM));
	film->frame->format = film->encoder->pix_fmt;
	film->frame->width = film->encoder->width;
	film->frame->height = film->encoder->height;
	int code = av_frame_get_buffer(film->frame, 0);

	return code >= 0 || fail(err, "open the encoder", code);
}

static struct film *film_create(
	const char *path, size_t width_px, size_t height_px, struct error *err)
{
	struct film *film = calloc(1, sizeof *film);
	const AVCodec *codec = find_encoder();
	int code = film ? avformat_alloc_output_context2(&film->output, NULL, "mp4", path)
			: AVERROR(ENOMEM);
	bool ok = code >= 0 || fail(err, path, code);

	if (ok && (!codec || width_px < 2 || height_px < 2))
		ok = error_set(err, ERROR_UNSUPPORTED, "%s",
			codec ? "the pictures are too small for a film"
			      : "FFmpeg has no encoder for MP4 here");
	if (ok && !(film->stream = avformat_new_stream(film->output, NULL)))
		ok = fail(err, path, AVERROR(ENOMEM));
	if (ok && open_encoder(film, codec, width_px, height_px, err) &&
		open_output(film, path, err) && open_frame(film, err))
		return film;
	film_destroy(film);
	return NULL;
}

/* What the encoder has ready goes to the file; NULL: all that it still holds. */
static bool encode(struct film *film, const AVFrame *frame, struct error *err)
{
	int code = avcodec_send_frame(film->encoder, frame);

	while (code >= 0) {
		code = avcodec_receive_packet(film->encoder, film->packet);
		if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
			return true;
		if (code < 0)
			break;
		film->packet->duration = film->step_ms;
		film->packet->stream_index = film->stream->index;
		av_packet_rescale_ts(
			film->packet, film->encoder->time_base, film->stream->time_base);
		code = av_interleaved_write_frame(film->output, film->packet);
	}
	return fail(err, "write the film", code);
}

static bool convert(struct film *film, const struct picture *picture, struct error *err)
{
	const uint8_t *rows[] = {picture->pixels};
	int stride[] = {(int)(picture->width_px * 3)};
	int code = av_frame_make_writable(film->frame);

	film->scaler = sws_getCachedContext(film->scaler, (int)picture->width_px,
		(int)picture->height_px, AV_PIX_FMT_RGB24, film->frame->width, film->frame->height,
		AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL, NULL, NULL);
	if (code < 0 || !film->scaler)
		return fail(err, "convert a picture", code < 0 ? code : AVERROR(ENOMEM));
	sws_scale(film->scaler, rows, stride, 0, (int)picture->height_px, film->frame->data,
		film->frame->linesize);
	return true;
}

static bool film_add(
	struct film *film, const struct picture *picture, int64_t at_ms, struct error *err)
{
	if (!film->has_picture)
		film->first_ms = at_ms;
	else if (at_ms <= film->last_ms)
		at_ms = film->last_ms + 1;
	film->step_ms = film->has_picture ? at_ms - film->last_ms : USUAL_MS;
	film->has_picture = true;
	film->last_ms = at_ms;
	if (!convert(film, picture, err))
		return false;
	film->frame->pts = at_ms - film->first_ms;
	return encode(film, film->frame, err);
}

static uint64_t film_size(const struct film *film)
{
	int64_t at = avio_tell(film->output->pb);

	return at > 0 ? (uint64_t)at : 0;
}

static bool film_finish(struct film *film, struct error *err)
{
	if (!encode(film, NULL, err))
		return false;
	int code = av_write_trailer(film->output);

	if (code >= 0)
		code = avio_closep(&film->output->pb);
	return code >= 0 || fail(err, "write the film", code);
}

/* What clip.c asks the plug-in for. */
extern const struct film_plugin railquest_film_plugin;
const struct film_plugin railquest_film_plugin = {
	.version = FILM_PLUGIN_VERSION,
	.create = film_create,
	.add = film_add,
	.size = film_size,
	.finish = film_finish,
	.destroy = film_destroy,
};
