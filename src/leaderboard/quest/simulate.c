#include "leaderboard/quest/simulate.h"

#include "base/memory.h"

/*
 * A world is a list of changes per series and of ups and downs per target. Sampling walks both and
 * emits one run for each stretch in which nothing changes: the work is in the number of changes,
 * not of samples. Scrape k of a target is at start + k intervals + the target's phase. When a
 * scrape fails, or a series is gone from it, the series gets a stale marker at that instant and
 * nothing more, as Prometheus does.
 */

/* --- chance: splitmix64 --- */

uint64_t dice_next(struct dice *dice)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct dice dice_make(uint64_t seed, uint64_t stream)
{
	struct dice dice = {seed};
	uint64_t mixed = dice_next(&dice);

	dice.state = mixed ^ (stream * UINT64_C(0xd1342543de82ef95));
	dice_next(&dice);
	return dice;
}

int64_t dice_between(struct dice *dice, int64_t low, int64_t high)
{
	uint64_t range = (uint64_t)(high - low) + 1;

	return high <= low ? low : low + (int64_t)((dice_next(dice) >> 11) % range);
}

bool dice_chance(struct dice *dice, int64_t permille)
{
	return dice_between(dice, 0, 999) < permille;
}

int64_t dice_spread(struct dice *dice, int64_t mean)
{
	int64_t permille = 600;

	for (int i = 0; i < 4; i++)
		permille += dice_between(dice, 0, 200);
	return mean * permille / 1000;
}

/* --- writing a world down --- */

uint32_t sim_add_target(struct quest_simulation *sim, int64_t phase_ms,
	const struct sim_status *statuses, size_t count)
{
	sim->targets = memory_grow(
		sim->targets, &sim->target_capacity, sim->target_count + 1, sizeof *sim->targets);
	sim->targets[sim->target_count] = (struct sim_target){phase_ms, statuses, count};
	return (uint32_t)sim->target_count++;
}

void sim_add_series(struct quest_simulation *sim, const struct sim_metric *metric,
	const struct label *common, size_t common_count, struct str object, uint32_t target)
{
	sim->series = memory_grow(
		sim->series, &sim->series_capacity, sim->series_count + 1, sizeof *sim->series);
	sim->series[sim->series_count++] = (struct sim_series){
		.metric = metric,
		.common = common,
		.common_count = (uint32_t)common_count,
		.object = object,
		.target = target,
		.first_change = (uint32_t)sim->change_count,
		.scrape = sim->first_scrape,
	};
}

void sim_add_change(struct quest_simulation *sim, int64_t t_ms, double value)
{
	struct sim_series *series = &sim->series[sim->series_count - 1];
	struct sim_change *last = sim->change_count ? &sim->changes[sim->change_count - 1] : NULL;

	if (series->change_count && last->t_ms == t_ms) {
		last->value = value;
		return;
	}
	sim->changes = memory_grow(
		sim->changes, &sim->change_capacity, sim->change_count + 1, sizeof *sim->changes);
	sim->changes[sim->change_count++] = (struct sim_change){t_ms, value};
	series->change_count++;
}

void sim_add_up(struct quest_simulation *sim, const struct label *common, size_t common_count,
	uint32_t target)
{
	static const struct sim_metric up = {.name = "up"};
	const struct sim_target *own = &sim->targets[target];

	sim_add_series(sim, &up, common, common_count, (struct str){0}, target);
	sim->series[sim->series_count - 1].is_up = true;
	for (size_t i = 0; i < own->status_count; i++)
		sim_add_change(sim, own->statuses[i].t_ms, own->statuses[i].is_up ? 1 : 0);
}

/* --- sampling --- */

static struct series *open_series(
	const struct sim_series *series, struct series_sink *sink, struct error *err)
{
	const struct sim_metric *metric = series->metric;
	struct arena arena = {0};
	struct label *pairs = ARENA_ARRAY(&arena, struct label, series->common_count + 4);
	size_t count = 0;

	pairs[count++] = (struct label){SERIES_METRIC_NAME, str_from(metric->name)};
	for (size_t i = 0; i < series->common_count; i++)
		pairs[count++] = series->common[i];
	if (metric->object_label)
		pairs[count++] = (struct label){str_from(metric->object_label), series->object};
	for (size_t i = 0; i < 2 && metric->fixed[i].name; i++)
		pairs[count++] = (struct label){
			str_from(metric->fixed[i].name), str_from(metric->fixed[i].value)};
	struct series *out =
		sink->ops->series(sink, labels_make(&arena, pairs, count, false), 0, err);

	arena_finish(&arena);
	return out;
}

