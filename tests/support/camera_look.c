/*
 * Looks at a camera, pauses, and looks again: what a program sees that was held up. Prints how much
 * newer the second picture is and how many it overtook.
 *
 * usage: camera_look SOURCE PAUSE_MS
 */
#include "base/clock.h"
#include "train/camera/camera.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATIENCE_US = 10000000 };

static bool wait_for_picture(struct camera *camera, int64_t *captured_us)
{
	int64_t start_us = clock_monotonic_us();
	struct error err = {0};

	for (int64_t now_us = start_us; now_us < start_us + PATIENCE_US; usleep(1000)) {
		now_us = clock_monotonic_us();
		camera_attend(camera, now_us);
		if (camera_look(camera, now_us, captured_us, &err) == CAMERA_PICTURE)
			return true;
	}
	fprintf(stderr, "no picture: %s\n", camera_status(camera).why);
	return false;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	int64_t first_us, second_us;

	if (argc != 3)
		return 2;
	struct camera *camera =
		camera_create(&(struct camera_options){.source = argv[1], .fps = 10}, &err);

	if (!camera) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	bool seen = wait_for_picture(camera, &first_us);

	usleep((unsigned)strtoul(argv[2], NULL, 10) * 1000);
	seen = seen && wait_for_picture(camera, &second_us);
	if (seen)
		printf("newer_ms %lld overtaken %lld\n", (long long)(second_us - first_us) / 1000,
			(long long)camera_status(camera).overtaken);
	camera_destroy(camera);
	return seen ? 0 : 1;
}
