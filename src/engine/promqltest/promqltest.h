/*
 * promqltest/promqltest.h — Prometheus's own test language for PromQL: series to load, queries, and
 * what they must answer (docs/promql.md). No I/O, no clock.
 * Source: prometheus/promql/promqltest, its README and what its test files rely on.
 */
#ifndef PROMQLTEST_PROMQLTEST_H
#define PROMQLTEST_PROMQLTEST_H

#include "engine/promql/promql.h"

/* One `eval` line. Texts are valid during the call that gets it. */
struct promqltest_case {
	size_t line;	       // from 1
	struct str text;       // the line, trimmed
	struct str expression; // the part of it that is PromQL; empty where the line was not
			       // understood
};

/*
 * How cases are evaluated. A zeroed struct is Prometheus's own setting: every feature but type and
 * unit labels, on which the names of counters are not looked at.
 */
struct promqltest_options {
	bool closed_ranges; // Prometheus 2.x: windows include their left edge
	bool plain;	    // each case as it stands only, not in the other ways that must agree
	unsigned with_features, without_features; // enum promql_feature: also on, off
	int64_t lookback_ms;			  // 5 minutes where 0
	uint64_t max_samples;			  // 10,000 where 0
	uint64_t max_work;			  // as in promql_options; 0: no bound
	uint64_t max_loaded; // samples of all loads up to a `clear`; 200 million where 0
	/* Only cases whose line one of these matches; the others are not counted. Count 0: all. */
	struct regex *const *run;
	size_t run_count;
};

/* Told as things happen; either function may be NULL. */
struct promqltest_observer {
	void *context;
	void (*passed)(void *context, const struct promqltest_case *test);
	/* `why` is one or several lines: what was expected, what was found. */
	void (*failed)(void *context, const struct promqltest_case *test, struct str why);
};

struct promqltest_counts {
	uint64_t passed, failed;
};

/*
 * Runs every case of a file's text, and adds to *counts. Each instant case is evaluated as it
 * stands; with `@ T` at five other instants, T its own; and each of these once more as the middle
 * of a range query. A case whose expression does not parse has failed. What else is wrong with the
 * text (or its data cannot be loaded) ends the run: false with "LINE: …" in *err, and the cases
 * from there on are counted as failed without being told to the observer.
 */
bool promqltest_run(struct str text, const struct promqltest_options *options,
	const struct promqltest_observer *observer, struct promqltest_counts *counts,
	struct error *err);

/*
 * What the `load` blocks of a text leave behind at its end, into a store as series of rank 0:
 * `clear` forgets what came before it, `eval` is skipped. Instant 0 of the text becomes
 * `origin_ms`. Fails: ERROR_INVALID or ERROR_LIMIT with "LINE: …"; also where the store refuses a
 * sample.
 */
bool promqltest_load(
	struct str text, int64_t origin_ms, struct series_sink *sink, struct error *err);

/* Whether a text is in this language, told by its first line that says anything. */
bool promqltest_is_language(struct str text);

#endif
