/*
 * leaderboard/log/log.h — the append-only event log: one SQLite file in WAL mode. What is in it is
 * the truth; scores, ranks and boards are drawn from it. Each event is one line of canonical JSON
 * (RFC 8785), chained to the one before by SHA-256, so that a changed, missing or inserted event is
 * found. docs/proof.md has the members, kind by kind, and the file's table.
 */
#ifndef LEADERBOARD_LOG_H
#define LEADERBOARD_LOG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct event_log;

enum event_kind {
	EVENT_COMPLETION, // conditions held together: the latch, once per (env, cluster, user,
			  // exercise)
	EVENT_PUSH,	  // somebody's program says that a condition holds, once per condition
	EVENT_AWARD,	  // somebody says so; may carry points
	EVENT_VOID,	  // `of` no longer counts
	EVENT_ADD,	  // an exercise counts as completed at t_ms
	EVENT_ADJUST,	  // points from t_ms on
	EVENT_EXCLUDE,	  // [from_ms, to_ms) did not happen for a cluster
	EVENT_SWITCH_ENV, // `env` is the one that is scored
	EVENT_SCORING,	  // another version of the scoring
	EVENT_UNDO,	  // the act `of` was never done
	EVENT_CONFIRM,	  // a photo finish was looked at
	EVENT_THAW,	  // the public sees what came after the freeze
	EVENT_PRIZE,	  // the prize line is under `places` of them
	EVENT_SEAT,	  // a player was seen for the first time; `condition` active: was there
	EVENT_SOURCE,	  // `source` went `condition` (up, down), `evidence` says why; or its clock
			  // was measured (skew)
};
enum { EVENT_KIND_COUNT = 15 };

/* "completion", "push", …, "switch-env": in the order of the enum, NULL at the end. */
extern const char *const event_kind_names[];
bool event_kind_parse(struct str name, enum event_kind *out);

/* "No instant": such a member is not written. */
#define EVENT_NO_INSTANT INT64_MIN

/*
 * One event. Instants are Unix milliseconds. An empty text, a 0 `of`, `places` or `version`, 0
 * points and instants at EVENT_NO_INSTANT are left out of its JSON; which members a kind has is in
 * docs/proof.md. Make one with EVENT_ENTRY, which has no instants.
 */
struct event_log_entry {
	int64_t id; // position in the log, from 1; given when appended
	enum event_kind kind;
	int64_t when_ms;     // of the act itself
	struct str who, why; // of acts: whoever did it, and his reason
	struct str env, cluster, user, exercise, condition, source;
	int64_t t_ms, earliest_ms, latest_ms, observed_ms;
	int64_t from_ms, to_ms;
	int64_t skew_low_ms, skew_high_ms; // EVENT_SOURCE: its clock is ahead by something between
	struct str evidence;
	double points;
	int64_t of;		  // EVENT_VOID, EVENT_UNDO, EVENT_CONFIRM: the event meant
	int64_t places;		  // EVENT_PRIZE
	int64_t version;	  // EVENT_SCORING
	struct str scoring;	  // EVENT_SCORING: a JSON object
	struct str before, after; // what the act changed, in words
};

#define EVENT_ENTRY                                                             \
	(struct event_log_entry)                                                \
	{                                                                       \
		.when_ms = EVENT_NO_INSTANT, .t_ms = EVENT_NO_INSTANT,          \
		.earliest_ms = EVENT_NO_INSTANT, .latest_ms = EVENT_NO_INSTANT, \
		.observed_ms = EVENT_NO_INSTANT, .from_ms = EVENT_NO_INSTANT,   \
		.to_ms = EVENT_NO_INSTANT, .skew_low_ms = EVENT_NO_INSTANT,     \
		.skew_high_ms = EVENT_NO_INSTANT                                \
	}

/* A SHA-256. */
struct event_hash {
	unsigned char bytes[32];
};
enum { EVENT_HEX_SIZE = 65 };
void event_hash_print(char out[EVENT_HEX_SIZE], const struct event_hash *hash);

/*
 * Opens or makes a log. Caller closes with event_log_close (takes NULL). `race` names what is raced
 * (scenario or quest, and start): a file that holds the log of another race is refused. Without a
 * path the log is in memory and gone when closed: the same statements, the same latch, nothing to
 * remove. A log of format 1 becomes one of format 2, in one transaction.
 *
 * Fails: ERROR_INVALID for a file that is not a log, is a newer one, or of another race; nothing in
 * it is touched. ERROR_SYSTEM.
 */
struct event_log *event_log_open(const char *path, struct str race, struct error *err);
/* As above for a log that must be there, of whatever race. Fails: ERROR_SYSTEM where it is not. */
struct event_log *event_log_open_any(const char *path, struct error *err);
void event_log_close(struct event_log *log);
/*
 * Removes a log and what SQLite keeps beside it. Fails: ERROR_SYSTEM, and nothing is removed, where
 * it cannot, or somebody has it open; ERROR_INVALID for a file that is no log.
 */
bool event_log_remove(const char *path, struct error *err);

/* What is raced; borrowed. */
struct str event_log_race(const struct event_log *log);

/*
 * Several appends that become durable together. Without them each append is durable when it
 * returns. event_log_commit fails with ERROR_SYSTEM (a full disk): none of the batch is in the log
 * then, all before is.
 */
bool event_log_begin(struct event_log *log, struct error *err);
bool event_log_commit(struct event_log *log, struct error *err);
void event_log_cancel(struct event_log *log); // nothing since event_log_begin is in the log

/*
 * Appends, unless it is a completion, push, award or seat that is there already: *added says which.
 * Other processes may append to the same file. Texts that are not UTF-8 get U+FFFD where they are
 * not. Fails: ERROR_SYSTEM; ERROR_INVALID where `scoring` is no JSON object or a number is none.
 */
bool event_log_append(
	struct event_log *log, const struct event_log_entry *entry, bool *added, struct error *err);

/* Every entry in order; texts and array are the arena's. Fails: ERROR_SYSTEM, ERROR_INVALID
 * (damaged). */
bool event_log_read(struct event_log *log, struct arena *arena, struct event_log_entry **out,
	size_t *count, struct error *err);
/* Those with an id above after_id. */
bool event_log_read_after(struct event_log *log, int64_t after_id, struct arena *arena,
	struct event_log_entry **out, size_t *count, struct error *err);

/* Number of events, and the hash of the last; 32 zero bytes where there is none. Of all processes.
 */
bool event_log_head(
	struct event_log *log, int64_t *count, struct event_hash *head, struct error *err);

/* --- proof --- */

/* What a walk along the chain found. */
struct event_log_check {
	int64_t count;		// events that are right, from the first
	struct event_hash head; // of the last of these
	int64_t bad_id;		// the first that is not, 0: all are
	char reason[256];
};

/*
 * Computes every hash anew: hash_n = SHA-256(hash_(n-1) followed by the canonical JSON of event n),
 * before the first 32 zero bytes. False only where the file cannot be read (ERROR_SYSTEM).
 */
bool event_log_verify(struct event_log *log, struct event_log_check *out, struct error *err);

/*
 * The log as NDJSON: per event a line {"event":CANONICAL JSON,"hash":"HEX"}. Those after after_id.
 */
bool event_log_print(
	struct event_log *log, int64_t after_id, struct buffer *out, struct error *err);

/* The canonical JSON of an entry, as it is hashed. Fails: as event_log_append's ERROR_INVALID. */
bool event_entry_print(struct buffer *out, const struct event_log_entry *entry, struct error *err);

#endif
