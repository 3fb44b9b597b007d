#include "leaderboard/rehearse/private.h"

#include "base/file.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>

enum { MAX_RULE_FILE_BYTES = 16 << 20 };

/* --- reading --- */

static bool fail_problems(const struct rules_problem *problems, size_t count, struct error *err)
{
	error_set(err, ERROR_INVALID, "%s:%zu:%zu: %.*s", problems[0].file, problems[0].line,
		problems[0].column, STR_ARG(problems[0].text));
	if (count > 1) {
		size_t len = strlen(err->text);

		snprintf(err->text + len, sizeof err->text - len,
			" (and %zu more: railquest check rules)", count - 1);
	}
	return false;
}

static bool read_file(struct rehearsal *rehearsal, const char *path, unsigned features,
	struct rules_file *out, struct error *err)
{
	const struct quest_scenario *scenario = &rehearsal->scenario;
	struct rules_variable *variables =
		ARENA_ARRAY(&rehearsal->arena, struct rules_variable, scenario->variable_count);
	struct rules_problem *problems;
	size_t problem_count;
	struct str text;

	for (size_t i = 0; i < scenario->variable_count; i++)
		variables[i] = (struct rules_variable){
			scenario->variables[i].name, scenario->variables[i].value};
	const struct rules_read_options options = {
		.variables = variables,
		.variable_count = scenario->variable_count,
		.use_environment = true,
		.features = features,
	};

	if (!file_read(path, MAX_RULE_FILE_BYTES, &rehearsal->arena, &text, err))
		return false;
	return rules_read(text, str_copy(&rehearsal->arena, str_from(path)).data, &options,
		       &rehearsal->arena, out, &problems, &problem_count) ||
	       fail_problems(problems, problem_count, err);
}

// On several clusters a list without groups belongs to each cluster by itself.
static void collect_groups(struct rehearsal *rehearsal)
{
	struct rehearse_rules *rules = &rehearsal->rules;
	bool has_clusters = rehearsal->scenario.kind == QUEST_WORKSHOP;
	size_t count = 0;

	for (size_t i = 0; i < rules->file_count; i++)
		count += rules->files[i].group_count;
	rules->groups = ARENA_ARRAY(&rehearsal->arena, struct rules_group *, count);
	rules->spoke_groups = ARENA_ARRAY(&rehearsal->arena, struct rules_group *, count);
	for (size_t i = 0; i < rules->file_count; i++)
		for (size_t j = 0; j < rules->files[i].group_count; j++) {
			struct rules_group *group = &rules->files[i].groups[j];

			if (has_clusters && group->is_bare)
				rules->spoke_groups[rules->spoke_group_count++] = group;
			else
				rules->groups[rules->group_count++] = group;
		}
}

bool rehearse_rules_open(
	struct rehearsal *rehearsal, const struct rehearse_options *options, struct error *err)
{
	struct rehearse_rules *rules = &rehearsal->rules;
	struct series_source *source = tsdb_source(rehearsal->db);
	struct rules_engine_options engine = {
		.promql = {.closed_ranges = options->closed_ranges, .features = options->features},
		.interval_ms = rehearsal->scenario.step_ms,
	};

	rules->files = ARENA_ARRAY(&rehearsal->arena, struct rules_file, options->rule_file_count);
	for (size_t i = 0; i < options->rule_file_count; i++) {
		rules->file_count++;
		if (!read_file(rehearsal, options->rule_files[i], options->features,
			    &rules->files[i], err))
			return false;
	}
	collect_groups(rehearsal);
	if (!spokes_open(rehearsal, &engine, err))
		return false;
	for (size_t i = 0; i < rules->spoke_group_count; i++)
		engine.first_rank += (uint32_t)rules->spoke_groups[i]->rule_count;
	rules->engine = rules_engine_create(
		rules->groups, rules->group_count, source, tsdb_sink(rehearsal->db), &engine, err);
	if (!rules->engine)
		return false;
	rules->score = promql_plan_create(
		rehearsal->scenario.rules_score.expr, source, &engine.promql, err);
	return rules->score || error_wrap(err, "score of the rules");
}

