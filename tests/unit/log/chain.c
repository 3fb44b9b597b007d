#include "leaderboard/log/entry.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

static char folder[] = "/tmp/railquest-chain-XXXXXX";
static char path[64];

static int make_path(void **state)
{
	static int number;

	(void)state;
	snprintf(path, sizeof path, "%s/%d.db", folder, number++);
	return 0;
}

static void need(bool ok, const struct error *err)
{
	if (!ok)
		fail_msg("%s", err->text);
}

static struct event_log *open_log(const char *name)
{
	struct error err = {0};
	struct event_log *log = event_log_open(name, STR("race"), &err);

	need(log != NULL, &err);
	return log;
}

static void append(struct event_log *log, struct event_log_entry entry)
{
	struct error err = {0};
	bool added;

	need(event_log_append(log, &entry, &added, &err), &err);
	assert_true(added);
}

static struct event_log_entry completion(int64_t number)
{
	struct event_log_entry entry = EVENT_ENTRY;
	static char user[32];

	snprintf(user, sizeof user, "user%lld", (long long)number);
	entry.user = str_from(user);
	entry.cluster = STR("gotham");
	entry.exercise = STR("hero");
	entry.when_ms = entry.t_ms = number;
	return entry;
}

static struct event_log_check verify(struct event_log *log)
{
	struct event_log_check check;
	struct error err = {0};

	need(event_log_verify(log, &check, &err), &err);
	return check;
}

static void tamper(const char *sql)
{
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, "DROP TRIGGER event_stays; DROP TRIGGER event_remains", NULL, NULL,
		    &message) != SQLITE_OK ||
		sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	sqlite3_close(db);
}

/* --- canonical JSON --- */

