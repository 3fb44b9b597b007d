/*
 * series/series.h — labels, matchers, samples, and the seam between who stores series and who reads
 * them: `struct series_source` and `struct series_sink`. No I/O, no clock.
 */
#ifndef SERIES_SERIES_H
#define SERIES_SERIES_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "engine/histogram/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_METRIC_NAME STR("__name__")

/* --- labels --- */

struct label {
	struct str name, value;
};

/*
 * A label set: sorted by name, no empty value, no name twice. Immutable once made; the texts belong
 * to whoever made it (an arena, or the store). `hash` is over names and values.
 */
struct labels {
	uint64_t hash;
	size_t count;
	struct label items[];
};

/* The set of no labels; static. */
extern const struct labels labels_none;

/* Value of a label, the empty string where the set has none. */
struct str labels_get(const struct labels *labels, struct str name);

bool labels_equal(const struct labels *a, const struct labels *b);

/* Prometheus's order (labels.Compare): label by label, name then value, then the shorter first. */
int labels_compare(const struct labels *a, const struct labels *b);

/*
 * A label set from pairs in any order: sorted, empty values dropped. Of a name given twice the last
 * wins. Copies texts into the arena when `copy` is set, else borrows them.
 */
const struct labels *labels_make(
	struct arena *arena, const struct label *pairs, size_t count, bool copy);

/* The set with one label set to `value` (empty: removed). Borrows texts; result in the arena. */
const struct labels *labels_with(
	struct arena *arena, const struct labels *labels, struct str name, struct str value);

/* Only the named labels (keep) or all but them and __name__ (!keep): what `by` and `without` do. */
const struct labels *labels_project(struct arena *arena, const struct labels *labels,
	const struct str *names, size_t count, bool keep);

/* The set without __name__. Returns `labels` itself where it has none. */
const struct labels *labels_drop_name(struct arena *arena, const struct labels *labels);

/*
 * The set without __name__, __type__ and __unit__: what arithmetic leaves of a metric (Prometheus's
 * schema.IsMetadataLabel). Returns `labels` itself where it has none of them.
 */
const struct labels *labels_drop_metadata(struct arena *arena, const struct labels *labels);

/*
 * Go's labels.String(): {a="b", __name__="x"} with Go-quoted values; `metric` form puts the name in
 * front as promtool and the API's texts do: x{a="b"}, {} where empty.
 */
void labels_print(struct buffer *out, const struct labels *labels);
void labels_print_metric(struct buffer *out, const struct labels *labels);

/* Can stand without quotes: [a-zA-Z_][a-zA-Z0-9_]*, with colons in a metric's name. */
bool labels_is_plain_name(struct str name, bool metric);

/* Go's strconv.Quote: "…" with \n, \x.. and \u.... escapes. */
void labels_quote(struct buffer *out, struct str text);

/* --- matchers --- */

enum matcher_kind { MATCHER_EQUAL, MATCHER_NOT_EQUAL, MATCHER_REGEX, MATCHER_NOT_REGEX };

struct regex;

/* One condition on one label. `regex` is set for the two regex kinds; owned by the matcher. */
struct matcher {
	enum matcher_kind kind;
	struct str name, value;
	struct regex *regex;
};

/* Fills *out; texts borrowed. Fails: ERROR_INVALID for a regular expression that RE2 rejects. */
bool matcher_init(struct matcher *out, enum matcher_kind kind, struct str name, struct str value,
	struct error *err);
void matcher_finish(struct matcher *matcher);
bool matcher_matches(const struct matcher *matcher, struct str value);

/* All matchers hold; a label that is absent is the empty string. */
bool matchers_match(const struct matcher *matchers, size_t count, const struct labels *labels);

/* name="value" */
void matcher_print(struct buffer *out, const struct matcher *matcher);

/* --- regular expressions: RE2's syntax, linear time --- */

/*
 * `pattern` fully anchored, as PromQL means it: ^(?s:pattern)$. NULL with ERROR_INVALID where RE2
 * rejects it. Caller frees with regex_destroy (takes NULL).
 */
struct regex *regex_create(struct str pattern, struct error *err);
void regex_destroy(struct regex *regex);
/* About how many bytes it takes; who makes many for somebody else adds them up. */
size_t regex_size(const struct regex *regex);
bool regex_matches(const struct regex *regex, struct str text);

/*
 * Where `text` matches: appends `replacement` to *out with $1, ${1}, $name, ${name} and $$ expanded
 * as Go's Regexp.Expand does (an unknown group is empty), and returns true. Else false, *out
 * unchanged.
 */
bool regex_expand(
	const struct regex *regex, struct str text, struct str replacement, struct buffer *out);

/* --- samples --- */

struct sample {
	int64_t t_ms;
	double value;
};

/* Prometheus's stale marker, a NaN of its own (model/value/value.go: 0x7ff0000000000002). */
#define SERIES_STALE_BITS UINT64_C(0x7ff0000000000002)

static inline uint64_t sample_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static inline bool sample_is_stale(double value)
{
	return sample_bits(value) == SERIES_STALE_BITS;
}

