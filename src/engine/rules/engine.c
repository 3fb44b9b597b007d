/*
 * Recording rules in virtual time. Rules are taken component by component (graph.c), each after
 * what it reads. A rule that does not feed on itself is one run of its plan over all instants of
 * the call, column by column; the others go instant by instant, in order of evaluation. What a rule
 * may see at an instant is the plan's to hide: nothing younger than the instant, and of the instant
 * itself what ranks below it (series.h). So it does not matter that a column of a later rule stands
 * in the store already.
 */
#include "engine/rules/engine.h"

#include "base/clock.h"
#include "base/memory.h"

// More instants than a rule would see in ten years at every 20 seconds.
enum { MAX_INSTANTS = 16000000 };

struct group_state {
	struct rules_group *group;
	int64_t interval_ms;
	int64_t next_ms;
	bool started;
	int64_t *times_ms; // this call's
	size_t count, capacity;
};

struct failure {
	const struct state *state;
	struct error err;
};

struct rules_engine {
	struct group_state *groups;
	size_t group_count;
	struct state *states; // in order of evaluation
	size_t state_count;
	size_t *order; // by component
	struct series_source *source;
	struct promql_options promql;
	bool mixed_offsets; // groups look at data of different age: everything instant by instant
	// Of the earliest instant at which any rule failed, in order of evaluation.
	struct failure *failures;
	size_t failure_count, failure_capacity;
	int64_t failed_ms; // when they ran; with a query_offset they looked at what is older
};

static bool create_states(struct rules_engine *engine, struct series_sink *sink,
	const struct rules_engine_options *options, struct error *err)
{
	for (size_t g = 0; g < engine->group_count; g++)
		engine->state_count += engine->groups[g].group->rule_count;
	engine->states = memory_alloc_array(engine->state_count + 1, sizeof *engine->states);
	engine->order = memory_alloc_array(engine->state_count + 1, sizeof *engine->order);
	size_t i = 0;

	for (size_t g = 0; g < engine->group_count; g++) {
		struct rules_group *group = engine->groups[g].group;

		for (size_t r = 0; r < group->rule_count; r++, i++) {
			struct state *state = &engine->states[i];
			const struct rules_rule *rule = &group->rules[r];

			if (rule->kind == RULES_ALERT)
				return error_set(err, ERROR_UNSUPPORTED,
					"not supported yet: alerting rules (group \"%.*s\", alert "
					"\"%.*s\" at %s:%zu) are checked, not evaluated",
					STR_ARG(group->name), STR_ARG(rule->name),
					group->file ? group->file : "rules", rule->line);
			*state = (struct state){.rule = rule,
				.group = group,
				.group_index = g,
				.rank = options->first_rank + (uint32_t)i + 1,
				.recorder = {.rule = rule,
					.sink = sink,
					.limit = group->limit,
					.refusals_fail = options->refusals_fail}};
		}
	}
	return true;
}

static bool create_plan(struct rules_engine *engine, struct state *state, struct error *err)
{
	struct promql_options options = engine->promql;

	// With mixed offsets what may be seen is what is there; ranks would hide what was recorded
	// before.
	options.rule_rank = engine->mixed_offsets ? UINT32_MAX : state->rank;
	promql_plan_destroy(state->plan);
	state->plan = promql_plan_create(state->rule->expr, engine->source, &options, err);
	recorder_reset_columns(&state->recorder);
	return state->plan != NULL;
}

static bool create_plans(struct rules_engine *engine, struct error *err)
{
	for (size_t i = 0; i < engine->state_count; i++) {
		const struct state *state = &engine->states[i];

		if (!create_plan(engine, &engine->states[i], err))
			return error_wrap(err, "group \"%.*s\", rule \"%.*s\"",
				STR_ARG(state->group->name), STR_ARG(state->rule->name));
	}
	return true;
}

struct rules_engine *rules_engine_create(struct rules_group *const *groups, size_t group_count,
	struct series_source *source, struct series_sink *sink,
	const struct rules_engine_options *options, struct error *err)
{
	struct rules_engine *engine = memory_alloc(sizeof *engine);

	engine->source = source;
	engine->promql = options->promql;
	engine->group_count = group_count;
	engine->groups = memory_alloc_array(group_count + 1, sizeof *engine->groups);
	for (size_t g = 0; g < group_count; g++) {
		engine->groups[g].group = groups[g];
		engine->groups[g].interval_ms =
			groups[g]->interval_ms ? groups[g]->interval_ms : options->interval_ms;
		if (groups[g]->query_offset_ms != groups[0]->query_offset_ms)
			engine->mixed_offsets = true;
	}
	if (!create_states(engine, sink, options, err))
		goto fail;
	graph_order(engine->states, engine->state_count, engine->order);
	if (!create_plans(engine, err))
		goto fail;
	return engine;
fail:
	rules_engine_destroy(engine);
	return NULL;
}

