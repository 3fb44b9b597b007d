/*
 * race PLAYERS EXERCISES STEPS — how long a change of the scoring takes: everybody's scores and
 * places at every step, drawn anew. Prints one line of JSON: the best of three redraws (ms), one
 * score (ns), and the sum of all scores and of all places, so that another engine can be held
 * against them. race --events PLAYERS EXERCISES STEPS — the completions as CSV:
 * player,exercise,second.
 */
#include "base/memory.h"
#include "leaderboard/quest/quest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEP_MS = 5000, UNIT_MS = 300000 };

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1000 + (double)time.tv_nsec / 1e6;
}

struct race {
	struct quest_counting counting;
	struct quest_counted exercises[QUEST_MAX_EXERCISES];
	struct quest_player *players;
	int64_t *done_ms;
	size_t player_count, exercise_count, steps;
};

/* Everybody goes on from exercise to exercise; some stop. The same bytes each time. */
static void make_race(struct race *race)
{
	int64_t end_ms = (int64_t)(race->steps - 1) * STEP_MS;
	uint64_t seed = 1;

	race->players = memory_alloc_array(race->player_count, sizeof *race->players);
	race->done_ms = memory_alloc_array(
		race->player_count * race->exercise_count, sizeof *race->done_ms);
	race->counting = (struct quest_counting){.unit_ms = UNIT_MS,
		.duration_ms = end_ms,
		.is_preset = true,
		.preset = QUEST_AUTHOR_2024,
		.exercises = race->exercises,
		.exercise_count = race->exercise_count};
	for (size_t i = 0; i < race->exercise_count; i++)
		race->exercises[i] = (struct quest_counted){
			.nominal_end_ms = end_ms * (int64_t)(i + 1) / (int64_t)race->exercise_count,
			.parameters = {.weight = 30 + (double)i, .slope = 1, .ramp = 1}};
	for (size_t i = 0; i < race->player_count; i++) {
		int64_t at_ms = 0;
		char *name = memory_alloc(32);

		snprintf(name, 32, "p%05zu", i);
		race->players[i].user = str_from(name);
		for (size_t j = 0; j < race->exercise_count; j++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			at_ms += (int64_t)(seed >> 33) %
				 (2 * end_ms / (int64_t)race->exercise_count) / 1000 * 1000;
			race->done_ms[i * race->exercise_count + j] =
				at_ms <= end_ms ? at_ms : QUEST_NEVER;
		}
	}
}

static double redraw(const struct race *race, double *scores, double *places)
{
	struct quest_standing *rows = memory_alloc_array(race->player_count, sizeof *rows);
	double begun = now_ms();
	struct quest_board *board = quest_board_create(
		&race->counting, race->players, race->player_count, race->done_ms, NULL, 0);

	*scores = *places = 0;
	for (size_t i = 0; i < race->steps; i++) {
		quest_board_at(board, (int64_t)i * STEP_MS, rows);
		for (size_t j = 0; j < race->player_count; j++) {
			*scores += rows[j].score;
			*places += (double)rows[j].rank;
		}
	}
	quest_board_destroy(board);
	double taken = now_ms() - begun;

	free(rows);
	return taken;
}

static double one_score_ns(const struct race *race)
{
	enum { TIMES = 1000000 };
	double sum = 0, begun = now_ms();

	for (size_t i = 0; i < TIMES; i++)
		sum += quest_counting_score(&race->counting,
			race->done_ms + i % race->player_count * race->exercise_count, 0,
			race->counting.duration_ms - (int64_t)(i & 1023));
	double taken = now_ms() - begun;

	return sum > 0 ? taken * 1e6 / TIMES : -1;
}

static void print_events(const struct race *race)
{
	for (size_t i = 0; i < race->player_count; i++)
		for (size_t j = 0; j < race->exercise_count; j++)
			if (race->done_ms[i * race->exercise_count + j] != QUEST_NEVER)
				printf("%zu,%zu,%lld\n", i, j,
					(long long)race->done_ms[i * race->exercise_count + j] /
						1000);
}

int main(int argc, char **argv)
{
	bool events = argc == 5 && strcmp(argv[1], "--events") == 0;
	char **numbers = argv + 1 + events;
	struct race race = {0};
	double best = 0, scores, places;

	if (argc != 4 + events)
		return 2;
	race.player_count = strtoul(numbers[0], NULL, 10);
	race.exercise_count = strtoul(numbers[1], NULL, 10);
	race.steps = strtoul(numbers[2], NULL, 10);
	if (race.player_count < 1 || race.player_count > QUEST_MAX_PLAYERS ||
		race.exercise_count < 1 || race.exercise_count > QUEST_MAX_EXERCISES ||
		race.steps < 2 || race.steps > 1000000)
		return 2;
	make_race(&race);
	if (events) {
		print_events(&race);
		return 0;
	}
	for (int i = 0; i < 3; i++) {
		double taken = redraw(&race, &scores, &places);

		best = i == 0 || taken < best ? taken : best;
	}
	printf("{\"redraw_ms\":%.3f,\"score_ns\":%.1f,\"scores\":%.3f,\"places\":%.0f}\n", best,
		one_score_ns(&race), scores, places);
	return 0;
}
