#include "engine/histogram/parts.h"

#include <math.h>

struct parts parts_of(struct arena *arena, const struct histogram_side *side)
{
	struct parts parts = {ARENA_ARRAY(arena, struct part, side->bucket_count), 0};
	int32_t index = 0;

	for (size_t s = 0; s < side->span_count; s++) {
		index += side->spans[s].offset;
		for (uint32_t i = 0; i < side->spans[s].length; i++, index++) {
			size_t at = parts.count++;

			parts.items[at] = (struct part){index, side->buckets[at], 0};
		}
	}
	return parts;
}

static void merge_equal(struct parts *parts)
{
	size_t kept = 0;

	for (size_t i = 0; i < parts->count; i++) {
		if (kept && parts->items[kept - 1].index == parts->items[i].index) {
			parts->items[kept - 1].count += parts->items[i].count;
			parts->items[kept - 1].rest += parts->items[i].rest;
		} else {
			parts->items[kept++] = parts->items[i];
		}
	}
	parts->count = kept;
}

void parts_reduce(struct parts *parts, int32_t from, int32_t to, double threshold)
{
	size_t first = 0;

	while (threshold > 0 && first < parts->count &&
		histogram_upper_bound(from, parts->items[first].index - 1) < threshold)
		first++;
	parts->items += first;
	parts->count -= first;
	if (from == to)
		return;
	for (size_t i = 0; i < parts->count; i++)
		parts->items[i].index = ((parts->items[i].index - 1) >> (from - to)) + 1;
	merge_equal(parts);
}

void parts_rebound(struct parts *parts, const double *from, size_t from_count, const double *to,
	size_t to_count)
{
	size_t target = 0;

	for (size_t i = 0; i < parts->count; i++) {
		size_t index = (size_t)parts->items[i].index;

		if (index >= from_count)
			target = to_count;
		while (target < to_count && to[target] < from[index])
			target++;
		parts->items[i].index = (int32_t)target;
	}
	merge_equal(parts);
}

size_t parts_common_bounds(
	const double *a, size_t a_count, const double *b, size_t b_count, double *out)
{
	size_t count = 0;

	for (size_t i = 0, j = 0; i < a_count && j < b_count;) {
		if (a[i] == b[j])
			out[count++] = a[i];
		bool advance_a = a[i] <= b[j], advance_b = b[j] <= a[i];

		i += advance_a;
		j += advance_b;
	}
	return count;
}

void parts_add(double value, double *sum, double *rest)
{
	double total = *sum + value;

	if (isinf(total))
		*rest = 0;
	else if (fabs(*sum) >= fabs(value))
		*rest += (*sum - total) + value;
	else
		*rest += (value - total) + *sum;
	*sum = total;
}

struct parts parts_merge(struct arena *arena, const struct parts *a, const struct parts *b,
	double sign, bool compensated)
{
	struct parts out = {ARENA_ARRAY(arena, struct part, a->count + b->count), 0};
	size_t i = 0, j = 0;

	while (i < a->count || j < b->count) {
		struct part part;

		if (j == b->count || (i < a->count && a->items[i].index < b->items[j].index)) {
			part = a->items[i++];
		} else if (i == a->count || b->items[j].index < a->items[i].index) {
			part = b->items[j++];
			part.count *= sign;
		} else {
			part = a->items[i++];
			if (compensated)
				parts_add(b->items[j].count, &part.count, &part.rest);
			else
				part.count += sign * b->items[j].count;
			j++;
		}
		out.items[out.count++] = part;
	}
	return out;
}

struct histogram_side parts_to_side(struct arena *arena, const struct parts *parts, bool compact)
{
	struct histogram_side side = {0};
	size_t buckets = 0, spans = 0;
	int32_t next = 0;

	for (size_t i = 0; i < parts->count; i++) {
		if (compact && parts->items[i].count + parts->items[i].rest == 0)
			continue;
		spans += buckets == 0 || parts->items[i].index != next;
		next = parts->items[i].index + 1;
		buckets++;
	}
	if (buckets == 0)
		return side;
	side.spans = ARENA_ARRAY(arena, struct histogram_span, spans);
	side.buckets = ARENA_ARRAY(arena, double, buckets);
	next = 0;
	for (size_t i = 0; i < parts->count; i++) {
		struct part part = parts->items[i];

		if (compact && part.count + part.rest == 0)
			continue;
		if (side.bucket_count == 0 || part.index != next)
			side.spans[side.span_count++] =
				(struct histogram_span){part.index - next, 0};
		side.spans[side.span_count - 1].length++;
		side.buckets[side.bucket_count++] = part.count + part.rest;
		next = part.index + 1;
	}
	return side;
}

/*
 * Adds the buckets of one side that begin below the threshold. False where it cuts one that counts
 * something: then the threshold was moved to that bucket's end.
 */
static bool swallow(
	const struct histogram_side *side, int32_t schema, double *threshold, double *count)
{
	int32_t index = 0;
	size_t at = 0;

	for (size_t s = 0; s < side->span_count; s++) {
		index += side->spans[s].offset;
		for (uint32_t i = 0; i < side->spans[s].length; i++, index++) {
			double bucket = side->buckets[at++];

			if (histogram_upper_bound(schema, index - 1) >= *threshold)
				return true;
			*count += bucket;
			double upper = histogram_upper_bound(schema, index);

			if (upper <= *threshold)
				continue;
			if (bucket == 0)
				return true;
			*threshold = upper;
			return false;
		}
	}
	return true;
}

double parts_zero_count(const struct histogram *histogram, double *threshold)
{
	double count;

	if (histogram->zero_threshold == *threshold)
		return histogram->zero_count;
	do {
		count = histogram->zero_count;
		// A bucket of the positive side that was cut is counted whole; one of the negative
		// side changes what the positive side gives.
		swallow(&histogram->positive, histogram->schema, threshold, &count);
	} while (!swallow(&histogram->negative, histogram->schema, threshold, &count));
	return count;
}

struct histogram *parts_frame(struct arena *arena, const struct histogram *histogram)
{
	struct histogram *frame = ARENA_NEW(arena, struct histogram);

	*frame = *histogram;
	frame->positive = frame->negative = (struct histogram_side){0};
	return frame;
}
