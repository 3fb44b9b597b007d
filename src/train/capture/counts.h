/* train/capture/counts.h — what the service counts. */
#ifndef TRAIN_CAPTURE_COUNTS_H
#define TRAIN_CAPTURE_COUNTS_H

#include "train/camera/camera.h"
#include "train/service/service.h"

struct counts {
	struct metric *published, *dropped, *damaged, *unwanted, *overtaken;
	struct metric *untouched, *encoded, *bytes;
	struct metric *up, *openings, *losses;
	struct metric *encode_s, *age_s, *pace_s;
	struct camera_status past; // of cameras that were closed since
};

void counts_create(struct counts *counts, struct metrics *metrics);
/* Before the metrics are printed; `camera` may be NULL. */
void counts_collect(struct counts *counts, const struct camera *camera);
/* Before the camera is destroyed. */
void counts_keep(struct counts *counts, const struct camera *camera);

#endif
