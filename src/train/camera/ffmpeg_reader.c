#include "train/camera/ffmpeg_reader.h"

#include "base/clock.h"

#include <libavutil/opt.h>

enum { OPEN_US = 5000000, READ_US = 3000000, ERROR_TEXT = 128 };

static bool fail(struct error *err, enum error_kind kind, int code, const char *what)
{
	char text[ERROR_TEXT] = "";

	av_strerror(code, text, sizeof text);
	return error_set(err, kind, "%s: %s", what, text);
}

/* FFmpeg asks this again and again while it waits. */
static int is_over(void *context)
{
	const struct reader *reader = context;

	return atomic_load(reader->stop) || clock_monotonic_us() > reader->deadline_us;
}

static void set_deadline(struct reader *reader, int64_t us)
{
	reader->deadline_us = clock_monotonic_us() + us;
}

static AVDictionary *input_options(const struct camera_request *request, bool is_live)
{
	AVDictionary *options = NULL;

	if (!is_live) {
		// A playlist must not make us fetch what its writer likes.
		av_dict_set(&options, "protocol_whitelist", "file", 0);
		return options;
	}
	av_dict_set(&options, "protocol_whitelist", "rtsp,tcp,tls,udp,rtp,srtp", 0);
	av_dict_set(&options, "rtsp_transport", request->udp ? "udp" : "tcp", 0);
	av_dict_set_int(&options, "timeout", OPEN_US, 0);
	// The first picture soon, rather than all that could be known about the stream.
	av_dict_set(&options, "fflags", "nobuffer", 0);
	av_dict_set_int(&options, "analyzeduration", 1000000, 0);
	av_dict_set_int(&options, "reorder_queue_size", 0, 0);
	return options;
}

static bool open_input(
	struct reader *reader, const struct camera_request *request, struct error *err)
{
	AVDictionary *options = input_options(request, reader->is_live);
	struct buffer url = {0};
	int code;

	// A colon in a film's name is no protocol.
	buffer_printf(&url, "%s%s", reader->is_live ? "" : "file:", request->where);
	reader->input = avformat_alloc_context();
	if (!reader->input)
		abort();
	reader->input->interrupt_callback = (AVIOInterruptCB){is_over, reader};
	set_deadline(reader, OPEN_US);
	code = avformat_open_input(&reader->input, url.data, NULL, &options);
	av_dict_free(&options);
	buffer_finish(&url);
	if (code < 0)
		return fail(err, ERROR_SYSTEM, code, reader->is_live ? "connect" : request->where);
	set_deadline(reader, OPEN_US);
	code = avformat_find_stream_info(reader->input, NULL);
	if (code < 0)
		return fail(err, ERROR_SYSTEM, code, "look for pictures in it");
	return true;
}

static bool open_decoder(struct reader *reader, const AVCodecParameters *codec, struct error *err)
{
	const AVCodec *found = avcodec_find_decoder(codec->codec_id);

	if (!found)
		return error_set(err, ERROR_UNSUPPORTED, "FFmpeg here has no decoder for %s",
			avcodec_get_name(codec->codec_id));
	reader->decoder = avcodec_alloc_context3(found);
	if (!reader->decoder)
		abort();
	int code = avcodec_parameters_to_context(reader->decoder, codec);

	if (code < 0)
		return fail(err, ERROR_UNSUPPORTED, code, "its parameters");
	// Threads by picture would each hold one back; by slice they cost no time.
	reader->decoder->thread_count = 2;
	reader->decoder->thread_type = FF_THREAD_SLICE;
	reader->decoder->max_pixels = VISION_MAX_PIXELS;
	reader->decoder->pkt_timebase = reader->input->streams[reader->stream]->time_base;
	if (reader->is_live)
		reader->decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
	code = avcodec_open2(reader->decoder, found, NULL);
	if (code < 0)
		return fail(err, ERROR_UNSUPPORTED, code, found->name);
	return true;
}

