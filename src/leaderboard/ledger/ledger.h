/*
 * ledger/ledger.h — what the event log makes of a race: who completed what, once acts of people are
 * taken into account, under which scoring and in which environment; then standings, explanations
 * and exports. A pure function of the events, the quest file and an instant: no I/O, no clock.
 *
 * Make a new ledger when the log has grown: a thousand events take less than a millisecond.
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "leaderboard/log/log.h"
#include "leaderboard/quest/quest.h"

struct ledger;

/* All may be left at zero; what is given is borrowed and outlives the ledger. */
struct ledger_options {
	const struct quest_file *file; // titles, who is hidden, tables, prizes; NULL: the log alone
	const struct quest_player *seen; // players who have a row though no event names them
	size_t seen_count;
	const struct quest_counting *counting; // instead of the scoring in force
	int64_t version;		       // the scoring with this version; 0: that in force
	struct str env;			 // instead of the environment in force; empty: that one
	int64_t through;		 // events up to this one; 0: all
	const struct quest_prize *prize; // instead of the file's
};

/*
 * Borrows the entries. Fails: ERROR_INVALID where there is no scoring (neither a quest file nor an
 * event has one), the version or environment is unknown, or a scoring in the log cannot be read.
 */
struct ledger *ledger_create(const struct ledger_options *options,
	const struct event_log_entry *entries, size_t count, struct error *err);
void ledger_destroy(struct ledger *ledger); // takes NULL

/* --- what is in force --- */

const struct quest_counting *ledger_counting(const struct ledger *ledger);
int64_t ledger_version(const struct ledger *ledger); // of the scoring; 0: no event applied it
struct str ledger_env(const struct ledger *ledger);  // may be empty
int64_t ledger_end_ms(const struct ledger *ledger);
/* The line: the last act's places, else the options' or the file's; 0 places: there is none. */
struct quest_prize ledger_prize(const struct ledger *ledger);
/*
 * What the public may see, where the quest file has a freeze: nothing that was appended after it,
 * and no instant past it, until a thaw is in force. How many of the entries; and the instant.
 */
size_t ledger_public_count(
	const struct quest_file *file, const struct event_log_entry *entries, size_t count);
bool ledger_is_thawed(const struct event_log_entry *entries, size_t count);
int64_t ledger_public_ms(const struct ledger *ledger, int64_t now_ms);

/* --- players --- */

/* Somebody who has a row: the hidden are not among them. */
struct ledger_player {
	struct quest_player player; // aliases followed
	struct str name;	    // as shown
	size_t table, team;	    // of the quest file, SIZE_MAX: none
	bool no_prize;
};
const struct ledger_player *ledger_players(const struct ledger *ledger, size_t *count);
/* CLUSTER/USER, USER@CLUSTER, or USER where only one has that name; SIZE_MAX where nobody is. Fails
 * with ERROR_INVALID, naming who could be meant. */
size_t ledger_find(const struct ledger *ledger, struct str name, struct error *err);

/* A completion that counts; `event` 0: there is none. */
struct ledger_mark {
	int64_t event;			      // that made it
	int64_t t_ms, earliest_ms, latest_ms; // without the time that is excluded
	int64_t recorded_ms;		      // with it
	int64_t skew_ms; // how far ahead the clock was that it rests on; 0: not known to be off
	bool by_hand;	 // an act, not conditions
};
const struct ledger_mark *ledger_mark(const struct ledger *ledger, size_t player, size_t exercise);

/* --- standings --- */

enum { LEDGER_SKEW_MS = 2000 };
struct ledger_row {
	size_t player, rank, done;
	double score;
	bool prize;	   // above the line
	bool on_line;	   // shares the place on the line with somebody: the rule for ties decides
	bool photo_finish; // with the one before: their intervals overlap
	bool confirmed;	   // somebody looked at it
	double margin_s;   // of the photo finish: how wide the intervals are
	/* Of the photo finish: how far a clock was ahead that a completion of the two rests on,
	 * where that is more than LEDGER_SKEW_MS; of several the farthest. 0: none was off. */
	double skew_s;
};

/* Everybody at an instant, best first; `out` has room for all players. Returns how many. */
size_t ledger_standings(struct ledger *ledger, int64_t now_ms, struct ledger_row *out);

/*
 * Who stands below the line and would stand above it at the end, if he completed all that he has
 * not at once while nobody else moved; and the last whole minute at which one of them could still
 * begin to (that is: complete it all then). False: there is no line.
 */
struct ledger_suspense {
	size_t contenders;
	int64_t until_ms; // QUEST_NEVER: there are none
};
bool ledger_find_suspense(const struct ledger *ledger, int64_t now_ms, struct ledger_suspense *out);

/* The points of one player, as in his row. */
double ledger_score(const struct ledger *ledger, size_t player, int64_t now_ms);

/* The mean of the members' points; equal means share a rank. */
struct ledger_group_row {
	size_t group, rank, members;
	double score;
};
/* Of the quest file's tables or teams; `out` has room for all of them. Groups without a member who
 * has a row are left out. */
