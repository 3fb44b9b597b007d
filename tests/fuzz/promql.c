/*
 * Whatever the bytes are, with and without the experiments: no crash, errors point inside the text,
 * and an expression that was printed, on one line or laid out, reads back as one that prints the
 * same. Likewise for durations.
 */
#include "engine/promql/promql.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count(const struct promql_expr *expr, void *context)
{
	assert(expr->position.start <= expr->position.end);
	++*(size_t *)context;
	return true;
}

/* What a query would make of the durations: a value or a complaint. */
static void check_duration_expression(const struct promql_expr *duration)
{
	static const struct promql_options options = {
		.start_ms = -5000, .end_ms = 3600000, .step_ms = 15000};
	struct error err = {0};
	int64_t ms;

	if (duration && !promql_duration_ms(duration, &options, &ms, &err))
		assert(err.kind == ERROR_INVALID && err.text[0]);
}

static bool visit(const struct promql_expr *expr, void *context)
{
	if (expr->kind == PROMQL_RANGE)
		check_duration_expression(expr->range.duration);
	if (expr->kind == PROMQL_SELECTOR)
		check_duration_expression(expr->selector.modifiers.offset);
	if (expr->kind == PROMQL_SUBQUERY) {
		check_duration_expression(expr->subquery.duration);
		check_duration_expression(expr->subquery.step);
		check_duration_expression(expr->subquery.modifiers.offset);
	}
	return count(expr, context);
}

/* `text` is the expression again: it has as many nodes and prints as `printed`. */
static void check_same(struct str text, unsigned features, const struct promql_expr *expr,
	struct str printed, size_t nodes)
{
	struct arena arena = {0};
	struct buffer again_printed = {0};
	struct error err = {0};
	size_t nodes_again = 0;
	struct promql_expr *again = promql_parse(text, features, &arena, NULL, &err);

	assert(again);
	promql_print(&again_printed, again);
	assert(str_equal(printed, buffer_str(&again_printed)));
	assert(again->type == expr->type);
	promql_walk(again, count, &nodes_again);
	assert(nodes == nodes_again);
	promql_release(again);
	buffer_finish(&again_printed);
	arena_finish(&arena);
}

static void check_texts(const struct promql_expr *expr, unsigned features)
{
	struct buffer printed = {0}, laid_out = {0}, tree = {0};
	struct error err = {0};
	size_t nodes = 0;

	promql_walk(expr, visit, &nodes);
	promql_print(&printed, expr);
	check_same(buffer_str(&printed), features, expr, buffer_str(&printed), nodes);
	if (promql_format(&laid_out, expr, 1 << 20, &err))
		check_same(buffer_str(&laid_out), features, expr, buffer_str(&printed), nodes);
	else
		assert(err.kind == ERROR_LIMIT);
	promql_print_tree(&tree, expr);
	assert(tree.len > 2 && tree.data[0] == '{' && tree.data[tree.len - 1] == '}');
	buffer_finish(&tree);
	buffer_finish(&laid_out);
	buffer_finish(&printed);
}

static void check_expression(struct str text, unsigned features)
{
	struct arena arena = {0};
	struct promql_position where = {0};
	struct error err = {0};
	struct promql_expr *expr = promql_parse(text, features, &arena, &where, &err);

	if (expr) {
		check_texts(expr, features);
	} else {
		assert(err.kind != ERROR_NONE && err.text[0]);
		assert(where.start <= where.end && where.end <= text.len);
	}
	promql_release(expr);
	arena_finish(&arena);
}

static void check_selector(struct str text)
{
	struct arena arena = {0};
	struct error err = {0};
	struct promql_expr *expr = promql_parse_selector(text, &arena, &err);

	assert(expr ? expr->kind == PROMQL_SELECTOR : err.kind != ERROR_NONE);
	promql_release(expr);
	arena_finish(&arena);
}

static void check_metric(struct str text)
{
	struct arena arena = {0};
	struct error err = {0};

	assert(promql_parse_metric(text, &arena, &err) || err.kind != ERROR_NONE);
	arena_finish(&arena);
}

static void check_values(struct str text)
{
	struct promql_value_run *runs;
	struct arena arena = {0};
	struct error err = {0};
	size_t run_count;

	if (promql_parse_values(text, &arena, &runs, &run_count, &err))
		for (size_t i = 0; i < run_count; i++)
			assert(runs[i].count > 0);
	else
		assert(err.kind != ERROR_NONE);
	arena_finish(&arena);
}

static void check_duration(struct str text)
{
	struct buffer printed = {0};
	struct error err = {0};
	int64_t ms, again;

	if (!promql_parse_duration(text, &ms, &err))
		return;
	promql_print_duration(&printed, ms);
	assert(promql_parse_duration(buffer_str(&printed), &again, &err));
	assert(ms == again);
	buffer_finish(&printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	struct str text = {copy, size};

	check_expression(text, 0);
	check_expression(text, PROMQL_ALL_FEATURES);
	check_selector(text);
	check_metric(text);
	check_values(text);
	check_duration(text);
	free(copy);
	return 0;
}
