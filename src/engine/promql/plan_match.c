#include "engine/promql/plan_binary.h"

#include "engine/promql/plan_key.h"

/*
 * Arithmetic and comparison of two vectors. Who meets whom is a matter of labels, so it is settled
 * in prepare: for each signature the series of both sides. Where it is one and one — nearly always
 * — eval is a loop over two columns.
 */

/*
 * A signature's series, and the output column of each pair. Of the "one" side only the labels that
 * group_left() asks for are in the result: series that agree on them are of one class, and
 * out[many * class_count + class_of[one]] is the output. With `fill` there are also those of a
 * series that meets the value that stands in for the other side.
 */
struct match_group {
	size_t *many, *one;
	size_t many_count, one_count;
	size_t *class_of, class_count;
	size_t *out, *many_alone, *one_alone;
};

struct match_op {
	struct binary_op binary;
	const struct promql_expr *matching;
	bool swapped; // the "many" side is the right one
	struct match_group *groups;
	size_t group_count;
	bool *is_simple;    // per group: a loop over two columns is all
	size_t *claimed;    // per output: the round in which it got a value
	size_t round;	    // of one group at one instant
	bool *many_present; // per instant: the side has any value at all
	bool *one_present;
};

static const struct plan_op *many_side(const struct match_op *self)
{
	return self->binary.op.children[self->swapped ? 1 : 0];
}

static const struct plan_op *one_side(const struct match_op *self)
{
	return self->binary.op.children[self->swapped ? 0 : 1];
}

/* `fill_right` stands in for the "one" side and `fill_left` for the other, whatever side they are
 * on (promql/engine.go, VectorBinop, which swaps the sides but not these). */
static bool fills_one(const struct match_op *self)
{
	return self->matching->binary.has_fill_right;
}

static bool fills_many(const struct match_op *self)
{
	return self->matching->binary.has_fill_left;
}

/* --- who meets whom --- */

static const struct labels *signature(
	const struct match_op *self, const struct labels *labels, struct arena *arena)
{
	const struct promql_expr *expr = self->matching;

	return labels_project(
		arena, labels, expr->binary.names, expr->binary.name_count, expr->binary.is_on);
}

