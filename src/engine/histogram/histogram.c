#include "engine/histogram/histogram.h"

#include "engine/histogram/parts.h"

#include <math.h>

bool histogram_is_schema(int32_t schema)
{
	return schema == HISTOGRAM_CUSTOM_SCHEMA ||
	       (schema >= HISTOGRAM_MIN_SCHEMA && schema <= HISTOGRAM_MAX_SCHEMA);
}

/* --- checking --- */

// The bounds of such buckets are no doubles any more; neighbours of an index are indices as well.
static const int64_t max_index = 1 << 30;

static bool check_side(const struct histogram_side *side, const char *name, struct error *err)
{
	int64_t index = 0;
	uint64_t count = 0;

	for (size_t i = 0; i < side->span_count; i++) {
		if (i && side->spans[i].offset < 0)
			return error_set(err, ERROR_INVALID,
				"%s side, span number %zu with offset %d: spans must ascend", name,
				i + 1, side->spans[i].offset);
		index += side->spans[i].offset;
		if (index < -max_index || index + side->spans[i].length > max_index)
			return error_set(err, ERROR_INVALID,
				"%s side, span number %zu: no bucket's index is past %lld", name,
				i + 1, (long long)max_index);
		index += side->spans[i].length;
		count += side->spans[i].length;
	}
	if (count == side->bucket_count)
		return true;
	return error_set(err, ERROR_INVALID, "%s side: spans need %llu buckets, have %zu buckets",
		name, (unsigned long long)count, side->bucket_count);
}

static bool check_custom(const struct histogram *histogram, struct error *err)
{
	const struct histogram_side *side = &histogram->positive;
	int64_t end = 0;

	if (histogram->zero_count != 0 || histogram->zero_threshold != 0 ||
		histogram->negative.span_count)
		return error_set(err, ERROR_INVALID,
			"custom buckets: there must be no zero bucket and no negative side");
	// The first may be -Inf: then its bucket counts nothing but that.
	for (size_t i = 0; i < histogram->custom_count; i++) {
		double bound = histogram->custom_values[i];

		if (isnan(bound) || (isinf(bound) && (bound > 0 || i)) ||
			(i && bound <= histogram->custom_values[i - 1]))
			return error_set(err, ERROR_INVALID,
				"custom buckets: bound number %zu must be finite and above the one "
				"before",
				i + 1);
	}
	if (side->span_count && side->spans[0].offset < 0)
		return error_set(err, ERROR_INVALID,
			"custom buckets: the first span begins below the first bucket");
	for (size_t i = 0; i < side->span_count; i++)
		end += side->spans[i].offset + (int64_t)side->spans[i].length;
	if (end <= (int64_t)histogram->custom_count + 1)
		return true;
	return error_set(err, ERROR_INVALID,
		"custom buckets: only %zu custom bounds defined which is insufficient to cover "
		"total span length of %lld",
		histogram->custom_count, (long long)end);
}

bool histogram_check(const struct histogram *histogram, struct error *err)
{
	if (!histogram_is_schema(histogram->schema))
		return error_set(err, ERROR_INVALID,
			"schema %d is none of -4 to 8 and -53 (custom buckets)", histogram->schema);
	if (!check_side(&histogram->positive, "positive", err) ||
		!check_side(&histogram->negative, "negative", err))
		return false;
	if (histogram_is_custom(histogram))
		return check_custom(histogram, err);
	if (histogram->custom_count)
		return error_set(err, ERROR_INVALID, "exponential buckets with custom bounds");
	if (histogram->zero_threshold >= 0)
		return true;
	return error_set(err, ERROR_INVALID, "the zero bucket's width must be >= 0");
}

/* --- copies --- */

static void *copy_array(struct arena *arena, const void *items, size_t count, size_t size)
{
	void *copy = count ? arena_alloc_array(arena, count, size) : NULL;

	if (copy)
		memcpy(copy, items, count * size);
	return copy;
}

static struct histogram_side copy_side(struct arena *arena, const struct histogram_side *side)
{
	struct histogram_side copy = *side;

