#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"

#include <math.h>

/*
 * Arithmetic and comparison. Who meets whom is a matter of labels, so it is settled in prepare: for
 * each signature the series of both sides. Where it is one and one — nearly always — eval is a loop
 * over two columns.
 */

/* A signature's series, and the output column of each pair: out[many * one_count + one]. */
struct match_group {
	size_t *many, *one;
	size_t many_count, one_count;
	size_t *out;
};

struct binary_op {
	struct plan_op op;
	enum promql_operator operator;
	bool return_bool;
	const struct promql_expr *matching;
	bool swapped;		    // the "many" side is the right one
	struct match_group *groups; // vector with vector
	size_t group_count;
	const double **results; // vector with scalar: before merging
	struct plan_merge merge;
};

static bool is_comparison(enum promql_operator operator)
{
	return operator>= PROMQL_EQL && operator<= PROMQL_LTE;
}

/* --- two columns --- */

/* Arithmetic of present values; the compiler makes a tight loop of each. */
#define EACH(expression)                                                                     \
	for (size_t k = 0; k < steps; k++) {                                                 \
		double x = a[k], y = b[k], result = (expression);                            \
		out[k] = plan_is_missing(x) || plan_is_missing(y) ? sample_stale() : result; \
	}                                                                                    \
	break

/* Comparison: 0/1 with `bool`, else the kept side's value where it holds. */
#define EACH_WHERE(condition)                                                                   \
	for (size_t k = 0; k < steps; k++) {                                                    \
		double x = a[k], y = b[k];                                                      \
		bool holds = (condition);                                                       \
		double result =                                                                 \
			return_bool ? (holds ? 1.0 : 0.0) : (holds ? kept[k] : sample_stale()); \
		out[k] = plan_is_missing(x) || plan_is_missing(y) ? sample_stale() : result;    \
	}                                                                                       \
	break

static void combine(enum promql_operator operator, bool return_bool, const double *a,
	const double *b, const double *kept, double *out, size_t steps)
{
	switch (operator) {
	case PROMQL_ADD:
		EACH(x + y);
	case PROMQL_SUB:
		EACH(x - y);
	case PROMQL_MUL:
		EACH(x * y);
	case PROMQL_DIV:
		EACH(x / y);
	case PROMQL_MOD:
		EACH(fmod(x, y));
	case PROMQL_POW:
		EACH(pow(x, y));
	case PROMQL_ATAN2:
		EACH(atan2(x, y));
	case PROMQL_EQL:
		EACH_WHERE(x == y);
	case PROMQL_NEQ:
		EACH_WHERE(x != y);
	case PROMQL_GTR:
		EACH_WHERE(x > y);
	case PROMQL_LSS:
		EACH_WHERE(x < y);
	case PROMQL_GTE:
		EACH_WHERE(x >= y);
	case PROMQL_LTE:
		EACH_WHERE(x <= y);
	case PROMQL_AND:
	case PROMQL_OR:
	case PROMQL_UNLESS:
	case PROMQL_TRIM_UPPER:
	case PROMQL_TRIM_LOWER:
		break; // plan_set
	}
}

static bool drops_name(const struct binary_op *self)
{
	return !is_comparison(self->operator) || self->return_bool;
}

/* --- with a scalar --- */

static bool prepare_scalar(struct plan_op *op, struct error *err)
{
	struct binary_op *self = (struct binary_op *)op;
	struct arena *arena = &op->plan->prepared;
	const struct plan_op *vector = op->children[op->children[0]->is_scalar ? 1 : 0];
	const struct labels **labels =
		ARENA_ARRAY(arena, const struct labels *, vector->series_count);

	(void)err;
	self->results = ARENA_ARRAY(arena, const double *, vector->series_count);
	for (size_t i = 0; i < vector->series_count; i++) {
		labels[i] = drops_name(self) ? labels_drop_name(arena, vector->labels[i])
					     : vector->labels[i];
		self->results[i] = ARENA_ARRAY(arena, double, op->plan->stride);
	}
	plan_merge_init(&self->merge, op, labels, vector->series_count);
	return true;
}

