/*
 * tsdb/selection.h — whether all matchers of a selection hold for a series; private to tsdb/.
 */
#ifndef TSDB_SELECTION_H
#define TSDB_SELECTION_H

#include "engine/series/series.h"

enum { SELECTION_MEMORIES = 4, SELECTION_MEMORY_SIZE = 256 };

/* What a regular expression said of a value; `data` NULL: nothing is known. */
struct selection_answer {
	const char *data;
	size_t len;
	bool holds;
};

/* Matchers are borrowed. Of the first few with regular expressions answers are remembered. */
struct selection {
	const struct matcher *matchers;
	size_t count, remembered_count;
	const struct matcher *remembered[SELECTION_MEMORIES];
	struct selection_answer answers[SELECTION_MEMORIES][SELECTION_MEMORY_SIZE];
};

void selection_init(
	struct selection *selection, const struct matcher *matchers, size_t matcher_count);

/*
 * As matchers_match. Values of labels are told apart by where they lie: equal addresses and lengths
 * must mean equal texts as long as the selection is used, as in a store that keeps each text once.
 */
bool selection_takes(struct selection *selection, const struct labels *labels);

#endif
