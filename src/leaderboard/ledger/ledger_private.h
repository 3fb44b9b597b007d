/* ledger/ledger_private.h — private to ledger. ledger.c folds the events, ledger_people.c says who
 * has a row, ledger_standings.c ranks, ledger_prize.c draws the line,
 * ledger_suspense.c says who may still pass it, ledger_skew.c knows clocks,
 * ledger_explain.c explains, ledger_act.c checks acts, and print_*.c write. */
#ifndef LEDGER_PRIVATE_H
#define LEDGER_PRIVATE_H

#include "leaderboard/ledger/ledger.h"

#include "base/map.h"

/* What was measured of a source's clock, by its event. */
struct ledger_skew {
	struct str source;
	int64_t event, ahead_ms;
};

/* Points that an event gave. */
struct ledger_gift {
	size_t player;
	int64_t t_ms;
	double points;
	const struct event_log_entry *entry;
};

struct ledger {
	struct arena arena;
	struct ledger_options options;
	const struct event_log_entry *entries;
	size_t entry_count;
	bool *is_cancelled; // [entry]: voided or undone
	bool is_thawed;	    // the public may see what came after the freeze
	struct quest_counting own_counting;
	const struct quest_counting *counting;
	int64_t version, last_version;
	struct str env;
	struct map player_of; // "CLUSTER\0USER", as recorded → index + 1; 0 is hidden
	struct ledger_player *players;
	size_t player_count, player_capacity;
	struct ledger_mark *marks; // [player][exercise]
	struct ledger_gift *gifts;
	size_t gift_count, gift_capacity;
	struct quest_prize prize;
	int64_t *confirms; // [player] the event by which his photo finishes were looked at; 0: none
	struct ledger_skew *skews;
	size_t skew_count;
	// For the board: what is above, as it wants them.
	struct quest_player *names;
	int64_t *done_ms, *early_ms;
	struct quest_adjustment *adjustments;
	struct quest_board *board;
	struct quest_standing *standings;
};

/* The player of an event's texts, aliases followed; he is added. SIZE_MAX: he is hidden. */
size_t ledger_person(struct ledger *ledger, struct str cluster, struct str user);
void ledger_add_people(struct ledger *ledger);

/* [entry] whether it was voided or undone; `out` has room for all. */
void ledger_find_cancelled(const struct event_log_entry *entries, size_t count, bool *out);

/* The event with this number that is read, NULL where there is none. */
const struct event_log_entry *ledger_entry(const struct ledger *ledger, int64_t id);
size_t ledger_exercise(const struct quest_counting *counting, struct str name);
/* What acts gave a player by now_ms. */
double ledger_extra(const struct ledger *ledger, size_t player, int64_t now_ms);
/* Instant without the time that is excluded for a cluster. */
int64_t ledger_shift(const struct ledger *ledger, struct str cluster, int64_t t_ms);

/* ledger_skew.c */
void ledger_find_skews(struct ledger *ledger);
/* How far ahead the clock was that a completion's instants are of, as far as the log says. */
int64_t ledger_skew_of(const struct ledger *ledger, const struct event_log_entry *entry);
/* By how much it may matter: the farthest of a player's completions by now_ms, 0 up to
 * LEDGER_SKEW_MS. */
int64_t ledger_worst_skew(const struct ledger *ledger, size_t player, int64_t now_ms);
/* ledger_prize.c: who is above the line, or on it; rows best first. */
void ledger_draw_line(const struct ledger *ledger, struct ledger_row *rows, size_t count);
/* The team or table whose prizes are counted, SIZE_MAX: none, so nobody takes one from another; and
 * how many there are. */
size_t ledger_prize_group(const struct ledger *ledger, size_t player);
size_t ledger_prize_groups(const struct ledger *ledger);
/* "±6 s, clock +30.0 s, confirmed" */
void ledger_print_photo(
	struct buffer *out, const struct ledger_row *row, enum ledger_language language);

static inline struct str ledger_exercise_name(const struct ledger *ledger, size_t exercise)
{
	return ledger->counting->exercises[exercise].name;
}
/* "NAME":"2024-10-08T13:15:00Z" */
void ledger_print_instant(struct buffer *out, const char *name, int64_t t_ms);
/* Titles; the name where the file has none. */
struct str ledger_exercise_title(
	const struct ledger *ledger, size_t exercise, enum ledger_language language);
struct str ledger_title(const struct ledger *ledger, enum ledger_language language);
/* 1:05:00 after the start; with .123 where there are ms. */
void ledger_print_offset(struct buffer *out, const struct ledger *ledger, int64_t t_ms);
void ledger_print_duration(struct buffer *out, int64_t ms);

#endif
