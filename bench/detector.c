/*
 * detector MODEL [ROUNDS [RAW.onnx LIBRARY]] — how fast a model runs on one core: with our kernels,
 * each instruction set of this processor, and with ONNX Runtime, beside what the core can do at
 *all. detector --layers MODEL [ROUNDS] — the same layer by layer, for the kernels that
 *RAILQUEST_CPU names.
 *
 * Everything takes turns, round by round, so that a clock that moves moves all of them. Useful work
 * counts a layer's multiply-adds without channels that only fill a block. The first form prints
 * lines of words with tabs between, which bench/detector.py turns into a table:
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
	double times_ms[MAX_ROUNDS], peaks[MAX_ROUNDS];
};

/* As learn/golden.py's picture. */
static void fill(const struct kernels_map *map, float *planes)
{
	for (size_t y = 0; y < map->height; y++)
		for (size_t x = 0; x < map->width; x++)
			for (size_t c = 0; c < 3; c++) {
				float value =
					(float)((x * 7 + y * 13 + c * 29 + x * y) % 256) / 255;

				kernels_map_origin(map)[y * kernels_map_row(map) + x * 3 + c] =
					value;
				if (planes)
					planes[(c * map->height + y) * map->width + x] = value;
			}
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

static void take_turn(struct runner *runner, size_t round)
{
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

	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < count; i++)
			take_turn(&runners[i], round);
	printf("model\t%zu\t%zu\t%.6f\n", info->input_width_px, info->input_height_px,
		2e-9 * (double)info->multiply_adds);
	for (size_t i = 0; i < count; i++) {
		struct runner *runner = &runners[i];
		double best_ms = best_of(runner->times_ms, rounds);

		best_of(runner->peaks, rounds);
		printf("runner\t%s\t%.4f\t%.4f\t%.2f\t%.2f\n", runner->name, best_ms,
			runner->times_ms[rounds / 2], runner->peaks[rounds - 1],
			runner->peaks[rounds / 2]);
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
	float *planes = NULL;
	size_t count = 0;

	for (size_t i = 0; kernels_built[i] && count < MAX_RUNNERS - 1; i++) {
		struct runner *runner = &runners[count];

		if (!kernels_built[i]->is_usable() ||
			strcmp(kernels_built[i]->name, "portable") == 0)
			continue;
		if (!model_open(path, kernels_built[i], &runner->model, &err))
			goto fail;
		runner->name = runner->peak_of = kernels_built[i]->name;
		if (!planes)
			planes = memory_alloc_array(
				kernels_map_floats(model_input(runner->model)), sizeof(*planes));
		fill(model_input(runner->model), planes);
		model_forward(runner->model);
		count++;
	}
	if (onnx && count) {
		const struct kernels_map *input = model_input(runners[0].model);

		runners[count].onnx = onnx_forward_open(onnx, library, planes, input->width,
			input->height, &runners[count].name, &err);
		runners[count].peak_of = runners[0].peak_of;
		if (!runners[count++].onnx)
			goto fail;
	}
	int exit_code = count ? run_turns(runners, count, rounds) : 1;

	for (size_t i = 0; i < count; i++) {
		model_close(runners[i].model);
		onnx_forward_close(runners[i].onnx);
	}
	free(planes);
	return exit_code;
fail:
	fprintf(stderr, "detector: %s\n", err.text);
	return 1;
}

static void print_layer(
	const char *name, double *times_ms, double *peaks, size_t rounds, uint64_t multiply_adds)
{
	double best = 2 * (double)multiply_adds / best_of(times_ms, rounds) / 1e6;
	double median = 2 * (double)multiply_adds / times_ms[rounds / 2] / 1e6;

	best_of(peaks, rounds);
	printf("%-30s %8.3f %8.3f ms %8.1f %8.1f GFLOP/s", name, times_ms[0], times_ms[rounds / 2],
		best, median);
	if (peaks[rounds - 1] > 0)
		printf(" %5.0f %% %5.0f %%", best / peaks[rounds - 1] * 100,
			median / peaks[rounds / 2] * 100);
	putchar('\n');
}

static int measure_layers(const char *path, size_t rounds)
{
	static double times[MAX_ROUNDS], peaks[MAX_ROUNDS];
	struct error err = {0};
	struct model *model;
	const struct kernels *kernels = kernels_choose(getenv("RAILQUEST_CPU"), &err);

	if (!kernels || !model_open(path, kernels, &model, &err)) {
		fprintf(stderr, "detector: %s\n", err.text);
		return 1;
	}
	fill(model_input(model), NULL);
	model_forward(model);
	printf("%s, best and median of %zu; shares of the core's peak\n", kernels->name, rounds);
	for (size_t i = 0; i < model_layer_count(model); i++) {
		uint64_t multiply_adds;
		const struct kernels_conv *conv = model_layer(model, i, &multiply_adds);
		char name[64];

		snprintf(name, sizeof(name), "%3zu: %zux%zu/%zu %3zu > %3zu  %zux%zu", i + 1,
			conv->size, conv->size, conv->stride,
			conv->in.blocks ? conv->in.blocks * KERNELS_BLOCK : 3,
			conv->out.blocks * KERNELS_BLOCK, conv->out.width, conv->out.height);
		for (size_t round = 0; round < rounds; round++) {
			double begun = now_ms();

			kernels->conv(conv);
			times[round] = now_ms() - begun;
			peaks[round] = peak_gflops(kernels->name);
		}
		print_layer(name, times, peaks, rounds, multiply_adds);
	}
	for (size_t round = 0; round < rounds; round++) {
		double begun = now_ms();

		model_forward(model);
		times[round] = now_ms() - begun;
		peaks[round] = peak_gflops(kernels->name);
	}
	print_layer("all, one after the other", times, peaks, rounds, model->info.multiply_adds);
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
