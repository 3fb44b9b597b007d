#include "engine/promql/functions.h"
#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/window.h"

#include <math.h>

/*
 * Functions of instant vectors and scalars. Each output column is computed from one input column
 * (and scalars), so a row of the table says how: by value, by instant, by labels.
 */

struct call_op;

struct call_kernel {
	enum promql_function_id id;
	/* A value from a present value; NULL where `fill` does it. */
	double (*map)(double value);
	/* A column from a column; in == NULL for functions that take no vector. */
	void (*fill)(struct call_op *op, const double *in, double *out);
	bool keeps_name;
};

struct call_op {
	struct plan_op op;
	const struct call_kernel *kernel;
	struct plan_op *vector; // the child that is a vector, NULL: none
	const double **results; // before merging
	struct plan_merge merge;
};

/* Column of the i-th argument, a scalar. */
static const double *scalar_argument(const struct call_op *op, size_t i)
{
	return op->op.children[i]->columns[0];
}

/* --- by value --- */

static double sign(double value)
{
	return value < 0 ? -1 : value > 0 ? 1 : value;
}

static double to_degrees(double value)
{
	return value * 180 / M_PI;
}

static double to_radians(double value)
{
	return value * M_PI / 180;
}

/* NaN where either is, as Go's math.Max and math.Min. */
static double larger(double a, double b)
{
	return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
}

static double smaller(double a, double b)
{
	return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
}

static void fill_clamp(struct call_op *op, const double *in, double *out)
{
	const double *low = scalar_argument(op, 1), *high = scalar_argument(op, 2);

	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = plan_is_missing(in[k]) || high[k] < low[k]
				 ? sample_stale()
				 : larger(low[k], smaller(high[k], in[k]));
}

static void fill_clamp_min(struct call_op *op, const double *in, double *out)
{
	const double *low = scalar_argument(op, 1);

	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = plan_is_missing(in[k]) ? in[k] : larger(low[k], in[k]);
}

static void fill_clamp_max(struct call_op *op, const double *in, double *out)
{
	const double *high = scalar_argument(op, 1);

	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = plan_is_missing(in[k]) ? in[k] : smaller(high[k], in[k]);
}

static void fill_round(struct call_op *op, const double *in, double *out)
{
	const double *to = op->op.child_count > 1 ? scalar_argument(op, 1) : NULL;

	for (size_t k = 0; k < op->op.plan->step_count; k++) {
		// The inverse is exact for 0.1, 0.01, … where the nearest double is not.
		double inverse = 1 / (to ? to[k] : 1);

		out[k] = plan_is_missing(in[k]) ? in[k] : floor(in[k] * inverse + 0.5) / inverse;
	}
}

/* --- by instant --- */

static void fill_timestamp(struct call_op *op, const double *in, double *out)
{
	const struct promql_plan *plan = op->op.plan;

	for (size_t k = 0; k < plan->step_count; k++)
		out[k] = plan_is_missing(in[k]) ? in[k] : (double)plan->times_ms[k] / 1000;
}

static void fill_time(struct call_op *op, const double *in, double *out)
{
	const struct promql_plan *plan = op->op.plan;

	(void)in;
	for (size_t k = 0; k < plan->step_count; k++)
		out[k] = (double)plan->times_ms[k] / 1000;
}

static void fill_pi(struct call_op *op, const double *in, double *out)
{
	(void)in;
	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = M_PI;
}

/* vector(s): the scalar's column under no labels. */
static void fill_vector(struct call_op *op, const double *in, double *out)
{
	(void)in;
	memcpy(out, scalar_argument(op, 0), op->op.plan->step_count * sizeof *out);
}

/* The one value that is present, else NaN. */
static void fill_scalar(struct call_op *op, const double *in, double *out)
{
	const struct plan_op *vector = op->op.children[0];

	(void)in;
	for (size_t k = 0; k < op->op.plan->step_count; k++) {
		size_t present = 0;

		out[k] = NAN;
		for (size_t i = 0; i < vector->series_count; i++)
			if (!plan_is_missing(vector->columns[i][k])) {
				out[k] = vector->columns[i][k];
				present++;
			}
		if (present != 1)
			out[k] = NAN;
	}
}

