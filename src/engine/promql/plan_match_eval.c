#include "engine/promql/plan_match.h"

/* Pairs of two vectors, once it is settled who meets whom. */

/* --- values of one group at one instant --- */

static bool duplicate_error(const struct match_op *self, const struct match_group *group,
	size_t first, size_t second, struct error *err)
{
	const struct plan_op *one = match_one(self);
	const struct labels *a = one->labels[group->one[first]];
	const struct labels *b = one->labels[group->one[second]];
	struct arena scratch = {0};
	struct buffer text = {0};
	bool ordered = labels_compare(a, b) <= 0;

	labels_print(&text, match_signature(self, a, &scratch));
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
		if (plan_is_missing(match_one(self)->columns[group->one[o]][k]))
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
	const struct plan_op *many = match_many(self), *one = match_one(self);
	size_t o, matched = 0;

	self->round++;
	if (!find_one(self, group, k, &o, err))
		return false;
	for (size_t m = 0; m < group->many_count; m++) {
		size_t i = group->many[m];
		double value = many->columns[i][k];

		if (plan_is_missing(value) || (o == SIZE_MAX && !match_fills_one(self)))
			continue;
		if (!put_pair(self, value,
			    o == SIZE_MAX ? self->matching->binary.fill_right
					  : one->columns[group->one[o]][k],
			    o == SIZE_MAX ? group->many_alone[m]
					  : group->out[m * group->class_count + group->class_of[o]],
			    k, i, &matched, err))
			return false;
	}
	if (matched || o == SIZE_MAX || !match_fills_many(self))
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
	if (match_fills_one(self) || match_fills_many(self))
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
		for (size_t i = 0; match_fills_one(self) && i < group->many_count; i++)
			plan_clear_column(&self->binary.op, group->many_alone[i]);
		for (size_t i = 0; match_fills_many(self) && i < group->one_count; i++)
			plan_clear_column(&self->binary.op, group->one_alone[i]);
	}
}

bool match_eval(struct plan_op *op, struct error *err)
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
			find_present(match_many(self), self->many_present, op->plan->step_count);
			find_present(match_one(self), self->one_present, op->plan->step_count);
			has_present = true;
		}
		ok = eval_group(self, &self->groups[g], err) &&
		     (!by_element || plan_hold_values(op->plan, err));
	}
	if (by_element)
		binary_tell_notes(&self->binary);
	return ok;
}
