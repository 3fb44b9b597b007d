/* server/prometheus_select.h — series that selectors find, in a span of time. */
#ifndef SERVER_PROMETHEUS_SELECT_H
#define SERVER_PROMETHEUS_SELECT_H

#include "leaderboard/server/prometheus_job.h"

/* What is asked for: series that any of the selectors matches and that have a sample in the span.
 */
struct prometheus_selection {
	const struct str *selectors; // match[] as it was given
	size_t selector_count;	     // 0: all series
	bool may_match_all;	     // {} is a selector too
	bool has_span;
	int64_t start_ms, end_ms;
	const struct series **items; // the job's arena's; in order of creation, or sorted
	size_t count;
};

/* match[] of a form, in the arena. */
void prometheus_read_selectors(
	const struct form *form, struct arena *arena, struct prometheus_selection *out);

/* The same, and start and end. Fails as prometheus_read_time. */
bool prometheus_read_selection(const struct form *form, struct arena *arena,
	struct prometheus_selection *out, struct error *err);

/*
 * Fills items, on a thread. Of several selectors the series are sorted by labels, each once, as
 * Prometheus merges them. Fails: ERROR_INVALID for a selector that is none, in Prometheus's words;
 * ERROR_TIMEOUT, ERROR_CANCELLED.
 */
bool prometheus_select(
	struct prometheus_job *job, struct prometheus_selection *selection, struct error *err);

#endif