static void fill_absent(struct call_op *op, const double *in, double *out)
{
	const struct plan_op *vector = op->op.children[0];

	(void)in;
	for (size_t k = 0; k < op->op.plan->step_count; k++) {
		out[k] = 1;
		for (size_t i = 0; i < vector->series_count; i++)
			if (!plan_is_missing(vector->columns[i][k]))
				out[k] = sample_stale();
	}
}

/* --- by labels --- */

/*
 * Labels can be joined with themselves, call inside call: without caps a short query would double a
 * text a hundred times.
 */
enum { MAX_LABEL_BYTES = 64 * 1024, MAX_PLAN_LABEL_BYTES = 64 * 1024 * 1024 };

/* `labels` with the destination set to what is in `value`, which is freed. NULL: too long. */
static const struct labels *set_destination(const struct call_op *op, const struct labels *labels,
	struct buffer *value, struct arena *arena, struct error *err)
{
	struct str name = plan_text(op->op.expr->call.args[1]);

	op->op.plan->label_bytes += value->len;
	if (value->len <= MAX_LABEL_BYTES && op->op.plan->label_bytes <= MAX_PLAN_LABEL_BYTES) {
		labels = labels_with(arena, labels, name, str_copy(arena, buffer_str(value)));
	} else {
		error_set(err, ERROR_LIMIT,
			"%s(): label values of %d bytes each and %d in all are the limit",
			op->op.expr->call.function->name, MAX_LABEL_BYTES, MAX_PLAN_LABEL_BYTES);
		labels = NULL;
	}
	buffer_finish(value);
	return labels;
}

static const struct labels *replace_label(const struct call_op *op, const struct labels *labels,
	const struct regex *regex, struct arena *arena, struct error *err)
{
	struct promql_expr **args = op->op.expr->call.args;
	struct buffer value = {0};

	if (!regex_expand(
		    regex, labels_get(labels, plan_text(args[3])), plan_text(args[2]), &value))
		return labels;
	return set_destination(op, labels, &value, arena, err);
}

static const struct labels *join_labels(const struct call_op *op, const struct labels *labels,
	struct arena *arena, struct error *err)
{
	struct promql_expr **args = op->op.expr->call.args;
	struct buffer value = {0};

	for (size_t i = 3; i < op->op.expr->call.arg_count; i++) {
		if (i > 3)
			buffer_append_str(&value, plan_text(args[2]));
		buffer_append_str(&value, labels_get(labels, plan_text(args[i])));
	}
	return set_destination(op, labels, &value, arena, err);
}

/*
 * Labels that a selector pins down by equality: what absent() answers with. As in Prometheus
 * (createLabelsForAbsentFunction) a label's first equality counts, and any matcher behind it undoes
 * it.
 */
static const struct labels *pinned_labels(const struct promql_expr *arg, struct arena *arena)
{
	const struct promql_expr *selector = plan_strip(arg);

	if (selector->kind != PROMQL_SELECTOR)
		return &labels_none;
	const struct matcher *matchers = selector->selector.matchers;
	size_t count = selector->selector.matcher_count, pair_count = 0;
	struct label *pairs = ARENA_ARRAY(arena, struct label, count);

	for (size_t i = 0; i < count; i++) {
		bool alone = matchers[i].kind == MATCHER_EQUAL &&
			     !str_equal(matchers[i].name, SERIES_METRIC_NAME);

		for (size_t j = 0; j < count && alone; j++)
			if (j != i && (j > i || matchers[j].kind == MATCHER_EQUAL))
				alone = !str_equal(matchers[i].name, matchers[j].name);
		if (alone)
			pairs[pair_count++] = (struct label){matchers[i].name, matchers[i].value};
	}
	return labels_make(arena, pairs, pair_count, false);
}

