/*
 * base/clock.h — the only place that asks what time it is. Nothing below a main or a server loop
 * calls it: time is an argument.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Unix time in milliseconds. */
int64_t clock_wall_ms(void);
/* Milliseconds that only grow, for durations. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);

/* RFC 3339 with a zone (2024-10-04T13:15:00Z, …+02:00, fractions), or Unix seconds. */
bool clock_parse_instant(const char *data, unsigned long len, int64_t *out_ms);
/* 2024-10-04T13:15:00Z, with .123 where there are milliseconds. Needs 32 bytes. */
void clock_print_instant(char out[32], int64_t t_ms);

#endif
