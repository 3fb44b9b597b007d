#include "engine/promql/info_selector.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/plan_outputs.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/*
 * info(): series get the labels of info series (target_info) that tell of the same target. Which
 * info series is the current one is a matter of the instant, so labels are, too. Source:
 * promql/info.go.
 */

static const struct str identifying[] = {{"instance", 8}, {"job", 3}};
enum { IDENTIFYING_COUNT = sizeof identifying / sizeof identifying[0] };

/* Info series of one name and target; at each instant the youngest counts. */
struct target {
	size_t *members; // columns of the info child
	size_t member_count;
	size_t current; // at the instant in work; SIZE_MAX: none
};

/* A series that is to get labels. */
struct base {
	bool passes;	 // an info series itself: nothing is added
	size_t *targets; // one per info metric, where there is one
	size_t target_count;
	size_t *last; // info columns that `out` was made of
	size_t out;
};

struct info_op {
	struct plan_op op;		// children: the vector, the ages of info series
	struct info_selector *selector; // of the info series
	const struct promql_expr *data; // the second argument; NULL
	struct target *targets;
	size_t target_count;
	struct base *bases;
	struct plan_outputs outputs;
};

/* --- who belongs together --- */

static bool names_match(const struct info_op *self, const struct labels *labels)
{
	return self->selector->name_count &&
	       matchers_match(self->selector->names, self->selector->name_count, labels);
}

/* Whether some series that wants labels has this value of an identifying label, or none has any. */
static bool *wanted(const struct info_op *self, const struct plan_op *info, struct arena *scratch)
{
	const struct plan_op *vector = self->op.children[0];
	bool *out = ARENA_ARRAY(scratch, bool, info->series_count), any = false;

	for (size_t j = 0; j < info->series_count; j++)
		out[j] = true;
	for (size_t l = 0; l < IDENTIFYING_COUNT; l++) {
		struct map values = {0};

		for (size_t i = 0; i < vector->series_count; i++) {
			struct str value = labels_get(vector->labels[i], identifying[l]);

			if (!self->bases[i].passes && value.len)
				map_set(&values, value, self->bases);
		}
		for (size_t j = 0; values.count && j < info->series_count; j++)
			out[j] &= map_get(&values, labels_get(info->labels[j], identifying[l])) !=
				  NULL;
		any |= values.count > 0;
		map_finish(&values);
	}
	for (size_t j = 0; !any && j < info->series_count; j++)
		out[j] = false;
	return out;
}

static const struct labels *target_of(
	const struct labels *labels, struct str name, struct arena *arena)
{
	return labels_with(arena,
		labels_project(arena, labels, identifying, IDENTIFYING_COUNT, true),
		SERIES_METRIC_NAME, name);
}

static void find_targets(struct info_op *self, struct plan_index *index, const bool *is_wanted)
{
	const struct plan_op *info = self->op.children[1];
	struct arena *arena = &self->op.plan->prepared;
	size_t *of = ARENA_ARRAY(arena, size_t, info->series_count);

	for (size_t j = 0; j < info->series_count; j++)
		if (is_wanted[j])
			of[j] = plan_index_put(
				index, target_of(info->labels[j], plan_metric_name(info->labels[j]),
					       arena));
	self->target_count = index->count;
	self->targets = ARENA_ARRAY(arena, struct target, index->count);
	for (size_t j = 0; j < info->series_count; j++)
		if (is_wanted[j])
			self->targets[of[j]].member_count++;
	for (size_t t = 0; t < index->count; t++) {
		self->targets[t].members =
			ARENA_ARRAY(arena, size_t, self->targets[t].member_count);
		self->targets[t].member_count = 0;
	}
	for (size_t j = 0; j < info->series_count; j++)
		if (is_wanted[j]) {
			struct target *target = &self->targets[of[j]];

			target->members[target->member_count++] = j;
		}
}

/* For each base its targets: those with its identifying labels, of whatever info metric. */
static void find_bases(struct info_op *self, const struct plan_index *index)
{
	const struct plan_op *vector = self->op.children[0];
	struct arena *arena = &self->op.plan->prepared;
	struct plan_index names;

	plan_index_init(&names, arena);
	for (size_t t = 0; t < self->target_count; t++)
		plan_index_put(&names, labels_project(arena, index->items[t],
					       &(struct str){"__name__", 8}, 1, true));
	for (size_t i = 0; i < vector->series_count; i++) {
		struct base *base = &self->bases[i];

		base->out = SIZE_MAX;
		if (base->passes)
			continue;
		base->targets = ARENA_ARRAY(arena, size_t, names.count);
		base->last = ARENA_ARRAY(arena, size_t, names.count);
		for (size_t n = 0; n < names.count; n++) {
			size_t at = plan_index_find(
				index, target_of(vector->labels[i],
					       plan_metric_name(names.items[n]), arena));

			if (at != SIZE_MAX)
				base->targets[base->target_count++] = at;
		}
	}
}