void rules_engine_destroy(struct rules_engine *engine)
{
	if (!engine)
		return;
	for (size_t i = 0; engine->states && i < engine->state_count; i++) {
		promql_plan_destroy(engine->states[i].plan);
		recorder_finish(&engine->states[i].recorder);
	}
	for (size_t g = 0; g < engine->group_count; g++)
		free(engine->groups[g].times_ms);
	free(engine->groups);
	free(engine->failures);
	free(engine->states);
	free(engine->order);
	free(engine);
}

/* --- evaluating --- */

static bool receive(void *context, const struct promql_block *block, struct error *err)
{
	struct state *state = context;

	if (!recorder_take(&state->recorder, block, err))
		return false;
	state->done_count += block->step_count;
	return true;
}

// Later instants do not matter any more, and earlier ones matter more.
static void note_failure(struct rules_engine *engine, const struct state *state, int64_t t_ms,
	const struct error *err)
{
	size_t at = engine->failure_count;

	t_ms += state->group->query_offset_ms;
	if (at && t_ms > engine->failed_ms)
		return;
	if (at && t_ms < engine->failed_ms)
		at = 0;
	engine->failures = memory_grow(
		engine->failures, &engine->failure_capacity, at + 1, sizeof *engine->failures);
	engine->failure_count = at + 1;
	engine->failed_ms = t_ms;
	for (; at > 0 && engine->failures[at - 1].state->rank > state->rank; at--)
		engine->failures[at] = engine->failures[at - 1];
	engine->failures[at] = (struct failure){state, *err};
}

static bool report_failure(const struct rules_engine *engine, struct error *err)
{
	const struct failure *failure = &engine->failures[0];
	char instant[32];

	clock_print_instant(instant, engine->failed_ms);
	*err = failure->err;
	return error_wrap(err, "%.*s/%.*s at %s", STR_ARG(failure->state->group->name),
		STR_ARG(failure->state->rule->name), instant);
}

bool rules_engine_failure(const struct rules_engine *engine, size_t i, struct rules_failure *out)
{
	if (i >= engine->failure_count)
		return false;
	const struct failure *failure = &engine->failures[i];

	*out = (struct rules_failure){
		failure->state->group, failure->state->rule, engine->failed_ms, failure->err.text};
	return true;
}

static bool is_after_failure(
	const struct rules_engine *engine, const struct state *state, int64_t t_ms)
{
	return engine->failure_count && t_ms + state->group->query_offset_ms > engine->failed_ms;
}

// The rule's next instant, which is done whether it fails or not.
static bool run_one(struct rules_engine *engine, struct state *state, bool fresh)
{
	int64_t t_ms = state->times_ms[state->done_count];
	size_t done = state->done_count;
	struct error err = {0};
	bool ok = (!fresh || create_plan(engine, state, &err)) &&
		  promql_plan_run(state->plan, &t_ms, 1, receive, state, &err);

	if (!ok)
		note_failure(engine, state, t_ms, &err);
	state->done_count = done + 1;
	return ok;
}

/*
 * Somewhere after what is done an instant of this column failed. A duplicate or a limit says which;
 * an expression is evaluated again instant by instant, so that all before it is recorded and the
 * instant known.
 */
static void find_failure(
	struct rules_engine *engine, struct state *state, size_t count, const struct error *err)
{
	if (state->recorder.failed_ms >= state->times_ms[state->done_count]) {
		note_failure(engine, state, state->recorder.failed_ms, err);
		return;
	}
	if (!run_one(engine, state, true))
		return;
	while (state->done_count < count)
		if (!run_one(engine, state, false))
			return;
	note_failure(engine, state, state->times_ms[count - 1], err);
}

static void run_column(struct rules_engine *engine, struct state *state)
{
	struct error err = {0};
	size_t count = state->time_count;

	while (count && is_after_failure(engine, state, state->times_ms[count - 1]))
		count--;
	if (count && !promql_plan_run(state->plan, state->times_ms, count, receive, state, &err) &&
		state->done_count < count)
		find_failure(engine, state, count, &err);
}

// Time at which a rule runs; its data is query_offset older.
static int64_t wall_ms(const struct state *state)
{
	return state->times_ms[state->done_count] + state->group->query_offset_ms;
}

