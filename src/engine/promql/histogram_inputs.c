#include "engine/promql/plan_histogram.h"

#include "base/number.h"

#include <stdlib.h>

#define LE STR("le")

static bool bound_of(const struct labels *labels, double *out)
{
	return number_parse(labels_get(labels, LE), out);
}

/* A series on its way into its group. */
struct entry {
	size_t series, group;
	double bound;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;

	if (one->group != other->group)
		return one->group < other->group ? -1 : 1;
	if (one->bound != other->bound)
		return one->bound < other->bound ? -1 : 1;
	return one->series < other->series ? -1 : 1;
}

static void fill_groups(struct histogram_inputs *inputs, struct arena *arena,
	const struct entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		inputs->groups[entries[i].group].member_count++;
	for (size_t g = 0, at = 0; g < inputs->group_count; g++) {
		struct histogram_group *group = &inputs->groups[g];

		group->members = ARENA_ARRAY(arena, size_t, group->member_count);
		group->bounds = ARENA_ARRAY(arena, double, group->member_count);
		for (size_t i = 0; i < group->member_count; i++, at++) {
			group->members[i] = entries[at].series;
			group->bounds[i] = entries[at].bound;
		}
	}
}

void histogram_inputs_init(
	struct histogram_inputs *inputs, struct arena *arena, const struct plan_op *vector)
{
	struct arena scratch = {0};
	size_t count = vector->series_count, entry_count = 0;
	struct entry *entries = ARENA_ARRAY(&scratch, struct entry, count);
	struct plan_index index;

	*inputs = (struct histogram_inputs){.vector = vector,
		.is_bucket = ARENA_ARRAY(arena, bool, count),
		.twin = ARENA_ARRAY(arena, size_t, count)};
	plan_index_init(&index, arena);
	for (size_t i = 0; i < count; i++) {
		double bound;

		inputs->is_bucket[i] = bound_of(vector->labels[i], &bound);
		if (!inputs->is_bucket[i])
			continue;
		size_t group =
			plan_index_put(&index, labels_with(arena, vector->labels[i], LE, STR("")));

		entries[entry_count++] = (struct entry){i, group, bound};
	}
	inputs->group_count = index.count;
	inputs->groups = ARENA_ARRAY(arena, struct histogram_group, index.count);
	for (size_t g = 0; g < index.count; g++)
		inputs->groups[g] =
			(struct histogram_group){.labels = index.items[g], .twin = SIZE_MAX};
	if (entry_count)
		qsort(entries, entry_count, sizeof *entries, compare_entries);
	fill_groups(inputs, arena, entries, entry_count);
	for (size_t i = 0; i < count; i++) {
		inputs->twin[i] = plan_index_find(&index, vector->labels[i]);
		if (inputs->twin[i] != SIZE_MAX)
			inputs->groups[inputs->twin[i]].twin = i;
	}
	arena_finish(&scratch);
}

static bool is_float(double value)
{
	return !plan_is_missing(value) && !sample_is_histogram(value);
}

size_t histogram_inputs_gather(const struct histogram_inputs *inputs, size_t group, size_t k,
	struct histogram_cumulative *out)
{
	const struct histogram_group *from = &inputs->groups[group];
	size_t count = 0;

	for (size_t i = 0; i < from->member_count; i++) {
		double value = inputs->vector->columns[from->members[i]][k];

		if (is_float(value))
			out[count++] = (struct histogram_cumulative){from->bounds[i], value};
	}
	return count;
}

bool histogram_inputs_any(const struct histogram_inputs *inputs, size_t group, size_t k)
{
	const struct histogram_group *from = &inputs->groups[group];

	for (size_t i = 0; i < from->member_count; i++)
		if (is_float(inputs->vector->columns[from->members[i]][k]))
			return true;
	return false;
}

struct str histogram_for_metric(struct arena *arena, const struct labels *labels)
{
	struct str name = plan_metric_name(labels);
	struct buffer text = {0};

	if (!name.len)
		return STR("");
	buffer_append_text(&text, " for metric name ");
	labels_quote(&text, name);
	struct str copy = str_copy(arena, buffer_str(&text));

	buffer_finish(&text);
	return copy;
}

static void warn_of_bound(
	const struct histogram_inputs *inputs, size_t i, const struct promql_expr *arg)
{
	const struct labels *labels = inputs->vector->labels[i];
	struct promql_plan *plan = inputs->vector->plan;
	struct str name = histogram_for_metric(&plan->values, labels);
	struct buffer le = {0};

	labels_quote(&le, labels_get(labels, LE));
	plan_warn(plan, arg, "bucket label \"le\" is missing or has a malformed value of %s%.*s",
		le.data, STR_ARG(name));
	buffer_finish(&le);
}

void histogram_inputs_check(const struct histogram_inputs *inputs, const struct promql_expr *arg)
{
	const struct promql_plan *plan = inputs->vector->plan;

	for (size_t i = 0; plan->options.annotations && i < inputs->vector->series_count; i++)
		for (size_t k = 0; !inputs->is_bucket[i] && k < plan->step_count; k++)
			if (is_float(inputs->vector->columns[i][k])) {
				warn_of_bound(inputs, i, arg);
				break;
			}
}
