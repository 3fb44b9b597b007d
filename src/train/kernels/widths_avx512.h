/* 32 registers of 16 floats: 24 to 27 sums, up to 3 weights, one value. */
#define KERNELS_WIDTHS_1(M) M(24, 1) M(18, 1) M(12, 1) M(6, 1) M(1, 1)
#define KERNELS_WIDTHS_2(M) M(12, 2) M(9, 2) M(6, 2) M(3, 2) M(1, 2)
#define KERNELS_WIDTHS_3(M) M(9, 3) M(8, 3) M(6, 3) M(3, 3) M(1, 3)
