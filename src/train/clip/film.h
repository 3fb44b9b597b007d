/*
 * train/clip/film.h — a video file in the making: MP4, H.264. FFmpeg does it, in the plug-in
 * railquest-ffmpeg.so, whose symbol railquest_film_plugin is a struct film_plugin.
 */
#ifndef TRAIN_CLIP_FILM_H
#define TRAIN_CLIP_FILM_H

#include "train/vision/vision.h"

struct film;

/*
 *   create   begins the file; odd sizes lose a row or column. Fails: ERROR_SYSTEM,
 * ERROR_UNSUPPORTED add      the next picture, shown from at_ms on until the one after it; whatever
 * its size, it is made to fit. One that is not later than the one before is shown a millisecond
 * later size     bytes written so far finish   the file is whole. Fails: ERROR_SYSTEM destroy  in
 * any case; takes NULL
 */
enum { FILM_PLUGIN_VERSION = 1 };
struct film_plugin {
	int version;
	struct film *(*create)(
		const char *path, size_t width_px, size_t height_px, struct error *err);
	bool (*add)(
		struct film *film, const struct picture *picture, int64_t at_ms, struct error *err);
	uint64_t (*size)(const struct film *film);
	bool (*finish)(struct film *film, struct error *err);
	void (*destroy)(struct film *film);
};

#endif