static inline double sample_stale(void)
{
	uint64_t bits = SERIES_STALE_BITS;
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

/*
 * A value is a float, or a histogram: then the double is a NaN of its own whose low 48 bits are the
 * histogram's address, which is how columns and windows of doubles hold both. The address is that
 * of whoever owns the value (the store, an arena); arithmetic makes no such NaN, and whatever comes
 * from outside goes through sample_from_outside.
 */
#define SERIES_HISTOGRAM_TAG UINT64_C(0xfffd)

static inline bool sample_is_histogram(double value)
{
	return sample_bits(value) >> 48 == SERIES_HISTOGRAM_TAG;
}

static inline const struct histogram *sample_histogram(double value)
{
	return (const struct histogram *)(uintptr_t)(sample_bits(value) & UINT64_C(0xffffffffffff));
}

static inline double sample_of_histogram(const struct histogram *histogram)
{
	uint64_t bits = SERIES_HISTOGRAM_TAG << 48 | (uint64_t)(uintptr_t)histogram;
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

/* A float as read from a file or the network, never taken for a histogram. */
static inline double sample_from_outside(double value)
{
	return sample_is_histogram(value) ? __builtin_nan("") : value;
}

/* --- the seam --- */

/*
 * A stored series, as a reader sees it; the store embeds it as first member.
 *
 *   rank   who writes it, in order of evaluation: 0 for input, k for the k-th recording rule. A
 * rule of rank r that is evaluated at instant t sees samples of that very instant only of series
 * with rank < r (what ran before it); later ones become visible at the next instant.
 *   has_histograms, has_starts   some sample is a histogram, came with a start timestamp; once set
 * they stay. Who reads floats asks once per block, not per sample.
 */
struct series {
	const struct labels *labels;
	uint32_t rank;
	bool has_histograms, has_starts;
};

/*
 * Walks one series forwards in time. Samples come in runs: `left` more samples, each `step_ms`
 * after the one before and larger by `increment` (added once a sample: exact repetition, not
 * multiplication). Use cursor_next; the fields are the store's. Reading past the end returns false,
 * and may return true later when samples were appended meanwhile. A histogram that repeats is the
 * same address. `start_ms` is constant within a run.
 */
struct series_cursor {
	int64_t t_ms;	  // of the current sample
	double value;	  // of the current sample
	int64_t start_ms; // when what it counts began (its start timestamp); 0: not known
	int64_t step_ms;
	double increment;
	uint64_t left;
	bool (*refill)(
		struct series_cursor *cursor); // next sample becomes the current one, sets the run
	const struct series *series;
	uint64_t state[4]; // the store's
};

/* Moves to the next sample. False at the end: the current sample stays what it was. */
static inline bool cursor_next(struct series_cursor *cursor)
{
	if (cursor->left == 0)
		return cursor->refill(cursor);
	cursor->left--;
	cursor->t_ms += cursor->step_ms;
	if (cursor->increment != 0)
		cursor->value += cursor->increment;
	return true;
}

/* A set of series, borrowed from the source; the array is the arena's. */
struct series_list {
	const struct series **items;
	size_t count;
};

struct series_source;

struct series_source_ops {
	/*
	 * Series that all matchers hold for, in order of creation. Series live as long as the
	 * source. An implementation may use the matcher on __name__ to look fewer up.
	 */
	bool (*select)(struct series_source *source, const struct matcher *matchers, size_t count,
		struct arena *arena, struct series_list *out, struct error *err);
	/* Puts the cursor before the first sample with t_ms >= from_ms. */
	void (*open)(struct series_source *source, const struct series *series, int64_t from_ms,
		struct series_cursor *cursor);
	/*
	 * As cursor_next again and again, as long as the next sample is at or before until_ms:
	 * copies up to `max` of them. Less than `max`: there are no more up to then (yet). May be
	 * NULL: then read one by one.
	 */
	size_t (*read)(struct series_source *source, struct series_cursor *cursor, int64_t until_ms,
		struct sample *out, size_t max);
	/* Number of series ever created: a reader that cached a selection asks again when it grew.
	 */
	uint64_t (*series_count)(struct series_source *source);
};

struct series_source {
	const struct series_source_ops *ops;
};

struct series_sink;

struct series_sink_ops {
	/*
	 * The series with these labels, made where missing (labels are copied). `rank` is used when
	 * it is made. NULL with ERROR_LIMIT past the store's cap on series.
	 */
	struct series *(*series)(struct series_sink *sink, const struct labels *labels,
		uint32_t rank, struct error *err);
	/*
	 * Appends one sample. Times of one series must ascend: an older or a second, different
	 * sample of the same instant is refused (false, counted by the store); the same one again
	 * is no change. A boxed histogram goes to append_histogram.
	 */
	bool (*append)(struct series_sink *sink, struct series *series, int64_t t_ms, double value);
	/*
	 * Appends `count` samples of one value, step_ms apart; as repeated append, but O(1) where
	 * nothing is refused. Returns how many were taken.
	 */
	size_t (*append_run)(struct series_sink *sink, struct series *series, int64_t t_ms,
		int64_t step_ms, size_t count, double value);
	/*
	 * As append, of a native histogram, which is copied: its hint is read as "gauge", or as
	 * anything else that the sample before it is compared with. Refuses also what
	 * histogram_check does.
	 */
	bool (*append_histogram)(struct series_sink *sink, struct series *series, int64_t t_ms,
		const struct histogram *histogram);
	/*
	 * Samples from t_ms on have this start timestamp (0: none), until said otherwise. To be
	 * called before the sample of that instant; false where there is one at it or later.
	 */
	bool (*append_start)(
		struct series_sink *sink, struct series *series, int64_t t_ms, int64_t start_ms);
};

struct series_sink {
	const struct series_sink_ops *ops;
};

#endif
