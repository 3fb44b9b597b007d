/*
 * train/camera/ffmpeg_reader.h — packets and decoded pictures of one stream or film, one after the
 * other; everything here may block, and runs on a thread of its own.
 */
#ifndef TRAIN_CAMERA_FFMPEG_READER_H
#define TRAIN_CAMERA_FFMPEG_READER_H

#include "train/camera/driver.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdatomic.h>

struct reader {
	AVFormatContext *input;
	AVCodecContext *decoder; // NULL: packets are pictures already
	AVPacket *packet;
	AVFrame *frame;
	int stream;
	bool is_live, is_drained;
	int64_t deadline_us;	 // of the call that blocks
	const atomic_bool *stop; // makes it return
};

/* One of both is set. The reader's, until its next call; may be moved away. */
struct reader_picture {
	AVPacket *packet;
	AVFrame *frame;
	int64_t time_us; // within the film; INT64_MIN: it does not say
};

enum reader_result { READER_PICTURE, READER_DAMAGED, READER_END, READER_FAILED };

/* reader_close in any case. Fails: ERROR_SYSTEM, ERROR_UNSUPPORTED. */
bool reader_open(struct reader *reader, const struct camera_request *request, bool is_live,
	const atomic_bool *stop, struct error *err);
void reader_close(struct reader *reader);
/* READER_DAMAGED: one was left out, go on; READER_FAILED: the rest is lost. Both say why. */
enum reader_result reader_next(
	struct reader *reader, struct reader_picture *out, struct error *err);

#endif
