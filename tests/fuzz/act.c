/* Whatever the body of POST /api/quest/acts is: an act, or an error that says something. */
#include "leaderboard/server/acts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEAST_TEXT_LIMIT = 4096, NUMBER_DIGITS = 32 };

/* A text ends where the body's did, or is the digits of a number that the body had. */
static void check_text(const char *text, size_t size)
{
	if (text)
		assert(strlen(text) <= LEAST_TEXT_LIMIT && strlen(text) <= size + NUMBER_DIGITS);
}

static void check_texts(const struct ledger_request *asked, size_t size)
{
	check_text(asked->who, size);
	check_text(asked->why, size);
	check_text(asked->player, size);
	check_text(asked->cluster, size);
	check_text(asked->exercise, size);
	check_text(asked->condition, size);
	check_text(asked->env, size);
	check_text(asked->time, size);
	check_text(asked->from, size);
	check_text(asked->to, size);
}

static const char quest[] =
	"quest: fuzz\n"
	"start: 1728047700\n"
	"duration: 2h30m\n"
	"unit: 5m\n"
	"freeze: 2h\n"
	"environments: [dev, prod]\n"
	"participants:\n"
	"  list: [{user: batman, cluster: gotham}, {user: robin}]\n"
	"exercises:\n"
	"  - {name: hero, nominal_end: 55m, points: 55, conditions: [{name: quiz, "
	"award: true}]}\n";

/* What the act would be in a race that has just begun, if it means anything. */
static void check_entry(const struct ledger_request *asked)
{
	static struct quest_file file;
	static struct arena of_file;
	const int64_t now_ms = INT64_C(1728048000000);
	struct arena arena = {0};
	struct error err = {0};
	struct event_log_entry act;

	if (!file.path.len &&
		!quest_file_read(str_from(quest), "fuzz.yaml", NULL, 0, &of_file, &file, &err))
		abort();
	const struct ledger_options options = {.file = &file};
	struct ledger *ledger = ledger_create(&options, NULL, 0, &err);

	assert(ledger);
	if (ledger_fill(ledger, asked, now_ms, &act, &err) &&
		ledger_prepare(ledger, &act, &arena, &err))
		assert(act.when_ms == now_ms && act.who.len > 0 && act.why.len > 0);
	else
		assert(err.kind == ERROR_INVALID && err.text[0]);
	ledger_destroy(ledger);
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);
	struct arena arena = {0};
	struct error err = {0};
	struct ledger_request asked;

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (act_read((struct str){copy, size}, &arena, &asked, &err)) {
		// What is kept is the arena's, not the body's.
		memset(copy, 0, size);
		check_texts(&asked, size);
		assert(asked.of >= 0 && fabs(asked.points) <= 1e6);
		check_entry(&asked);
	} else {
		assert(err.kind == ERROR_INVALID && err.text[0]);
	}
	arena_finish(&arena);
	free(copy);
	return 0;
}
