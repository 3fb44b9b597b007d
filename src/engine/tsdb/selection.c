#include "engine/tsdb/selection.h"

/*
 * Ten thousand series of a metric have ten values of `code`: a regular expression is asked of each
 * value, not of each series. Answers lie in a table by the value's address, where a newer one takes
 * an older one's place: a label with more values than the table has room for costs what it did.
 */

void selection_init(
	struct selection *selection, const struct matcher *matchers, size_t matcher_count)
{
	selection->matchers = matchers;
	selection->count = matcher_count;
	selection->remembered_count = 0;
	for (size_t i = 0; i < matcher_count; i++)
		if (matchers[i].regex && selection->remembered_count < SELECTION_MEMORIES) {
			memset(selection->answers[selection->remembered_count], 0,
				sizeof selection->answers[0]);
			selection->remembered[selection->remembered_count++] = &matchers[i];
		}
}

static struct selection_answer *slot_of(struct selection_answer *answers, const char *data)
{
	// Fibonacci hashing: texts lie a few bytes apart.
	uint64_t hash = (uint64_t)(uintptr_t)data * UINT64_C(0x9E3779B97F4A7C15);

	return &answers[hash >> 56 & (SELECTION_MEMORY_SIZE - 1)];
}

static bool holds(struct selection *selection, size_t memory, struct str value)
{
	struct selection_answer *known = slot_of(selection->answers[memory], value.data);

	if (!known->data || known->data != value.data || known->len != value.len)
		*known = (struct selection_answer){value.data, value.len,
			matcher_matches(selection->remembered[memory], value)};
	return known->holds;
}

bool selection_takes(struct selection *selection, const struct labels *labels)
{
	size_t memory = 0;

	// Equalities first: they are cheap, and nearly always decide.
	for (size_t i = 0; i < selection->count; i++) {
		const struct matcher *matcher = &selection->matchers[i];

		if (!matcher->regex && !matcher_matches(matcher, labels_get(labels, matcher->name)))
			return false;
	}
	for (size_t i = 0; i < selection->count; i++) {
		const struct matcher *matcher = &selection->matchers[i];

		if (!matcher->regex)
			continue;
		struct str value = labels_get(labels, matcher->name);

		if (!(memory < selection->remembered_count ? holds(selection, memory++, value)
							   : matcher_matches(matcher, value)))
			return false;
	}
	return true;
}
