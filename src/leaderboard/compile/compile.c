#include "leaderboard/compile/compile_private.h"

#include "base/memory.h"
#include "base/number.h"

void compile_add(struct compile_rules *rules, struct compile_rule rule)
{
	for (size_t i = 0; i < rules->count && rule.on_spoke; i++)
		if (str_equal(rules->items[i].record, rule.record))
			return;
	rules->items =
		memory_grow(rules->items, &rules->capacity, rules->count + 1, sizeof *rules->items);
	rules->items[rules->count++] = rule;
}

struct str compile_selector(struct compile_rules *rules, const char *name, struct str environment,
	struct str exercise, struct str condition)
{
	const struct {
		const char *label;
		struct str value;
	} labels[] = {
		{"environment", environment}, {"exercise", exercise}, {"condition", condition}};
	struct buffer text = {0};
	bool any = false;

	buffer_printf(&text, "%s{", name);
	for (size_t i = 0; i < 3; i++)
		if (labels[i].value.len) {
			buffer_printf(&text, "%s%s=\"%.*s\"", any ? "," : "", labels[i].label,
				STR_ARG(labels[i].value));
			any = true;
		}
	buffer_append_char(&text, '}');
	struct str out = str_copy(rules->arena, buffer_str(&text));

	buffer_finish(&text);
	return out;
}

/*
 * A rule that gives nothing any more ends its series, but one that was not evaluated for a while,
 * as when its server restarts, does not: for the look-back its last value would still stand. It
 * counts where it was recorded just now, by a rule above in the same group.
 */
struct str compile_fresh(struct compile_rules *rules, struct str selector)
{
	return str_format(rules->arena,
		"max by (cluster, user) (%.*s unless (timestamp(%.*s) < time()))",
		STR_ARG(selector), STR_ARG(selector));
}

/* --- completions --- */

static size_t counting_conditions(const struct quest_exercise *exercise)
{
	size_t count = 0;

	for (size_t i = 0; i < exercise->condition_count; i++)
		count += exercise->conditions[i].counts;
	return count;
}

static bool has_alone(const struct quest_exercise *exercise)
{
	for (size_t i = 0; i < exercise->condition_count; i++) {
		const struct quest_condition *condition = &exercise->conditions[i];

		if (condition->counts && condition->doubt.expr && !condition->instant.expr)
			return true;
	}
	return false;
}

/* The latest instant of the conditions, where all of them hold. */
static struct str together(
	struct compile_rules *rules, struct str environment, const struct quest_exercise *exercise)
{
	struct str since = compile_selector(
		rules, "railquest_condition_since", environment, exercise->name, STR(""));
	struct str out = str_format(rules->arena,
		"(%.*s and on (cluster, user) (count by (cluster, user) (%.*s unless "
		"(timestamp(%.*s) < time())) == %zu))",
		STR_ARG(compile_fresh(rules, since)), STR_ARG(since), STR_ARG(since),
		counting_conditions(exercise));

	if (!has_alone(exercise))
		return out;
	struct str alone = compile_selector(
		rules, "railquest_condition_alone", environment, exercise->name, STR(""));
	struct str rose = compile_selector(
		rules, "railquest_condition_rose", environment, exercise->name, STR(""));

	return str_format(rules->arena,
		"(%.*s unless on (cluster, user) (min by (cluster, user) (%.*s unless "
		"(timestamp(%.*s) < time())) < on (cluster, user) %.*s))",
		STR_ARG(out), STR_ARG(alone), STR_ARG(alone), STR_ARG(compile_fresh(rules, rose)));
}

/*
 * The latch: what was recorded once stays, through restarts and gaps, as long as the race and a
 * day.
 */
static void add_completion(
	struct compile_rules *rules, struct str environment, const struct quest_exercise *exercise)
{
	struct str own = compile_selector(rules, "railquest_completed_timestamp_seconds",
		environment, exercise->name, STR(""));
	int64_t window_h = rules->file->duration_ms / 3600000 + 25;
	struct str expr = str_format(rules->arena,
		"max by (cluster, user) (last_over_time(%.*s[%lldh])) or on (cluster, user) %.*s",
		STR_ARG(own), (long long)window_h, STR_ARG(together(rules, environment, exercise)));

	compile_add(rules, (struct compile_rule){
				   .record = STR("railquest_completed_timestamp_seconds"),
				   .environment = environment,
				   .exercise = exercise->name,
				   .expr = expr,
			   });
}

/* --- points --- */

static struct str number(struct compile_rules *rules, double value)
{
	char text[NUMBER_TEXT_SIZE];

	number_print(text, value);
	return str_copy(rules->arena, str_from(text));
}

static struct str preset_points(
	struct compile_rules *rules, const struct quest_counted *own, struct str done)
{
	const struct quest_counting *counting = rules->counting;
	struct str weight = number(rules, own->parameters.weight);
	struct str slope = number(rules, own->parameters.slope);
	struct str end = number(rules, (double)(counting->start_ms + own->nominal_end_ms) / 1000);
	struct str unit = number(rules, (double)counting->unit_ms / 1000);

