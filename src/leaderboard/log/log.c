#include "leaderboard/log/entry.h"
#include "leaderboard/log/log_private.h"

#include "base/memory.h"

#include <unistd.h>

/*
 * WAL with full synchronisation: a commit that returned survives a crash and a power cut, and
 * readers never wait. Several processes may write: whoever appends holds the write lock from before
 * he reads the end of the chain until he has made it longer.
 */

bool log_fail(const struct event_log *log, const char *what, struct error *err)
{
	int code = sqlite3_errcode(log->db);
	bool is_damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

	return error_set(err, is_damaged ? ERROR_INVALID : ERROR_SYSTEM, "%s event log %s: %s",
		what, log->path, sqlite3_errmsg(log->db));
}

bool log_execute(struct event_log *log, const char *sql, const char *what, struct error *err)
{
	return sqlite3_exec(log->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       log_fail(log, what, err);
}

struct str log_column_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return (struct str){text ? text : "", (size_t)sqlite3_column_bytes(statement, column)};
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
		log_fail(log, "open", err);
	sqlite3_finalize(statement);
	return ok;
}

static bool make_file(struct event_log *log, struct str race, struct error *err)
{
	if (log_execute(log, "BEGIN IMMEDIATE", "make", err) && log_make_tables(log, race, err) &&
		log_execute(log, "COMMIT", "make", err))
		return true;
	sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

/* Whatever race where none is named. */
static bool check_race(struct event_log *log, const struct str *race, struct error *err)
{
	sqlite3_stmt *statement;
	bool ok = sqlite3_prepare_v2(log->db, "SELECT name FROM race", -1, &statement, NULL) ==
			  SQLITE_OK &&
		  sqlite3_step(statement) == SQLITE_ROW;

	if (!ok) {
		log_fail(log, "open", err);
	} else {
		struct str own = log_column_text(statement, 0);

		ok = !race || str_equal(own, *race) ||
		     error_set(err, ERROR_INVALID,
			     "%s holds the events of another race, %.*s; this one is %.*s: name "
			     "another file",
			     log->path, STR_ARG(own), STR_ARG(*race));
		log->race = memory_alloc(own.len + 1);
		memcpy(log->race, own.data, own.len);
	}
	sqlite3_finalize(statement);
	return ok;
}

/* Looks before it writes: a file that is not ours stays as it is. */
static bool take_file(struct event_log *log, const struct str *race, struct error *err)
{
	int64_t id, version, tables;

	if (!ask_number(log, "PRAGMA application_id", &id, err) ||
		!ask_number(log, "PRAGMA user_version", &version, err) ||
		!ask_number(log, "SELECT count(*) FROM sqlite_master", &tables, err))
		return err->kind == ERROR_INVALID ? error_wrap(err, "not an event log") : false;
	if (id != LOG_APPLICATION_ID && (id != 0 || tables != 0 || !race))
		return error_set(err, ERROR_INVALID,
			"%s is a database, but not an event log of railquest: name another file",
			log->path);
	if (tables && version != LOG_FORMAT && version != 1)
		return error_set(err, ERROR_INVALID,
			"%s is an event log of format %lld; this program reads formats up to %d",
			log->path, (long long)version, LOG_FORMAT);
	if (tables && !check_race(log, race, err))
		return false;
	return log_execute(
		       log, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", "open", err) &&
	       (tables || (make_file(log, *race, err) && check_race(log, race, err))) &&
	       (!tables || version != 1 || log_migrate(log, err));
}

/*
 * SQLite's own waiting sleeps longer each time, so that a program which appends without a pause
 * starves another. Short sleeps of changing length find the gap between two of its commits.
 */
static int wait_for_turn(void *context, int count)
{
	(void)context;
	usleep((useconds_t)(300 + count * 271 % 700));
	return count < 15000; // about 10 s
}

static struct event_log *open_log(
	const char *path, const struct str *race, int flags, struct error *err)
{
	struct event_log *log = memory_alloc(sizeof *log);

	log->path = memory_alloc(strlen(path) + 1);
	memcpy(log->path, path, strlen(path));
	int code = sqlite3_open_v2(
		path, &log->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | flags, NULL);

	if (!log->db)
		abort();
	sqlite3_extended_result_codes(log->db, 0);
	sqlite3_busy_handler(log->db, wait_for_turn, NULL);
	if (code != SQLITE_OK)
		log_fail(log, "open", err);
	else if (take_file(log, race, err) && log_prepare_insert(log, err))
		return log;
	event_log_close(log);
	return NULL;
}

struct event_log *event_log_open(const char *path, struct str race, struct error *err)
{
	return open_log(path ? path : ":memory:", &race, SQLITE_OPEN_CREATE, err);
}

struct event_log *event_log_open_any(const char *path, struct error *err)
{
	return open_log(path, NULL, 0, err);
}

void event_log_close(struct event_log *log)
{
	if (!log)
		return;
	sqlite3_finalize(log->insert);
	sqlite3_close(log->db);
	free(log->race);
	free(log->path);
	free(log);
}

/* Leaving write-ahead logging takes the whole file: it fails while anybody else has it open. */
static bool take_all(struct event_log *log, struct error *err)
{
	sqlite3_finalize(log->insert);
	log->insert = NULL;
	sqlite3_busy_handler(log->db, NULL, NULL);
	return log_execute(log, "PRAGMA journal_mode = DELETE", "remove", err);
}

bool event_log_remove(const char *path, struct error *err)
{
	struct event_log *log = event_log_open_any(path, err);
	bool ok = log && take_all(log, err);

	event_log_close(log);
	if (!ok)
		return false;
	return unlink(path) == 0 || error_errno(err, "remove %s", path);
}

struct str event_log_race(const struct event_log *log)
{
	return str_from(log->race);
}

/* --- appending --- */

bool log_prepare_insert(struct event_log *log, struct error *err)
{
	static const char insert[] =
		"INSERT INTO event (id, body, hash) VALUES (?1, ?2, ?3) "
		"ON CONFLICT (kind, env, cluster, user, exercise, condition) "
		"WHERE kind IN ('completion', 'push', 'award', 'seat') DO NOTHING";

	return sqlite3_prepare_v2(log->db, insert, -1, &log->insert, NULL) == SQLITE_OK ||
	       log_fail(log, "open", err);
}

static bool read_head(struct event_log *log, struct error *err)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(log->db,
		"SELECT id, hash FROM event ORDER BY id DESC LIMIT 1", -1, &statement, NULL);

	log->head_id = 0;
	log->head = (struct event_hash){0};
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		log->head_id = sqlite3_column_int64(statement, 0);
		if (sqlite3_column_bytes(statement, 1) == sizeof log->head.bytes)
			memcpy(log->head.bytes, sqlite3_column_blob(statement, 1),
				sizeof log->head.bytes);
	} else if (code != SQLITE_DONE) {
		log_fail(log, "read", err);
	}
	log->head_known = code == SQLITE_ROW || code == SQLITE_DONE;
	sqlite3_finalize(statement);
	// The next one is counted on from here.
	if (log->head_id < 0 || log->head_id >= INT64_MAX)
		log->head_known = error_set(err, ERROR_INVALID,
			"event log %s is damaged: its last event calls itself number %lld",
			log->path, (long long)log->head_id);
	return log->head_known;
}

