/*
 * Whatever the bytes are: no crash, errors point inside the text, and an expression that was
 * printed reads back as one that prints the same. Likewise for durations.
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

static void check_expression(struct str text)
{
	struct arena arena = {0}, second = {0};
	struct buffer once = {0}, twice = {0};
	struct promql_position where = {0};
	struct error err = {0};
	struct promql_expr *expr = promql_parse(text, 0, &arena, &where, &err);

	if (expr) {
		size_t nodes = 0, nodes_again = 0;

		promql_print(&once, expr);
		struct promql_expr *again =
			promql_parse(buffer_str(&once), 0, &second, &where, &err);

		assert(again);
		promql_print(&twice, again);
		assert(str_equal(buffer_str(&once), buffer_str(&twice)));
		assert(again->type == expr->type);
		promql_walk(expr, count, &nodes);
		promql_walk(again, count, &nodes_again);
		assert(nodes == nodes_again);
		promql_release(again);
	} else {
		assert(err.kind != ERROR_NONE && err.text[0]);
		assert(where.start <= where.end && where.end <= text.len);
	}
	promql_release(expr);
	buffer_finish(&once);
	buffer_finish(&twice);
	arena_finish(&second);
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

	check_expression(text);
	check_metric(text);
	check_values(text);
	check_duration(text);
	free(copy);
	return 0;
}