	copy.spans = copy_array(arena, side->spans, side->span_count, sizeof *side->spans);
	copy.buckets = copy_array(arena, side->buckets, side->bucket_count, sizeof *side->buckets);
	return copy;
}

struct histogram *histogram_copy(struct arena *arena, const struct histogram *histogram)
{
	struct histogram *copy = parts_frame(arena, histogram);

	copy->positive = copy_side(arena, &histogram->positive);
	copy->negative = copy_side(arena, &histogram->negative);
	copy->custom_values = copy_array(
		arena, histogram->custom_values, histogram->custom_count, sizeof(double));
	return copy;
}

struct histogram *histogram_with_hint(
	struct arena *arena, const struct histogram *histogram, enum histogram_hint hint)
{
	struct histogram *copy = ARENA_NEW(arena, struct histogram);

	*copy = *histogram;
	copy->hint = copy->compared = hint;
	return copy;
}

static bool is_compact(const struct histogram_side *side)
{
	for (size_t i = 0; i < side->bucket_count; i++)
		if (side->buckets[i] == 0)
			return false;
	for (size_t i = 0; i < side->span_count; i++)
		if (side->spans[i].length == 0 || (i && side->spans[i].offset == 0))
			return false;
	return true;
}

static struct histogram_side compact_side(struct arena *arena, const struct histogram_side *side)
{
	if (is_compact(side))
		return *side;
	struct arena scratch = {0};
	struct parts parts = parts_of(&scratch, side);
	struct histogram_side compact = parts_to_side(arena, &parts, true);

	arena_finish(&scratch);
	return compact;
}

struct histogram *histogram_compact(struct arena *arena, const struct histogram *histogram)
{
	struct histogram *compact = parts_frame(arena, histogram);

	compact->positive = compact_side(arena, &histogram->positive);
	compact->negative = compact_side(arena, &histogram->negative);
	return compact;
}

/* --- equality --- */

static bool same_number(double a, double b)
{
	uint64_t bits[2];

	memcpy(&bits[0], &a, sizeof a);
	memcpy(&bits[1], &b, sizeof b);
	return bits[0] == bits[1];
}

/* The next span that covers anything; its offset is that of all that were passed. */
static bool next_span(const struct histogram_side *side, size_t *at, struct histogram_span *out)
{
	int64_t offset = 0;

	for (; *at < side->span_count; (*at)++) {
		offset += side->spans[*at].offset;
		if (side->spans[*at].length == 0)
			continue;
		*out = (struct histogram_span){(int32_t)offset, side->spans[(*at)++].length};
		// What follows without a gap belongs to it.
		for (; *at < side->span_count && side->spans[*at].offset == 0; (*at)++)
			out->length += side->spans[*at].length;
		return true;
	}
	return false;
}

static bool same_side(const struct histogram_side *a, const struct histogram_side *b)
{
	struct histogram_span one, other;
	size_t i = 0, j = 0;

	if (a->bucket_count != b->bucket_count)
		return false;
	for (;;) {
		bool has_one = next_span(a, &i, &one), has_other = next_span(b, &j, &other);

		if (!has_one || !has_other) {
			if (has_one != has_other)
				return false;
			break;
		}
		if (one.offset != other.offset || one.length != other.length)
			return false;
	}
	for (size_t k = 0; k < a->bucket_count; k++)
		if (!same_number(a->buckets[k], b->buckets[k]))
			return false;
	return true;
}

bool histogram_equal(const struct histogram *a, const struct histogram *b)
{
	if (a == b)
		return true;
	if (a->schema != b->schema || !same_number(a->count, b->count) ||
		!same_number(a->sum, b->sum) || a->custom_count != b->custom_count)
		return false;
	for (size_t i = 0; i < a->custom_count; i++)
		if (a->custom_values[i] != b->custom_values[i])
			return false;
	return a->zero_threshold == b->zero_threshold &&
	       same_number(a->zero_count, b->zero_count) && same_side(&a->positive, &b->positive) &&
	       same_side(&a->negative, &b->negative);
}
