/* train/camera/v4l2_setup.h — a V4L2 camera is asked what it can, and told what to do. */
#ifndef TRAIN_CAMERA_V4L2_SETUP_H
#define TRAIN_CAMERA_V4L2_SETUP_H

#include "train/camera/driver.h"

#include <linux/videodev2.h>

/* What the camera agreed to: JPEG, or else YUYV. */
struct v4l2_setup {
	bool is_jpeg;
	size_t width_px, height_px, row_stride;
};

/* ioctl, again where a signal came between. */
int v4l2_control(int fd, unsigned long request, void *argument);

/* errno as an error; that the device is busy is said so that it helps. Always false. */
bool v4l2_refused(struct error *err, const char *what);

/*
 * JPEG where the camera has it, YUYV otherwise; size and rate nearest to what is wanted. Fails:
 * ERROR_UNSUPPORTED for a device that gives neither, with what it gives; ERROR_SYSTEM.
 */
bool v4l2_set_up(
	int fd, const struct camera_request *request, struct v4l2_setup *out, struct error *err);

#endif
