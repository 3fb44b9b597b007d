/* Clocks: what instants are worth that a cluster wrote down by its own. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/json.h"
#include "base/number.h"

#include <stdlib.h>

static bool says_skew(const struct event_log_entry *entry)
{
	return entry->kind == EVENT_SOURCE && entry->skew_low_ms != EVENT_NO_INSTANT &&
	       entry->skew_high_ms != EVENT_NO_INSTANT;
}

void ledger_find_skews(struct ledger *ledger)
{
	size_t count = 0;

	for (size_t i = 0; i < ledger->entry_count; i++)
		count += says_skew(&ledger->entries[i]);
	ledger->skews = ARENA_ARRAY(&ledger->arena, struct ledger_skew, count + 1);
	for (size_t i = 0; i < ledger->entry_count; i++) {
		const struct event_log_entry *entry = &ledger->entries[i];

		// Half of each: the sum of two instants of a file may be more than there is.
		if (says_skew(entry))
			ledger->skews[ledger->skew_count++] = (struct ledger_skew){entry->source,
				entry->id, entry->skew_low_ms / 2 + entry->skew_high_ms / 2};
	}
}

/*
 * The last that was measured before the completion was found. Where nothing was yet, the first one
 * after: a clock that is found wrong was wrong before, and is told of only where it is.
 */
int64_t ledger_skew_of(const struct ledger *ledger, const struct event_log_entry *entry)
{
	int64_t ahead_ms = 0;
	bool is_known = false;

	for (size_t i = 0; i < ledger->skew_count && entry->source.len; i++) {
		const struct ledger_skew *skew = &ledger->skews[i];

		if (!str_equal(skew->source, entry->source))
			continue;
		if (is_known && skew->event > entry->id)
			break;
		ahead_ms = skew->ahead_ms;
		is_known = true;
	}
	return ahead_ms;
}

int64_t ledger_worst_skew(const struct ledger *ledger, size_t player, int64_t now_ms)
{
	int64_t worst_ms = 0;

	for (size_t i = 0; i < ledger->counting->exercise_count; i++) {
		const struct ledger_mark *mark = ledger_mark(ledger, player, i);

		if (mark->event && mark->t_ms <= now_ms && llabs(mark->skew_ms) > llabs(worst_ms))
			worst_ms = mark->skew_ms;
	}
	return llabs(worst_ms) > LEDGER_SKEW_MS ? worst_ms : 0;
}

/* --- in words --- */

void ledger_print_photo(
	struct buffer *out, const struct ledger_row *row, enum ledger_language language)
{
	bool is_french = language == LEDGER_FRENCH;

	buffer_append_text(out, "±");
	buffer_append_number(out, row->margin_s);
	buffer_append_text(out, " s");
	if (row->skew_s != 0)
		buffer_printf(out, ", %s %+.1f s", is_french ? "horloge" : "clock", row->skew_s);
	if (row->confirmed)
		buffer_append_text(out, is_french ? ", confirmé" : ", confirmed");
}

void ledger_print_photo_json(struct buffer *out, const struct ledger_row *row)
{
	if (!row->photo_finish) {
		buffer_append_text(out, "null");
		return;
	}
	buffer_append_text(out, "{\"margin_s\":");
	json_number(out, row->margin_s);
	buffer_append_text(out, ",\"skew_s\":");
	if (row->skew_s != 0)
		json_number(out, row->skew_s);
	else
		buffer_append_text(out, "null");
	buffer_printf(out, ",\"confirmed\":%s}", row->confirmed ? "true" : "false");
}
