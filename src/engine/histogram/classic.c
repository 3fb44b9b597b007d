#include "engine/histogram/histogram.h"

#include <math.h>

/* Source: prometheus/util/convertnhcb. */
struct histogram *histogram_of_classic(struct arena *arena, const double *bounds,
	const double *cumulative, size_t count, double total, double sum, struct error *err)
{
	bool has_infinity = count && isinf(bounds[count - 1]) && bounds[count - 1] > 0;
	size_t finite = count - has_infinity;
	struct histogram *out = ARENA_NEW(arena, struct histogram);
	double *custom = ARENA_ARRAY(arena, double, finite), before = 0;

	if (isnan(total))
		total = count ? cumulative[count - 1] : 0;
	*out = (struct histogram){.schema = HISTOGRAM_CUSTOM_SCHEMA,
		.count = total,
		.sum = isnan(sum) ? 0 : sum,
		.custom_values = finite ? custom : NULL,
		.custom_count = finite};
	out->positive.spans = ARENA_NEW(arena, struct histogram_span);
	out->positive.spans[0].length = (uint32_t)finite + 1;
	out->positive.span_count = 1;
	out->positive.buckets = ARENA_ARRAY(arena, double, finite + 1);
	out->positive.bucket_count = finite + 1;
	for (size_t i = 0; i <= finite; i++) {
		double reached = i < count ? cumulative[i] : total;

		if (i < finite)
			custom[i] = bounds[i];
		if (!(reached >= before)) {
			error_set(err, ERROR_INVALID,
				"a classic histogram counts %g up to one bound and %g up to the "
				"next",
				before, reached);
			return NULL;
		}
		out->positive.buckets[i] = reached - before;
		before = reached;
	}
	return histogram_check(out, err) ? histogram_compact(arena, out) : NULL;
}
