/*
 * detector MODEL [ROUNDS [RAW.onnx LIBRARY]] — how fast a model runs on one core: with our kernels,
 * each instruction set of this processor, and with ONNX Runtime, beside what the core can do at
 *all. detector --layers MODEL [ROUNDS] — the same layer by layer, for the kernels that
 *RAILQUEST_CPU names.
 *
 * Our fastest kernels and ONNX Runtime take turns, round by round, so that a clock that moves moves
 * both; the narrower kernels follow, as they would move it for the others. A round's share of the
 *peak is that of the peak just before and after it, and the median of the shares is told. Useful
 *work counts a layer's multiply-adds without channels that only fill a block. The first form prints
 *lines of words with tabs between, which bench/detector.py turns into a table:
 *
 *	model	WIDTH	HEIGHT	GFLOP
 *	runner	NAME	best ms	median ms	best and median GFLOP/s of the core's peak (0:
 *unknown) agree	worst |a - b| / max(1, |b|) of all heads' values, ours and ONNX Runtime's
 *	heads	sum of the absolute values of each head
 */
#include "onnx_forward.h"
#include "peak.h"

#include "base/memory.h"
#include "train/model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_ROUNDS = 1000, MAX_RUNNERS = 6 };

struct runner {
	const char *name, *peak_of; // whose registers it uses
	struct model *model;	    // ours, or NULL
	struct onnx_forward *onnx;
	float *planes; // what that reads
	double times_ms[MAX_ROUNDS], peaks[MAX_ROUNDS];
};

/* As learn/golden.py's picture. */
static float pixel(size_t x, size_t y, size_t c)
{
	return (float)((x * 7 + y * 13 + c * 29 + x * y) % 256) / 255;
}

static void fill(const struct kernels_map *map)
{
	for (size_t y = 0; y < map->height; y++)
		for (size_t x = 0; x < map->width; x++)
			for (size_t c = 0; c < 3; c++)
				kernels_map_origin(map)[y * kernels_map_row(map) + x * 3 + c] =
					pixel(x, y, c);
}

static void fill_planes(const struct model_info *info, float *planes)
{
	for (size_t c = 0; c < 3; c++)
		for (size_t y = 0; y < info->input_height_px; y++)
			for (size_t x = 0; x < info->input_width_px; x++)
				*planes++ = pixel(x, y, c);
}

