/* peak.h — what one core can do at all. */
#ifndef PEAK_H
#define PEAK_H

/* CPU time of this thread: what else the machine does counts little. */
double now_ms(void);

/*
 * GFLOP/s of multiply-adds in registers, as wide as kernels of that name use them, as many
 * independent ones at a time as hide their latency; 0 for a name whose width is not known. Takes
 * about 0.1 ms. The peak is measured, not looked up: it moves with the clock.
 */
double peak_gflops(const char *kernels);

#endif