struct sampling {
	int64_t base_ms, interval_ms; // scrape k is at base + k intervals
	int64_t end;		      // first scrape that is not taken
};

// The first scrape that sees what happens at t_ms.
static int64_t scrape_seeing(const struct sampling *sampling, int64_t t_ms)
{
	int64_t since_ms = t_ms - sampling->base_ms;
	int64_t scrape = since_ms / sampling->interval_ms;

	return scrape * sampling->interval_ms < since_ms ? scrape + 1 : scrape;
}

/* What a scrape sees, and the first one that may see something else. */
struct view {
	bool is_up, is_exposed;
	double value;
	int64_t until;
};

static struct view look(const struct quest_simulation *sim, struct sim_series *series,
	const struct sampling *sampling)
{
	const struct sim_change *changes = sim->changes + series->first_change;
	const struct sim_target *target = &sim->targets[series->target];
	struct view view = {.until = sampling->end};
	int64_t next;

	while (series->change < series->change_count &&
		scrape_seeing(sampling, changes[series->change].t_ms) <= series->scrape)
		series->change++;
	while (series->status < target->status_count &&
		scrape_seeing(sampling, target->statuses[series->status].t_ms) <= series->scrape)
		series->status++;
	if (series->change < series->change_count &&
		(next = scrape_seeing(sampling, changes[series->change].t_ms)) < view.until)
		view.until = next;
	if (series->status < target->status_count &&
		(next = scrape_seeing(sampling, target->statuses[series->status].t_ms)) <
			view.until)
		view.until = next;
	view.is_up =
		series->is_up || (series->status > 0 && target->statuses[series->status - 1].is_up);
	if (series->change > 0) {
		view.value = changes[series->change - 1].value;
		view.is_exposed = view.is_up && !sample_is_stale(view.value);
	}
	return view;
}

static bool emit(const struct quest_simulation *sim, struct sim_series *series, int64_t to_ms,
	struct series_sink *sink, struct error *err)
{
	const struct quest_scenario *scenario = sim->scenario;
	struct sampling sampling = {
		.base_ms = scenario->quest.start_ms + sim->targets[series->target].phase_ms,
		.interval_ms = scenario->scrape_interval_ms,
	};

	if (to_ms < sampling.base_ms + series->scrape * sampling.interval_ms)
		return true;
	sampling.end = scrape_seeing(&sampling, to_ms + 1);
	while (series->scrape < sampling.end) {
		struct view view = look(sim, series, &sampling);
		int64_t t_ms = sampling.base_ms + series->scrape * sampling.interval_ms;

		if (view.is_exposed && !series->out &&
			!(series->out = open_series(series, sink, err)))
			return false;
		if (view.is_exposed)
			sink->ops->append_run(sink, series->out, t_ms, sampling.interval_ms,
				(size_t)(view.until - series->scrape), view.value);
		else if (series->is_exposed)
			sink->ops->append(sink, series->out, t_ms, sample_stale());
		series->is_exposed = view.is_exposed;
		series->scrape = view.until;
	}
	return true;
}

bool quest_simulation_advance(struct quest_simulation *simulation, int64_t to_ms,
	struct series_sink *sink, struct error *err)
{
	for (size_t i = 0; i < simulation->series_count; i++)
		if (!emit(simulation, &simulation->series[i], to_ms, sink, err))
			return false;
	return true;
}

/* --- making --- */

struct quest_simulation *quest_simulation_create(
	const struct quest_scenario *scenario, struct error *err)
{
	struct quest_simulation *sim = memory_alloc(sizeof *sim);
	bool ok = false;

	sim->scenario = scenario;
	switch (scenario->kind) {
	case QUEST_TIMINGS:
		ok = sim_build_timings(sim, err);
		break;
	case QUEST_WORKSHOP:
		ok = sim_build_workshop(sim, err);
		break;
	}
	if (ok)
		return sim;
	quest_simulation_destroy(sim);
	return NULL;
}

void quest_simulation_destroy(struct quest_simulation *simulation)
{
	if (!simulation)
		return;
	arena_finish(&simulation->arena);
	free(simulation->targets);
	free(simulation->series);
	free(simulation->changes);
	free(simulation);
}

const struct quest_player *quest_simulation_players(
	const struct quest_simulation *simulation, size_t *count)
{
	*count = simulation->player_count;
	return simulation->players;
}

int64_t quest_simulation_truth(
	const struct quest_simulation *simulation, size_t player, size_t exercise)
{
	return simulation->truth_ms[player * simulation->scenario->quest.exercise_count + exercise];
}
