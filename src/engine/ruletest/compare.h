/*
 * ruletest/compare.h — expected and got samples: equal or not, and promtool's words for it.
 */
#ifndef RULETEST_COMPARE_H
#define RULETEST_COMPARE_H

#include "engine/ruletest/testfile.h"

struct compare_samples {
	struct test_sample *items;
	size_t count, capacity;
};

void compare_reserve(struct compare_samples *samples, size_t count);
void compare_sort(struct compare_samples *samples);
void compare_finish(struct compare_samples *samples);

/* Same labels, same values in order; `fuzzy` forgives the last bit. NaN equals nothing, as in
 * promtool. */
bool compare_equal(const struct test_case *test, const struct compare_samples *got, bool fuzzy);

/* `    expr: "…", time: 5s,` */
void compare_print_head(struct buffer *out, const struct test_case *test);

/* That, then the lines `exp:` and `got:`. */
void compare_print(
	struct buffer *out, const struct test_case *test, const struct compare_samples *got);

/* Go's time.Duration.String(): 1m30s, 1h0m0s, 1.5s, 0s. */
void compare_print_go_duration(struct buffer *out, int64_t ms);

#endif