	switch (counting->preset) {
	case QUEST_AUTHOR_2024:
		return str_format(rules->arena,
			"%.*s + (%.*s - %.*s) / %.*s + floor((time() - %.*s) / %.*s) + 1",
			STR_ARG(weight), STR_ARG(end), STR_ARG(done), STR_ARG(unit), STR_ARG(done),
			STR_ARG(unit));
	case QUEST_OCTAVE_DESIGN:
		return str_format(rules->arena,
			"%.*s + %.*s * (%.*s - %.*s) / %.*s + (time() - %.*s) / %.*s",
			STR_ARG(weight), STR_ARG(slope), STR_ARG(end), STR_ARG(done), STR_ARG(unit),
			STR_ARG(done), STR_ARG(unit));
	case QUEST_ARRIVAL:
		return str_format(rules->arena, "%.*s * 0 + 1", STR_ARG(done));
	}
	abort();
}

static bool add_points(
	struct compile_rules *rules, struct str environment, size_t exercise, struct error *err)
{
	const struct quest_counted *own = &rules->counting->exercises[exercise];
	struct str done = str_format(rules->arena, "max by (cluster, user) (%.*s)",
		STR_ARG(compile_selector(rules, "railquest_completed_timestamp_seconds",
			environment, own->name, STR(""))));
	struct compile_rule rule = {.record = STR("railquest_exercise_points"),
		.environment = environment,
		.exercise = own->name};

	if (rules->counting->is_preset)
		rule.expr = preset_points(rules, own, done);
	else if (!quest_formula_promql(
			 rules->counting, exercise, done, rules->arena, &rule.expr, err))
		return false;
	compile_add(rules, rule);
	return true;
}

/* Everybody who is known has points: 0 before the first exercise. */
static void add_sum(struct compile_rules *rules, struct str environment)
{
	const struct quest_query *people = &rules->file->participants.expr;
	struct str parts =
		compile_selector(rules, "railquest_exercise_points", environment, STR(""), STR(""));
	struct str sum = str_format(rules->arena, "sum by (cluster, user) (%.*s)", STR_ARG(parts));

	if (people->expr) {
		struct buffer text = {0};

		promql_print(&text, people->expr);
		sum = str_format(rules->arena,
			"%.*s or on (cluster, user) (max by (cluster, user) (%.*s) * 0)",
			STR_ARG(sum), STR_ARG(buffer_str(&text)));
		buffer_finish(&text);
	}
	compile_add(rules, (struct compile_rule){.record = STR("railquest_points"),
				   .environment = environment,
				   .expr = sum});
	compile_add(
		rules, (struct compile_rule){.record = STR("railquest_completed"),
			       .environment = environment,
			       .expr = str_format(rules->arena, "count by (cluster, user) (%.*s)",
				       STR_ARG(compile_selector(rules,
					       "railquest_completed_timestamp_seconds", environment,
					       STR(""), STR(""))))});
}

static bool make_rules(struct compile_rules *rules, struct error *err)
{
	for (size_t i = 0; i < rules->file->environment_count; i++) {
		const struct quest *quest = &rules->file->quests[i];
		struct str environment = rules->file->environments[i];

		if (!compile_conditions(rules, i, err))
			return false;
		for (size_t j = 0; j < quest->exercise_count; j++)
			add_completion(rules, environment, &quest->exercises[j]);
		for (size_t j = 0; j < quest->exercise_count; j++)
			if (!add_points(rules, environment, j, err))
				return false;
		add_sum(rules, environment);
	}
	return true;
}

bool compile_quest(const struct quest_file *file, size_t scoring, struct compile_output *out,
	struct error *err)
{
	struct arena arena = {0};
	struct quest_counting counting;
	struct compile_rules own = {.arena = &arena, .file = file, .counting = &counting};
	struct compile_rules hub = {
		.arena = &arena, .file = file, .counting = &counting, .has_spokes = true};
	bool ok = quest_counting_of_file(file, scoring, &arena, &counting, err) &&
		  make_rules(&own, err) && make_rules(&hub, err);

	*out = (struct compile_output){0};
	if (ok) {
		compile_print_rules(&out->prometheus, &own, 0);
		compile_print_thanos(&out->thanos, &hub);
		compile_print_dashboard(&out->dashboard, &own);
		ok = compile_print_allowlist(&out->allowlist, &hub, err);
	}
	free(own.items);
	free(own.forwarded);
	free(hub.items);
	free(hub.forwarded);
	arena_finish(&arena);
	if (!ok)
		compile_output_finish(out);
	return ok;
}

void compile_output_finish(struct compile_output *output)
{
	buffer_finish(&output->prometheus);
	buffer_finish(&output->thanos);
	buffer_finish(&output->allowlist);
	buffer_finish(&output->dashboard);
}