static void check_canonical(const char *in, const char *wanted)
{
	struct buffer out = {0};
	json_t *value = json_loads(in, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	assert_non_null(value);
	canonical_print(&out, value);
	assert_string_equal(out.data, wanted);
	json_decref(value);
	buffer_finish(&out);
}

static void members_are_sorted_as_rfc_8785_sorts_them(void **state)
{
	(void)state;
	// Section 3.2.3 of the RFC.
	check_canonical(
		"{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew"
		" Letter Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: "
		"Grinning Face\",\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O "
		"With Diaeresis\"}",
		"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\",\"\xC3\xB6\":"
		"\"Latin Small Letter O With Diaeresis\",\"\xE2\x82\xAC\":\"Euro Sign\","
		"\"\xF0\x9F\x98\x80\":\"Emoji: Grinning Face\",\"\xEF\xAC\xB3\":\"Hebrew Letter "
		"Dalet With Dagesh\"}");
}

static void values_are_written_as_rfc_8785_writes_them(void **state)
{
	(void)state;
	// Section 3.2.2 of the RFC.
	check_canonical("{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, "
			"0.000000000000000000000000001],\"string\": \"\\u20ac$\\u000F\\u000aA'"
			"\\u0042\\u0022\\u005c\\\\\\\"\\/\", \"literals\": [null, true, false]}",
		"{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,"
		"1e-27],\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
	check_canonical("\"\\u0000\\b\\f\\t\\u007f<&>\"", "\"\\u0000\\b\\f\\t\x7f<&>\"");
}

static void numbers_are_written_as_ecmascript_writes_them(void **state)
{
	// Appendix B of the RFC, by their bits.
	static const struct {
		uint64_t bits;
		const char *text;
	} rows[] = {
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buffer out = {0};
		double value;

		memcpy(&value, &rows[i].bits, sizeof value);
		canonical_print_number(&out, value);
		assert_string_equal(out.data, rows[i].text);
		buffer_finish(&out);
	}
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
	struct buffer out = {0};

	(void)state;
	canonical_print_string(&out, STR("a\xFF\xC3"));
	assert_string_equal(out.data, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
	buffer_finish(&out);
}

/* --- entries --- */

static void an_event_is_written_and_read_back_whole(void **state)
{
	struct event_log_entry entry = EVENT_ENTRY, back;
	struct arena arena = {0};
	struct buffer out = {0};
	struct error err = {0};

	(void)state;
	entry.id = 7;
	entry.kind = EVENT_SCORING;
	entry.when_ms = 1728047700123;
	entry.who = STR("Élodie");
	entry.why = STR("said \"no\"");
	entry.points = -2.5;
	entry.version = 3;
	entry.from_ms = 0;
	entry.scoring = STR("{\"b\": 1.0, \"a\": [1e2]}");
	need(event_entry_print(&out, &entry, &err), &err);
	assert_string_equal(out.data,
		"{\"from_ms\":0,\"kind\":\"scoring\",\"n\":7,\"points\":-2.5,\"scoring\":{\"a\":["
		"100],\"b\":1},\"version\":3,\"when_ms\":1728047700123,\"who\":\"Élodie\",\"why\":"
		"\"said \\\"no\\\"\"}");
	need(event_entry_read(buffer_str(&out), &arena, &back, &err), &err);
	assert_int_equal(back.id, 7);
	assert_int_equal(back.kind, EVENT_SCORING);
	assert_int_equal(back.from_ms, 0);
	assert_int_equal(back.to_ms, EVENT_NO_INSTANT);
	assert_true(back.points == -2.5);
	assert_true(str_equal(back.who, entry.who));
	assert_true(str_equal(back.scoring, STR("{\"a\":[100],\"b\":1}")));
	buffer_finish(&out);
	arena_finish(&arena);
}

static void what_cannot_be_written_exactly_is_refused(void **state)
{
	struct event_log_entry entry = EVENT_ENTRY;
	struct event_log *log = open_log(NULL);
	struct error err = {0};
	bool added;

	(void)state;
	assert_false(event_log_append(log, &entry, &added, &err));
	assert_non_null(strstr(err.text, "when it is appended"));
	entry.when_ms = 1;
	entry.t_ms = INT64_MAX;
	assert_false(event_log_append(log, &entry, &added, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	entry.t_ms = 0;
	entry.points = (double)NAN;
	assert_false(event_log_append(log, &entry, &added, &err));
	entry.points = 0;
	entry.scoring = STR("[1]");
	assert_false(event_log_append(log, &entry, &added, &err));
	entry.scoring = STR("{");
	assert_false(event_log_append(log, &entry, &added, &err));
	assert_int_equal(verify(log).count, 0);
	event_log_close(log);
}

static void members_of_a_newer_program_are_passed_over(void **state)
{
	struct event_log_entry back;
	struct arena arena = {0};
	struct error err = {0};

	(void)state;
	need(event_entry_read(STR("{\"kind\":\"void\",\"n\":1,\"of\":2,\"when_ms\":3,\"zest\":{}}"),
		     &arena, &back, &err),
		&err);
	assert_int_equal(back.of, 2);
	assert_false(event_entry_read(STR("{\"kind\":\"party\"}"), &arena, &back, &err));
	assert_false(event_entry_read(STR("{\"n\":1}"), &arena, &back, &err));
	assert_false(
		event_entry_read(STR("{\"kind\":\"void\",\"of\":\"2\"}"), &arena, &back, &err));
	assert_false(event_entry_read(STR("[]"), &arena, &back, &err));
	assert_false(event_entry_read(
		STR("{\"kind\":\"push\",\"t_ms\":9007199254740992}"), &arena, &back, &err));
	assert_non_null(strstr(err.text, "\"t_ms\" is too large"));
	assert_false(event_entry_read(
		STR("{\"kind\":\"push\",\"when_ms\":-9223372036854775807}"), &arena, &back, &err));
	assert_non_null(strstr(err.text, "\"when_ms\" is too large"));
	assert_false(event_entry_read(STR("{\"kind\":\"push\",\"n\":1}"), &arena, &back, &err));
	assert_non_null(strstr(err.text, "it has no \"when_ms\""));
	arena_finish(&arena);
}

/* --- the chain --- */

static void a_hash_is_that_of_the_one_before_and_the_event(void **state)
{
	struct event_log *log = open_log(NULL);
	struct event_log_entry entry = EVENT_ENTRY;
	char hex[EVENT_HEX_SIZE];

	(void)state;
	entry.kind = EVENT_UNDO;
	entry.of = entry.when_ms = 1;
	append(log, entry);
	// By Python's hashlib.
	event_hash_print(hex, &(struct event_hash){0});
	assert_string_equal(
		hex, "0000000000000000000000000000000000000000000000000000000000000000");
	struct event_log_check check = verify(log);

	event_hash_print(hex, &check.head);
	assert_string_equal(
		hex, "59f8c603815695541c221882469dbeeb474a9ce3ccac08b55473b2c129b04243");
	append(log, entry);
	check = verify(log);
	event_hash_print(hex, &check.head);
	assert_string_equal(
		hex, "42ca8b6a2366889896fc56f6db7259717e197ca2691b80d68d96a6cff04d612d");
	assert_int_equal(check.count, 2);
	assert_int_equal(check.bad_id, 0);
	event_log_close(log);
}

static void check_found(const char *sql, int64_t bad_id, const char *says)
{
	struct event_log *log = open_log(path);

	for (int64_t i = 1; i <= 5; i++)
		append(log, completion(i));
	assert_int_equal(verify(log).bad_id, 0);
	event_log_close(log);
	tamper(sql);
	log = open_log(path);
	struct event_log_check check = verify(log);

	assert_int_equal(check.bad_id, bad_id);
	assert_int_equal(check.count, bad_id - 1);
	if (!strstr(check.reason, says))
		fail_msg("%s", check.reason);
	event_log_close(log);
}

static void a_changed_event_is_found(void **state)
{
	(void)state;
	check_found(
		"UPDATE event SET body = replace(body, '\"t_ms\":3', '\"t_ms\":2') WHERE id = 3", 3,
		"hash");
}

static void a_removed_event_is_found(void **state)
{
	(void)state;
	check_found("DELETE FROM event WHERE id = 3", 3, "missing");
}

static void a_renumbered_event_is_found(void **state)
{
	(void)state;
	check_found("DELETE FROM event WHERE id = 3; UPDATE event SET id = id - 1 WHERE id > 3", 3,
		"number");
}

static void an_event_that_is_not_canonical_is_found(void **state)
{
	(void)state;
	check_found("UPDATE event SET body = replace(body, ',\"n\"', ', \"n\"') WHERE id = 2", 2,
		"canonical");
}

static void a_rolled_back_batch_leaves_no_trace(void **state)
{
	struct event_log *log = open_log(path);
	struct error err = {0};

	(void)state;
	append(log, completion(1));
	struct event_log_check before = verify(log);

	need(event_log_begin(log, &err), &err);
	append(log, completion(2));
	event_log_cancel(log);
	append(log, completion(3));
	struct event_log_check after = verify(log);

	assert_int_equal(after.count, 2);
	assert_int_equal(after.bad_id, 0);
	assert_memory_not_equal(&before.head, &after.head, sizeof before.head);
	event_log_close(log);
}

static void completions_of_environments_are_apart_and_acts_repeat(void **state)
{
	struct event_log *log = open_log(NULL);
	struct event_log_entry entry = completion(1);
	struct error err = {0};
	bool added;

	(void)state;
	append(log, entry);
	entry.env = STR("dev");
	append(log, entry);
	need(event_log_append(log, &entry, &added, &err), &err);
	assert_false(added);
	entry.kind = EVENT_PUSH;
	entry.condition = STR("call");
	append(log, entry);
	need(event_log_append(log, &entry, &added, &err), &err);
	assert_false(added);
	entry.kind = EVENT_ADJUST;
	append(log, entry);
	append(log, entry);
	assert_int_equal(verify(log).count, 5);
	event_log_close(log);
}

/* --- older files, other processes, crashes --- */

static const char old_log[] =
	"CREATE TABLE race (name TEXT NOT NULL) STRICT;"
	"CREATE TABLE event (id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, user TEXT NOT NULL,"
	" exercise TEXT NOT NULL, t_ms INTEGER NOT NULL, earliest_ms INTEGER NOT NULL,"
	" latest_ms INTEGER NOT NULL, observed_ms INTEGER NOT NULL, evidence TEXT NOT NULL,"
	" UNIQUE (cluster, user, exercise),"
	" CHECK (earliest_ms <= t_ms AND t_ms <= latest_ms)) STRICT;"
	"CREATE TRIGGER event_stays BEFORE UPDATE ON event"
	" BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;"
	"CREATE TRIGGER event_remains BEFORE DELETE ON event"
	" BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;"
	"PRAGMA application_id = 1381067879; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;"
	"INSERT INTO race VALUES ('race');"
	"INSERT INTO event VALUES (1, 'gotham', 'batman', 'hero', 20, 10, 20, 25, 'x = 1');"
	"INSERT INTO event VALUES (3, '', 'robin', 'hero', 30, 30, 30, 35, '');";

static void a_log_of_format_1_becomes_one_of_format_2(void **state)
{
	struct event_log_entry *entries;
	struct arena arena = {0};
	struct error err = {0};
	size_t count;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, old_log, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	struct event_log *log = open_log(path);

	need(event_log_read(log, &arena, &entries, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_true(str_equal(entries[0].user, STR("batman")));
	assert_true(str_equal(entries[0].evidence, STR("x = 1")));
	assert_int_equal(entries[0].earliest_ms, 10);
	assert_int_equal(entries[1].id, 2);
	assert_int_equal(entries[1].observed_ms, 35);
	assert_int_equal(verify(log).count, 2);
	append(log, completion(9));
	event_log_close(log);
	log = open_log(path);
	assert_int_equal(verify(log).count, 3);
	event_log_close(log);
	arena_finish(&arena);
}

static void a_log_that_is_not_there_is_not_made_to_be_read(void **state)
{
	struct error err = {0};

	(void)state;
	assert_null(event_log_open_any(path, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	event_log_close(open_log(path));
	struct event_log *log = event_log_open_any(path, &err);

	need(log != NULL, &err);
	assert_true(str_equal(event_log_race(log), STR("race")));
	event_log_close(log);
}

/* Appends until killed and writes the number of each event that was acknowledged. */
static void storm(int out, int64_t first)
{
	struct error err = {0};
	struct event_log *log = event_log_open(path, STR("race"), &err);

	for (int64_t i = first; log; i++) {
		struct event_log_entry entry = completion(i);
		bool added;

		if (!event_log_append(log, &entry, &added, &err) || !added ||
			write(out, &i, sizeof i) != sizeof i)
			break;
	}
	fprintf(stderr, "%s\n", err.text);
	_exit(1);
}

static void nothing_acknowledged_is_lost_when_writers_are_killed(void **state)
{
	struct event_log_entry *entries;
	struct arena arena = {0};
	struct error err = {0};
	int64_t number, last[2] = {0, 0};
	size_t count;

	(void)state;
	event_log_close(open_log(path));
	for (int round = 0; round < 5; round++) {
		pid_t child[2];
		int pipes[2][2];

		for (int i = 0; i < 2; i++) {
			assert_int_equal(pipe(pipes[i]), 0);
			child[i] = fork();
			assert_true(child[i] >= 0);
			if (child[i] == 0)
				close(pipes[i][0]);
			if (child[i] == 0)
				storm(pipes[i][1], 1000000 * i + last[i] % 1000000 + 1);
			close(pipes[i][1]);
		}
		// Each has had something acknowledged before it dies.
		for (int i = 0; i < 2; i++)
			assert_int_equal(
				read(pipes[i][0], &last[i], sizeof last[i]), sizeof last[i]);
		usleep(20000);
		for (int i = 0; i < 2; i++) {
			kill(child[i], SIGKILL);
			waitpid(child[i], NULL, 0);
			while (read(pipes[i][0], &number, sizeof number) == sizeof number)
				last[i] = number;
			close(pipes[i][0]);
		}
		struct event_log *log = open_log(path);
		struct event_log_check check = verify(log);
		bool *seen = calloc(2000000, sizeof *seen);

		assert_int_equal(check.bad_id, 0);
		need(event_log_read(log, &arena, &entries, &count, &err), &err);
		assert_int_equal(check.count, count);
		for (size_t i = 0; i < count; i++)
			seen[entries[i].t_ms] = true;
		for (int i = 0; i < 2; i++) {
			for (int64_t j = 1000000 * i + 1; last[i] && j <= last[i]; j++)
				assert_true(seen[j]);
			// One more may be in the log whose acknowledgement nobody read.
			while (seen[(last[i] ? last[i] : 1000000 * i) + 1])
				last[i] = (last[i] ? last[i] : 1000000 * i) + 1;
		}
		free(seen);
		event_log_close(log);
		arena_finish(&arena);
	}
	assert_true(last[0] > 0 && last[1] > 0);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_sorted_as_rfc_8785_sorts_them),
		cmocka_unit_test(values_are_written_as_rfc_8785_writes_them),
		cmocka_unit_test(numbers_are_written_as_ecmascript_writes_them),
		cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
		cmocka_unit_test(an_event_is_written_and_read_back_whole),
		cmocka_unit_test(what_cannot_be_written_exactly_is_refused),
		cmocka_unit_test(members_of_a_newer_program_are_passed_over),
		cmocka_unit_test(a_hash_is_that_of_the_one_before_and_the_event),
		cmocka_unit_test_setup(a_changed_event_is_found, make_path),
		cmocka_unit_test_setup(a_removed_event_is_found, make_path),
		cmocka_unit_test_setup(a_renumbered_event_is_found, make_path),
		cmocka_unit_test_setup(an_event_that_is_not_canonical_is_found, make_path),
		cmocka_unit_test_setup(a_rolled_back_batch_leaves_no_trace, make_path),
		cmocka_unit_test(completions_of_environments_are_apart_and_acts_repeat),
		cmocka_unit_test_setup(a_log_of_format_1_becomes_one_of_format_2, make_path),
		cmocka_unit_test_setup(a_log_that_is_not_there_is_not_made_to_be_read, make_path),
		cmocka_unit_test_setup(
			nothing_acknowledged_is_lost_when_writers_are_killed, make_path),
	};

	return cmocka_run_group_tests_name("event_log_chain", tests, make_folder, remove_folder);
}
