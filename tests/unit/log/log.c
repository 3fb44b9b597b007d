#include "leaderboard/log/log.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

static char folder[] = "/tmp/railquest-log-XXXXXX";
static char path[64];

static int make_path(void **state)
{
	static int number;

	(void)state;
	snprintf(path, sizeof path, "%s/%d.db", folder, number++);
	return 0;
}

static struct event_log_entry entry(const char *user, const char *exercise, int64_t t_ms)
{
	struct event_log_entry out = EVENT_ENTRY;

	out.cluster = STR("gotham");
	out.user = str_from(user);
	out.exercise = str_from(exercise);
	out.t_ms = t_ms;
	out.earliest_ms = t_ms - 5;
	out.latest_ms = t_ms;
	out.when_ms = out.observed_ms = t_ms + 7;
	out.evidence = STR("done: x = 1");
	return out;
}

static struct event_log *open_log(const char *name)
{
	struct error err = {0};
	struct event_log *log = event_log_open(name, STR("race"), &err);

	if (!log)
		fail_msg("%s", err.text);
	return log;
}

static bool append(struct event_log *log, const char *user, const char *exercise, int64_t t_ms)
{
	struct event_log_entry own = entry(user, exercise, t_ms);
	struct error err = {0};
	bool added;

	if (!event_log_append(log, &own, &added, &err))
		fail_msg("%s", err.text);
	return added;
}

static size_t count_entries(struct event_log *log)
{
	struct event_log_entry *entries;
	struct arena arena = {0};
	struct error err = {0};
	size_t count;

	assert_true(event_log_read(log, &arena, &entries, &count, &err));
	arena_finish(&arena);
	return count;
}

static void the_first_completion_stays(void **state)
{
	struct event_log *log = open_log(NULL);

	(void)state;
	assert_true(append(log, "batman", "hero", 1000));
	assert_false(append(log, "batman", "hero", 900));
	assert_true(append(log, "batman", "villain", 900));
	assert_true(append(log, "robin", "hero", 1000));
	assert_int_equal(count_entries(log), 3);
	event_log_close(log);
}

static void what_was_appended_is_read_back_after_reopening(void **state)
{
	struct event_log *log = open_log(path);
	struct event_log_entry *entries;
	struct arena arena = {0};
	struct error err = {0};
	size_t count;

	(void)state;
	append(log, "batman", "hero", 1728047700123);
	append(log, "Élodie", "hero", 3);
	event_log_close(log);
	log = open_log(path);
	assert_false(append(log, "batman", "hero", 5));
	assert_true(event_log_read(log, &arena, &entries, &count, &err));
	assert_int_equal(count, 2);
	assert_int_equal(entries[0].id, 1);
	assert_true(str_equal(entries[0].cluster, STR("gotham")));
	assert_true(str_equal(entries[0].user, STR("batman")));
	assert_true(str_equal(entries[0].exercise, STR("hero")));
	assert_true(str_equal(entries[0].evidence, STR("done: x = 1")));
	assert_int_equal(entries[0].t_ms, 1728047700123);
	assert_int_equal(entries[0].earliest_ms, 1728047700118);
	assert_int_equal(entries[0].latest_ms, 1728047700123);
	assert_int_equal(entries[0].observed_ms, 1728047700130);
	assert_true(str_equal(entries[1].user, STR("Élodie")));
	arena_finish(&arena);
	event_log_close(log);
}

static void the_file_itself_refuses_changes(void **state)
{
	struct event_log *log = open_log(path);
	sqlite3 *db;

	(void)state;
	append(log, "batman", "hero", 1000);
	event_log_close(log);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_not_equal(
		sqlite3_exec(db, "UPDATE event SET body = '{}'", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "DELETE FROM event", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	log = open_log(path);
	assert_int_equal(count_entries(log), 1);
	event_log_close(log);
}

static void check_refused(const char *race, const char *says)
{
	struct error err = {0};

	assert_null(event_log_open(path, str_from(race), &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	if (!strstr(err.text, says) || !strstr(err.text, path))
		fail_msg("%s", err.text);
}

static void the_log_of_another_race_is_refused(void **state)
{
	(void)state;
	event_log_close(open_log(path));
	check_refused("another", "another race, race");
	event_log_close(open_log(path));
}

static long file_size(void)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	long size = ftell(file);

	fclose(file);
	return size;
}

static void a_foreign_file_is_refused_and_left_alone(void **state)
{
	FILE *file = fopen(path, "wb");

	(void)state;
	assert_non_null(file);
	for (int i = 0; i < 100; i++)
		fputs("this is somebody's letter\n", file);
	fclose(file);
	long size = file_size();

	check_refused("race", "not an event log");
	assert_int_equal(file_size(), size);
}

static void a_foreign_database_is_refused_and_left_alone(void **state)
{
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "CREATE TABLE event (mine TEXT)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	long size = file_size();

	check_refused("race", "not an event log of railquest");
	assert_int_equal(file_size(), size);
}

static void a_newer_format_is_refused(void **state)
{
	sqlite3 *db;

	(void)state;
	event_log_close(open_log(path));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 3", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	check_refused("race", "format 3");
}

static void a_path_that_cannot_be_opened_says_so(void **state)
{
	struct error err = {0};

	(void)state;
	assert_null(event_log_open("/nowhere/race.db", STR("race"), &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "/nowhere/race.db"));
}

static bool fill(struct event_log *log, int64_t from, struct error *err)
{
	static char evidence[4000];
	char user[32];
	bool added;

	memset(evidence, 'x', sizeof evidence);
	if (!event_log_begin(log, err))
		return false;
	for (int64_t i = from; i < from + 200; i++) {
		snprintf(user, sizeof user, "user%lld", (long long)i);
		struct event_log_entry own = entry(user, "hero", 1000);

		own.evidence = (struct str){evidence, sizeof evidence};
		if (!event_log_append(log, &own, &added, err))
			return false;
	}
	return event_log_commit(log, err);
}

static void a_full_disk_loses_nothing_that_was_there(void **state)
{
	struct event_log *log = open_log(path);
	struct rlimit before, small;
	struct error err = {0};

	(void)state;
	assert_true(fill(log, 0, &err));
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	small = (struct rlimit){1200 * 1024, before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	bool ok = fill(log, 1000, &err);

	setrlimit(RLIMIT_FSIZE, &before);
	assert_false(ok);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(count_entries(log), 200);
	// There is room again.
	assert_true(append(log, "batman", "hero", 1000));
	event_log_close(log);
	log = open_log(path);
	assert_int_equal(count_entries(log), 201);
	event_log_close(log);
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
		cmocka_unit_test_setup(the_first_completion_stays, make_path),
		cmocka_unit_test_setup(what_was_appended_is_read_back_after_reopening, make_path),
		cmocka_unit_test_setup(the_file_itself_refuses_changes, make_path),
		cmocka_unit_test_setup(the_log_of_another_race_is_refused, make_path),
		cmocka_unit_test_setup(a_foreign_file_is_refused_and_left_alone, make_path),
		cmocka_unit_test_setup(a_foreign_database_is_refused_and_left_alone, make_path),
		cmocka_unit_test_setup(a_newer_format_is_refused, make_path),
		cmocka_unit_test_setup(a_path_that_cannot_be_opened_says_so, make_path),
		cmocka_unit_test_setup(a_full_disk_loses_nothing_that_was_there, make_path),
	};

	return cmocka_run_group_tests_name("event_log", tests, make_folder, remove_folder);
}