/* --- the operator --- */

/* Any UTF-8 names a label, but nothing does not. */
static bool is_label_name(struct str name)
{
	size_t at = 0, len = 1;

	for (; at < name.len && len; at += len)
		len = str_utf8_len(name.data + at, name.len - at);
	return name.len && len;
}

static bool check_destination(const struct promql_expr *call, struct error *err)
{
	struct str name = plan_text(call->call.args[1]);

	if (is_label_name(name))
		return true;
	return error_set(err, ERROR_EXECUTION, "invalid destination label name in %s(): %.*s",
		call->call.function->name, STR_ARG(name));
}

static bool output_labels(struct call_op *self, const struct labels **labels, struct error *err)
{
	struct arena *arena = &self->op.plan->prepared;
	const struct promql_expr *call = self->op.expr;
	bool replaces = self->kernel->id == PROMQL_FUNCTION_LABEL_REPLACE;
	bool joins = self->kernel->id == PROMQL_FUNCTION_LABEL_JOIN;
	struct regex *regex = NULL;
	bool ok = true;

	if ((replaces || joins) && !check_destination(call, err))
		return false;
	if (replaces) {
		regex = regex_create(plan_text(call->call.args[4]), err);
		if (!regex)
			return error_wrap(err, "label_replace()");
	}
	for (size_t i = 0; ok && i < self->vector->series_count; i++) {
		const struct labels *in = self->vector->labels[i];

		if (regex)
			labels[i] = replace_label(self, in, regex, arena, err);
		else if (joins)
			labels[i] = join_labels(self, in, arena, err);
		else
			labels[i] = self->kernel->keeps_name ? in : labels_drop_name(arena, in);
		ok = labels[i] != NULL;
	}
	regex_destroy(regex);
	return ok;
}

static bool passes_values(const struct call_op *self)
{
	return !self->kernel->map && !self->kernel->fill;
}

static bool prepare_vector(struct plan_op *op, struct error *err)
{
	struct call_op *self = (struct call_op *)op;
	struct arena *arena = &op->plan->prepared;
	size_t count = self->vector->series_count;
	const struct labels **labels = ARENA_ARRAY(arena, const struct labels *, count);

	if (!output_labels(self, labels, err))
		return false;
	self->results = ARENA_ARRAY(arena, const double *, count);
	for (size_t i = 0; i < count && !passes_values(self); i++)
		self->results[i] = ARENA_ARRAY(arena, double, op->plan->stride);
	plan_merge_init(&self->merge, op, labels, count);
	return true;
}

static bool eval_vector(struct plan_op *op, struct error *err)
{
	struct call_op *self = (struct call_op *)op;

	for (size_t i = 0; i < self->vector->series_count; i++) {
		const double *in = self->vector->columns[i];
		double *out = (double *)self->results[i];

		if (self->kernel->fill)
			self->kernel->fill(self, in, out);
		for (size_t k = 0; self->kernel->map && k < op->plan->step_count; k++)
			out[k] = plan_is_missing(in[k]) ? in[k] : self->kernel->map(in[k]);
		if (passes_values(self))
			self->results[i] = in;
	}
	return plan_merge_eval(&self->merge, op, self->results, err);
}

static bool prepare_single(struct plan_op *op, struct error *err)
{
	struct call_op *self = (struct call_op *)op;

	(void)err;
	plan_reserve(op, 1);
	op->labels[0] = self->kernel->id == PROMQL_FUNCTION_ABSENT
				? pinned_labels(op->expr->call.args[0], &op->plan->prepared)
				: &labels_none;
	plan_own_column(op, 0);
	return true;
}

static bool eval_single(struct plan_op *op, struct error *err)
{
	struct call_op *self = (struct call_op *)op;

	(void)err;
	self->kernel->fill(self, NULL, (double *)op->columns[0]);
	return true;
}

