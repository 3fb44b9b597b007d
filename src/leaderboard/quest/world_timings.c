#include "leaderboard/quest/simulate.h"

/*
 * The world of given timings: one target that is always up, and per player and exercise a flag and,
 * once done, the instant. The author's bench has no more than the target; his rules read the clock
 * from it.
 */

static const struct sim_metric completed = {
	.name = "exercise_completed", .object_label = "exercise"};
static const struct sim_metric completion_time = {
	.name = "exercise_completion_time", .object_label = "exercise"};

static void add_exercise(struct quest_simulation *sim, const struct label *labels, size_t count,
	struct str exercise, int64_t done_ms)
{
	sim_add_series(sim, &completed, labels, count, exercise, 0);
	sim_add_change(sim, sim->scenario->quest.start_ms, 0);
	if (done_ms == QUEST_NEVER)
		return;
	sim_add_change(sim, done_ms, 1);
	sim_add_series(sim, &completion_time, labels, count, exercise, 0);
	sim_add_change(sim, done_ms, (double)done_ms / 1000);
}

bool sim_build_timings(struct quest_simulation *sim, struct error *err)
{
	const struct quest_scenario *scenario = sim->scenario;
	const struct quest *quest = &scenario->quest;
	struct sim_status *status = ARENA_NEW(&sim->arena, struct sim_status);
	struct label *up = ARENA_ARRAY(&sim->arena, struct label, 2);

	(void)err;
	*status = (struct sim_status){quest->start_ms, true};
	up[0] = (struct label){STR("job"), STR("prometheus")};
	up[1] = (struct label){STR("instance"), STR("localhost:9090")};
	sim_add_up(sim, up, 2, sim_add_target(sim, 0, status, 1));
	sim->player_count = scenario->timing_count;
	sim->players = ARENA_ARRAY(&sim->arena, struct quest_player, sim->player_count);
	sim->truth_ms =
		ARENA_ARRAY(&sim->arena, int64_t, sim->player_count * quest->exercise_count);
	for (size_t i = 0; i < scenario->timing_count; i++) {
		const struct quest_timing *timing = &scenario->timings[i];
		struct label *labels = ARENA_ARRAY(&sim->arena, struct label, 2);

		sim->players[i] = timing->player;
		labels[0] = (struct label){STR("user"), timing->player.user};
		labels[1] = (struct label){STR("cluster"), timing->player.cluster};
		for (size_t j = 0; j < quest->exercise_count; j++) {
			int64_t done_ms = timing->done_ms[j];

			if (done_ms != QUEST_NEVER)
				done_ms += quest->start_ms;
			sim->truth_ms[i * quest->exercise_count + j] =
				timing->done_ms[j] > scenario->duration_ms ? QUEST_NEVER : done_ms;
			add_exercise(sim, labels, 2, quest->exercises[j].name, done_ms);
		}
	}
	return true;
}
