/*
 * The bare loop: pictures decoded and looked at, one after another at a steady pace, and nothing
 * else. look FPS FILE…; prints the microseconds that each took, a line each.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "train/inference/inference.h"

#include <time.h>

enum { MAX_PICTURE_BYTES = 16 << 20 };

static void wait_until(int64_t at_us)
{
	int64_t left_us = at_us - clock_monotonic_us();
	struct timespec left = {left_us / 1000000, left_us % 1000000 * 1000};

	if (left_us > 0)
		nanosleep(&left, NULL);
}

static bool look(struct model *model, const char *path, int64_t due_us, struct error *err)
{
	struct arena arena = {0};
	struct inference_view view;
	struct str data;
	bool ok = file_read(path, MAX_PICTURE_BYTES, &arena, &data, err);

	wait_until(due_us);
	int64_t begun_us = clock_monotonic_us();

	ok = ok && inference_look(model, data, -1, NULL, &arena, &view, err);
	if (ok)
		printf("%lld\n", (long long)(clock_monotonic_us() - begun_us));
	arena_finish(&arena);
	return ok;
}

int main(int argc, char **argv)
{
	struct inference_model options = {.threads = 1, .fit = "model", .providers = "cpu"};
	struct model *model;
	struct error err = {0};
	double fps = 0;
	int exit_code;

	if (argc < 3 || !number_parse(str_from(argv[1]), &fps) || fps <= 0) {
		fprintf(stderr, "usage: look FPS FILE…\n");
		return 2;
	}
	bool ok = inference_open(&options, &model, &exit_code, &err);
	int64_t begun_us = clock_monotonic_us();

	for (int i = 2; ok && i < argc; i++)
		ok = look(model, argv[i], begun_us + (int64_t)((i - 2) * 1e6 / fps), &err);
	if (!ok)
		fprintf(stderr, "look: %s\n", err.text);
	model_close(model);
	return ok ? 0 : 1;
}