static const struct plan_op_ops vector_ops = {prepare_vector, eval_vector, NULL};
static const struct plan_op_ops single_ops = {prepare_single, eval_single, NULL};

static const struct call_kernel kernels[] = {
	{PROMQL_FUNCTION_ABS, fabs, NULL, false},
	{PROMQL_FUNCTION_CEIL, ceil, NULL, false},
	{PROMQL_FUNCTION_FLOOR, floor, NULL, false},
	{PROMQL_FUNCTION_EXP, exp, NULL, false},
	{PROMQL_FUNCTION_SQRT, sqrt, NULL, false},
	{PROMQL_FUNCTION_LN, log, NULL, false},
	{PROMQL_FUNCTION_LOG2, log2, NULL, false},
	{PROMQL_FUNCTION_LOG10, log10, NULL, false},
	{PROMQL_FUNCTION_SGN, sign, NULL, false},
	{PROMQL_FUNCTION_SIN, sin, NULL, false},
	{PROMQL_FUNCTION_COS, cos, NULL, false},
	{PROMQL_FUNCTION_TAN, tan, NULL, false},
	{PROMQL_FUNCTION_ASIN, asin, NULL, false},
	{PROMQL_FUNCTION_ACOS, acos, NULL, false},
	{PROMQL_FUNCTION_ATAN, atan, NULL, false},
	{PROMQL_FUNCTION_SINH, sinh, NULL, false},
	{PROMQL_FUNCTION_COSH, cosh, NULL, false},
	{PROMQL_FUNCTION_TANH, tanh, NULL, false},
	{PROMQL_FUNCTION_ASINH, asinh, NULL, false},
	{PROMQL_FUNCTION_ACOSH, acosh, NULL, false},
	{PROMQL_FUNCTION_ATANH, atanh, NULL, false},
	{PROMQL_FUNCTION_DEG, to_degrees, NULL, false},
	{PROMQL_FUNCTION_RAD, to_radians, NULL, false},
	{PROMQL_FUNCTION_CLAMP, NULL, fill_clamp, false},
	{PROMQL_FUNCTION_CLAMP_MIN, NULL, fill_clamp_min, false},
	{PROMQL_FUNCTION_CLAMP_MAX, NULL, fill_clamp_max, false},
	{PROMQL_FUNCTION_ROUND, NULL, fill_round, false},
	{PROMQL_FUNCTION_TIMESTAMP, NULL, fill_timestamp, false},
	{PROMQL_FUNCTION_LABEL_REPLACE, NULL, NULL, true},
	{PROMQL_FUNCTION_LABEL_JOIN, NULL, NULL, true},
};

/* No vector in, one column out. */
static const struct call_kernel singles[] = {
	{PROMQL_FUNCTION_TIME, NULL, fill_time, false},
	{PROMQL_FUNCTION_PI, NULL, fill_pi, false},
	{PROMQL_FUNCTION_VECTOR, NULL, fill_vector, false},
	{PROMQL_FUNCTION_SCALAR, NULL, fill_scalar, false},
	{PROMQL_FUNCTION_ABSENT, NULL, fill_absent, false},
};

static const struct call_kernel *find(
	const struct call_kernel *table, size_t count, enum promql_function_id id)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

static bool is_constant_text(const struct promql_expr *arg)
{
	return arg->type != PROMQL_STRING || plan_strip(arg)->kind == PROMQL_TEXT;
}

static bool build_arguments(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op **children, size_t *count, struct buffer *key, struct error *err)
{
	*count = 0;
	for (size_t i = 0; i < expr->call.arg_count; i++) {
		const struct promql_expr *arg = expr->call.args[i];

		if (arg->type == PROMQL_STRING) {
			plan_key_text(key, plan_text(arg));
			if (!is_constant_text(arg))
				return error_set(err, ERROR_INVALID, "expected a string literal");
			continue;
		}
		children[*count] = plan_build(plan, arg, err);
		if (!children[*count])
			return false;
		plan_key_child(key, children[(*count)++]);
	}
	return true;
}