/* What a pair's result is called. Source: promql/engine.go, resultMetric. */
static const struct labels *result_labels(const struct match_op *self, const struct labels *many,
	const struct labels *one, struct arena *arena)
{
	const struct promql_expr *expr = self->matching;
	const struct labels *labels = many;
	bool compares =
		binary_is_comparison(expr->binary.op) || expr->binary.op >= PROMQL_TRIM_UPPER;

	// Also with delayed names: there is no one metric that a sum's name could be.
	if (!compares ||
		(expr->binary.return_bool && !plan_has(self->binary.op.plan, PROMQL_DELAYED_NAMES)))
		labels = labels_drop_metadata(arena, labels);
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

static void find_groups(const struct match_op *self, const struct plan_op *side,
	struct plan_index *index, size_t *group_of)
{
	for (size_t i = 0; i < side->series_count; i++)
		group_of[i] = plan_index_put(index, signature(self, side->labels[i], index->arena));
}

static void fill_groups(struct match_op *self, const size_t *many_group, const size_t *one_group)
{
	struct arena *arena = &self->binary.op.plan->prepared;
	const struct plan_op *many = many_side(self), *one = one_side(self);

	for (size_t i = 0; i < many->series_count; i++)
		self->groups[many_group[i]].many_count++;
	for (size_t i = 0; i < one->series_count; i++)
		self->groups[one_group[i]].one_count++;
	for (size_t g = 0; g < self->group_count; g++) {
		struct match_group *group = &self->groups[g];

		group->many = ARENA_ARRAY(arena, size_t, group->many_count);
		group->one = ARENA_ARRAY(arena, size_t, group->one_count);
		group->class_of = ARENA_ARRAY(arena, size_t, group->one_count);
		group->many_alone = ARENA_ARRAY(arena, size_t, group->many_count);
		group->one_alone = ARENA_ARRAY(arena, size_t, group->one_count);
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

/* Sorts the "one" side into classes. Without included labels there is one. */
static void find_classes(struct match_op *self, struct match_group *group)
{
	const struct promql_expr *expr = self->matching;
	const struct plan_op *one = one_side(self);
	struct arena scratch = {0};
	struct plan_index index;

	plan_index_init(&index, &scratch);
	for (size_t o = 0; expr->binary.include_count && o < group->one_count; o++)
		group->class_of[o] = plan_index_put(
			&index, labels_project(&scratch, one->labels[group->one[o]],
					expr->binary.include, expr->binary.include_count, true));
	group->class_count = index.count ? index.count : group->one_count > 0;
	arena_finish(&scratch);
}

/* Each pair may be a column: their number is bounded before there is memory for them. */
static bool make_pairs(struct match_op *self, struct error *err)
{
	struct promql_plan *plan = self->binary.op.plan;
	uint64_t pairs = 0, most = plan->options.max_samples / plan->stride;

	for (size_t g = 0; g < self->group_count; g++) {
		struct match_group *group = &self->groups[g];

		find_classes(self, group);
		if (group->class_count && group->many_count > (most - pairs) / group->class_count)
			return error_set(err, ERROR_LIMIT,
				"query processing would load too many samples into memory in query "
				"execution");
		pairs += group->many_count * group->class_count;
		group->out = ARENA_ARRAY(
			&plan->prepared, size_t, group->many_count * group->class_count);
	}
	return true;
}

/* --- outputs --- */

struct naming {
	struct plan_index index;
	bool *drops; // per output; of as many as there can be
	bool delays;
};

/* The output of one pair; either side may be what is left of the other's labels. */
static size_t name_pair(struct match_op *self, struct naming *naming, const struct labels *many,
	const struct labels *one, bool drops)
{
	size_t out =
		plan_index_put(&naming->index, result_labels(self, many, one, naming->index.arena));

	if (naming->delays)
		naming->drops[out] |= drops || self->matching->binary.return_bool;
	return out;
}

static void name_group(struct match_op *self, struct naming *naming, struct match_group *group)
{
	const struct plan_op *many = many_side(self), *one = one_side(self);
	struct arena *arena = naming->index.arena;

	for (size_t m = 0; m < group->many_count; m++) {
		const struct labels *labels = many->labels[group->many[m]];
		bool drops = plan_drops(many, group->many[m]);

		// The first of each class speaks for it.
		for (size_t o = 0, known = 0; known < group->class_count; o++)
			if (group->class_of[o] == known)
				group->out[m * group->class_count + known++] = name_pair(
					self, naming, labels, one->labels[group->one[o]], drops);
		if (fills_one(self))
			group->many_alone[m] = name_pair(
				self, naming, labels, signature(self, labels, arena), drops);
	}
	for (size_t o = 0; fills_many(self) && o < group->one_count; o++) {
		const struct labels *labels = one->labels[group->one[o]];

		group->one_alone[o] =
			name_pair(self, naming, signature(self, labels, arena), labels, false);
	}
}

static size_t most_outputs(const struct match_op *self)
{
	size_t most = 0;

	for (size_t g = 0; g < self->group_count; g++) {
		const struct match_group *group = &self->groups[g];

		most += group->many_count * group->class_count + group->many_count +
			group->one_count;
	}
	return most;
}

/* An output column that one pair alone fills needs no clearing and no checks. */
static void find_simple_groups(struct match_op *self)
{
	struct arena *arena = &self->binary.op.plan->prepared;
	size_t *users = ARENA_ARRAY(arena, size_t, self->binary.op.series_count);

	self->is_simple = ARENA_ARRAY(arena, bool, self->group_count);
	if (fills_one(self) || fills_many(self))
		return;
	for (size_t g = 0; g < self->group_count; g++)
		for (size_t i = 0; i < self->groups[g].many_count * self->groups[g].class_count;
			i++)
			users[self->groups[g].out[i]]++;
	for (size_t g = 0; g < self->group_count; g++) {
		const struct match_group *group = &self->groups[g];

		self->is_simple[g] = group->many_count == 1 && group->one_count == 1 &&
				     users[group->out[0]] == 1;
	}
}

static void name_outputs(struct match_op *self)
{
	struct plan_op *op = &self->binary.op;
	struct arena *arena = &op->plan->prepared;
	struct naming naming = {.delays = plan_has(op->plan, PROMQL_DELAYED_NAMES)};

	plan_index_init(&naming.index, arena);
	if (naming.delays)
		naming.drops = ARENA_ARRAY(arena, bool, most_outputs(self));
	for (size_t g = 0; g < self->group_count; g++)
		name_group(self, &naming, &self->groups[g]);
	plan_reserve(op, naming.index.count);
	op->drops = naming.drops;
	for (size_t i = 0; i < naming.index.count; i++) {
		op->labels[i] = naming.index.items[i];
		plan_own_column(op, i);
	}
	self->claimed = ARENA_ARRAY(arena, size_t, op->series_count);
	self->many_present = ARENA_ARRAY(arena, bool, op->plan->stride);
	self->one_present = ARENA_ARRAY(arena, bool, op->plan->stride);
	find_simple_groups(self);
}

static bool prepare(struct plan_op *op, struct error *err)
{
	struct match_op *self = (struct match_op *)op;
	struct arena *arena = &op->plan->prepared;
	struct plan_index index;

	plan_index_init(&index, arena);
	size_t *many_group = ARENA_ARRAY(arena, size_t, many_side(self)->series_count);
	size_t *one_group = ARENA_ARRAY(arena, size_t, one_side(self)->series_count);

	find_groups(self, many_side(self), &index, many_group);
	find_groups(self, one_side(self), &index, one_group);
	self->group_count = index.count;
	self->groups = ARENA_ARRAY(arena, struct match_group, index.count);
	self->round = 0;
	fill_groups(self, many_group, one_group);
	if (!make_pairs(self, err))
		return false;
	name_outputs(self);
	return true;
}

/* --- values of one group at one instant --- */

static bool duplicate_error(const struct match_op *self, const struct match_group *group,
	size_t first, size_t second, struct error *err)
{
	const struct plan_op *one = one_side(self);
	const struct labels *a = one->labels[group->one[first]];
	const struct labels *b = one->labels[group->one[second]];
	struct arena scratch = {0};
	struct buffer text = {0};
	bool ordered = labels_compare(a, b) <= 0;

	labels_print(&text, signature(self, a, &scratch));
	buffer_printf(&text, " on the %s hand-side of the operation: [",
		self->swapped ? "left" : "right");
	labels_print(&text, ordered ? a : b);
	buffer_append_text(&text, ", ");
	labels_print(&text, ordered ? b : a);
	error_set(err, ERROR_EXECUTION,
		"found duplicate series for the match group %s];many-to-many matching not allowed: "
		"matching labels must be unique on one side",
		text.data);
	buffer_finish(&text);
	arena_finish(&scratch);
	return false;
}

/* The one present series of the "one" side at instant k; SIZE_MAX: none. False: two are. */
static bool find_one(const struct match_op *self, const struct match_group *group, size_t k,
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

/* A pair's value goes to its output; *matched counts pairs of this group and instant. */
static bool put_pair(struct match_op *self, double many, double one, size_t out, size_t k,
	size_t order, size_t *matched, struct error *err)
{
	struct binary_op *binary = &self->binary;
	double lhs = self->swapped ? one : many, rhs = self->swapped ? many : one;
	double *column = (double *)binary->op.columns[out];
	bool computed = true;
	double value = sample_stale();

	if (binary->notes)
		value = binary_element(binary, lhs, rhs, lhs, k, order, &computed);
	else
		binary_columns(binary->operator, binary->return_bool, &lhs, &rhs, &lhs, &value, 1);
	if (!computed)
		return true;
	// Also what a comparison takes away again has met its match.
	if (self->matching->binary.card == PROMQL_ONE_TO_ONE && (*matched)++)
		return error_set(err, ERROR_EXECUTION,
			"multiple matches for labels: many-to-one matching must be explicit "
			"(group_left/group_right)");
	if (self->matching->binary.card != PROMQL_ONE_TO_ONE) {
		(*matched)++;
		if (self->claimed[out] == self->round)
			return error_set(err, ERROR_EXECUTION,
				"multiple matches for labels: grouping labels must ensure unique "
				"matches");
		self->claimed[out] = self->round;
	}
	if (plan_is_missing(value))
		return true;
	if (!plan_is_missing(column[k]))
		return error_set(err, ERROR_EXECUTION,
			"vector cannot contain metrics with the same labelset");
	column[k] = value;
	return true;
}

static bool match_at(
	struct match_op *self, const struct match_group *group, size_t k, struct error *err)
{
	const struct plan_op *many = many_side(self), *one = one_side(self);
	size_t o, matched = 0;

	self->round++;
	if (!find_one(self, group, k, &o, err))
		return false;
	for (size_t m = 0; m < group->many_count; m++) {
		size_t i = group->many[m];
		double value = many->columns[i][k];

		if (plan_is_missing(value) || (o == SIZE_MAX && !fills_one(self)))
			continue;
		if (!put_pair(self, value,
			    o == SIZE_MAX ? self->matching->binary.fill_right
					  : one->columns[group->one[o]][k],
			    o == SIZE_MAX ? group->many_alone[m]
					  : group->out[m * group->class_count + group->class_of[o]],
			    k, i, &matched, err))
			return false;
	}
	if (matched || o == SIZE_MAX || !fills_many(self))
		return true;
	return put_pair(self, self->matching->binary.fill_left, one->columns[group->one[o]][k],
		group->one_alone[o], k, many->series_count + group->one[o], &matched, err);
}

/* --- a block --- */

static void find_present(const struct plan_op *side, bool *present, size_t steps)
{
	memset(present, 0, steps * sizeof *present);
	for (size_t i = 0; i < side->series_count; i++)
		for (size_t k = 0; k < steps; k++)
			present[k] |= !plan_is_missing(side->columns[i][k]);
}

/* With nothing on one side nothing is matched, nor complained about. */
static bool is_worth_it(const struct match_op *self, size_t k)
{
	if (fills_one(self) || fills_many(self))
		return self->many_present[k] || self->one_present[k];
	return self->many_present[k] && self->one_present[k];
}

static bool eval_group(struct match_op *self, const struct match_group *group, struct error *err)
{
	for (size_t k = 0; k < self->binary.op.plan->step_count; k++)
		if (is_worth_it(self, k) && !match_at(self, group, k, err))
			return false;
	return true;
}

static void eval_simple(struct match_op *self, const struct match_group *group)
{
	struct plan_op *op = &self->binary.op;
	size_t left = self->swapped ? group->one[0] : group->many[0];
	size_t right = self->swapped ? group->many[0] : group->one[0];
	const double *lhs = op->children[0]->columns[left];

	binary_columns(self->binary.operator, self->binary.return_bool, lhs,
		op->children[1]->columns[right], lhs, (double *)op->columns[group->out[0]],
		op->plan->step_count);
}

static void clear_outputs(struct match_op *self, bool by_element)
{
	for (size_t g = 0; g < self->group_count; g++) {
		const struct match_group *group = &self->groups[g];

		if (self->is_simple[g] && !by_element)
			continue;
		for (size_t i = 0; i < group->many_count * group->class_count; i++)
			plan_clear_column(&self->binary.op, group->out[i]);
		for (size_t i = 0; fills_one(self) && i < group->many_count; i++)
			plan_clear_column(&self->binary.op, group->many_alone[i]);
		for (size_t i = 0; fills_many(self) && i < group->one_count; i++)
			plan_clear_column(&self->binary.op, group->one_alone[i]);
	}
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct match_op *self = (struct match_op *)op;
	const struct plan_op *lhs = op->children[0], *rhs = op->children[1];
	bool by_element = lhs->has_histograms || rhs->has_histograms ||
			  self->binary.operator>= PROMQL_TRIM_UPPER;
	bool ok = true, has_present = false;

	self->binary.notes = NULL;
	if (by_element)
		binary_start_notes(&self->binary);
	op->has_histograms = lhs->has_histograms || rhs->has_histograms;
	clear_outputs(self, by_element);
	for (size_t g = 0; ok && g < self->group_count; g++) {
		if (self->is_simple[g] && !by_element) {
			eval_simple(self, &self->groups[g]);
			continue;
		}
		if (!has_present) {
			find_present(many_side(self), self->many_present, op->plan->step_count);
			find_present(one_side(self), self->one_present, op->plan->step_count);
			has_present = true;
		}
		ok = eval_group(self, &self->groups[g], err) &&
		     (!by_element || plan_hold_values(op->plan, err));
	}
	if (by_element)
		binary_tell_notes(&self->binary);
	return ok;
}

static const struct plan_op_ops match_ops = {prepare, eval, NULL};

static void add_key(struct buffer *key, const struct promql_expr *expr)
{
	double fills[] = {expr->binary.has_fill_left ? expr->binary.fill_left : 0,
		expr->binary.has_fill_right ? expr->binary.fill_right : 0};

	plan_key_number(key, expr->binary.is_on);
	plan_key_number(key, expr->binary.card);
	plan_key_names(key, expr->binary.names, expr->binary.name_count);
	plan_key_names(key, expr->binary.include, expr->binary.include_count);
	plan_key_number(key, expr->binary.has_fill_left);
	plan_key_number(key, expr->binary.has_fill_right);
	buffer_append(key, fills, sizeof fills);
}

struct plan_op *plan_match(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *lhs, struct plan_op *rhs, struct buffer *key)
{
	struct plan_op *children[] = {lhs, rhs};
	bool is_new;

	add_key(key, expr);
	struct plan_op *op =
		plan_add(plan, sizeof(struct match_op), &match_ops, expr, key, &is_new);
	struct match_op *self = (struct match_op *)op;

	self->matching = expr;
	self->swapped = expr->binary.card == PROMQL_ONE_TO_MANY;
	if (is_new)
		plan_set_children(op, children, 2);
	return op;
}
