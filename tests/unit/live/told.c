/* Pushes and awards of a log that others wrote, or edited: what they say becomes conditions. */
#include "leaderboard/live/live.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

static char folder[] = "/tmp/railquest-told-XXXXXX";
static char path[64];
static struct arena arena;
static struct quest_file file;

static const char quest[] = "quest: told\n"
			    "start: 2026-06-12T14:00:00Z\n"
			    "duration: 2h\n"
			    "unit: 5m\n"
			    "push: {token_file: push.token}\n"
			    "exercises:\n"
			    "  - name: quiz\n"
			    "    nominal_end: 60m\n"
			    "    points: 50\n"
			    "    conditions: [{name: answered, push: true}]\n";

static void need(bool ok, const struct error *err)
{
	if (!ok)
		fail_msg("%s", err->text);
}

static int open_quest(void **state)
{
	static int number;
	struct error err = {0};

	(void)state;
	snprintf(path, sizeof path, "%s/%d.db", folder, number++);
	need(quest_file_read(str_from(quest), "told.yaml", NULL, 0, &arena, &file, &err), &err);
	return 0;
}

static int close_quest(void **state)
{
	(void)state;
	quest_file_release(&file);
	arena_finish(&arena);
	return 0;
}

static struct live *open_live(int64_t now_ms)
{
	const struct live_options options = {.file = &file, .log_path = path};
	struct error err = {0};
	struct live *live = live_create(&options, now_ms, &err);

	need(live != NULL, &err);
	return live;
}

static void turn(struct live *live, int64_t now_ms)
{
	struct error err = {0};
	int64_t next_ms;

	need(live_turn(live, now_ms, &next_ms, &err), &err);
}

static void push(struct live *live, int64_t now_ms)
{
	const struct live_push one = {
		.player = {STR("gotham"), STR("batman")},
		.exercise = STR("quiz"),
		.condition = STR("answered"),
		.t_ms = now_ms,
	};
	struct error err = {0};
	size_t added;

	need(live_take_pushes(live, &one, 1, now_ms, &added, &err), &err);
	assert_int_equal(added, 1);
}

/* Of the log, as somebody changes it who knows SQLite. */
static void edit(const char *sql)
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

/* Completions in the log of a race that is opened and played for a while. */
static size_t completions(int64_t now_ms)
{
	struct live *live = open_live(now_ms);
	size_t count, found = 0;

	for (int i = 0; i < 5; i++)
		turn(live, now_ms + i * 5000);
	const struct event_log_entry *events = live_events(live, &count);

	for (size_t i = 0; i < count; i++)
		found += events[i].kind == EVENT_COMPLETION;
	live_destroy(live);
	return found;
}

static void a_push_completes_what_it_is_about(void **state)
{
	int64_t now_ms = file.start_ms + 600000;
	struct live *live = open_live(now_ms);

	(void)state;
	push(live, now_ms);
	live_destroy(live);
	assert_int_equal(completions(now_ms + 60000), 1);
}

static void an_instant_far_from_the_race_is_that_of_its_start(void **state)
{
	int64_t now_ms = file.start_ms + 600000;
	struct live *live = open_live(now_ms);

	(void)state;
	push(live, now_ms);
	live_destroy(live);
	edit("UPDATE event SET body = json_set(body, '$.when_ms', -9007199254740991, '$.t_ms', "
	     "-9007199254740991) WHERE kind = 'push'");
	assert_int_equal(completions(now_ms + 60000), 1);
}

static void an_instant_after_every_race_is_never(void **state)
{
	int64_t now_ms = file.start_ms + 600000;
	struct live *live = open_live(now_ms);

	(void)state;
	push(live, now_ms);
	live_destroy(live);
	edit("UPDATE event SET body = json_set(body, '$.when_ms', 9007199254740991) WHERE kind = "
	     "'push'");
	assert_int_equal(completions(now_ms + 60000), 0);
}

static void a_push_without_its_instant_is_refused_by_name(void **state)
{
	int64_t now_ms = file.start_ms + 600000;
	const struct live_options options = {.file = &file, .log_path = path};
	struct live *live = open_live(now_ms);
	struct error err = {0};

	(void)state;
	push(live, now_ms);
	live_destroy(live);
	edit("UPDATE event SET body = json_remove(body, '$.when_ms') WHERE kind = 'push'");
	assert_null(live_create(&options, now_ms, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_non_null(strstr(err.text, "event 1 of "));
	assert_non_null(strstr(err.text, "it has no \"when_ms\""));
}

static void a_number_that_cannot_be_counted_on_from_is_refused(void **state)
{
	int64_t now_ms = file.start_ms + 600000;
	const struct live_push one = {
		.player = {STR("gotham"), STR("robin")},
		.exercise = STR("quiz"),
		.condition = STR("answered"),
		.t_ms = QUEST_NEVER,
	};
	struct live *live = open_live(now_ms);
	struct error err = {0};
	size_t added;

	(void)state;
	push(live, now_ms);
	edit("UPDATE event SET id = 9223372036854775807 WHERE kind = 'push'");
	assert_false(live_take_pushes(live, &one, 1, now_ms, &added, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_non_null(strstr(err.text, "calls itself number 9223372036854775807"));
	live_destroy(live);
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
#define OF_QUEST(name) cmocka_unit_test_setup_teardown(name, open_quest, close_quest)
		OF_QUEST(a_push_completes_what_it_is_about),
		OF_QUEST(an_instant_far_from_the_race_is_that_of_its_start),
		OF_QUEST(an_instant_after_every_race_is_never),
		OF_QUEST(a_push_without_its_instant_is_refused_by_name),
		OF_QUEST(a_number_that_cannot_be_counted_on_from_is_refused),
	};

	return cmocka_run_group_tests_name("live_told", tests, make_folder, remove_folder);
}