static struct plan_op *build_call(struct promql_plan *plan, const struct promql_expr *expr,
	const struct call_kernel *kernel, bool is_single, struct error *err)
{
	struct arena scratch = {0};
	struct plan_op **children =
		ARENA_ARRAY(&scratch, struct plan_op *, expr->call.arg_count + 1);
	struct plan_op *op = NULL;
	struct buffer key = {0};
	size_t count;
	bool is_new;

	buffer_append_char(&key, 'c');
	plan_key_number(&key, kernel->id);
	if (!build_arguments(plan, expr, children, &count, &key, err)) {
		buffer_finish(&key);
		goto out;
	}
	if (kernel->id == PROMQL_FUNCTION_ABSENT) // answers with its selector's labels
		plan_key_number(&key, (int64_t)(uintptr_t)expr);
	op = plan_add(plan, sizeof(struct call_op), is_single ? &single_ops : &vector_ops, expr,
		&key, &is_new);
	if (is_new) {
		((struct call_op *)op)->kernel = kernel;
		((struct call_op *)op)->vector = is_single ? NULL : children[0];
		op->is_scalar = expr->type == PROMQL_SCALAR;
		plan_set_children(op, children, count);
	}
out:
	arena_finish(&scratch);
	return op;
}

struct plan_op *plan_call(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	enum promql_function_id id = expr->call.function->id;
	const struct call_kernel *kernel = find(kernels, sizeof kernels / sizeof kernels[0], id);
	const struct call_kernel *single = find(singles, sizeof singles / sizeof singles[0], id);

	// timestamp() looks through a bare selector only (Prometheus's engine does the same).
	if (id == PROMQL_FUNCTION_TIMESTAMP &&
		plan_strip(expr->call.args[0])->kind == PROMQL_SELECTOR)
		return plan_selector(plan, plan_strip(expr->call.args[0]), true, err);
	if (kernel || single)
		return build_call(plan, expr, kernel ? kernel : single, single != NULL, err);
	if (window_function_of(id))
		return plan_window(plan, expr, err);
	error_set(err, ERROR_UNSUPPORTED, "%s() is not supported yet", expr->call.function->name);
	return NULL;
}

/* --- numbers and signs --- */

static bool prepare_number(struct plan_op *op, struct error *err)
{
	(void)err;
	plan_reserve(op, 1);
	op->labels[0] = &labels_none;
	double *column = plan_own_column(op, 0);

	for (size_t k = 0; k < op->plan->stride; k++)
		column[k] = op->expr->number;
	return true;
}

static bool eval_number(struct plan_op *op, struct error *err)
{
	(void)op;
	(void)err;
	return true;
}

static const struct plan_op_ops number_ops = {prepare_number, eval_number, NULL};

struct plan_op *plan_number(struct promql_plan *plan, const struct promql_expr *expr, double value)
{
	struct buffer key = {0};
	bool is_new;

	buffer_append_char(&key, 'n');
	buffer_append(&key, &value, sizeof value);
	struct plan_op *op =
		plan_add(plan, sizeof(struct plan_op), &number_ops, expr, &key, &is_new);

	op->is_scalar = true;
	return op;
}

static double negative(double value)
{
	return -value;
}

struct plan_op *plan_negate(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	static const struct call_kernel kernel = {.id = PROMQL_FUNCTION_NONE, .map = negative};
	struct plan_op *inner = plan_build(plan, expr->unary.inner, err);
	struct buffer key = {0};
	bool is_new;

	if (!inner)
		return NULL;
	buffer_append_char(&key, '-');
	plan_key_child(&key, inner);
	struct plan_op *op =
		plan_add(plan, sizeof(struct call_op), &vector_ops, expr, &key, &is_new);

	((struct call_op *)op)->kernel = &kernel;
	((struct call_op *)op)->vector = inner;
	op->is_scalar = inner->is_scalar;
	if (is_new)
		plan_set_children(op, &inner, 1);
	return op;
}
