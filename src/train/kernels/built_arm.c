#include "train/kernels/conv.h"

const struct kernels *const kernels_built[] = {&kernels_neon, &kernels_portable, NULL};
