#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"

#include "base/memory.h"

#include <stdlib.h>

/*
 * and, or, unless: an element passes by whether the other side has one of its signature at that
 * instant. A chain `a or b or c …` is one operator with many operands, so that a rule that lists
 * its users one by one costs a column a user, not a copy of all columns a user.
 */

struct set_member {
	size_t operand, column, out;
};

/* Series of one signature, in order of operands. */
struct set_group {
	struct set_member *members;
	size_t count;
};

struct set_op {
	struct plan_op op;
	enum promql_operator operator;
	struct set_group *groups;
	size_t group_count;
	bool *is_owned; // per output
};

static size_t series_total(const struct plan_op *op)
{
	size_t total = 0;

	for (size_t i = 0; i < op->child_count; i++)
		total += op->children[i]->series_count;
	return total;
}

/* Whether a member can be an output: of `and` and `unless` only the left side's. */
static bool can_pass(const struct set_op *self, size_t operand)
{
	return self->operator== PROMQL_OR || operand == 0;
}

static void fill_groups(
	struct set_op *self, const struct set_member *members, const size_t *group_of, size_t count)
{
	struct arena *arena = &self->op.plan->prepared;

	for (size_t i = 0; i < count; i++)
		self->groups[group_of[i]].count++;
	for (size_t g = 0; g < self->group_count; g++) {
		self->groups[g].members =
			ARENA_ARRAY(arena, struct set_member, self->groups[g].count);
		self->groups[g].count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		struct set_group *group = &self->groups[group_of[i]];

		group->members[group->count++] = members[i];
	}
}

/* An output's mark is that of the first series that it can come from. */
static void mark_outputs(struct set_op *self, const struct set_member *members, size_t count)
{
	struct plan_op *op = &self->op;

	op->drops = ARENA_ARRAY(&op->plan->prepared, bool, op->series_count);
	for (size_t i = count; i-- > 0;)
		if (members[i].out != SIZE_MAX)
			op->drops[members[i].out] =
				plan_drops(op->children[members[i].operand], members[i].column);
}

static bool prepare(struct plan_op *op, struct error *err)
{
	struct set_op *self = (struct set_op *)op;
	struct arena *arena = &op->plan->prepared;
	size_t total = series_total(op), count = 0;
	struct set_member *members = ARENA_ARRAY(arena, struct set_member, total);
	size_t *group_of = ARENA_ARRAY(arena, size_t, total);
	struct plan_index signatures, outputs;

	(void)err;
	plan_index_init(&signatures, arena);
	plan_index_init(&outputs, arena);
	for (size_t operand = 0; operand < op->child_count; operand++)
		for (size_t i = 0; i < op->children[operand]->series_count; i++) {
			const struct labels *labels = op->children[operand]->labels[i];

			members[count] = (struct set_member){operand, i,
				can_pass(self, operand) ? plan_index_put(&outputs, labels)
							: SIZE_MAX};
			group_of[count++] = plan_index_put(&signatures,
				labels_project(arena, labels, op->expr->binary.names,
					op->expr->binary.name_count, op->expr->binary.is_on));
		}
	self->group_count = signatures.count;
	self->groups = ARENA_ARRAY(arena, struct set_group, signatures.count);
	fill_groups(self, members, group_of, count);
	plan_reserve(op, outputs.count);
	self->is_owned = ARENA_ARRAY(arena, bool, outputs.count);
	for (size_t i = 0; i < outputs.count; i++)
		op->labels[i] = outputs.items[i];
	if (plan_has(op->plan, PROMQL_DELAYED_NAMES))
		mark_outputs(self, members, count);
	// Where a signature has one series only, its column passes as it is, or not at all.
	for (size_t g = 0; g < self->group_count; g++)
		for (size_t m = 0; m < self->groups[g].count; m++) {
			size_t out = self->groups[g].members[m].out;

			if (out == SIZE_MAX || self->is_owned[out] ||
				(self->groups[g].count == 1 && self->operator!= PROMQL_AND))
				continue;
			self->is_owned[out] = true;
			plan_own_column(op, out);
		}
	return true;
}

static const double *column_of(const struct set_op *self, const struct set_member *member)
{
	return self->op.children[member->operand]->columns[member->column];
}

/* Marks where one of the members [first, last) is present. */
static void mark_present(const struct set_op *self, const struct set_group *group, size_t first,
	size_t last, bool *present)
{
	for (size_t m = first; m < last; m++) {
		const double *column = column_of(self, &group->members[m]);

		for (size_t k = 0; k < self->op.plan->step_count; k++)
			present[k] |= !plan_is_missing(column[k]);
	}
}

static void pass(
	struct set_op *self, const struct set_member *member, const bool *present, bool wanted)
{
	const double *column = column_of(self, member);
	double *out = (double *)self->op.columns[member->out];

	for (size_t k = 0; k < self->op.plan->step_count; k++)
		if (present[k] == wanted && !plan_is_missing(column[k]))
			out[k] = column[k];
}

static void eval_or(struct set_op *self, const struct set_group *group)
{
	bool present[PLAN_BLOCK_STEPS] = {false};
	size_t first = 0;

	while (first < group->count) {
		size_t last = first;

		// All of one operand pass together; then they hide what later operands have.
		while (last < group->count &&
			group->members[last].operand == group->members[first].operand)
			last++;
		for (size_t m = first; m < last; m++)
			pass(self, &group->members[m], present, false);
		mark_present(self, group, first, last, present);
		first = last;
	}
}

static void eval_and_unless(struct set_op *self, const struct set_group *group)
{
	bool present[PLAN_BLOCK_STEPS] = {false};
	size_t left_count = 0;

	while (left_count < group->count && group->members[left_count].operand == 0)
		left_count++;
	mark_present(self, group, left_count, group->count, present);
	for (size_t m = 0; m < left_count; m++)
		pass(self, &group->members[m], present, self->operator== PROMQL_AND);
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct set_op *self = (struct set_op *)op;

	(void)err;
	op->has_histograms = false;
	for (size_t i = 0; i < op->child_count; i++)
		op->has_histograms |= op->children[i]->has_histograms;
	for (size_t i = 0; i < op->series_count; i++)
		if (self->is_owned[i])
			plan_clear_column(op, i);
	for (size_t g = 0; g < self->group_count; g++) {
		const struct set_group *group = &self->groups[g];
		const struct set_member *only = &group->members[0];

		if (group->count == 1 && only->out == SIZE_MAX)
			continue;
		if (group->count == 1 && !self->is_owned[only->out])
			op->columns[only->out] = column_of(self, only);
		else if (self->operator== PROMQL_OR)
			eval_or(self, group);
		else
			eval_and_unless(self, group);
	}
	return true;
}

static const struct plan_op_ops set_ops = {prepare, eval, NULL};

struct plan_op *plan_set(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *const *operands, size_t count, struct error *err)
{
	struct buffer key = {0};
	bool is_new;

	(void)err;
	buffer_append_char(&key, 'o');
	plan_key_number(&key, expr->binary.op);
	plan_key_number(&key, expr->binary.is_on);
	plan_key_names(&key, expr->binary.names, expr->binary.name_count);
	for (size_t i = 0; i < count; i++)
		plan_key_child(&key, operands[i]);
	struct plan_op *op = plan_add(plan, sizeof(struct set_op), &set_ops, expr, &key, &is_new);

	((struct set_op *)op)->operator= expr->binary.op;
	if (is_new)
		plan_set_children(op, operands, count);
	return op;
}
