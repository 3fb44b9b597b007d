/* peak.h — what one core can do at all. */
#ifndef PEAK_H
#define PEAK_H

/* CPU time of this thread: what else the machine does counts little. */
double now_ms(void);

/*
 * GFLOP/s of multiply-adds in registers, as wide as kernels of that name use them, as many
 * independent ones at a time as hide their latency; 0 for a name whose width is not known.
 * Measured, not looked up: it moves with the clock. The first milliseconds are not counted: a
 * processor that has just used narrow registers runs faster for a while than it can with wide ones.
 * Takes 2 ms or so.
 */
double peak_gflops(const char *kernels);

#endif
