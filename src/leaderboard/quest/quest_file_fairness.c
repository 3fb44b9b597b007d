#include "leaderboard/quest/quest_file_reader.h"

#include <math.h>
#include <stdio.h>

/* What rehearsals in numbers (fairness) need to know: how long exercises take, and how far being
 * fast at one goes with being fast at another. */

/* --- durations --- */

static const char *const distributions[] = {
	"lognormal", "normal", "triangular", "uniform", "observed", NULL};

// The duration fields as the file has them, before they become doubles.
struct duration_fields {
	int64_t median_ms, low_ms, high_ms, spread_ms;
	double spread, finish;
};

static bool read_duration_fields(const struct quest_reader *reader, const struct yaml_node *node,
	enum quest_distribution kind, struct duration_fields *out)
{
	enum { DAYS = 31 };
	static const double most_ms = DAYS * 86400000.0;
	static const char *const keys[][7] = {
		[QUEST_LOGNORMAL] = {"distribution", "finish", "median", "spread", NULL},
		[QUEST_NORMAL] = {"distribution", "finish", "median", "spread", NULL},
		[QUEST_TRIANGULAR] = {"distribution", "finish", "low", "median", "high", NULL},
		[QUEST_UNIFORM] = {"distribution", "finish", "low", "high", NULL},
		[QUEST_OBSERVED] = {"distribution", "finish", "values", NULL},
	};
	const struct scenario_field median = {"median", SCENARIO_DURATION,
		offsetof(struct duration_fields, median_ms), 1, most_ms, false};
	const struct scenario_field low = {"low", SCENARIO_DURATION,
		offsetof(struct duration_fields, low_ms), 0, most_ms, false};
	const struct scenario_field high = {"high", SCENARIO_DURATION,
		offsetof(struct duration_fields, high_ms), 0, most_ms, false};
	const struct scenario_field spread = {
		"spread", SCENARIO_NUMBER, offsetof(struct duration_fields, spread), 0, 5, false};
	const struct scenario_field spread_ms = {"spread", SCENARIO_DURATION,
		offsetof(struct duration_fields, spread_ms), 0, most_ms, false};
	const struct scenario_field finish = {
		"finish", SCENARIO_NUMBER, offsetof(struct duration_fields, finish), 0, 1, true};
	const struct scenario_field fields[][5] = {
		[QUEST_LOGNORMAL] = {median, spread, finish},
		[QUEST_NORMAL] = {median, spread_ms, finish},
		[QUEST_TRIANGULAR] = {low, median, high, finish},
		[QUEST_UNIFORM] = {low, high, finish},
		[QUEST_OBSERVED] = {finish},
	};
	char what[64];

	snprintf(what, sizeof what, "a duration that is %s", distributions[kind]);
	return yaml_check_keys(
		       node, reader->scenario.file, what, keys[kind], reader->scenario.err) &&
	       scenario_read_fields(&reader->scenario, node, fields[kind], out);
}

static bool read_observed(const struct quest_reader *reader, const struct yaml_node *node,
	struct quest_durations *out)
{
	const struct yaml_node *list = yaml_get(node, "values");

	if (!list || list->kind != YAML_SEQUENCE || list->count == 0 || list->count > 100000)
		return yaml_error(reader->scenario.err, reader->scenario.file, list ? list : node,
			"values must be a list of 1 to 100000 durations: [48m, 52m30s]");
	out->values_ms = ARENA_ARRAY(reader->scenario.arena, int64_t, list->count);
	out->value_count = list->count;
	for (size_t i = 0; i < list->count; i++)
		if (!scenario_read_duration(
			    &reader->scenario, list->items[i], "a value", &out->values_ms[i]))
			return false;
	return true;
}

static bool read_durations(const struct quest_reader *reader, const struct yaml_node *node,
	struct quest_durations *out)
{
	struct duration_fields fields = {.finish = 1};
	const struct yaml_node *name = yaml_get(node, "distribution");
	size_t kind = QUEST_LOGNORMAL;

	if (node->kind != YAML_MAPPING)
		return yaml_error(reader->scenario.err, reader->scenario.file, node,
			"duration must say how times spread, such as {median: 50m, spread: 0.3}");
	if (name && !quest_read_choice(reader, name, "distribution", distributions, &kind))
		return false;
	out->kind = (enum quest_distribution)kind;
	if (!read_duration_fields(reader, node, out->kind, &fields) ||
		(out->kind == QUEST_OBSERVED && !read_observed(reader, node, out)))
		return false;
	out->median_ms = (double)fields.median_ms;
	out->low_ms = (double)fields.low_ms;
	out->high_ms = (double)fields.high_ms;
	out->spread = fields.spread;
	out->spread_ms = (double)fields.spread_ms;
	out->finish = fields.finish;
	bool is_bounded = out->kind == QUEST_TRIANGULAR || out->kind == QUEST_UNIFORM;
	bool is_ordered = out->low_ms <= out->high_ms &&
			  (out->kind == QUEST_UNIFORM || (out->low_ms <= out->median_ms &&
								 out->median_ms <= out->high_ms));

	return !is_bounded || is_ordered ||
	       yaml_error(reader->scenario.err, reader->scenario.file, node,
		       "a duration goes from low to high, with the median in between");
}

/* --- correlation --- */

