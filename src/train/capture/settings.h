/* train/capture/settings.h — options that are more than their row in the table can check. */
#ifndef TRAIN_CAPTURE_SETTINGS_H
#define TRAIN_CAPTURE_SETTINGS_H

#include "train/capture/capture.h"

struct capture_settings {
	struct prepare_options prepare;
	size_t camera_width_px, camera_height_px; // 0: as the camera is set
	struct guard guard;			  // its token in the arena
	bool is_guarded;			  // else nobody may give commands
};

/* Fails: ERROR_INVALID or ERROR_SYSTEM, naming the option. */
bool capture_read_settings(const struct capture_options *options, struct arena *arena,
	struct capture_settings *out, struct error *err);

#endif
