#include "engine/promql/plan_key.h"
#include "engine/promql/plan_outputs.h"

#include "base/number.h"

/*
 * count_values: an output for each value that a group has. Which those are is known at eval only:
 * new ones are added as they come, and what depends on this operator is prepared again.
 */

struct counted {
	uint64_t bits; // of a series' last value
	size_t out;    // SIZE_MAX: there was none
};

struct count_op {
	struct plan_op op;
	struct counted *last; // per series: values repeat
	struct plan_outputs outputs;
};

static bool prepare(struct plan_op *op, struct error *err)
{
	struct count_op *self = (struct count_op *)op;
	size_t count = op->children[0]->series_count;

	(void)err;
	self->last = ARENA_ARRAY(&op->plan->prepared, struct counted, count);
	for (size_t i = 0; i < count; i++)
		self->last[i].out = SIZE_MAX;
	plan_outputs_init(&self->outputs, op);
	return true;
}

/* NULL: too much text. */
static const struct labels *labels_of(
	const struct count_op *self, const struct labels *labels, double value, struct error *err)
{
	const struct promql_expr *expr = self->op.expr;
	struct arena *arena = &self->op.plan->prepared;
	struct str name = plan_text(expr->aggregate.parameter);
	struct buffer text = {0};

	if (sample_is_histogram(value))
		histogram_print(&text, sample_histogram(value));
	else
		buffer_append_number(&text, value);
	bool ok = plan_count_label(self->op.plan, "count_values", text.len, err);
	struct str copy = ok ? str_copy(arena, buffer_str(&text)) : STR("");

	buffer_finish(&text);
	if (!ok)
		return NULL;
	if (expr->aggregate.without)
		return labels_project(arena, labels_with(arena, labels, name, copy),
			expr->aggregate.names, expr->aggregate.name_count, false);
	return labels_with(arena,
		labels_project(
			arena, labels, expr->aggregate.names, expr->aggregate.name_count, true),
		name, copy);
}

static bool find_output(struct count_op *self, size_t i, double value, struct error *err)
{
	struct counted *last = &self->last[i];

	if (last->out != SIZE_MAX && last->bits == sample_bits(value))
		return true;
	const struct labels *labels = labels_of(self, self->op.children[0]->labels[i], value, err);

	if (!labels)
		return false;
	last->bits = sample_bits(value);
	last->out = plan_outputs_put(&self->outputs, &self->op, labels, false, err);
	return last->out != SIZE_MAX;
}

static bool count_series(struct count_op *self, size_t i, struct error *err)
{
	const double *in = self->op.children[0]->columns[i];

	for (size_t k = 0; k < self->op.plan->step_count; k++) {
		if (plan_is_missing(in[k]))
			continue;
		if (!find_output(self, i, in[k], err))
			return false;
		double *out = &self->outputs.columns[self->last[i].out][k];

		*out = plan_is_missing(*out) ? 1 : *out + 1;
	}
	// A histogram's address means something else in the next block.
	if (self->op.children[0]->has_histograms)
		self->last[i].out = SIZE_MAX;
	return true;
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct count_op *self = (struct count_op *)op;

	plan_outputs_clear(&self->outputs, op);
	for (size_t i = 0; i < op->children[0]->series_count; i++)
		if (!count_series(self, i, err))
			return false;
	return plan_outputs_publish(&self->outputs, op, err);
}

static void finish(struct plan_op *op)
{
	plan_outputs_finish(&((struct count_op *)op)->outputs);
}

static const struct plan_op_ops count_ops = {prepare, eval, finish};

struct plan_op *plan_count_values(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	struct str name = plan_text(expr->aggregate.parameter);
	struct buffer key = {0};
	bool is_new;

	if (!plan_is_label_name(name)) {
		labels_quote(&key, name);
		error_set(err, ERROR_EXECUTION, "invalid label name %s", key.data);
		buffer_finish(&key);
		return NULL;
	}
	struct plan_op *inner = plan_build(plan, expr->aggregate.inner, err);

	if (!inner)
		return NULL;
	buffer_append_char(&key, 'v');
	plan_key_text(&key, name);
	plan_key_number(&key, expr->aggregate.without);
	plan_key_names(&key, expr->aggregate.names, expr->aggregate.name_count);
	plan_key_child(&key, inner);
	struct plan_op *op =
		plan_add(plan, sizeof(struct count_op), &count_ops, expr, &key, &is_new);

	if (is_new)
		plan_set_children(op, &inner, 1);
	return op;
}
