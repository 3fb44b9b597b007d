/*
 * train/camera/driver.h — what each kind of source is behind camera.h, the plug-in's included.
 */
#ifndef TRAIN_CAMERA_DRIVER_H
#define TRAIN_CAMERA_DRIVER_H

#include "train/camera/camera.h"

struct camera_source;

struct camera_request {
	const char *where; // behind the scheme: a path, or the whole URL; outlives the source
	size_t width_px, height_px;
	double fps;
	bool loop, udp;
};

/*
 *   open   begins; false: try again later. close() may follow at any time, and open() again.
 *   fd     readable when look() has something; -1: look() always has
 *   look   false: the source is lost, err says why. Else *outcome and, for a picture, *captured_us.
 *   take   fills encoded or pixels (format and size of encoded ones are found by the caller)
 */
struct camera_driver {
	bool is_live;
	int64_t retry_us, retry_max_us; // pause before it is opened again; doubles up to the second
	int64_t silent_us; // open and silent for so long, it is opened anew; 0: it sees to that
			   // itself
	struct camera_source *(*create)(const struct camera_request *request, struct error *err);
	void (*destroy)(struct camera_source *source);
	bool (*open)(struct camera_source *source, struct error *err);
	void (*close)(struct camera_source *source);
	int (*fd)(const struct camera_source *source);
	bool (*look)(struct camera_source *source, int64_t now_us, enum camera_outcome *outcome,
		int64_t *captured_us, struct error *err);
	bool (*take)(struct camera_source *source, struct arena *arena, struct camera_frame *out,
		struct error *err);
	int64_t (*overtaken)(const struct camera_source *source); // NULL: never
};

extern const struct camera_driver camera_v4l2, camera_folder, camera_card;

/*
 * FFmpeg's libraries draw in some 80 others; they are loaded when the first stream or film is
 * opened, and never where there is only a camera. A plug-in has one symbol, a struct
 * camera_plugin named "railquest_camera_plugin".
 */
enum { CAMERA_PLUGIN_VERSION = 1 };
struct camera_plugin {
	int version;
	size_t frame_size; // sizeof(struct camera_frame): both sides were built from the same
			   // source
	const struct camera_driver *stream, *film;
};
/* Looks in $RAILQUEST_PLUGINS, then in ../lib/railquest beside the program. Fails: ERROR_SYSTEM
 * with where it looked. */
const struct camera_plugin *camera_plugin_load(struct error *err);

/* Format and upright size of a whole JPEG or WebP picture, from its headers alone. Fails:
 * ERROR_INVALID for anything else, and for one that was cut off. */
bool camera_measure(struct str data, enum picture_format *format, size_t *width_px,
	size_t *height_px, struct error *err);

/* Rows of YUYV (YCbCr 4:2:2, BT.601 with 16-235, as cameras give it) to RGB. */
void camera_yuyv_to_rgb(const uint8_t *yuyv, size_t row_stride, const struct picture *out);

#endif