void rehearse_rules_close(struct rehearse_rules *rules)
{
	promql_plan_destroy(rules->score);
	rules_engine_destroy(rules->engine);
	spokes_close(rules);
	for (size_t i = 0; i < rules->file_count; i++)
		rules_file_release(&rules->files[i]);
	for (size_t i = 0; i < rules->player_count; i++)
		free(rules->scores[i]);
	free(rules->scores);
	free(rules->score_counts);
	free(rules->score_capacities);
	free(rules->columns);
}

/* --- scores --- */

static void grow_players(struct rehearse_rules *rules, size_t count)
{
	size_t before = rules->player_capacity, capacity = before;

	if (count <= rules->player_count)
		return;
	rules->scores = memory_grow(rules->scores, &capacity, count, sizeof *rules->scores);
	if (capacity != before) {
		rules->score_counts =
			memory_resize_array(rules->score_counts, capacity, sizeof(size_t));
		rules->score_capacities =
			memory_resize_array(rules->score_capacities, capacity, sizeof(size_t));
		rules->player_capacity = capacity;
	}
	for (; rules->player_count < count; rules->player_count++) {
		rules->scores[rules->player_count] = NULL;
		rules->score_counts[rules->player_count] = 0;
		rules->score_capacities[rules->player_count] = 0;
	}
}

static void put_score(struct rehearse_rules *rules, size_t player, size_t step, double score)
{
	rules->scores[player] = memory_grow(
		rules->scores[player], &rules->score_capacities[player], step + 1, sizeof(double));
	while (rules->score_counts[player] < step)
		rules->scores[player][rules->score_counts[player]++] = NAN;
	rules->scores[player][step] = score;
	rules->score_counts[player] = step + 1;
}

static bool name_columns(
	struct rehearsal *rehearsal, const struct promql_block *block, struct error *err)
{
	struct rehearse_rules *rules = &rehearsal->rules;

	rules->columns = memory_grow(rules->columns, &rules->column_capacity,
		block->series_count + 1, sizeof *rules->columns);
	for (size_t i = 0; i < block->series_count; i++) {
		size_t player = quest_tracker_player(rehearsal->tracker,
			labels_get(block->labels[i], STR("cluster")),
			labels_get(block->labels[i], STR("user")));

		if (player == SIZE_MAX)
			return error_set(
				err, ERROR_LIMIT, "more than %d players", QUEST_MAX_PLAYERS);
		rules->columns[i] = player;
		grow_players(rules, player + 1);
	}
	rules->generation = block->generation;
	return true;
}

static bool receive(void *context, const struct promql_block *block, struct error *err)
{
	struct rehearsal *rehearsal = context;
	struct rehearse_rules *rules = &rehearsal->rules;

	if ((rules->generation != block->generation || rules->generation == 0) &&
		!name_columns(rehearsal, block, err))
		return false;
	for (size_t i = 0; i < block->series_count; i++)
		for (size_t step = 0; step < block->step_count; step++)
			if (!sample_is_stale(block->columns[i][step]))
				put_score(rules, rules->columns[i], rules->played + step,
					block->columns[i][step]);
	rules->played += block->step_count;
	return true;
}

bool rehearse_rules_play(
	struct rehearsal *rehearsal, const int64_t *times_ms, size_t count, struct error *err)
{
	int64_t start_ms = rehearsal->scenario.quest.start_ms, end_ms = times_ms[count - 1];

	return spokes_run(rehearsal, end_ms, err) &&
	       rules_engine_run(rehearsal->rules.engine, start_ms, end_ms, err) &&
	       (promql_plan_run(rehearsal->rules.score, times_ms, count, receive, rehearsal, err) ||
		       error_wrap(err, "score of the rules"));
}
