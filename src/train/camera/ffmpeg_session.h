/*
 * train/camera/ffmpeg_session.h — one opening of a stream or film: a thread on which FFmpeg may
 * block, and the place into which it puts pictures.
 */
#ifndef TRAIN_CAMERA_FFMPEG_SESSION_H
#define TRAIN_CAMERA_FFMPEG_SESSION_H

#include "train/camera/driver.h"

#include <libavcodec/avcodec.h>
#include <pthread.h>
#include <stdatomic.h>

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

void slot_init(struct picture_slot *slot);
void slot_clear(struct picture_slot *slot);
void slot_finish(struct picture_slot *slot);

/* Fails: ERROR_SYSTEM. */
struct session *session_open(const struct camera_request *request, bool is_live, struct error *err);
/*
 * How many pictures were overtaken. The thread ends as soon as FFmpeg asks whether to go on, in
 * milliseconds. Looking up a name is where it does not ask: such a thread is left to itself, and
 * frees what it has when it returns.
 */
int64_t session_close(struct session *session);

#endif
