/*
 * train/monitor/fields.h — fields of the JSON objects that pages are told, the past's and the
 * present's. Each begins with a comma: it is never an object's first. Names are plain.
 */
#ifndef TRAIN_MONITOR_FIELDS_H
#define TRAIN_MONITOR_FIELDS_H

#include "train/wire/wire.h"

void field_text(struct buffer *out, const char *name, struct str text);
void field_int(struct buffer *out, const char *name, int64_t value);
void field_bool(struct buffer *out, const char *name, bool value);
void field_number(struct buffer *out, const char *name, double value);
/* `"box":[x,y,width,height]`, in pixels of the picture. */
void field_box(struct buffer *out, const struct wire_box *box);
/* `"detections":[{class_id, class_name, confidence, box}…]` */
void field_detections(struct buffer *out, const struct wire_detection *detections, size_t count);

#endif
