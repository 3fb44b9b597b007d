#include "leaderboard/log/entry.h"
#include "leaderboard/log/log_private.h"

#include "base/memory.h"

#include <stdio.h>

static sqlite3_stmt *select_after(struct event_log *log, int64_t after_id, struct error *err)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(log->db,
		    "SELECT id, body, hash FROM event WHERE id > ?1 ORDER BY id", -1, &statement,
		    NULL) != SQLITE_OK) {
		log_fail(log, "read", err);
		return NULL;
	}
	sqlite3_bind_int64(statement, 1, after_id);
	return statement;
}

/* --- entries --- */

static bool read_row(struct event_log *log, sqlite3_stmt *statement, struct arena *arena,
	struct event_log_entry *out, struct error *err)
{
	int64_t id = sqlite3_column_int64(statement, 0);

	if (!event_entry_read(log_column_text(statement, 1), arena, out, err))
		return error_wrap(err, "event %lld of %s", (long long)id, log->path);
	out->id = id;
	return true;
}

bool event_log_read_after(struct event_log *log, int64_t after_id, struct arena *arena,
	struct event_log_entry **out, size_t *count, struct error *err)
{
	sqlite3_stmt *statement = select_after(log, after_id, err);
	struct event_log_entry *entries = NULL;
	size_t capacity = 0;
	bool ok = statement != NULL;
	int code = SQLITE_DONE;

	*count = 0;
	while (ok && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		entries = memory_grow(entries, &capacity, *count + 1, sizeof *entries);
		ok = read_row(log, statement, arena, &entries[(*count)++], err);
	}
	if (ok && code != SQLITE_DONE)
		ok = log_fail(log, "read", err);
	*out = ARENA_ARRAY(arena, struct event_log_entry, *count);
	if (*count)
		memcpy(*out, entries, *count * sizeof *entries);
	free(entries);
	sqlite3_finalize(statement);
	return ok;
}

bool event_log_read(struct event_log *log, struct arena *arena, struct event_log_entry **out,
	size_t *count, struct error *err)
{
	return event_log_read_after(log, 0, arena, out, count, err);
}

bool event_log_head(
	struct event_log *log, int64_t *count, struct event_hash *head, struct error *err)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(log->db,
		"SELECT id, hash FROM event ORDER BY id DESC LIMIT 1", -1, &statement, NULL);

	*count = 0;
	*head = (struct event_hash){0};
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*count = sqlite3_column_int64(statement, 0);
		if (sqlite3_column_bytes(statement, 1) == sizeof head->bytes)
			memcpy(head->bytes, sqlite3_column_blob(statement, 1), sizeof head->bytes);
	} else if (code != SQLITE_DONE) {
		log_fail(log, "read", err);
	}
	sqlite3_finalize(statement);
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

/* --- proof --- */

static bool refuse(struct event_log_check *out, const char *text)
{
	snprintf(out->reason, sizeof out->reason, "%.*s", (int)sizeof out->reason - 1, text);
	return false;
}

/* Written as RFC 8785 has it, so that anybody who prints it anew gets these bytes. */
static bool is_canonical(struct str body)
{
	struct buffer again = {0};
	json_t *value = json_loadb(body.data, body.len, CANONICAL_INPUT, NULL);
	bool same = false;

	if (value) {
		canonical_print(&again, value);
		same = str_equal(buffer_str(&again), body);
	}
	buffer_finish(&again);
	json_decref(value);
	return same;
}

static bool check_body(struct str body, int64_t id, struct event_log_check *out)
{
	struct arena arena = {0};
	struct event_log_entry entry;
	struct error err = {0};
	bool ok = event_entry_read(body, &arena, &entry, &err);

	arena_finish(&arena);
	if (!ok)
		return refuse(out, err.text);
	if (entry.id != id)
		return refuse(out, "it calls itself another number");
	return is_canonical(body) || refuse(out, "it is not written as canonical JSON");
}

/* One row of the chain; *out moves on where it is right. */
static bool verify_row(sqlite3_stmt *statement, struct event_log_check *out)
{
	int64_t id = sqlite3_column_int64(statement, 0);
	struct str body = log_column_text(statement, 1);
	struct event_hash hash = event_chain(&out->head, body);
	char wanted[EVENT_HEX_SIZE];

	out->bad_id = id;
	if (id != out->count + 1) {
		out->bad_id = out->count + 1;
		return refuse(out, "it is missing");
	}
	if (!check_body(body, id, out))
		return false;
	if (sqlite3_column_bytes(statement, 2) != sizeof hash.bytes ||
		memcmp(sqlite3_column_blob(statement, 2), hash.bytes, sizeof hash.bytes) != 0) {
		event_hash_print(wanted, &hash);
		snprintf(out->reason, sizeof out->reason,
			"its hash should be %s: it, or the one before, was changed", wanted);
		return false;
	}
	out->bad_id = 0;
	out->count = id;
	out->head = hash;
	return true;
}

bool event_log_verify(struct event_log *log, struct event_log_check *out, struct error *err)
{
	sqlite3_stmt *statement = select_after(log, INT64_MIN, err);
	int code = SQLITE_DONE;

	*out = (struct event_log_check){0};
	if (!statement)
		return false;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW && verify_row(statement, out))
		;
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		log_fail(log, "read", err);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE || code == SQLITE_ROW;
}

bool event_log_print(struct event_log *log, int64_t after_id, struct buffer *out, struct error *err)
{
	sqlite3_stmt *statement = select_after(log, after_id, err);
	int code;

	if (!statement)
		return false;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct event_hash hash = {0};
		char text[EVENT_HEX_SIZE];

		if (sqlite3_column_bytes(statement, 2) == sizeof hash.bytes)
			memcpy(hash.bytes, sqlite3_column_blob(statement, 2), sizeof hash.bytes);
		event_hash_print(text, &hash);
		buffer_append_text(out, "{\"event\":");
		buffer_append_str(out, log_column_text(statement, 1));
		buffer_printf(out, ",\"hash\":\"%s\"}\n", text);
	}
	if (code != SQLITE_DONE)
		log_fail(log, "read", err);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE;
}
