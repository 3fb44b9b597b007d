#include "leaderboard/ledger/ledger_private.h"

/* The last scoring of a log, printed as we print it; empty where there is none. */
static bool print_last(
	struct event_log *log, struct buffer *out, int64_t *version, struct error *err)
{
	struct event_log_entry *entries;
	const struct event_log_entry *last = NULL;
	struct quest_counting counting;
	struct arena arena = {0};
	size_t count;
	bool ok = event_log_read(log, &arena, &entries, &count, err);

	*version = 0;
	for (size_t i = 0; ok && i < count; i++)
		if (entries[i].kind == EVENT_SCORING) {
			last = &entries[i];
			*version = last->version;
		}
	if (last && (ok = ledger_read_scoring(last->scoring, &arena, &counting, err)))
		ledger_print_scoring(out, &counting);
	arena_finish(&arena);
	return ok;
}

static bool append_scoring(struct event_log *log, const struct quest_counting *counting,
	int64_t version, struct str text, int64_t when_ms, struct str why, struct error *err)
{
	struct event_log_entry entry = EVENT_ENTRY;
	struct arena arena = {0};
	bool added;

	entry.kind = EVENT_SCORING;
	entry.when_ms = when_ms;
	entry.who = STR("railquest");
	entry.why = why;
	entry.scoring = text;
	entry.version = version;
	entry.after = str_format(
		&arena, "%.*s, version %lld", STR_ARG(counting->name), (long long)version);
	bool ok = event_log_append(log, &entry, &added, err);

	arena_finish(&arena);
	return ok;
}

bool ledger_tell_scoring(struct event_log *log, const struct quest_counting *counting,
	int64_t when_ms, struct str why, struct error *err)
{
	struct buffer before = {0}, now = {0};
	int64_t version;
	bool ok = print_last(log, &before, &version, err);

	ledger_print_scoring(&now, counting);
	if (ok && !str_equal(buffer_str(&before), buffer_str(&now)))
		ok = append_scoring(
			log, counting, version + 1, buffer_str(&now), when_ms, why, err);
	buffer_finish(&before);
	buffer_finish(&now);
	return ok;
}
