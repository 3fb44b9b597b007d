#include "leaderboard/log/log.h"

#include "base/memory.h"

#include <sqlite3.h>
#include <stdio.h>

/*
 * The latch is the table's unique key: an insert of what is there already changes nothing.
 * Append-only is the table's own law too: triggers refuse changes and removals, whoever asks. WAL
 * with full synchronisation: a commit that returned survives a crash and a power cut, and readers
 * never wait.
 */

enum { APPLICATION_ID = 0x52516c67, FORMAT_VERSION = 1 }; // "RQlg"

static const char schema[] = "CREATE TABLE race (name TEXT NOT NULL) STRICT;"
			     "CREATE TABLE event ("
			     " id INTEGER PRIMARY KEY,"
			     " cluster TEXT NOT NULL,"
			     " user TEXT NOT NULL,"
			     " exercise TEXT NOT NULL,"
			     " t_ms INTEGER NOT NULL,"
			     " earliest_ms INTEGER NOT NULL,"
			     " latest_ms INTEGER NOT NULL,"
			     " observed_ms INTEGER NOT NULL,"
			     " evidence TEXT NOT NULL,"
			     " UNIQUE (cluster, user, exercise),"
			     " CHECK (earliest_ms <= t_ms AND t_ms <= latest_ms)"
			     ") STRICT;"
			     "CREATE TRIGGER event_stays BEFORE UPDATE ON event"
			     " BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;"
			     "CREATE TRIGGER event_remains BEFORE DELETE ON event"
			     " BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;";

struct event_log {
	sqlite3 *db;
	sqlite3_stmt *insert;
	char *path; // for messages
};

static bool fail(const struct event_log *log, const char *what, struct error *err)
{
	int code = sqlite3_errcode(log->db);
	bool is_damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

	return error_set(err, is_damaged ? ERROR_INVALID : ERROR_SYSTEM, "%s event log %s: %s",
		what, log->path, sqlite3_errmsg(log->db));
}

