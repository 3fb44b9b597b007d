#include "train/kernels/conv.h"

bool kernels_has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}

bool kernels_has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct kernels *const kernels_built[] = {
	&kernels_avx512, &kernels_avx2, &kernels_sse2, &kernels_portable, NULL};
