/* 16 registers of 8 floats: 12 sums, 2 weights, one value. */
#define KERNELS_WIDTHS_1(M) M(6, 2) M(4, 2) M(3, 2) M(1, 2)
#define KERNELS_WIDTHS_2(M)
#define KERNELS_WIDTHS_3(M)