static bool prepare(struct plan_op *op, struct error *err)
{
	struct info_op *self = (struct info_op *)op;
	const struct plan_op *vector = op->children[0];
	struct arena *arena = &op->plan->prepared, scratch = {0};
	struct plan_index index;

	(void)err;
	plan_index_init(&index, arena);
	plan_outputs_init(&self->outputs, op);
	self->bases = ARENA_ARRAY(arena, struct base, vector->series_count);
	for (size_t i = 0; i < vector->series_count; i++)
		self->bases[i].passes = names_match(self, vector->labels[i]);
	find_targets(self, &index, wanted(self, op->children[1], &scratch));
	find_bases(self, &index);
	arena_finish(&scratch);
	return true;
}

/* --- an instant --- */

static bool not_info(const struct labels *labels, struct error *err)
{
	struct buffer text = {0};

	labels_print(&text, labels);
	error_set(err, ERROR_EXECUTION, "this should be an info metric, with float samples: %s",
		text.data);
	buffer_finish(&text);
	return false;
}

static bool conflict(const struct plan_op *info, size_t a, size_t b, double t_ms, struct error *err)
{
	struct buffer text = {0};

	labels_print(&text, info->labels[a]);
	buffer_printf(&text, " @ %.0f, new ", t_ms);
	labels_print(&text, info->labels[b]);
	error_set(err, ERROR_EXECUTION,
		"found duplicate series for info metric: existing %s @ %.0f", text.data, t_ms);
	buffer_finish(&text);
	return false;
}

/* The youngest info series of a target at instant k. */
static bool find_current(
	const struct info_op *self, struct target *target, size_t k, struct error *err)
{
	const struct plan_op *info = self->op.children[1];
	double youngest = -INFINITY;

	target->current = SIZE_MAX;
	for (size_t m = 0; m < target->member_count; m++) {
		size_t j = target->members[m];
		double t_ms = info->columns[j][k];

		if (plan_is_missing(t_ms))
			continue;
		if (t_ms == -INFINITY)
			return not_info(info->labels[j], err);
		if (target->current != SIZE_MAX && t_ms == youngest)
			return conflict(info, target->current, j, t_ms, err);
		if (t_ms > youngest) {
			youngest = t_ms;
			target->current = j;
		}
	}
	return true;
}

/* --- labels --- */

static bool is_data_label(const struct info_op *self, struct str name)
{
	bool any = false;

	if (!self->data)
		return true;
	for (size_t i = 0; i < self->data->selector.matcher_count; i++) {
		const struct matcher *matcher = &self->data->selector.matchers[i];

		if (str_equal(matcher->name, SERIES_METRIC_NAME))
			continue;
		if (str_equal(matcher->name, name))
			return true;
		any = true;
	}
	return !any; // nothing was named: all are wanted
}

/* Labels of one info series that the base lacks; `added` is what others brought. NULL: conflict. */
static const struct labels *add_labels(const struct info_op *self, const struct labels *base,
	const struct labels *info, const struct labels *added, struct error *err)
{
	struct arena *arena = &self->op.plan->prepared;

	for (size_t i = 0; i < info->count; i++) {
		struct label label = info->items[i];
		struct str known = labels_get(added, label.name);

		if (str_equal(label.name, SERIES_METRIC_NAME) || !is_data_label(self, label.name))
			continue;
		if (known.len && !str_equal(known, label.value)) {
			error_set(err, ERROR_EXECUTION, "conflicting label: %.*s",
				STR_ARG(label.name));
			return NULL;
		}
		if (!labels_get(base, label.name).len)
			added = labels_with(arena, added, label.name, label.value);
	}
	return added;
}