bool reader_open(struct reader *reader, const struct camera_request *request, bool is_live,
	const atomic_bool *stop, struct error *err)
{
	*reader = (struct reader){.is_live = is_live, .stop = stop};
	reader->packet = av_packet_alloc();
	reader->frame = av_frame_alloc();
	if (!reader->packet || !reader->frame)
		abort();
	if (!open_input(reader, request, err))
		return false;
	reader->stream = av_find_best_stream(reader->input, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (reader->stream < 0)
		return error_set(err, ERROR_UNSUPPORTED, "there is no picture in it");
	const AVCodecParameters *codec = reader->input->streams[reader->stream]->codecpar;

	for (unsigned i = 0; i < reader->input->nb_streams; i++)
		if ((int)i != reader->stream)
			reader->input->streams[i]->discard = AVDISCARD_ALL;
	// These are whole pictures each: handed on as they are.
	if (codec->codec_id == AV_CODEC_ID_MJPEG || codec->codec_id == AV_CODEC_ID_WEBP)
		return true;
	return open_decoder(reader, codec, err);
}

void reader_close(struct reader *reader)
{
	avcodec_free_context(&reader->decoder);
	if (reader->input)
		avformat_close_input(&reader->input);
	av_packet_free(&reader->packet);
	av_frame_free(&reader->frame);
}

static int64_t film_time_us(const struct reader *reader, int64_t timestamp)
{
	const AVRational microseconds = {1, 1000000};

	if (timestamp == AV_NOPTS_VALUE)
		return INT64_MIN;
	return av_rescale_q(
		timestamp, reader->input->streams[reader->stream]->time_base, microseconds);
}

/* The next packet of our stream; at the end of a film an empty one, which drains the decoder. */
static enum reader_result next_packet(struct reader *reader, struct error *err)
{
	for (;;) {
		av_packet_unref(reader->packet);
		set_deadline(reader, READ_US);
		int code = av_read_frame(reader->input, reader->packet);

		if (code == AVERROR_EOF) {
			if (reader->is_live || !reader->decoder || reader->is_drained)
				return READER_END;
			reader->is_drained = true;
			return READER_PICTURE;
		}
		if (code == AVERROR_EXIT && !atomic_load(reader->stop)) {
			error_set(err, ERROR_SYSTEM, "nothing came for %d s", READ_US / 1000000);
			return READER_FAILED;
		}
		if (code < 0) {
			fail(err, ERROR_SYSTEM, code, "read");
			return READER_FAILED;
		}
		if (reader->packet->stream_index != reader->stream)
			continue;
		if ((size_t)reader->packet->size > CAMERA_MAX_PICTURE_BYTES) {
			error_set(err, ERROR_LIMIT, "a picture of %d bytes; at most %zu are taken",
				reader->packet->size, CAMERA_MAX_PICTURE_BYTES);
			return READER_DAMAGED;
		}
		return READER_PICTURE;
	}
}

enum reader_result reader_next(struct reader *reader, struct reader_picture *out, struct error *err)
{
	enum reader_result result;
	int code;

	*out = (struct reader_picture){0};
	if (!reader->decoder) {
		result = next_packet(reader, err);
		if (result != READER_PICTURE)
			return result;
		const AVPacket *packet = reader->packet;

		out->packet = reader->packet;
		out->time_us = film_time_us(
			reader, packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts);
		return READER_PICTURE;
	}
	for (;;) {
		code = avcodec_receive_frame(reader->decoder, reader->frame);
		if (code == 0) {
			out->frame = reader->frame;
			out->time_us = film_time_us(reader, reader->frame->best_effort_timestamp);
			return READER_PICTURE;
		}
		if (code == AVERROR_EOF)
			return READER_END;
		if (code != AVERROR(EAGAIN)) {
			fail(err, ERROR_INVALID, code, "decode a picture");
			return READER_DAMAGED;
		}
		result = next_packet(reader, err);
		if (result != READER_PICTURE)
			return result;
		code = avcodec_send_packet(
			reader->decoder, reader->is_drained ? NULL : reader->packet);
		if (code < 0 && code != AVERROR(EAGAIN)) {
			fail(err, ERROR_INVALID, code, "decode a picture");
			return READER_DAMAGED;
		}
	}
}
