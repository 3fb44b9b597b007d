/*
 * live/live.h — a race on real clusters: from the sources of a quest file to the event log. Servers
 * are asked or endpoints scraped, services probed, pushes taken; conditions are evaluated, and what
 * they prove is logged once and for good. What is shown is made from the log by others.
 *
 * Nothing here waits and nothing asks for the time: live_turn does what is due at an instant, and
 * the HTTP client brings answers in between. One thread. docs/quest.md says what is observed how.
 */
#ifndef LEADERBOARD_LIVE_H
#define LEADERBOARD_LIVE_H

#include "engine/tsdb/tsdb.h"
#include "leaderboard/log/log.h"
#include "leaderboard/quest/quest.h"
#include "net/client.h"

struct live;

/* All borrowed, and outliving what is made with them. */
struct live_options {
	const struct quest_file *file;
	struct http_client *client; // for sources
	struct http_client *prober; // for probes: its max_active bounds them
	const char *log_path;	    // NULL: in memory
};

/* Opens the log and reads what is in it; asks for nothing yet. Fails: as event_log_open;
 * ERROR_INVALID for expressions that cannot be evaluated. */
struct live *live_create(const struct live_options *options, int64_t now_ms, struct error *err);
void live_destroy(struct live *live); // takes NULL

/*
 * Does what is due: begins scrapes, questions and probes, evaluates what has come, takes in what
 * others wrote into the log. *next_ms is when more is due at the latest. Fails where the log cannot
 * be read or written: nothing that was found is lost, it is found again.
 */
bool live_turn(struct live *live, int64_t now_ms, int64_t *next_ms, struct error *err);

/* --- what is known --- */

/* The log's events in their order, as far as they were taken in. The array may move with
 * live_turn. */
const struct event_log_entry *live_events(const struct live *live, size_t *count);
struct event_log *live_log(struct live *live);
/* Somebody appended to it: the next turn looks at once. */
void live_look(struct live *live);
const struct quest_file *live_file(const struct live *live);

/* Somebody that a source knows, or the list, or an event. Aliases are followed already. */
struct live_person {
	struct quest_player player;
	bool is_active; // was seen there, or completed something
	bool is_hidden; // by the quest file
	size_t source;	// index of the source that sees him, SIZE_MAX: none
};
/* In order of first sight. The array may move with live_turn, texts stay. */
const struct live_person *live_people(const struct live *live, size_t *count);
/* Index of a person by his name on the board, SIZE_MAX where nobody has it. */
size_t live_find(const struct live *live, const struct quest_player *player);

/* All that was scraped, or answered by servers. Borrowed. */
struct series_source *live_series(struct live *live);
struct tsdb_stats live_store(const struct live *live);

/* How a source is doing. Texts are borrowed until the next turn. */
struct live_status {
	struct str name, cluster;
	enum quest_source_kind kind;
	bool is_up;	     // its last round worked; false before the first
	int64_t observed_ms; // conditions were evaluated up to here; QUEST_NEVER: not yet
	int64_t down_since_ms;
	const char *problem; // the last one, "" where there is none
	/* Its clock against ours, positive: ahead. */
	bool knows_skew;
	int64_t skew_low_ms, skew_high_ms;
	int64_t corrected_ms; // what is taken off its instants
	size_t people;
	uint64_t rounds, failures; // since the start
	size_t samples;		   // of the last round
};
size_t live_source_count(const struct live *live);
struct live_status live_status(const struct live *live, size_t source);

/* --- pushes --- */

/* That a condition holds for a player since t_ms (QUEST_NEVER: since now). */
struct live_push {
	struct quest_player player;
	struct str exercise, condition;
	struct str env; // empty: every environment
	int64_t t_ms;
	struct str who; // who says so, for the log
};

/*
 * All or none; durable when it returns. *added is how many were not there already. Fails:
 * ERROR_INVALID for a condition that is not pushed, an unknown exercise, or an instant outside of
 * the race or in the future; ERROR_SYSTEM.
 */
bool live_take_pushes(struct live *live, const struct live_push *pushes, size_t count,
	int64_t now_ms, size_t *added, struct error *err);

#endif