static bool eval_scalar(struct plan_op *op, struct error *err)
{
	struct binary_op *self = (struct binary_op *)op;
	const struct plan_op *lhs = op->children[0], *rhs = op->children[1];
	const struct plan_op *vector = lhs->is_scalar ? rhs : lhs;

	for (size_t i = 0; i < vector->series_count; i++)
		combine(self->operator, self->return_bool, lhs->columns[lhs->is_scalar ? 0 : i],
			rhs->columns[rhs->is_scalar ? 0 : i], vector->columns[i],
			(double *)self->results[i], op->plan->step_count);
	return plan_merge_eval(&self->merge, op, self->results, err);
}

/* --- with a vector: who meets whom --- */

static const struct plan_op *many_side(const struct binary_op *self)
{
	return self->op.children[self->swapped ? 1 : 0];
}

static const struct plan_op *one_side(const struct binary_op *self)
{
	return self->op.children[self->swapped ? 0 : 1];
}

/* What a pair's result is called. Source: promql/engine.go, resultMetric. */
static const struct labels *result_labels(const struct binary_op *self, const struct labels *many,
	const struct labels *one, struct arena *arena)
{
	const struct promql_expr *expr = self->matching;
	const struct labels *labels = many;

	if (drops_name(self))
		labels = labels_drop_name(arena, labels);
	if (expr->binary.card == PROMQL_ONE_TO_ONE && expr->binary.is_on)
		labels = labels_project(
			arena, labels, expr->binary.names, expr->binary.name_count, true);
	if (expr->binary.card == PROMQL_ONE_TO_ONE && !expr->binary.is_on)
		for (size_t i = 0; i < expr->binary.name_count; i++)
			labels = labels_with(arena, labels, expr->binary.names[i], STR(""));
	for (size_t i = 0; i < expr->binary.include_count; i++)
		labels = labels_with(arena, labels, expr->binary.include[i],
			labels_get(one, expr->binary.include[i]));
	return labels;
}

static void count_members(const struct binary_op *self, const struct plan_op *side,
	struct plan_index *index, size_t *group_of)
{
	const struct promql_expr *expr = self->matching;

	for (size_t i = 0; i < side->series_count; i++)
		group_of[i] = plan_index_put(
			index, labels_project(index->arena, side->labels[i], expr->binary.names,
				       expr->binary.name_count, expr->binary.is_on));
}

static void fill_groups(struct binary_op *self, const size_t *many_group, const size_t *one_group)
{
	struct arena *arena = &self->op.plan->prepared;
	const struct plan_op *many = many_side(self), *one = one_side(self);

	for (size_t i = 0; i < many->series_count; i++)
		self->groups[many_group[i]].many_count++;
	for (size_t i = 0; i < one->series_count; i++)
		self->groups[one_group[i]].one_count++;
	for (size_t g = 0; g < self->group_count; g++) {
		struct match_group *group = &self->groups[g];

		group->many = ARENA_ARRAY(arena, size_t, group->many_count);
		group->one = ARENA_ARRAY(arena, size_t, group->one_count);
		group->out = ARENA_ARRAY(arena, size_t, group->many_count * group->one_count);
		group->many_count = group->one_count = 0;
	}
	for (size_t i = 0; i < many->series_count; i++) {
		struct match_group *group = &self->groups[many_group[i]];

		group->many[group->many_count++] = i;
	}
	for (size_t i = 0; i < one->series_count; i++) {
		struct match_group *group = &self->groups[one_group[i]];

		group->one[group->one_count++] = i;
	}
}

static void name_outputs(struct binary_op *self)
{
	struct arena *arena = &self->op.plan->prepared;
	struct plan_index index;

	plan_index_init(&index, arena);
	for (size_t g = 0; g < self->group_count; g++) {
		struct match_group *group = &self->groups[g];

		for (size_t m = 0; m < group->many_count; m++)
			for (size_t o = 0; o < group->one_count; o++)
				group->out[m * group->one_count + o] = plan_index_put(&index,
					result_labels(self, many_side(self)->labels[group->many[m]],
						one_side(self)->labels[group->one[o]], arena));
	}
	plan_reserve(&self->op, index.count);
	for (size_t i = 0; i < index.count; i++) {
		self->op.labels[i] = index.items[i];
		plan_own_column(&self->op, i);
	}
}