static bool execute(struct event_log *log, const char *sql, const char *what, struct error *err)
{
	return sqlite3_exec(log->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(log, what, err);
}

/* --- opening --- */

// The one number that a statement gives.
static bool ask_number(struct event_log *log, const char *sql, int64_t *out, struct error *err)
{
	sqlite3_stmt *statement;
	bool ok = sqlite3_prepare_v2(log->db, sql, -1, &statement, NULL) == SQLITE_OK &&
		  sqlite3_step(statement) == SQLITE_ROW;

	if (ok)
		*out = sqlite3_column_int64(statement, 0);
	else
		fail(log, "open", err);
	sqlite3_finalize(statement);
	return ok;
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
		fail(log, "make", err);
	sqlite3_finalize(statement);
	return ok;
}

static bool make_tables(struct event_log *log, struct str race, struct error *err)
{
	char marks[96];

	snprintf(marks, sizeof marks, "PRAGMA application_id = %d; PRAGMA user_version = %d",
		APPLICATION_ID, FORMAT_VERSION);
	if (execute(log, "BEGIN IMMEDIATE", "make", err) && execute(log, schema, "make", err) &&
		execute(log, marks, "make", err) && name_race(log, race, err) &&
		execute(log, "COMMIT", "make", err))
		return true;
	sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

static bool check_race(struct event_log *log, struct str race, struct error *err)
{
	sqlite3_stmt *statement;
	bool ok = sqlite3_prepare_v2(log->db, "SELECT name FROM race", -1, &statement, NULL) ==
			  SQLITE_OK &&
		  sqlite3_step(statement) == SQLITE_ROW;

	if (!ok) {
		fail(log, "open", err);
	} else {
		struct str own = {(const char *)sqlite3_column_text(statement, 0),
			(size_t)sqlite3_column_bytes(statement, 0)};

		ok = str_equal(own, race) ||
		     error_set(err, ERROR_INVALID,
			     "%s holds the events of another race, %.*s; this one is %.*s: name "
			     "another file",
			     log->path, STR_ARG(own), STR_ARG(race));
	}
	sqlite3_finalize(statement);
	return ok;
}

/* Looks before it writes: a file that is not ours stays as it is. */
static bool take_file(struct event_log *log, struct str race, struct error *err)
{
	int64_t id, version, tables;

	if (!ask_number(log, "PRAGMA application_id", &id, err) ||
		!ask_number(log, "PRAGMA user_version", &version, err) ||
		!ask_number(log, "SELECT count(*) FROM sqlite_master", &tables, err))
		return err->kind == ERROR_INVALID ? error_wrap(err, "not an event log") : false;
	if (id != APPLICATION_ID && (id != 0 || tables != 0))
		return error_set(err, ERROR_INVALID,
			"%s is a database, but not an event log of railquest: name another file",
			log->path);
	if (tables && version != FORMAT_VERSION)
		return error_set(err, ERROR_INVALID,
			"%s is an event log of format %lld; this program reads format %d",
			log->path, (long long)version, FORMAT_VERSION);
	if (tables && !check_race(log, race, err))
		return false;
	return execute(log, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", "open", err) &&
	       (tables || make_tables(log, race, err));
}

struct event_log *event_log_open(const char *path, struct str race, struct error *err)
{
	struct event_log *log = memory_alloc(sizeof *log);
	const char *name = path ? path : ":memory:";

	log->path = memory_alloc(strlen(name) + 1);
	memcpy(log->path, name, strlen(name));
	int code = sqlite3_open_v2(name, &log->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	if (!log->db)
		abort();
	sqlite3_extended_result_codes(log->db, 0);
	sqlite3_busy_timeout(log->db, 2000);
	if (code != SQLITE_OK) {
		fail(log, "open", err);
	} else if (take_file(log, race, err)) {
		code = sqlite3_prepare_v2(log->db,
			"INSERT INTO event (cluster, user, exercise, t_ms, earliest_ms, latest_ms, "
			"observed_ms, evidence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
			"ON CONFLICT (cluster, user, exercise) DO NOTHING",
			-1, &log->insert, NULL);
		if (code == SQLITE_OK)
			return log;
		fail(log, "open", err);
	}
	event_log_close(log);
	return NULL;
}

void event_log_close(struct event_log *log)
{
	if (!log)
		return;
	sqlite3_finalize(log->insert);
	sqlite3_close(log->db);
	free(log->path);
	free(log);
}

/* --- appending --- */

bool event_log_begin(struct event_log *log, struct error *err)
{
	return execute(log, "BEGIN IMMEDIATE", "write to", err);
}

bool event_log_commit(struct event_log *log, struct error *err)
{
	if (execute(log, "COMMIT", "write to", err))
		return true;
	sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

static void bind_text(sqlite3_stmt *statement, int index, struct str text)
{
	// A NULL pointer would bind SQL's NULL.
	if (sqlite3_bind_text64(statement, index, text.len ? text.data : "", text.len,
		    SQLITE_STATIC, SQLITE_UTF8) == SQLITE_NOMEM)
		abort();
}

bool event_log_append(
	struct event_log *log, const struct event_log_entry *entry, bool *added, struct error *err)
{
	sqlite3_stmt *insert = log->insert;

	bind_text(insert, 1, entry->cluster);
	bind_text(insert, 2, entry->user);
	bind_text(insert, 3, entry->exercise);
	sqlite3_bind_int64(insert, 4, entry->t_ms);
	sqlite3_bind_int64(insert, 5, entry->earliest_ms);
	sqlite3_bind_int64(insert, 6, entry->latest_ms);
	sqlite3_bind_int64(insert, 7, entry->observed_ms);
	bind_text(insert, 8, entry->evidence);
	bool ok = sqlite3_step(insert) == SQLITE_DONE || fail(log, "write to", err);

	*added = ok && sqlite3_changes(log->db) > 0;
	sqlite3_reset(insert);
	sqlite3_clear_bindings(insert);
	// A full disk may have ended the batch already; then nothing of it may stay.
	if (!ok && !sqlite3_get_autocommit(log->db))
		sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	return ok;
}

/* --- reading --- */

static struct str column_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return str_copy(arena,
		(struct str){text ? text : "", (size_t)sqlite3_column_bytes(statement, column)});
}

static struct event_log_entry read_entry(sqlite3_stmt *statement, struct arena *arena)
{
	return (struct event_log_entry){
		.id = sqlite3_column_int64(statement, 0),
		.cluster = column_text(statement, 1, arena),
		.user = column_text(statement, 2, arena),
		.exercise = column_text(statement, 3, arena),
		.t_ms = sqlite3_column_int64(statement, 4),
		.earliest_ms = sqlite3_column_int64(statement, 5),
		.latest_ms = sqlite3_column_int64(statement, 6),
		.observed_ms = sqlite3_column_int64(statement, 7),
		.evidence = column_text(statement, 8, arena),
	};
}

bool event_log_read(struct event_log *log, struct arena *arena, struct event_log_entry **out,
	size_t *count, struct error *err)
{
	sqlite3_stmt *statement;
	size_t capacity = 0;
	struct event_log_entry *entries = NULL;
	int code;

	*count = 0;
	if (sqlite3_prepare_v2(log->db,
		    "SELECT id, cluster, user, exercise, t_ms, earliest_ms, latest_ms, "
		    "observed_ms, "
		    "evidence FROM event ORDER BY id",
		    -1, &statement, NULL) != SQLITE_OK)
		return fail(log, "read", err);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		entries = memory_grow(entries, &capacity, *count + 1, sizeof *entries);
		entries[(*count)++] = read_entry(statement, arena);
	}
	if (code != SQLITE_DONE)
		fail(log, "read", err);
	*out = ARENA_ARRAY(arena, struct event_log_entry, *count);
	if (*count)
		memcpy(*out, entries, *count * sizeof *entries);
	free(entries);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE;
}