static bool has_time(const struct rules_engine *engine, const struct state *state)
{
	return state->done_count < state->time_count &&
	       !is_after_failure(engine, state, state->times_ms[state->done_count]);
}

// Members are states in order of evaluation; all their instants in order of time.
static void run_stepwise(struct rules_engine *engine, const size_t *members, size_t count)
{
	for (;;) {
		bool found = false;
		int64_t now_ms = INT64_MAX;

		for (size_t i = 0; i < count; i++) {
			const struct state *state = &engine->states[members[i]];

			if (has_time(engine, state) && wall_ms(state) <= now_ms) {
				now_ms = wall_ms(state);
				found = true;
			}
		}
		if (!found)
			return;
		for (size_t i = 0; i < count; i++) {
			struct state *state = &engine->states[members[i]];

			if (has_time(engine, state) && wall_ms(state) == now_ms)
				run_one(engine, state, state->fresh_plan);
		}
	}
}

static bool needs_steps(const struct rules_engine *engine)
{
	for (size_t g = 0; g < engine->group_count; g++)
		if (engine->groups[g].count > 1)
			return engine->mixed_offsets;
	return true;
}

// Evaluates what stands in the groups' times_ms.
static bool run_call(struct rules_engine *engine, struct error *err)
{
	for (size_t i = 0; i < engine->state_count; i++) {
		struct state *state = &engine->states[i];

		state->times_ms = engine->groups[state->group_index].times_ms;
		state->time_count = engine->groups[state->group_index].count;
		state->done_count = 0;
		state->recorder.failed_ms = INT64_MIN;
	}
	if (needs_steps(engine)) {
		size_t *all = memory_alloc_array(engine->state_count + 1, sizeof *all);

		for (size_t i = 0; i < engine->state_count; i++)
			all[i] = i;
		run_stepwise(engine, all, engine->state_count);
		free(all);
	}
	for (size_t first = 0, end; !needs_steps(engine) && first < engine->state_count;
		first = end) {
		struct state *state = &engine->states[engine->order[first]];

		for (end = first + 1; end < engine->state_count; end++)
			if (engine->states[engine->order[end]].component != state->component)
				break;
		if (state->stepwise)
			run_stepwise(engine, engine->order + first, end - first);
		else
			run_column(engine, state);
	}
	return !engine->failure_count || report_failure(engine, err);
}

/* --- instants --- */

static int64_t *reserve_times(struct group_state *group, size_t count)
{
	group->times_ms = memory_grow(
		group->times_ms, &group->capacity, count ? count : 1, sizeof *group->times_ms);
	group->count = count;
	return group->times_ms;
}

static bool fill_times(
	struct group_state *group, int64_t start_ms, int64_t end_ms, struct error *err)
{
	int64_t interval_ms = group->interval_ms;

	if (interval_ms <= 0)
		return error_set(err, ERROR_INVALID, "group \"%.*s\" has no interval",
			STR_ARG(group->group->name));
	if (!group->started)
		group->next_ms = start_ms;
	group->started = true;
	if (group->next_ms < start_ms)
		group->next_ms +=
			(start_ms - group->next_ms + interval_ms - 1) / interval_ms * interval_ms;
	size_t count =
		group->next_ms > end_ms ? 0 : (size_t)((end_ms - group->next_ms) / interval_ms) + 1;

	if (count > MAX_INSTANTS)
		return error_set(err, ERROR_LIMIT,
			"%zu evaluations of group \"%.*s\", the limit is %d", count,
			STR_ARG(group->group->name), MAX_INSTANTS);
	int64_t *times_ms = reserve_times(group, count);

	for (size_t k = 0; k < count; k++, group->next_ms += interval_ms)
		times_ms[k] = group->next_ms - group->group->query_offset_ms;
	return true;
}

bool rules_engine_run(
	struct rules_engine *engine, int64_t start_ms, int64_t end_ms, struct error *err)
{
	for (size_t g = 0; g < engine->group_count; g++)
		if (!fill_times(&engine->groups[g], start_ms, end_ms, err))
			return false;
	return run_call(engine, err);
}

bool rules_engine_run_at(
	struct rules_engine *engine, const struct rules_instants *per_group, struct error *err)
{
	for (size_t g = 0; g < engine->group_count; g++) {
		int64_t *times_ms = reserve_times(&engine->groups[g], per_group[g].count);

		for (size_t k = 0; k < per_group[g].count; k++)
			times_ms[k] =
				per_group[g].times_ms[k] - engine->groups[g].group->query_offset_ms;
	}
	return run_call(engine, err);
}