static int by_size(const void *a, const void *b)
{
	const double *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static double best_of(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[0];
}

/* Sorts both; the peak is the median one. */
static double share_of_peak(double *times_ms, double *peaks, size_t count, uint64_t multiply_adds)
{
	double shares[MAX_ROUNDS];

	for (size_t i = 0; i < count; i++)
		shares[i] =
			peaks[i] > 0 ? 2e-6 * (double)multiply_adds / times_ms[i] / peaks[i] : 0;
	best_of(shares, count);
	best_of(times_ms, count);
	best_of(peaks, count);
	return shares[count / 2];
}

static void take_turn(struct runner *runner, const struct model_info *info, size_t round)
{
	// As in use: the picture has just been written.
	if (runner->onnx)
		fill_planes(info, runner->planes);
	else
		fill(model_input(runner->model));
	// Peak before and after: the clock may move in between.
	double before = peak_gflops(runner->peak_of);
	double begun = now_ms();

	if (runner->onnx)
		onnx_forward_run(runner->onnx);
	else
		model_forward(runner->model);
	runner->times_ms[round] = now_ms() - begun;
	runner->peaks[round] = (before + peak_gflops(runner->peak_of)) / 2;
}

static float head_value(const struct model_head *head, size_t channel, size_t cell)
{
	const struct kernels_map *map = head->map;

	return kernels_map_origin(map)[channel / KERNELS_BLOCK * kernels_map_block(map) +
				       cell / map->width * kernels_map_row(map) +
				       cell % map->width * KERNELS_BLOCK + channel % KERNELS_BLOCK];
}

static bool compare(const struct runner *ours, const struct runner *theirs)
{
	double worst = 0;

	printf("heads");
	for (size_t h = 0; h < model_head_count(ours->model); h++) {
		const struct model_head head = model_head(ours->model, h);
		const size_t cells = head.map->width * head.map->height;
		size_t count = 0;
		const float *other = theirs ? onnx_forward_output(theirs->onnx, h, &count) : NULL;
		double sum = 0;

		if (theirs && (!other || count != head.channels * cells))
			return false;
		for (size_t i = 0; i < head.channels * cells; i++) {
			double value = (double)head_value(&head, i / cells, i % cells);

			sum += fabs(value);
			if (other)
				worst = fmax(worst, fabs(value - (double)other[i]) /
							    fmax(1, fabs((double)other[i])));
		}
		printf("\t%.9g", sum);
	}
	putchar('\n');
	if (theirs)
		printf("agree\t%.3g\n", worst);
	return true;
}

static int run_turns(struct runner *runners, size_t count, size_t rounds)
{
	const struct model_info *info = &runners[0].model->info;
	const bool with_onnx = runners[count - 1].onnx != NULL;

	for (size_t round = 0; round < rounds; round++) {
		take_turn(&runners[0], info, round);
		if (with_onnx)
			take_turn(&runners[count - 1], info, round);
	}
	for (size_t i = 1; i + with_onnx < count; i++)
		for (size_t round = 0; round < rounds; round++)
			take_turn(&runners[i], info, round);
	printf("model\t%zu\t%zu\t%.6f\n", info->input_width_px, info->input_height_px,
		2e-9 * (double)info->multiply_adds);
	for (size_t i = 0; i < count; i++) {
		struct runner *runner = &runners[i];
		double share =
			share_of_peak(runner->times_ms, runner->peaks, rounds, info->multiply_adds);

		printf("runner\t%s\t%.4f\t%.4f\t%.4f\t%.2f\n", runner->name, runner->times_ms[0],
			runner->times_ms[rounds / 2], share, runner->peaks[rounds / 2]);
	}
	if (compare(&runners[0], with_onnx ? &runners[count - 1] : NULL))
		return 0;
	fprintf(stderr, "detector: the ONNX file has other heads than the model\n");
	return 1;
}

static int measure_all(const char *path, size_t rounds, const char *onnx, const char *library)
{
	static struct runner runners[MAX_RUNNERS];
	struct error err = {0};
	size_t count = 0;

	for (size_t i = 0; kernels_built[i] && count < MAX_RUNNERS - 1; i++) {
		struct runner *runner = &runners[count];

		if (!kernels_built[i]->is_usable() ||
			strcmp(kernels_built[i]->name, "portable") == 0)
			continue;
		if (!model_open(path, kernels_built[i], &runner->model, &err))
			goto fail;
		runner->name = runner->peak_of = kernels_built[i]->name;
		fill(model_input(runner->model));
		model_forward(runner->model);
		count++;
	}
	if (onnx && count) {
		const struct model_info *info = &runners[0].model->info;
		struct runner *runner = &runners[count++];

		runner->planes = memory_alloc_array(
			3 * info->input_width_px * info->input_height_px, sizeof(float));
		fill_planes(info, runner->planes);
		runner->onnx = onnx_forward_open(onnx, library, runner->planes,
			info->input_width_px, info->input_height_px, &runner->name, &err);
		runner->peak_of = runners[0].peak_of;
		if (!runner->onnx)
			goto fail;
	}
	int exit_code = count ? run_turns(runners, count, rounds) : 1;

	for (size_t i = 0; i < count; i++) {
		model_close(runners[i].model);
		onnx_forward_close(runners[i].onnx);
		free(runners[i].planes);
	}
	return exit_code;
fail:
	fprintf(stderr, "detector: %s\n", err.text);
	return 1;
}

static void print_layer(
	const char *name, double *times_ms, double *peaks, size_t rounds, uint64_t multiply_adds)
{
	double share = share_of_peak(times_ms, peaks, rounds, multiply_adds);

	printf("%-30s %8.3f %8.3f ms %8.1f GFLOP/s", name, times_ms[0], times_ms[rounds / 2],
		2e-6 * (double)multiply_adds / times_ms[rounds / 2]);
	if (share > 0)
		printf(" %5.0f %%", share * 100);
	putchar('\n');
}

enum { MAX_LAYERS = 256, OTHERS_BYTES = 16 << 20 };

/* What other work leaves of the caches between two pictures. */
static void forget(void)
{
	static volatile char others[OTHERS_BYTES];

	for (size_t i = 0; i < OTHERS_BYTES; i += 64)
		others[i]++;
}

static void print_layers(
	struct model *model, double (*times_ms)[MAX_ROUNDS], double *peaks, size_t rounds)
{
	const size_t count = model_layer_count(model);

	for (size_t i = 0; i < count; i++) {
		uint64_t multiply_adds;
		const struct kernels_conv *conv = model_layer(model, i, &multiply_adds);
		double same_peaks[MAX_ROUNDS];
		char name[64];

		snprintf(name, sizeof(name), "%3zu: %zux%zu/%zu %3zu > %3zu  %zux%zu", i + 1,
			conv->size, conv->size, conv->stride,
			conv->in.blocks ? conv->in.blocks * KERNELS_BLOCK : 3,
			conv->out.blocks * KERNELS_BLOCK, conv->out.width, conv->out.height);
		memcpy(same_peaks, peaks, rounds * sizeof(*peaks));
		print_layer(name, times_ms[i], same_peaks, rounds, multiply_adds);
	}
	print_layer("all", times_ms[count], peaks, rounds, model->info.multiply_adds);
}

/* One after the other, as the network runs them. */
static int measure_layers(const char *path, size_t rounds)
{
	static double times[MAX_LAYERS + 1][MAX_ROUNDS], peaks[MAX_ROUNDS];
	struct error err = {0};
	struct model *model;
	const struct kernels *kernels = kernels_choose(getenv("RAILQUEST_CPU"), &err);

	if (!kernels || !model_open(path, kernels, &model, &err)) {
		fprintf(stderr, "detector: %s\n", err.text);
		return 1;
	}
	const size_t count = model_layer_count(model);

	for (size_t round = 0; round < rounds; round++) {
		forget();
		fill(model_input(model));
		double before = peak_gflops(kernels->name);

		times[count][round] = 0;
		for (size_t i = 0; i < count; i++) {
			uint64_t multiply_adds;
			const struct kernels_conv *conv = model_layer(model, i, &multiply_adds);
			double begun = now_ms();

			kernels->conv(conv);
			times[i][round] = now_ms() - begun;
			times[count][round] += times[i][round];
		}
		peaks[round] = (before + peak_gflops(kernels->name)) / 2;
	}
	printf("%s, best and median of %zu, and the median share of the core's peak\n",
		kernels->name, rounds);
	print_layers(model, times, peaks, rounds);
	model_close(model);
	return 0;
}

int main(int argc, char **argv)
{
	const bool layers = argc > 1 && strcmp(argv[1], "--layers") == 0;

	argc -= layers;
	argv += layers;
	const size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;

	if (argc < 2 || argc == 4 || argc > 5 || (layers && argc > 3) || !rounds ||
		rounds > MAX_ROUNDS) {
		fprintf(stderr,
			"usage: detector MODEL [ROUNDS [RAW.onnx LIBRARY]], detector --layers "
			"MODEL [ROUNDS]   (1 to %d rounds)\n",
			MAX_ROUNDS);
		return 2;
	}
	return layers ? measure_layers(argv[1], rounds)
		      : measure_all(argv[1], rounds, argc > 4 ? argv[3] : NULL,
				argc > 4 ? argv[4] : NULL);
}