// Cholesky's decomposition exists: no eigenvalue below 0 (but for rounding).
static bool is_semi_definite(const double *matrix, size_t n)
{
	double lower[QUEST_MAX_EXERCISES][QUEST_MAX_EXERCISES] = {0};

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			double left = matrix[i * n + j];

			for (size_t k = 0; k < j; k++)
				left -= lower[i][k] * lower[j][k];
			if (i == j && left < -1e-9)
				return false;
			if (i == j)
				lower[i][i] = sqrt(left > 0 ? left : 0);
			else if (lower[j][j] > 1e-9)
				lower[i][j] = left / lower[j][j];
			else if (fabs(left) > 1e-9)
				return false;
		}
	return true;
}

static bool read_matrix(
	const struct quest_reader *reader, const struct yaml_node *node, double *matrix, size_t n)
{
	const struct scenario_reader *own = &reader->scenario;

	if (node->kind != YAML_SEQUENCE || node->count != n)
		return yaml_error(own->err, own->file, node,
			"correlation must be one number, or %zu rows of %zu, one for each "
			"exercise",
			n, n);
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *row = node->items[i];

		if (row->kind != YAML_SEQUENCE || row->count != n)
			return yaml_error(own->err, own->file, row,
				"a row of correlation has %zu numbers, one for each exercise", n);
		for (size_t j = 0; j < n; j++)
			if (!yaml_number(row->items[j], own->file, "correlation",
				    &matrix[i * n + j], own->err))
				return false;
	}
	return true;
}

static bool check_matrix(const struct quest_reader *reader, const struct yaml_node *node,
	const double *matrix, size_t n)
{
	const struct scenario_reader *own = &reader->scenario;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			double value = matrix[i * n + j];

			if (!(value >= -1 && value <= 1) || (i == j && value != 1) ||
				value != matrix[j * n + i])
				return yaml_error(own->err, own->file, node,
					"correlation must lie between -1 and 1, be 1 on the "
					"diagonal and the same both ways; row %zu, column %zu is "
					"%.15g",
					i + 1, j + 1, value);
		}
	return is_semi_definite(matrix, n) ||
	       yaml_error(own->err, own->file, node,
		       "no times can be correlated like this (the matrix is not positive "
		       "semi-definite); bring its numbers nearer to 0");
}

static bool read_correlation(const struct quest_reader *reader, const struct yaml_node *node)
{
	size_t n = reader->out->quests[0].exercise_count;
	double *matrix = ARENA_ARRAY(reader->scenario.arena, double, n *n), shared = 0;

	reader->out->fairness.correlation = matrix;
	if (node && node->kind != YAML_SCALAR)
		return read_matrix(reader, node, matrix, n) &&
		       check_matrix(reader, node, matrix, n);
	if (node && !yaml_number(node, reader->scenario.file, "correlation", &shared,
			    reader->scenario.err))
		return false;
	if (!(shared >= -1 && shared <= 1))
		return yaml_error(reader->scenario.err, reader->scenario.file, node,
			"correlation must lie between -1 and 1, not %.15g", shared);
	for (size_t i = 0; i < n * n; i++)
		matrix[i] = i % (n + 1) == 0 ? 1 : shared;
	return !node || check_matrix(reader, node, matrix, n);
}

static bool read_sampling(const struct quest_reader *reader, const struct yaml_node *node)
{
	struct quest_fairness *out = &reader->out->fairness;

	if (!quest_check_list(reader, node, "sampling", 16))
		return false;
	out->sampling_count = node ? node->count : 0;
	out->sampling_ms = ARENA_ARRAY(reader->scenario.arena, int64_t, out->sampling_count + 1);
	for (size_t i = 0; i < out->sampling_count; i++) {
		if (!scenario_read_duration(&reader->scenario, node->items[i],
			    "a sampling interval", &out->sampling_ms[i]))
			return false;
		if (out->sampling_ms[i] < 1000)
			return yaml_error(reader->scenario.err, reader->scenario.file,
				node->items[i], "a sampling interval is 1s at least");
	}
	return true;
}

bool quest_read_fairness(const struct quest_reader *reader, const struct yaml_node *root)
{
	static const char *const allowed[] = {"players", "correlation", "sampling", NULL};
	const struct scenario_reader *own = &reader->scenario;
	const struct yaml_node *node = yaml_get(root, "fairness");
	const struct yaml_node *exercises = yaml_get(root, "exercises");
	struct quest_fairness *out = &reader->out->fairness;
	size_t given = 0;

	out->players = 96;
	if (node && (!yaml_check_keys(node, own->file, "fairness", allowed, own->err) ||
			    (yaml_get(node, "players") &&
				    !yaml_int(yaml_get(node, "players"), own->file, "players",
					    &out->players, own->err))))
		return false;
	if (out->players < 1 || out->players > QUEST_MAX_PLAYERS)
		return yaml_error(own->err, own->file, yaml_get(node, "players"),
			"players must lie between 1 and %d, not %lld", QUEST_MAX_PLAYERS,
			(long long)out->players);
	if (!read_correlation(reader, yaml_get(node, "correlation")) ||
		!read_sampling(reader, yaml_get(node, "sampling")))
		return false;
	struct quest_durations *durations =
		ARENA_ARRAY(own->arena, struct quest_durations, exercises->count);

	for (size_t i = 0; i < exercises->count; i++) {
		const struct yaml_node *own_node = yaml_get(exercises->items[i], "duration");

		if (own_node && !read_durations(reader, own_node, &durations[i]))
			return false;
		given += own_node != NULL;
	}
	if (given && given < exercises->count)
		return yaml_error(own->err, own->file, exercises,
			"a duration is given for %zu of %zu exercises; give it for all, or for "
			"none",
			given, exercises->count);
	out->durations = given ? durations : NULL;
	return true;
}
