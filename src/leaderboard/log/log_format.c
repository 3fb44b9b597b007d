#include "leaderboard/log/log_private.h"

#include <stdio.h>

/*
 * An event is its text: `body` is what was hashed, byte for byte, and the columns that people ask
 * for are computed from it, so that they cannot say anything else. The latch is the index: a
 * completion that is there already is not inserted. Append-only is the table's own law: triggers
 * refuse changes and removals, whoever asks; whoever removes the triggers breaks the chain.
 */
static const char schema[] =
	"CREATE TABLE event ("
	" id INTEGER PRIMARY KEY CHECK (id > 0),"
	" body TEXT NOT NULL,"
	" hash BLOB NOT NULL CHECK (length(hash) = 32),"
	" kind TEXT NOT NULL AS (body ->> '$.kind'),"
	" env TEXT NOT NULL AS (coalesce(body ->> '$.env', '')),"
	" cluster TEXT NOT NULL AS (coalesce(body ->> '$.cluster', '')),"
	" user TEXT NOT NULL AS (coalesce(body ->> '$.user', '')),"
	" exercise TEXT NOT NULL AS (coalesce(body ->> '$.exercise', '')),"
	" condition TEXT NOT NULL AS (coalesce(body ->> '$.condition', '')),"
	" t_ms INTEGER AS (body ->> '$.t_ms'),"
	" who TEXT AS (body ->> '$.who'),"
	" why TEXT AS (body ->> '$.why')"
	") STRICT;"
	"CREATE UNIQUE INDEX event_latch ON event (kind, env, cluster, user, exercise, condition)"
	" WHERE kind IN ('completion', 'push', 'award', 'seat');"
	"CREATE TRIGGER event_stays BEFORE UPDATE ON event"
	" BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;"
	"CREATE TRIGGER event_remains BEFORE DELETE ON event"
	" BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;";

static bool make_event_table(struct event_log *log, struct error *err)
{
	char marks[96];

	snprintf(marks, sizeof marks, "PRAGMA application_id = %d; PRAGMA user_version = %d",
		LOG_APPLICATION_ID, LOG_FORMAT);
	return log_execute(log, schema, "make", err) && log_execute(log, marks, "make", err);
}

static bool name_race(struct event_log *log, struct str race, struct error *err)
{
	sqlite3_stmt *statement;
	bool ok = sqlite3_prepare_v2(log->db, "INSERT INTO race (name) VALUES (?1)", -1, &statement,
			  NULL) == SQLITE_OK &&
		  sqlite3_bind_text64(statement, 1, race.data, race.len, SQLITE_STATIC,
			  SQLITE_UTF8) == SQLITE_OK &&
		  sqlite3_step(statement) == SQLITE_DONE;

	if (!ok)
		log_fail(log, "make", err);
	sqlite3_finalize(statement);
	return ok;
}

bool log_make_tables(struct event_log *log, struct str race, struct error *err)
{
	return log_execute(log, "CREATE TABLE race (name TEXT NOT NULL) STRICT", "make", err) &&
	       make_event_table(log, err) && name_race(log, race, err);
}

/* --- format 1: a column for each member, completions alone, no chain --- */

static struct event_log_entry read_old_entry(sqlite3_stmt *statement)
{
	struct event_log_entry entry = EVENT_ENTRY;

	entry.kind = EVENT_COMPLETION;
	entry.cluster = log_column_text(statement, 0);
	entry.user = log_column_text(statement, 1);
	entry.exercise = log_column_text(statement, 2);
	entry.t_ms = sqlite3_column_int64(statement, 3);
	entry.earliest_ms = sqlite3_column_int64(statement, 4);
	entry.latest_ms = sqlite3_column_int64(statement, 5);
	entry.observed_ms = sqlite3_column_int64(statement, 6);
	entry.when_ms = entry.observed_ms;
	entry.evidence = log_column_text(statement, 7);
	return entry;
}

static bool copy_old_entries(struct event_log *log, struct error *err)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(log->db,
		"SELECT cluster, user, exercise, t_ms, earliest_ms, latest_ms, observed_ms, "
		"evidence FROM event_1 ORDER BY id",
		-1, &statement, NULL);
	bool ok = code == SQLITE_OK;

	while (ok && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct event_log_entry entry = read_old_entry(statement);
		bool added;

		ok = log_insert(log, &entry, &added, err);
	}
	if (ok && code != SQLITE_DONE)
		ok = log_fail(log, "bring up to date", err);
	else if (!ok && err->kind == ERROR_NONE)
		log_fail(log, "bring up to date", err);
	sqlite3_finalize(statement);
	return ok;
}

static bool is_old(struct event_log *log)
{
	sqlite3_stmt *statement;
	bool old = sqlite3_prepare_v2(log->db, "PRAGMA user_version", -1, &statement, NULL) ==
			   SQLITE_OK &&
		   sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int64(statement, 0) == 1;

	sqlite3_finalize(statement);
	return old;
}

static bool make_anew(struct event_log *log, struct error *err)
{
	bool ok = log_execute(log,
			  "ALTER TABLE event RENAME TO event_1; DROP TRIGGER event_stays; "
			  "DROP TRIGGER event_remains",
			  "bring up to date", err) &&
		  make_event_table(log, err) && log_prepare_insert(log, err) &&
		  copy_old_entries(log, err);

	sqlite3_finalize(log->insert); // else the table below is still in use
	log->insert = NULL;
	log->head_known = false;
	return ok && log_execute(log, "DROP TABLE event_1", "bring up to date", err);
}

bool log_migrate(struct event_log *log, struct error *err)
{
	if (!log_execute(log, "BEGIN IMMEDIATE", "bring up to date", err))
		return false;
	if ((!is_old(log) || make_anew(log, err)) &&
		log_execute(log, "COMMIT", "bring up to date", err))
		return true;
	sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}
