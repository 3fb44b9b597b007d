#include "engine/tsdb/extras.h"

#include "base/memory.h"

/*
 * A histogram's counter-reset hint is not stored as it was given: readers get what Prometheus's
 * head block gives them. There samples are chunked; a chunk begins where a counter was reset, where
 * the bucket layout's kind changes (schema, width of the zero bucket, custom bounds), after a float
 * or a stale marker, and between counters and gauges. The first of a chunk is "unknown", since what
 * came before it may be gone; all others are "not reset", and those of a gauge's chunk "gauge".
 * Chunks that end because they are full are not imitated. Source:
 * prometheus/tsdb/chunkenc/float_histogram.go and histogram_meta.go (counterResetHint).
 */

static bool same_kind(const struct histogram *a, const struct histogram *b)
{
	return a->schema == b->schema && a->zero_threshold == b->zero_threshold &&
	       a->custom_count == b->custom_count &&
	       (a->custom_count == 0 || memcmp(a->custom_values, b->custom_values,
						a->custom_count * sizeof(double)) == 0);
}

static struct histogram unhinted(const struct histogram *histogram)
{
	struct histogram copy = *histogram;

	copy.hint = HISTOGRAM_HINT_UNKNOWN;
	return copy;
}

/* Sets what readers see of how `histogram` follows the samples before it. */
static void set_hints(struct histogram *histogram, double value, const struct histogram *last)
{
	bool follows = last && sample_is_histogram(value) && last->hint != HISTOGRAM_HINT_GAUGE;
	enum histogram_hint given = histogram->hint;

	if (given == HISTOGRAM_HINT_GAUGE) {
		histogram->compared = HISTOGRAM_HINT_GAUGE;
		return;
	}
	struct histogram bare = unhinted(histogram);
	bool is_reset = last && histogram_is_reset(&bare, last);

	histogram->hint =
		follows && !is_reset && given != HISTOGRAM_HINT_RESET && same_kind(histogram, last)
			? HISTOGRAM_HINT_NOT_RESET
			: HISTOGRAM_HINT_UNKNOWN;
	histogram->compared = !last	 ? HISTOGRAM_HINT_UNKNOWN
			      : is_reset ? HISTOGRAM_HINT_RESET
					 : HISTOGRAM_HINT_NOT_RESET;
}

/* `size` bytes as they are in `known`, where they are, else a copy. */
static const void *share(
	struct arena *arena, const void *given, size_t size, const void *known, size_t known_size)
{
	if (size == 0)
		return NULL;
	if (size == known_size && memcmp(given, known, size) == 0)
		return known;
	void *copy = arena_alloc(arena, size);

	memcpy(copy, given, size);
	return copy;
}

static void share_side(
	struct arena *arena, struct histogram_side *side, const struct histogram_side *known)
{
	static const struct histogram_side none = {0};

	if (!known)
		known = &none;
	// The arrays stay as they are from here on, whoever points at them.
	side->spans = (struct histogram_span *)share(arena, side->spans,
		side->span_count * sizeof *side->spans, known->spans,
		known->span_count * sizeof *known->spans);
	side->buckets =
		(double *)share(arena, side->buckets, side->bucket_count * sizeof *side->buckets,
			known->buckets, known->bucket_count * sizeof *known->buckets);
}

const struct histogram *tsdb_store_histogram(struct arena *arena, const struct histogram *given,
	double value, const struct histogram *last)
{
	struct histogram made = *given;

	set_hints(&made, value, last);
	if (last && made.hint == last->hint && made.compared == last->compared &&
		same_kind(&made, last) && histogram_equal(&made, last))
		return last;
	struct histogram *stored = ARENA_NEW(arena, struct histogram);

	share_side(arena, &made.positive, last ? &last->positive : NULL);
	share_side(arena, &made.negative, last ? &last->negative : NULL);
	made.custom_values = share(arena, made.custom_values, made.custom_count * sizeof(double),
		last ? last->custom_values : NULL, last ? last->custom_count * sizeof(double) : 0);
	*stored = made;
	return stored;
}

bool tsdb_starts_add(struct tsdb_starts *starts, int64_t t_ms, int64_t start_ms)
{
	// One that was announced for a sample that never came.
	while (starts->count && starts->items[starts->count - 1].t_ms >= t_ms)
		starts->count--;
	if (start_ms == (starts->count ? starts->items[starts->count - 1].start_ms : 0))
		return false;
	starts->items = memory_grow(
		starts->items, &starts->capacity, starts->count + 1, sizeof *starts->items);
	starts->items[starts->count++] = (struct tsdb_start){t_ms, start_ms};
	return true;
}

int64_t tsdb_starts_at(const struct tsdb_starts *starts, int64_t t_ms, uint64_t *hint)
{
	while (*hint < starts->count && starts->items[*hint].t_ms <= t_ms)
		(*hint)++;
	return *hint ? starts->items[*hint - 1].start_ms : 0;
}
