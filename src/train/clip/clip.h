/*
 * train/clip/clip.h — a part of a train's ring as an ordinary video file, as the camera saw it or
 * with what the detector found drawn onto it. Pictures are shown when they were taken, however
 * unevenly they came.
 */
#ifndef TRAIN_CLIP_CLIP_H
#define TRAIN_CLIP_CLIP_H

#include "train/ring/ring.h"
#include "train/vision/vision.h"

#include <stdatomic.h>

struct clip_options {
	int64_t from_ms, to_ms;
	bool boxes;
	uint64_t max_bytes;		// the film ends there; 0: any
	const atomic_bool *is_given_up; // NULL, or true once nobody wants it any more
	// NULL, or told of progress now and then.
	void (*progress)(void *context, size_t done, size_t total);
	void *context;
};

struct clip_summary {
	size_t pictures, left_out; // left out: not readable any more
	int64_t first_ms, last_ms; // of the pictures
	bool is_cut;		   // more was asked for than fits
};

/*
 * Writes an MP4 file (H.264). False with ERROR_NONE: no picture of that time is recorded, or it was
 * given up. Fails: ERROR_SYSTEM (the plug-in railquest-ffmpeg.so is missing, the disk is full),
 * ERROR_UNSUPPORTED. What was written then is the caller's to remove.
 */
bool clip_write(struct ring_reader *reader, const struct clip_options *options, const char *path,
	struct clip_summary *summary, struct error *err);

/*
 * Draws frames and names onto the picture; boxes refer to one of width_px by height_px (0: to this
 * one).
 */
void clip_draw(const struct picture *picture, const struct wire_detection *detections, size_t count,
	int64_t width_px, int64_t height_px);

#endif
