/*
 * Rule files and rule test files of any bytes: no crash, problems lie inside the text, and what was
 * read can be evaluated at a few instants.
 */
#include "engine/rules/rules.h"
#include "engine/ruletest/ruletest.h"
#include "engine/tsdb/tsdb.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_RULES = 40, MAX_SAMPLES = 20000 };

static bool has_no_subquery(const struct promql_expr *expr, void *context)
{
	// A short text may ask for a billion grid points: evaluation is another target's.
	if (expr->kind == PROMQL_SUBQUERY)
		*(bool *)context = false;
	return *(bool *)context;
}

static bool is_small(const struct rules_file *file)
{
	size_t count = 0;
	bool small = true;

	for (size_t g = 0; g < file->group_count; g++)
		for (size_t r = 0; r < file->groups[g].rule_count; r++, count++)
			promql_walk(file->groups[g].rules[r].expr, has_no_subquery, &small);
	return small && count <= MAX_RULES;
}

static void feed(struct tsdb *db)
{
	const struct label pairs[] = {{SERIES_METRIC_NAME, STR("up")}, {STR("job"), STR("a")}};
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};
	struct error err = {0};
	struct series *series =
		sink->ops->series(sink, labels_make(&arena, pairs, 2, false), 0, &err);

	for (int64_t t_ms = 0; t_ms <= 20000; t_ms += 5000)
		sink->ops->append(sink, series, t_ms, (double)t_ms);
	arena_finish(&arena);
}

static void evaluate(const struct rules_file *file, struct arena *arena)
{
	const struct rules_engine_options options = {
		.promql = {.max_samples = MAX_SAMPLES}, .interval_ms = 5000};
	struct rules_group **groups = ARENA_ARRAY(arena, struct rules_group *, file->group_count);
	struct tsdb *db = tsdb_create(1000);
	struct error err = {0};

	for (size_t g = 0; g < file->group_count; g++) {
		groups[g] = &file->groups[g];
		// Every millisecond would be many instants; offsets into the next century few
		// samples.
		groups[g]->interval_ms = groups[g]->interval_ms % 10000;
	}
	feed(db);
	struct rules_engine *engine = rules_engine_create(
		groups, file->group_count, tsdb_source(db), tsdb_sink(db), &options, &err);
	const int64_t ends_ms[] = {0, 5, 10, 20};

	for (size_t i = 0; engine && i < 4; i++)
		if (!rules_engine_run(engine, 0, ends_ms[i], &err))
			break;
	assert(engine || err.kind != ERROR_NONE);
	rules_engine_destroy(engine);
	tsdb_destroy(db);
}

static void check_places(struct str text, const struct rules_problem *problems, size_t count)
{
	size_t lines = 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n' || text.data[i] == '\r';
	for (size_t i = 0; i < count; i++) {
		assert(problems[i].text.len > 0);
		// YAML knows more line breaks than these: NEL and the two of Unicode.
		assert(problems[i].line <= lines + text.len / 2 + 1);
		assert(problems[i].column <= text.len + 2);
	}
}

static void read_rules(struct str text, bool unset_is_number)
{
	const struct rules_variable variables[] = {{STR("A"), STR("5")}, {STR("EMPTY"), STR("")}};
	const struct rules_read_options options = {
		.variables = variables, .variable_count = 2, .unset_is_number = unset_is_number};
	struct rules_problem *problems;
	struct rules_file file = {0};
	struct arena arena = {0};
	size_t count;

	if (rules_read(text, "dir/file.yaml", &options, &arena, &file, &problems, &count)) {
		const struct rules_rule **duplicates;

		assert(count == 0);
		rules_duplicates(&file, &arena, &duplicates);
		if (is_small(&file))
			evaluate(&file, &arena);
	} else {
		assert(count > 0);
		check_places(text, problems, count);
	}
	rules_file_release(&file);
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct error err = {0};

	read_rules(text, false);
	read_rules(text, true);
	assert(ruletest_check(text, "test.yaml", &err) || err.kind != ERROR_NONE);
	return 0;
}
