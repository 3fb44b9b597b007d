/* train/capture/private.h — a running capture as its own files see it. */
#ifndef TRAIN_CAPTURE_PRIVATE_H
#define TRAIN_CAPTURE_PRIVATE_H

#include "train/camera/camera.h"
#include "train/capture/capture.h"
#include "train/capture/counts.h"
#include "train/capture/pace.h"
#include "train/capture/settings.h"

struct capture {
	const struct capture_options *options;
	struct capture_settings settings;
	struct service *service;
	int timer_fd; // finer than the loop's own timers, which count whole milliseconds
	struct service_watch *timer_watch;
	struct counts counts;

	struct arena arena; // of the settings

	struct camera *camera; // NULL: nothing is captured
	struct service_watch *watch;
	struct pace pace;
	bool is_late;	   // a beat waits for its picture
	bool is_connected; // to the broker
	const char *why_stopped;

	struct wire_origin origin; // of the last picture
	int64_t published_us, id_ms;
	int64_t damaged, complained_us; // since the last line about it
	struct buffer encoded, message;
};

/* --- picture.c --- */

/* Takes what the camera has, and publishes it. False: it was damaged. */
bool capture_take_picture(struct capture *capture, int64_t now_us, int64_t captured_us);
/* Counts a damaged picture, and says so now and then. */
void capture_complain(struct capture *capture, int64_t now_us, const char *why);

#endif
