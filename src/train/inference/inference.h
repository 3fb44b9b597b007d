/*
 * train/inference/inference.h — what railquest-inference does: for now `detect`, files in, a JSON
 * line each out.
 */
#ifndef TRAIN_INFERENCE_INFERENCE_H
#define TRAIN_INFERENCE_INFERENCE_H

#include "base/options.h"
#include "train/model/model.h"

extern const struct command inference_detect_command;

/*
 * Appends
 * {"file","width","height","detections":[{"class_id","class_name","confidence","box":[x,y,w,h]}]}
 * and a line end, best first; box from its top-left corner in pixels of the upright picture. For a
 * file that cannot be read as a picture it appends {"file","error"} instead and returns false.
 * min_confidence as for model_run.
 */
bool inference_detect(
	struct model *model, const char *path, float min_confidence, struct buffer *out);

#endif
