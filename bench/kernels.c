/*
 * kernels MODEL [ROUNDS] — how fast a model's layers run on one core, beside what that core can do
 * at all.
 *
 * The peak is measured, not looked up: as many independent multiply-adds as hide their latency, in
 * registers, with the same width. Useful work counts a layer's multiply-adds without channels that
 * only fill a block. RAILQUEST_CPU chooses.
 * Times are the thread's own: what else the machine does counts little.
 */
#include "train/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_ROUNDS = 1000 };

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

#define SUMS(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11)
#define DECLARE(i) vector sum##i = start + i;
#define MULTIPLY_ADD(i) sum##i = sum##i * factor + start;
#define COLLECT(i) +sum##i

/* GFLOP/s of multiply-adds on vectors of LANES floats, 12 at a time. The last operand keeps the
 * work from being dropped. */
#define PEAK(NAME, LANES, TARGET)                                                                \
	__attribute__((target(TARGET), optimize("fp-contract=fast"))) static double NAME(void)   \
	{                                                                                        \
		typedef float vector __attribute__((vector_size(LANES * 4)));                    \
		volatile float seed = 0.5f;                                                      \
		const vector start = (vector){0} + seed, factor = start;                         \
		const size_t count = 50000;                                                      \
		double best = 0;                                                                 \
		SUMS(DECLARE)                                                                    \
		for (int round = 0; round < 400; round++) {                                      \
			double begun = now_ms();                                                 \
			for (size_t i = 0; i < count; i++) {                                     \
				SUMS(MULTIPLY_ADD)                                               \
			}                                                                        \
			double rate = (double)count * 12 * LANES * 2 / (now_ms() - begun) / 1e6; \
			best = rate > best ? rate : best;                                        \
		}                                                                                \
		const vector all = SUMS(COLLECT);                                                \
		seed = all[0];                                                                   \
		return best;                                                                     \
	}

#if defined(__x86_64__)
PEAK(peak_avx512, 16, "avx512f,fma")
PEAK(peak_avx2, 8, "avx2,fma")
PEAK(peak_sse2, 4, "sse2")

static double peak(const char *kernels)
{
	if (strcmp(kernels, "avx512") == 0)
		return peak_avx512();
	return strcmp(kernels, "avx2") == 0 ? peak_avx2() : peak_sse2();
}
#else
static double peak(const char *kernels)
{
	(void)kernels;
	return 0;
}
#endif

static int by_size(const void *a, const void *b)
{
	const double *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static void print_row(const char *name, double *times_ms, size_t rounds, uint64_t multiply_adds,
	double peak_gflops)
{
	qsort(times_ms, rounds, sizeof(*times_ms), by_size);
	double best = 2 * (double)multiply_adds / times_ms[0] / 1e6;
	double median = 2 * (double)multiply_adds / times_ms[rounds / 2] / 1e6;

	printf("%-30s %8.3f %8.3f ms %8.1f %8.1f GFLOP/s", name, times_ms[0], times_ms[rounds / 2],
		best, median);
	if (peak_gflops > 0)
		printf(" %5.0f %% %5.0f %%", best / peak_gflops * 100, median / peak_gflops * 100);
	putchar('\n');
}

static void measure(
	struct model *model, const struct kernels *kernels, size_t rounds, double peak_gflops)
{
	static double times[MAX_ROUNDS];

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
		}
		print_row(name, times, rounds, multiply_adds, peak_gflops);
	}
	for (size_t round = 0; round < rounds; round++) {
		double begun = now_ms();

		model_forward(model);
		times[round] = now_ms() - begun;
	}
	print_row(
		"all, one after the other", times, rounds, model->info.multiply_adds, peak_gflops);
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct model *model;
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
	const struct kernels *kernels = kernels_choose(getenv("RAILQUEST_CPU"), &err);

	if (argc < 2 || !rounds || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: kernels MODEL [ROUNDS]   (1 to %d)\n", MAX_ROUNDS);
		return 2;
	}
	if (!kernels || !model_open(argv[1], kernels, &model, &err)) {
		fprintf(stderr, "kernels: %s\n", err.text);
		return 1;
	}
	const struct kernels_map *input = model_input(model);

	for (size_t i = 0; i < kernels_map_floats(input); i++)
		input->data[i] = (float)(i % 255) / 255;
	model_forward(model);
	double peak_gflops = peak(kernels->name);

	printf("%s: input %zux%zu, %.3f GFLOP; peak of the core %.1f GFLOP/s; best and median of "
	       "%zu\n",
		kernels->name, model->info.input_width_px, model->info.input_height_px,
		2e-9 * (double)model->info.multiply_adds, peak_gflops, rounds);
	measure(model, kernels, rounds, peak_gflops);
	model_close(model);
	return 0;
}
