#include "leaderboard/quest/counting_private.h"

#include <math.h>
#include <stdlib.h>

/*
 * Points are kept as one fraction over the unit until the end, and divided once, as in score.c: its
 * parts are whole milliseconds, and points times the unit. Points with up to three decimals are
 * made exact by hand, because 0.4 is no double but 400 thousandths times a unit of whole
 * milliseconds is.
 */
static double times_unit(double points, int64_t unit_ms)
{
	double thousandths = rint(points * 1000);

	if (fabs(points * 1000 - thousandths) < 1e-6)
		return thousandths * (double)unit_ms / 1000;
	return points * (double)unit_ms;
}

/* To a billionth, where a double still has billionths. */
static double round_billionth(double value)
{
	return fabs(value) < 4e6 ? rint(value * 1e9) / 1e9 : value;
}

/* --- making --- */

bool quest_counting_of_file(const struct quest_file *file, size_t scoring, struct arena *arena,
	struct quest_counting *out, struct error *err)
{
	const struct quest_scoring_rule *rule = &file->scorings[scoring];
	const struct quest *quest = &file->quests[0];

	*out = (struct quest_counting){
		.name = rule->name,
		.start_ms = file->start_ms,
		.unit_ms = file->unit_ms,
		.duration_ms = file->duration_ms,
		.is_preset = rule->is_preset,
		.preset = rule->preset,
		.formula_text = rule->formula,
		.exercises = ARENA_ARRAY(arena, struct quest_counted, quest->exercise_count),
		.exercise_count = quest->exercise_count,
	};
	for (size_t i = 0; i < quest->exercise_count; i++)
		out->exercises[i] = (struct quest_counted){quest->exercises[i].name,
			quest->exercises[i].nominal_end_ms, rule->parameters[i]};
	if (rule->is_preset)
		return true;
	out->formula = quest_formula_parse(&rule->formula, arena, err);
	if (out->formula)
		return true;
	const struct error cause = *err;

	return error_set(err, ERROR_INVALID, "%.*s:%s (formula of \"%.*s\")", STR_ARG(file->path),
		cause.text, STR_ARG(rule->name));
}

void quest_counting_of_preset(const struct quest *quest, enum quest_scoring preset,
	int64_t duration_ms, struct arena *arena, struct quest_counting *out)
{
	*out = (struct quest_counting){
		.name = str_from(quest_scoring_names[preset]),
		.start_ms = quest->start_ms,
		.unit_ms = quest->unit_ms,
		.duration_ms = duration_ms,
		.is_preset = true,
		.preset = preset,
		.exercises = ARENA_ARRAY(arena, struct quest_counted, quest->exercise_count),
		.exercise_count = quest->exercise_count,
	};
	for (size_t i = 0; i < quest->exercise_count; i++) {
		const struct quest_points *points = &quest->exercises[i].points[preset];

		out->exercises[i] = (struct quest_counted){quest->exercises[i].name,
			quest->exercises[i].nominal_end_ms,
			{.weight = points->weight, .slope = points->slope, .ramp = 1}};
	}
}

/* --- parts --- */

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static size_t count_done(
	const struct quest_counting *counting, const int64_t *done_ms, int64_t now_ms)
{
	size_t count = 0;

	for (size_t i = 0; i < counting->exercise_count; i++)
		count += done_ms[i] <= now_ms;
	return count;
}

double counting_formula(const struct quest_counting *counting, size_t exercise, int64_t t_ms,
	size_t done, int64_t now_ms)
{
	const struct quest_counted *own = &counting->exercises[exercise];
	const double values[QUEST_FORMULA_NAMES] = {
		[QUEST_FORMULA_T] = seconds(t_ms - counting->start_ms),
		[QUEST_FORMULA_NOMINAL] = seconds(own->nominal_end_ms),
		[QUEST_FORMULA_NOW] = seconds(now_ms - counting->start_ms),
		[QUEST_FORMULA_UNIT] = seconds(counting->unit_ms),
		[QUEST_FORMULA_DURATION] = seconds(counting->duration_ms),
		[QUEST_FORMULA_WEIGHT] = own->parameters.weight,
		[QUEST_FORMULA_SLOPE] = own->parameters.slope,
		[QUEST_FORMULA_RAMP] = own->parameters.ramp,
		[QUEST_FORMULA_DONE] = (double)done,
		[QUEST_FORMULA_INDEX] = (double)(exercise + 1),
		[QUEST_FORMULA_COUNT] = (double)counting->exercise_count,
	};

	return quest_formula_run(counting->formula, values);
}

/* What an exercise gives from its completion on: weight and bonus, times the unit. */
double counting_fixed(const struct quest_counting *counting, size_t exercise, int64_t t_ms)
{
	const struct quest_counted *own = &counting->exercises[exercise];
	double early_ms = (double)(counting->start_ms + own->nominal_end_ms - t_ms);
	double weight = times_unit(own->parameters.weight, counting->unit_ms);

	switch (counting->preset) {
	case QUEST_AUTHOR_2024:
		return weight + early_ms;
	case QUEST_OCTAVE_DESIGN:
		return weight + own->parameters.slope * early_ms;
	case QUEST_ARRIVAL:
		return (double)counting->unit_ms;
	}
	abort();
}