static bool prepare_vector(struct plan_op *op, struct error *err)
{
	struct binary_op *self = (struct binary_op *)op;
	struct arena *arena = &op->plan->prepared;
	struct plan_index index;

	(void)err;
	plan_index_init(&index, arena);
	size_t *many_group = ARENA_ARRAY(arena, size_t, many_side(self)->series_count);
	size_t *one_group = ARENA_ARRAY(arena, size_t, one_side(self)->series_count);

	count_members(self, many_side(self), &index, many_group);
	count_members(self, one_side(self), &index, one_group);
	self->group_count = index.count;
	self->groups = ARENA_ARRAY(arena, struct match_group, index.count);
	fill_groups(self, many_group, one_group);
	name_outputs(self);
	return true;
}

/* --- with a vector: values --- */

static bool duplicate_error(const struct binary_op *self, const struct match_group *group,
	size_t first, size_t second, struct error *err)
{
	const struct promql_expr *expr = self->matching;
	const struct plan_op *one = one_side(self);
	struct arena scratch = {0};
	struct buffer text = {0};

	labels_print(
		&text, labels_project(&scratch, one->labels[group->one[first]], expr->binary.names,
			       expr->binary.name_count, expr->binary.is_on));
	buffer_printf(&text, " on the %s hand-side of the operation: [",
		self->swapped ? "left" : "right");
	labels_print(&text, one->labels[group->one[second]]);
	buffer_append_text(&text, ", ");
	labels_print(&text, one->labels[group->one[first]]);
	error_set(err, ERROR_EXECUTION,
		"found duplicate series for the match group %s];many-to-many matching not allowed: "
		"matching labels must be unique on one side",
		text.data);
	buffer_finish(&text);
	arena_finish(&scratch);
	return false;
}

/* The one present series of the "one" side at instant k; SIZE_MAX: none. False: two are. */
static bool find_one(const struct binary_op *self, const struct match_group *group, size_t k,
	size_t *found, struct error *err)
{
	*found = SIZE_MAX;
	for (size_t o = 0; o < group->one_count; o++) {
		if (plan_is_missing(one_side(self)->columns[group->one[o]][k]))
			continue;
		if (*found != SIZE_MAX)
			return duplicate_error(self, group, *found, o, err);
		*found = o;
	}
	return true;
}

static double pair_value(const struct binary_op *self, double many, double one)
{
	double lhs = self->swapped ? one : many, rhs = self->swapped ? many : one, out;

	combine(self->operator, self->return_bool, &lhs, &rhs, &lhs, &out, 1);
	return out;
}

static bool match_at(
	struct binary_op *self, const struct match_group *group, size_t k, struct error *err)
{
	size_t o, matched = 0;

	if (!find_one(self, group, k, &o, err))
		return false;
	if (o == SIZE_MAX)
		return true;
	for (size_t m = 0; m < group->many_count; m++) {
		double many = many_side(self)->columns[group->many[m]][k];
		double *out = (double *)self->op.columns[group->out[m * group->one_count + o]];

		if (plan_is_missing(many))
			continue;
		double value = pair_value(self, many, one_side(self)->columns[group->one[o]][k]);

		if (plan_is_missing(value))
			continue;
		if (self->matching->binary.card == PROMQL_ONE_TO_ONE && matched++)
			return error_set(err, ERROR_EXECUTION,
				"multiple matches for labels: many-to-one matching must be "
				"explicit "
				"(group_left/group_right)");
		if (!plan_is_missing(out[k]))
			return error_set(err, ERROR_EXECUTION,
				"multiple matches for labels: grouping labels must ensure unique "
				"matches");
		out[k] = value;
	}
	return true;
}

static bool any_present(const struct plan_op *side, size_t k)
{
	for (size_t i = 0; i < side->series_count; i++)
		if (!plan_is_missing(side->columns[i][k]))
			return true;
	return false;
}

/* An output column that one pair alone fills needs no clearing and no checks. */
static bool is_simple(const struct match_group *group, const size_t *users)
{
	return group->many_count == 1 && group->one_count == 1 && users[group->out[0]] == 1;
}

static bool eval_group(struct binary_op *self, const struct match_group *group, struct error *err)
{
	for (size_t k = 0; k < self->op.plan->step_count; k++)
		if (any_present(many_side(self), k) && !match_at(self, group, k, err))
			return false;
	return true;
}

