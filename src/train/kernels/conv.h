/* train/kernels/conv.h — the builds of conv.c, and whether this processor runs them. */
#ifndef TRAIN_KERNELS_CONV_H
#define TRAIN_KERNELS_CONV_H

#include "train/kernels/kernels.h"

extern const struct kernels kernels_avx512, kernels_avx2, kernels_sse2, kernels_neon,
	kernels_portable;

bool kernels_always(void);
bool kernels_has_avx512(void);
bool kernels_has_avx2(void);

#endif
