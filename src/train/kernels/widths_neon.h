/* 32 registers of 4 floats: 24 sums, 4 weights, some values. */
#define KERNELS_WIDTHS_1(M) M(6, 4) M(4, 4) M(3, 4) M(1, 4)
#define KERNELS_WIDTHS_2(M)
#define KERNELS_WIDTHS_3(M)