static size_t *count_users(const struct binary_op *self, struct arena *arena)
{
	size_t *users = ARENA_ARRAY(arena, size_t, self->op.series_count);

	for (size_t g = 0; g < self->group_count; g++)
		for (size_t i = 0; i < self->groups[g].many_count * self->groups[g].one_count; i++)
			users[self->groups[g].out[i]]++;
	return users;
}

static bool eval_vector(struct plan_op *op, struct error *err)
{
	struct binary_op *self = (struct binary_op *)op;
	const struct plan_op *lhs = op->children[0], *rhs = op->children[1];
	struct arena scratch = {0};
	size_t *users = count_users(self, &scratch);
	bool ok = true;

	for (size_t i = 0; i < op->series_count; i++)
		for (size_t k = 0; users[i] > 1 && k < op->plan->step_count; k++)
			((double *)op->columns[i])[k] = sample_stale();
	for (size_t g = 0; ok && g < self->group_count; g++) {
		const struct match_group *group = &self->groups[g];

		if (is_simple(group, users)) {
			size_t left = self->swapped ? group->one[0] : group->many[0];
			size_t right = self->swapped ? group->many[0] : group->one[0];

			combine(self->operator, self->return_bool, lhs->columns[left],
				rhs->columns[right], lhs->columns[left],
				(double *)op->columns[group->out[0]], op->plan->step_count);
		} else if (group->one_count > 1 || (group->one_count && group->many_count)) {
			for (size_t i = 0; i < group->many_count * group->one_count; i++)
				for (size_t k = 0;
					users[group->out[i]] == 1 && k < op->plan->step_count; k++)
					((double *)op->columns[group->out[i]])[k] = sample_stale();
			ok = eval_group(self, group, err);
		}
	}
	arena_finish(&scratch);
	return ok;
}

/* --- two scalars --- */

static bool prepare_single(struct plan_op *op, struct error *err)
{
	(void)err;
	plan_reserve(op, 1);
	op->labels[0] = &labels_none;
	plan_own_column(op, 0);
	return true;
}

static bool eval_single(struct plan_op *op, struct error *err)
{
	struct binary_op *self = (struct binary_op *)op;

	(void)err;
	combine(self->operator, true, op->children[0]->columns[0], op->children[1]->columns[0],
		NULL, (double *)op->columns[0], op->plan->step_count);
	return true;
}

static const struct plan_op_ops scalar_ops = {prepare_scalar, eval_scalar, NULL};
static const struct plan_op_ops vector_ops = {prepare_vector, eval_vector, NULL};
static const struct plan_op_ops single_ops = {prepare_single, eval_single, NULL};

struct plan_op *plan_binary(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *lhs, struct plan_op *rhs, struct error *err)
{
	const struct plan_op_ops *ops = lhs->is_scalar && rhs->is_scalar   ? &single_ops
					: lhs->is_scalar || rhs->is_scalar ? &scalar_ops
									   : &vector_ops;
	struct buffer key = {0};
	bool is_new;

	(void)err;
	buffer_append_char(&key, 'b');
	plan_key_number(&key, expr->binary.op);
	plan_key_number(&key, expr->binary.return_bool);
	plan_key_number(&key, expr->binary.is_on);
	plan_key_number(&key, expr->binary.card);
	plan_key_names(&key, expr->binary.names, expr->binary.name_count);
	plan_key_names(&key, expr->binary.include, expr->binary.include_count);
	plan_key_child(&key, lhs);
	plan_key_child(&key, rhs);
	struct plan_op *op = plan_add(plan, sizeof(struct binary_op), ops, expr, &key, &is_new);
	struct binary_op *self = (struct binary_op *)op;

	if (!is_new)
		return op;
	self->operator= expr->binary.op;
	self->return_bool = expr->binary.return_bool;
	self->matching = expr;
	self->swapped = expr->binary.card == PROMQL_ONE_TO_MANY;
	op->is_scalar = lhs->is_scalar && rhs->is_scalar;
	struct plan_op *children[] = {lhs, rhs};

	plan_set_children(op, children, 2);
	return op;
}
