#include "engine/promql/call.h"
#include "engine/promql/plan_key.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>

/*
 * sort(), sort_desc(), sort_by_label(), sort_by_label_desc(): columns pass, and of a single instant
 * their order is noted. Results of range queries are always ordered by labels.
 */

struct sort_op {
	struct plan_op op; // expr: the call
	bool by_label, descends;
};

static bool prepare(struct plan_op *op, struct error *err)
{
	const struct plan_op *child = op->children[0];

	(void)err;
	plan_reserve(op, child->series_count);
	for (size_t i = 0; i < child->series_count; i++)
		op->labels[i] = child->labels[i];
	op->drops = child->drops;
	return true;
}

/* --- what is before what --- */

struct sorting {
	const struct sort_op *sort;
	double value;
	const struct labels *labels;
	size_t number;
};

/* NaN is last, whatever the direction. */
static int compare_values(const struct sorting *a, const struct sorting *b)
{
	if (isnan(a->value) || isnan(b->value))
		return isnan(a->value) - isnan(b->value);
	int order = (a->value > b->value) - (a->value < b->value);

	return a->sort->descends ? -order : order;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The run of digits, or of anything else, that a text begins with. */
static struct str first_run(struct str text)
{
	size_t len = 0;

	while (len < text.len && is_digit(text.data[len]) == is_digit(text.data[0]))
		len++;
	return (struct str){text.data, len};
}

/* Run by run: digits by their number, the rest by bytes ("a2" before "a10"). */
static int compare_naturally(struct str a, struct str b)
{
	while (a.len && b.len) {
		struct str left = first_run(a), right = first_run(b);
		int64_t m, n;
		int order = number_parse_int(left, &m) && number_parse_int(right, &n)
				    ? (m > n) - (m < n)
				    : str_compare(left, right);

		if (order)
			return order;
		a = (struct str){a.data + left.len, a.len - left.len};
		b = (struct str){b.data + right.len, b.len - right.len};
	}
	return (a.len > 0) - (b.len > 0);
}

static int compare_labels(const struct sorting *a, const struct sorting *b)
{
	const struct promql_expr *call = a->sort->op.expr;
	int order = 0;

	for (size_t i = 1; !order && i < call->call.arg_count; i++) {
		struct str name = plan_text(call->call.args[i]);

		order = compare_naturally(labels_get(a->labels, name), labels_get(b->labels, name));
	}
	if (!order)
		order = labels_compare(a->labels, b->labels);
	return a->sort->descends ? -order : order;
}

static int compare(const void *a, const void *b)
{
	const struct sorting *left = a, *right = b;
	int order =
		left->sort->by_label ? compare_labels(left, right) : compare_values(left, right);

	// Equal ones stay as they came.
	return order ? order : (left->number > right->number) - (left->number < right->number);
}

static void sort_instant(struct sort_op *self)
{
	struct plan_op *op = &self->op;
	struct arena *arena = &op->plan->values;
	struct sorting *items = ARENA_ARRAY(arena, struct sorting, op->series_count);
	size_t *order = ARENA_ARRAY(arena, size_t, op->series_count), count = 0;

	for (size_t i = 0; i < op->series_count; i++)
		if (!plan_is_missing(op->columns[i][0]))
			items[count++] =
				(struct sorting){self, op->columns[i][0], op->labels[i], i};
	if (count)
		qsort(items, count, sizeof *items, compare);
	for (size_t i = 0; i < count; i++)
		order[i] = items[i].number;
	op->order = order;
	op->order_count = count;
}

/* By value only floats can be sorted: histograms are left out. */
static const double *floats_of(struct plan_op *op, const double *in)
{
	double *out = ARENA_ARRAY(&op->plan->values, double, op->plan->step_count);

	for (size_t k = 0; k < op->plan->step_count; k++)
		out[k] = sample_is_histogram(in[k]) ? sample_stale() : in[k];
	return out;
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct sort_op *self = (struct sort_op *)op;
	const struct plan_op *child = op->children[0];
	bool hides = child->has_histograms && !self->by_label;

	(void)err;
	op->has_histograms = child->has_histograms && self->by_label;
	for (size_t i = 0; i < op->series_count; i++)
		op->columns[i] = hides ? floats_of(op, child->columns[i]) : child->columns[i];
	op->order = NULL;
	if (op->plan->step_count == 1)
		sort_instant(self);
	return true;
}

static const struct plan_op_ops sort_ops = {prepare, eval, NULL};

struct plan_op *call_sort(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	enum promql_function_id id = expr->call.function->id;
	struct plan_op *child = plan_build(plan, expr->call.args[0], err);
	struct buffer key = {0};
	bool is_new;

	if (!child)
		return NULL;
	buffer_append_char(&key, 'S');
	plan_key_number(&key, id);
	for (size_t i = 1; i < expr->call.arg_count; i++)
		plan_key_text(&key, plan_text(expr->call.args[i]));
	plan_key_child(&key, child);
	struct plan_op *op = plan_add(plan, sizeof(struct sort_op), &sort_ops, expr, &key, &is_new);
	struct sort_op *self = (struct sort_op *)op;

	self->by_label =
		id == PROMQL_FUNCTION_SORT_BY_LABEL || id == PROMQL_FUNCTION_SORT_BY_LABEL_DESC;
	self->descends =
		id == PROMQL_FUNCTION_SORT_DESC || id == PROMQL_FUNCTION_SORT_BY_LABEL_DESC;
	if (is_new)
		plan_set_children(op, &child, 1);
	return op;
}