static const struct labels *labels_of(
	const struct info_op *self, const struct base *base, size_t i, struct error *err)
{
	const struct plan_op *info = self->op.children[1];
	const struct labels *labels = self->op.children[0]->labels[i], *added = &labels_none;
	struct arena *arena = &self->op.plan->prepared;

	for (size_t t = 0; !base->passes && t < base->target_count; t++) {
		size_t current = self->targets[base->targets[t]].current;

		if (current == SIZE_MAX)
			continue;
		added = add_labels(self, labels, info->labels[current], added, err);
		if (!added)
			return NULL;
	}
	for (size_t l = 0; l < added->count; l++)
		labels = labels_with(arena, labels, added->items[l].name, added->items[l].value);
	return labels;
}

/* --- a base at an instant --- */

/* Whether it may stay without any info: no label is asked for that must not be empty. */
static bool may_lack(const struct info_op *self)
{
	for (size_t i = 0; self->data && i < self->data->selector.matcher_count; i++) {
		const struct matcher *matcher = &self->data->selector.matchers[i];

		if (!str_equal(matcher->name, SERIES_METRIC_NAME) &&
			!matcher_matches(matcher, STR("")))
			return false;
	}
	return true;
}

static bool has_info(const struct info_op *self, const struct base *base)
{
	for (size_t t = 0; t < base->target_count; t++)
		if (self->targets[base->targets[t]].current != SIZE_MAX)
			return true;
	return false;
}

/* The output for what is current now; the last one again where nothing changed. */
static bool find_output(struct info_op *self, size_t i, struct error *err)
{
	struct base *base = &self->bases[i];
	bool same = base->out != SIZE_MAX;

	for (size_t t = 0; t < base->target_count; t++) {
		size_t current = self->targets[base->targets[t]].current;

		same &= base->last[t] == current;
		base->last[t] = current;
	}
	if (same)
		return true;
	const struct labels *labels = labels_of(self, base, i, err);

	if (!labels)
		return false;
	base->out = plan_outputs_put(
		&self->outputs, &self->op, labels, plan_drops(self->op.children[0], i), err);
	return base->out != SIZE_MAX;
}

static bool eval_base(struct info_op *self, size_t i, size_t k, struct error *err)
{
	struct base *base = &self->bases[i];
	double value = self->op.children[0]->columns[i][k];

	if (plan_is_missing(value) || (!base->passes && !has_info(self, base) && !may_lack(self)))
		return true;
	if (!find_output(self, i, err))
		return false;
	double *out = &self->outputs.columns[base->out][k];

	if (!plan_is_missing(*out))
		return error_set(err, ERROR_EXECUTION,
			"vector cannot contain metrics with the same labelset");
	*out = value;
	return true;
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct info_op *self = (struct info_op *)op;

	plan_outputs_clear(&self->outputs, op);
	op->has_histograms = op->children[0]->has_histograms;
	for (size_t k = 0; k < op->plan->step_count; k++) {
		for (size_t t = 0; t < self->target_count; t++)
			if (!find_current(self, &self->targets[t], k, err))
				return false;
		for (size_t i = 0; i < op->children[0]->series_count; i++)
			if (!eval_base(self, i, k, err))
				return false;
	}
	return plan_outputs_publish(&self->outputs, op, err);
}

static void finish(struct plan_op *op)
{
	struct info_op *self = (struct info_op *)op;

	info_selector_finish(self->selector);
	plan_outputs_finish(&self->outputs);
}

static const struct plan_op_ops info_ops = {prepare, eval, finish};

static struct plan_op *add_op(struct promql_plan *plan, const struct promql_expr *call,
	struct info_selector *selector, struct plan_op *const *children)
{
	struct buffer key = {0};
	bool is_new;

	buffer_append_char(&key, 'i');
	buffer_append(&key, &call, sizeof call); // its selector is its own
	struct plan_op *op = plan_add(plan, sizeof(struct info_op), &info_ops, call, &key, &is_new);
	struct info_op *self = (struct info_op *)op;

	self->selector = selector;
	self->data = call->call.arg_count > 1 ? plan_strip(call->call.args[1]) : NULL;
	plan_set_children(op, children, 2);
	return op;
}

struct plan_op *plan_info(
	struct promql_plan *plan, const struct promql_expr *call, struct error *err)
{
	struct plan_op *children[2] = {plan_build(plan, call->call.args[0], err), NULL};

	if (!children[0])
		return NULL;
	struct info_selector *selector = info_selector_make(plan, call, err);

	if (!selector)
		return NULL;
	children[1] = plan_selector(plan, &selector->expr, PLAN_GIVE_AGE, err);
	if (children[1])
		return add_op(plan, call, selector, children);
	info_selector_finish(selector);
	return NULL;
}
