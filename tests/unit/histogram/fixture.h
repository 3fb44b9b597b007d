#ifndef TESTS_UNIT_HISTOGRAM_FIXTURE_H
#define TESTS_UNIT_HISTOGRAM_FIXTURE_H

#include "engine/histogram/histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static inline struct histogram *parsed(struct arena *arena, const char *text)
{
	struct error err = {0};
	size_t at = 0;
	struct histogram *histogram = histogram_parse(arena, str_from(text), &at, &err);

	if (!histogram)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(at, strlen(text));
	return histogram;
}

/* A histogram that was computed is valid, and reads as the literal `wanted`. */
static inline void check_literal(const struct histogram *histogram, const char *wanted)
{
	struct buffer out = {0};
	struct error err = {0};

	if (!histogram_check(histogram, &err))
		fail_msg("%s: %s", wanted, err.text);
	histogram_print_literal(&out, histogram);
	assert_string_equal(out.data, wanted);
	buffer_finish(&out);
}

static inline void check_near(double found, double wanted)
{
	if (isnan(wanted) || isinf(wanted))
		assert_true(isnan(wanted) ? isnan(found) : found == wanted);
	else if (!(fabs(found - wanted) <= 1e-9 * (fabs(wanted) + 1e-300)))
		fail_msg("found %.17g, wanted %.17g", found, wanted);
}

#endif
