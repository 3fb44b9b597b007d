#include "engine/promql/plan_match.h"

#include "engine/promql/plan_key.h"

/*
 * Arithmetic and comparison of two vectors. Who meets whom is a matter of labels, so it is settled
 * in prepare: for each signature the series of both sides. Where it is one and one — nearly always
 * — eval is a loop over two columns.
 */

/* --- who meets whom --- */

const struct labels *match_signature(
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
		group_of[i] =
			plan_index_put(index, match_signature(self, side->labels[i], index->arena));
}

static void fill_groups(struct match_op *self, const size_t *many_group, const size_t *one_group)
{
	struct arena *arena = &self->binary.op.plan->prepared;
	const struct plan_op *many = match_many(self), *one = match_one(self);

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
	const struct plan_op *one = match_one(self);
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
	const struct plan_op *many = match_many(self), *one = match_one(self);
	struct arena *arena = naming->index.arena;

	for (size_t m = 0; m < group->many_count; m++) {
		const struct labels *labels = many->labels[group->many[m]];
		bool drops = plan_drops(many, group->many[m]);

		// The first of each class speaks for it.
		for (size_t o = 0, known = 0; known < group->class_count; o++)
			if (group->class_of[o] == known)
				group->out[m * group->class_count + known++] = name_pair(
					self, naming, labels, one->labels[group->one[o]], drops);
		if (match_fills_one(self))
			group->many_alone[m] = name_pair(
				self, naming, labels, match_signature(self, labels, arena), drops);
	}
	for (size_t o = 0; match_fills_many(self) && o < group->one_count; o++) {
		const struct labels *labels = one->labels[group->one[o]];

		group->one_alone[o] = name_pair(
			self, naming, match_signature(self, labels, arena), labels, false);
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
	if (match_fills_one(self) || match_fills_many(self))
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
	size_t *many_group = ARENA_ARRAY(arena, size_t, match_many(self)->series_count);
	size_t *one_group = ARENA_ARRAY(arena, size_t, match_one(self)->series_count);

	find_groups(self, match_many(self), &index, many_group);
	find_groups(self, match_one(self), &index, one_group);
	self->group_count = index.count;
	self->groups = ARENA_ARRAY(arena, struct match_group, index.count);
	self->round = 0;
	fill_groups(self, many_group, one_group);
	if (!make_pairs(self, err))
		return false;
	name_outputs(self);
	return true;
}

static const struct plan_op_ops match_ops = {prepare, match_eval, NULL};

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