bool log_insert(
	struct event_log *log, const struct event_log_entry *entry, bool *added, struct error *err)
{
	struct event_log_entry own = *entry;
	struct buffer body = {0};

	*added = false;
	if (!log->head_known && !read_head(log, err))
		return false;
	own.id = log->head_id + 1;
	if (!event_entry_print(&body, &own, err)) {
		buffer_finish(&body);
		return false;
	}
	struct event_hash hash = event_chain(&log->head, buffer_str(&body));

	sqlite3_bind_int64(log->insert, 1, own.id);
	if (sqlite3_bind_text64(log->insert, 2, body.data, body.len, SQLITE_STATIC, SQLITE_UTF8) !=
			SQLITE_OK ||
		sqlite3_bind_blob(log->insert, 3, hash.bytes, sizeof hash.bytes, SQLITE_STATIC) !=
			SQLITE_OK)
		abort();
	bool ok = sqlite3_step(log->insert) == SQLITE_DONE || log_fail(log, "write to", err);

	if (ok && sqlite3_changes(log->db) > 0) {
		*added = true;
		log->head_id = own.id;
		log->head = hash;
	}
	sqlite3_reset(log->insert);
	sqlite3_clear_bindings(log->insert);
	buffer_finish(&body);
	return ok;
}

static void roll_back(struct event_log *log)
{
	// A full disk may have ended the transaction already.
	if (!sqlite3_get_autocommit(log->db))
		sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	log->in_batch = log->head_known = false;
}

bool event_log_begin(struct event_log *log, struct error *err)
{
	log->head_known = false;
	log->in_batch = log_execute(log, "BEGIN IMMEDIATE", "write to", err);
	return log->in_batch;
}

bool event_log_commit(struct event_log *log, struct error *err)
{
	bool ok = log_execute(log, "COMMIT", "write to", err);

	if (!ok)
		roll_back(log);
	log->in_batch = log->head_known = false;
	return ok;
}

void event_log_cancel(struct event_log *log)
{
	roll_back(log);
}

bool event_log_append(
	struct event_log *log, const struct event_log_entry *entry, bool *added, struct error *err)
{
	bool alone = !log->in_batch;

	*added = false;
	if (alone && !event_log_begin(log, err))
		return false;
	if (!log_insert(log, entry, added, err)) {
		roll_back(log);
		return false;
	}
	if (alone && !event_log_commit(log, err)) {
		*added = false;
		return false;
	}
	return true;
}
