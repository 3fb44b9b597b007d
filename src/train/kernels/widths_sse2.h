/* 16 registers of 4 floats: 12 sums, one value, one product; weights are read from memory as they
 * are multiplied. */
#define KERNELS_WIDTHS_1(M) M(3, 4) M(2, 4) M(1, 4)
#define KERNELS_WIDTHS_2(M)
#define KERNELS_WIDTHS_3(M)
