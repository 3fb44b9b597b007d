#include "train/kernels/conv.h"

const struct kernels *const kernels_built[] = {&kernels_portable, NULL};
