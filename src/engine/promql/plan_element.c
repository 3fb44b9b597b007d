#include "engine/promql/plan_binary.h"

/* Arithmetic and comparison where histograms are among the values: one pair at a time. */

static void note(
	struct binary_op *self, size_t k, size_t order, enum binary_event event, double a, double b)
{
	struct binary_note *known = &self->notes[k];

	if (known->event == BINARY_FINE || order >= known->order)
		*known = (struct binary_note){
			event, sample_is_histogram(a), sample_is_histogram(b), order};
}

static double boxed(const struct histogram *histogram)
{
	return sample_of_histogram(histogram);
}

/* Sums and differences, and what they had to decide. */
static double add(struct binary_op *self, double a, double b, size_t k, size_t order)
{
	struct arena *arena = &self->op.plan->values;
	bool sums = self->operator== PROMQL_ADD;
	unsigned notices = 0;
	const struct histogram *result = (sums ? histogram_add : histogram_sub)(
		arena, sample_histogram(a), sample_histogram(b), &notices);

	if (!result) {
		note(self, k, order, BINARY_LAYOUTS, a, b);
		return sample_stale();
	}
	if (notices & HISTOGRAM_RESETS_COLLIDE)
		note(self, k, order, BINARY_RESETS_COLLIDE, a, b);
	if (notices & HISTOGRAM_BOUNDS_RECONCILED)
		note(self, k, order, BINARY_BOUNDS_RECONCILED, a, b);
	return boxed(histogram_compact(arena, result));
}

/* A histogram with a number. The stale marker: that does not go. */
static double scale(struct binary_op *self, double a, double b)
{
	struct arena *arena = &self->op.plan->values;
	const struct histogram *left = sample_is_histogram(a) ? sample_histogram(a) : NULL;

	switch (self->operator) {
	case PROMQL_MUL:
		return boxed(histogram_compact(
			arena, left ? histogram_mul(arena, left, b)
				    : histogram_mul(arena, sample_histogram(b), a)));
	case PROMQL_DIV:
		return left ? boxed(histogram_compact(arena, histogram_div(arena, left, b)))
			    : sample_stale();
	case PROMQL_TRIM_UPPER:
		return left ? boxed(histogram_trim_upper(arena, left, b)) : sample_stale();
	case PROMQL_TRIM_LOWER:
		return left ? boxed(histogram_trim_lower(arena, left, b)) : sample_stale();
	default:
		return sample_stale();
	}
}

static double truth(const struct binary_op *self, bool holds, double kept)
{
	if (self->return_bool)
		return holds ? 1 : 0;
	return holds ? kept : sample_stale();
}

double binary_element(struct binary_op *self, double a, double b, double kept, size_t k,
	size_t order, bool *computed)
{
	bool left = sample_is_histogram(a), right = sample_is_histogram(b);
	bool trims = self->operator== PROMQL_TRIM_UPPER || self->operator== PROMQL_TRIM_LOWER;
	double out = sample_stale();

	*computed = true;
	if (!left && !right && !trims) {
		binary_columns(self->operator, self->return_bool, &a, &b, &kept, &out, 1);
		return out;
	}
	if (left && right && (self->operator== PROMQL_EQL || self->operator== PROMQL_NEQ))
		return truth(self,
			histogram_equal(sample_histogram(a), sample_histogram(b)) ==
				(self->operator== PROMQL_EQL),
			kept);
	if (left && right && (self->operator== PROMQL_ADD || self->operator== PROMQL_SUB)) {
		out = add(self, a, b, k, order);
		*computed = !plan_is_missing(out);
		return out;
	}
	if (left != right)
		out = scale(self, a, b);
	*computed = !plan_is_missing(out);
	if (!*computed)
		note(self, k, order, BINARY_TYPES, a, b);
	return out;
}

/* --- what was noted --- */

void binary_start_notes(struct binary_op *self)
{
	self->notes =
		ARENA_ARRAY(&self->op.plan->values, struct binary_note, self->op.plan->step_count);
}

static const char *spelling(enum promql_operator operator)
{
	static const char *const spellings[] = {[PROMQL_ADD] = "+",
		[PROMQL_SUB] = "-",
		[PROMQL_MUL] = "*",
		[PROMQL_DIV] = "/",
		[PROMQL_MOD] = "%",
		[PROMQL_POW] = "^",
		[PROMQL_ATAN2] = "atan2",
		[PROMQL_EQL] = "==",
		[PROMQL_NEQ] = "!=",
		[PROMQL_GTR] = ">",
		[PROMQL_LSS] = "<",
		[PROMQL_GTE] = ">=",
		[PROMQL_LTE] = "<=",
		[PROMQL_AND] = "and",
		[PROMQL_OR] = "or",
		[PROMQL_UNLESS] = "unless",
		[PROMQL_TRIM_UPPER] = "</",
		[PROMQL_TRIM_LOWER] = ">/"};

	return spellings[operator];
}

static void tell(const struct binary_op *self, const struct binary_note *noted)
{
	struct promql_plan *plan = self->op.plan;
	const struct promql_expr *expr = self->op.expr;
	const char *name = spelling(self->operator);
	const char *operation = self->operator== PROMQL_ADD ? "addition" : "subtraction";

	switch (noted->event) {
	case BINARY_FINE:
		break;
	case BINARY_TYPES:
		plan_inform(plan, expr,
			"incompatible sample types encountered for binary operator \"%s\": %s %s "
			"%s",
			name, noted->left_histogram ? "histogram" : "float", name,
			noted->right_histogram ? "histogram" : "float");
		break;
	case BINARY_LAYOUTS:
		plan_warn(plan, expr,
			"incompatible bucket layout encountered for binary operator %s", name);
		break;
	case BINARY_RESETS_COLLIDE:
		plan_warn(plan, expr, "conflicting counter resets during histogram %s", operation);
		break;
	case BINARY_BOUNDS_RECONCILED:
		plan_inform(plan, expr, "mismatched custom buckets were reconciled during %s",
			operation);
		break;
	}
}

void binary_tell_notes(struct binary_op *self)
{
	for (size_t k = 0; k < self->op.plan->step_count; k++)
		tell(self, &self->notes[k]);
}
