#include "peak.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

#define SUMS(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11)
#define DECLARE(i) vector sum##i = start + i;
#define MULTIPLY_ADD(i) sum##i = sum##i * factor + start;
#define COLLECT(i) +sum##i

/* Vectors of LANES floats, 12 at a time. The last operand keeps the work from being dropped. */
#define PEAK(NAME, LANES, TARGET)                                                              \
	__attribute__((target(TARGET), optimize("fp-contract=fast"))) static double NAME(void) \
	{                                                                                      \
		typedef float vector __attribute__((vector_size(LANES * 4)));                  \
		volatile float seed = 0.5f;                                                    \
		const vector start = (vector){0} + seed, factor = start;                       \
		const size_t count = 50000;                                                    \
		SUMS(DECLARE)                                                                  \
		double begun = now_ms();                                                       \
		for (size_t i = 0; i < count; i++) {                                           \
			SUMS(MULTIPLY_ADD)                                                     \
		}                                                                              \
		const vector all = SUMS(COLLECT);                                              \
		seed = all[0];                                                                 \
		return (double)count * 12 * LANES * 2 / (now_ms() - begun) / 1e6;              \
	}

#if defined(__x86_64__)
PEAK(peak_avx512, 16, "avx512f,fma")
PEAK(peak_avx2, 8, "avx2,fma")
PEAK(peak_sse2, 4, "sse2")
#elif defined(__aarch64__)
PEAK(peak_neon, 4, "arch=armv8-a")
#endif

static const struct {
	const char *kernels;
	double (*measure)(void);
} peaks[] = {
#if defined(__x86_64__)
	{"avx512", peak_avx512},
	{"avx2", peak_avx2},
	{"sse2", peak_sse2},
#elif defined(__aarch64__)
	{"neon", peak_neon},
#endif
	{"", NULL},
};

double peak_gflops(const char *kernels)
{
	enum { SETTLE = 10, MEASURED = 10 };
	double inverse = 0;

	for (size_t i = 0; peaks[i].measure; i++) {
		if (strcmp(peaks[i].kernels, kernels) != 0)
			continue;
		for (size_t round = 0; round < SETTLE; round++)
			peaks[i].measure();
		for (size_t round = 0; round < MEASURED; round++)
			inverse += 1 / peaks[i].measure();
		return MEASURED / inverse;
	}
	return 0;
}