/* What it has given since, times the unit. */
double counting_ramp(const struct quest_counting *counting, int64_t t_ms, int64_t now_ms)
{
	int64_t since_ms = now_ms - t_ms;

	switch (counting->preset) {
	case QUEST_AUTHOR_2024:
		return (double)((since_ms / counting->unit_ms + 1) * counting->unit_ms);
	case QUEST_OCTAVE_DESIGN:
		return (double)since_ms;
	case QUEST_ARRIVAL:
		return 0;
	}
	abort();
}

double counting_total(const struct quest_counting *counting, double sum, double extra)
{
	if (counting->formula)
		return round_billionth(sum + extra);
	return (sum + times_unit(extra, counting->unit_ms)) / (double)counting->unit_ms;
}

double quest_counting_score(
	const struct quest_counting *counting, const int64_t *done_ms, double extra, int64_t now_ms)
{
	size_t done = counting->formula ? count_done(counting, done_ms, now_ms) : 0;
	double fixed = 0, ramp = 0;

	// Two sums, as a board adds them: equal to the last bit.
	for (size_t i = 0; i < counting->exercise_count; i++) {
		if (done_ms[i] > now_ms)
			continue;
		if (counting->formula) {
			fixed += counting_formula(counting, i, done_ms[i], done, now_ms);
		} else {
			fixed += counting_fixed(counting, i, done_ms[i]);
			ramp += counting_ramp(counting, done_ms[i], now_ms);
		}
	}
	return counting_total(counting, fixed + ramp, extra);
}

static size_t preset_parts(const struct quest_counting *counting, size_t exercise, int64_t t_ms,
	int64_t now_ms, struct quest_part *out)
{
	double unit = (double)counting->unit_ms;
	double fixed = counting_fixed(counting, exercise, t_ms);
	double weight =
		times_unit(counting->exercises[exercise].parameters.weight, counting->unit_ms);

	if (counting->preset == QUEST_ARRIVAL) {
		out[0] = (struct quest_part){QUEST_PART_WEIGHT, exercise, fixed, unit};
		return 1;
	}
	out[0] = (struct quest_part){QUEST_PART_WEIGHT, exercise, weight, unit};
	out[1] = (struct quest_part){QUEST_PART_BONUS, exercise, fixed - weight, unit};
	out[2] = (struct quest_part){
		QUEST_PART_RAMP, exercise, counting_ramp(counting, t_ms, now_ms), unit};
	return 3;
}

size_t quest_counting_parts(const struct quest_counting *counting, const int64_t *done_ms,
	int64_t now_ms, struct quest_part *out)
{
	size_t done = count_done(counting, done_ms, now_ms), count = 0;

	for (size_t i = 0; i < counting->exercise_count; i++) {
		if (done_ms[i] > now_ms)
			continue;
		if (counting->formula)
			out[count++] = (struct quest_part){QUEST_PART_FORMULA, i,
				counting_formula(counting, i, done_ms[i], done, now_ms), 1};
		else
			count += preset_parts(counting, i, done_ms[i], now_ms, out + count);
	}
	return count;
}

/* --- minutes --- */

/*
 * A step of one unit to both sides: a floor of units changes by exactly two then, so that the
 * answer for presets is exact.
 */
static double slope_at(const struct quest_counting *counting, const int64_t *done_ms, size_t from)
{
	int64_t moved_ms[2][QUEST_MAX_EXERCISES];
	int64_t end_ms = counting->start_ms + counting->duration_ms;

	for (size_t i = 0; i < counting->exercise_count; i++) {
		int64_t by_ms = i >= from ? counting->unit_ms : 0;

		moved_ms[0][i] = done_ms[i] - by_ms;
		moved_ms[1][i] = done_ms[i] + by_ms;
		// What is complete at the end stays so: only its instant moves.
		if (moved_ms[1][i] > end_ms)
			end_ms = moved_ms[1][i];
	}
	return (quest_counting_score(counting, moved_ms[0], 0, end_ms) -
		       quest_counting_score(counting, moved_ms[1], 0, end_ms)) /
	       (2 * (double)counting->unit_ms / 60000);
}

void quest_counting_minutes(const struct quest_counting *counting, double *out)
{
	int64_t done_ms[QUEST_MAX_EXERCISES];
	bool depends = false;

	for (size_t i = 0; i < counting->exercise_count; i++)
		done_ms[i] = counting->start_ms + counting->exercises[i].nominal_end_ms;
	for (size_t i = 0; i < counting->exercise_count; i++) {
		out[i] = slope_at(counting, done_ms, i);
		depends |= fabs(out[i]) > 1e-9;
	}
	for (size_t i = 0; i < counting->exercise_count && !depends; i++)
		out[i] = 1;
}
