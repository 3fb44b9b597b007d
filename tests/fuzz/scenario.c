/*
 * Whatever the bytes are: a scenario, or an error that says something. What is read can be made a
 * world of and sampled for a while.
 */
#include "engine/tsdb/tsdb.h"
#include "leaderboard/quest/quest.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_PLAYERS = 50, MAX_SPAN_MS = 10 * 60000 };

static void play(const struct quest_scenario *scenario)
{
	struct error err = {0};
	struct tsdb *db = tsdb_create(100000);
	struct quest_simulation *simulation = NULL;

	if (scenario->kind == QUEST_TIMINGS || scenario->workshop.players <= MAX_PLAYERS)
		simulation = quest_simulation_create(scenario, &err);
	if (simulation) {
		int64_t span_ms =
			scenario->duration_ms < MAX_SPAN_MS ? scenario->duration_ms : MAX_SPAN_MS;
		bool ok = quest_simulation_advance(
			simulation, scenario->quest.start_ms + span_ms, tsdb_sink(db), &err);

		assert(ok || err.text[0]);
		assert(tsdb_stats(db).refused_count == 0);
	}
	quest_simulation_destroy(simulation);
	tsdb_destroy(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);
	struct quest_scenario scenario;
	struct arena arena = {0};
	struct error err = {0};

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (quest_scenario_read(
		    (struct str){copy, size}, "fuzz", NULL, 0, &arena, &scenario, &err)) {
		play(&scenario);
		quest_scenario_release(&scenario);
	} else {
		assert(err.kind != ERROR_NONE && err.text[0]);
	}
	arena_finish(&arena);
	free(copy);
	return 0;
}