size_t ledger_tables(struct ledger *ledger, int64_t now_ms, struct ledger_group_row *out);
size_t ledger_teams(struct ledger *ledger, int64_t now_ms, struct ledger_group_row *out);

/* --- proof --- */

enum ledger_line_kind {
	LEDGER_WEIGHT,
	LEDGER_BONUS,
	LEDGER_RAMP,
	LEDGER_FORMULA,
	LEDGER_ADJUSTMENT,
	LEDGER_AWARD
};

/* One line of a score. All texts are the arena's. */
struct ledger_line {
	enum ledger_line_kind kind;
	size_t exercise;       // SIZE_MAX: none
	struct str arithmetic; // (55:00 - 65:00) / 5:00
	struct str points;     // decimal; the lines add up to the score, digit by digit
	int64_t event;	       // what it rests on
};

struct ledger_explanation {
	size_t player, rank, players;
	int64_t now_ms;
	struct str score;      // as shown everywhere
	struct ledger_row row; // in the standings of the same instant
	struct ledger_line *lines;
	size_t line_count;
};

/*
 * Why a player has the points he has at an instant. Where a line has no finite decimal (a third) it
 * is rounded so that the running sum is the nearest; the sum is always the score's own digits.
 */
void ledger_explain(struct ledger *ledger, size_t player, int64_t now_ms, struct arena *arena,
	struct ledger_explanation *out);

/* --- acts --- */

/* 87m or 1:27:00 after the start, RFC 3339, or Unix seconds. Fails: ERROR_INVALID. */
bool ledger_read_instant(
	const struct ledger *ledger, const char *text, int64_t *out_ms, struct error *err);
/* CLUSTER/USER, USER@CLUSTER or USER, whether or not anybody is called so. Borrows the text. */
struct quest_player ledger_read_player(const struct ledger *ledger, const char *text);

/* What a person asks for. Texts may be NULL, and are borrowed by the act; `of` 0: no event. */
struct ledger_request {
	enum event_kind kind;
	const char *who, *why, *player, *cluster, *exercise, *condition, *env;
	const char *time, *from, *to; // as ledger_read_instant reads them
	double points;
	int64_t of, places; // 0: none
};
/* An act as it is asked for, still to be prepared. Fails: ERROR_INVALID for an instant that is
 * none. */
bool ledger_fill(const struct ledger *ledger, const struct ledger_request *request, int64_t now_ms,
	struct event_log_entry *out, struct error *err);

/*
 * Checks an act before it is appended, and writes down what it changes: `before`, `after`, and of
 * a scoring its version. Texts are the arena's. Fails: ERROR_INVALID, saying what would be right.
 */
bool ledger_prepare(const struct ledger *ledger, struct event_log_entry *act, struct arena *arena,
	struct error *err);

/* A counting as the member `scoring` of an event, and back; texts are the arena's. */
void ledger_print_scoring(struct buffer *out, const struct quest_counting *counting);
bool ledger_read_scoring(
	struct str text, struct arena *arena, struct quest_counting *out, struct error *err);

/*
 * Appends the scoring that a race begins with, unless the log's last one is the same: whoever has
 * the log needs nothing else to check its standings. Durable when it returns. Fails: as
 * event_log_append; ERROR_INVALID where the log's own cannot be read.
 */
bool ledger_tell_scoring(struct event_log *log, const struct quest_counting *counting,
	int64_t when_ms, struct str why, struct error *err);

/* What a quest file's log is the log of: its name and its start. */
struct str ledger_race_name(const struct quest_file *file, struct arena *arena);

/* --- exports --- */

enum ledger_language { LEDGER_ENGLISH, LEDGER_FRENCH };

/* `head` is the log's, for what names it; NULL: not known. */
struct ledger_print {
	struct ledger *ledger;
	int64_t now_ms;
	int64_t events;
	const struct event_hash *head;
	enum ledger_language language;
};

void ledger_print_text(struct buffer *out, const struct ledger_print *print);
void ledger_print_json(struct buffer *out, const struct ledger_print *print);
void ledger_print_csv(struct buffer *out, const struct ledger_print *print);
/* CTFtime's scoreboard feed: tasks and standings. */
void ledger_print_ctftime(struct buffer *out, const struct ledger_print *print);
/* {"scoreboard":…,"awards":…} in the shape of the ICPC Contest API. */
void ledger_print_contest(struct buffer *out, const struct ledger_print *print);
/* Counts and quantiles, of which none is a person's own. */
void ledger_print_aggregates(struct buffer *out, const struct ledger_print *print);
/* One page that needs nothing else, in both languages. */
void ledger_print_html(struct buffer *out, const struct ledger_print *print);
/* {"margin_s":6,"skew_s":30,"confirmed":true}, or null where the row is no photo finish. */
void ledger_print_photo_json(struct buffer *out, const struct ledger_row *row);
void ledger_print_explanation(struct buffer *out, const struct ledger_print *print,
	const struct ledger_explanation *explanation);
void ledger_print_explanation_json(struct buffer *out, const struct ledger_print *print,
	const struct ledger_explanation *explanation);

#endif
