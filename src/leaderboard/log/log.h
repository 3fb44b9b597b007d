/*
 * leaderboard/log/log.h — the append-only event log: one SQLite file in WAL mode. What is in it is
 * the truth; scores, ranks and boards are drawn from it. Each (cluster, user, exercise) is in it at
 * most once: the first stays. The file's tables are described in docs/scoring.md.
 */
#ifndef LEADERBOARD_LOG_H
#define LEADERBOARD_LOG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct event_log;

/* A completion. Instants are Unix milliseconds; the true one lies in [earliest_ms, latest_ms]. */
struct event_log_entry {
	int64_t id; // position in the log, from 1
	struct str cluster, user, exercise;
	int64_t t_ms, earliest_ms, latest_ms, observed_ms;
	struct str evidence;
};

/*
 * Opens or makes a log. Caller closes with event_log_close (takes NULL). `race` names what is raced
 * (scenario and start): a file that holds the log of another race is refused. Without a path the
 * log is in memory and gone when closed: the same statements, the same latch, nothing to remove.
 *
 * Fails: ERROR_INVALID for a file that is not a log, is a newer one, or of another race; nothing in
 * it is touched. ERROR_SYSTEM.
 */
struct event_log *event_log_open(const char *path, struct str race, struct error *err);
void event_log_close(struct event_log *log);

/*
 * Several appends that become durable together. Without them each append is durable when it
 * returns. event_log_commit fails with ERROR_SYSTEM (a full disk): none of the batch is in the log
 * then, all before is.
 */
bool event_log_begin(struct event_log *log, struct error *err);
bool event_log_commit(struct event_log *log, struct error *err);

/* Appends unless the exercise is there already: *added says which. Fails: ERROR_SYSTEM. */
bool event_log_append(
	struct event_log *log, const struct event_log_entry *entry, bool *added, struct error *err);

/* Every entry in order; texts and array are the arena's. Fails: ERROR_SYSTEM, ERROR_INVALID
 * (damaged). */
bool event_log_read(struct event_log *log, struct arena *arena, struct event_log_entry **out,
	size_t *count, struct error *err);

#endif
