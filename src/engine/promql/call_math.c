#include "engine/promql/call.h"

#include <math.h>

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

/* Go's overflow where exp() does, half a unit before glibc's: math/sinh.go. */
static double go_cosh(double value)
{
	return fabs(value) > 21 ? exp(fabs(value)) * 0.5 : cosh(value);
}

static double go_sinh(double value)
{
	return fabs(value) > 21 ? copysign(exp(fabs(value)) * 0.5, value) : sinh(value);
}

/* As Go's math.Max and math.Min: infinity before NaN, NaN before the rest, and -0 is less than 0.
 */
static double larger(double a, double b)
{
	if (a == INFINITY || b == INFINITY)
		return INFINITY;
	if (a == 0 && b == 0)
		return signbit(a) ? b : a;
	return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
}

static double smaller(double a, double b)
{
	if (a == -INFINITY || b == -INFINITY)
		return -INFINITY;
	if (a == 0 && b == 0)
		return signbit(a) ? a : b;
	return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
}

/* --- by column --- */

static void fill_clamp(struct call_op *op, const double *in, double *out)
{
	const double *low = call_scalar(op, 1), *high = call_scalar(op, 2);

	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = plan_is_missing(in[k]) || high[k] < low[k]
				 ? sample_stale()
				 : larger(low[k], smaller(high[k], in[k]));
}

static void fill_clamp_min(struct call_op *op, const double *in, double *out)
{
	const double *low = call_scalar(op, 1);

	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = plan_is_missing(in[k]) ? in[k] : larger(low[k], in[k]);
}

static void fill_clamp_max(struct call_op *op, const double *in, double *out)
{
	const double *high = call_scalar(op, 1);

	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = plan_is_missing(in[k]) ? in[k] : smaller(high[k], in[k]);
}

static void fill_round(struct call_op *op, const double *in, double *out)
{
	const double *to = op->op.child_count > 1 ? call_scalar(op, 1) : NULL;

	for (size_t k = 0; k < op->op.plan->step_count; k++) {
		// The inverse is exact for 0.1, 0.01, … where the nearest double is not.
		double inverse = 1 / (to ? to[k] : 1);

		out[k] = plan_is_missing(in[k]) ? in[k] : floor(in[k] * inverse + 0.5) / inverse;
	}
}

/* --- one column --- */

static void fill_max_of(struct call_op *op, const double *in, double *out)
{
	(void)in;
	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = larger(call_scalar(op, 0)[k], call_scalar(op, 1)[k]);
}

static void fill_min_of(struct call_op *op, const double *in, double *out)
{
	(void)in;
	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = smaller(call_scalar(op, 0)[k], call_scalar(op, 1)[k]);
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
	memcpy(out, call_scalar(op, 0), op->op.plan->step_count * sizeof *out);
}

/* The one float that is present, else NaN. */
static void fill_scalar(struct call_op *op, const double *in, double *out)
{
	const struct plan_op *vector = op->op.children[0];

	(void)in;
	for (size_t k = 0; k < op->op.plan->step_count; k++) {
		size_t present = 0;

		out[k] = NAN;
		for (size_t i = 0; i < vector->series_count; i++) {
			double value = vector->columns[i][k];

			if (!plan_is_missing(value) && !sample_is_histogram(value)) {
				out[k] = value;
				present++;
			}
		}
		if (present != 1)
			out[k] = NAN;
	}
}

static void fill_absent(struct call_op *op, const double *in, double *out)
{
	const struct plan_op *vector = op->op.children[0];
	size_t steps = op->op.plan->step_count;

	(void)in;
	for (size_t k = 0; k < steps; k++)
		out[k] = 1;
	for (size_t i = 0; i < vector->series_count; i++)
		for (size_t k = 0; k < steps; k++)
			if (!plan_is_missing(vector->columns[i][k]))
				out[k] = sample_stale();
}

static const struct call_kernel *find(
	const struct call_kernel *table, size_t count, enum promql_function_id id)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

const struct call_kernel *call_math(enum promql_function_id id)
{
	static const struct call_kernel table[] = {
		{PROMQL_FUNCTION_ABS, fabs, NULL, false, false},
		{PROMQL_FUNCTION_CEIL, ceil, NULL, false, false},
		{PROMQL_FUNCTION_FLOOR, floor, NULL, false, false},
		{PROMQL_FUNCTION_EXP, exp, NULL, false, false},
		{PROMQL_FUNCTION_SQRT, sqrt, NULL, false, false},
		{PROMQL_FUNCTION_LN, log, NULL, false, false},
		{PROMQL_FUNCTION_LOG2, log2, NULL, false, false},
		{PROMQL_FUNCTION_LOG10, log10, NULL, false, false},
		{PROMQL_FUNCTION_SGN, sign, NULL, false, false},
		{PROMQL_FUNCTION_SIN, sin, NULL, false, false},
		{PROMQL_FUNCTION_COS, cos, NULL, false, false},
		{PROMQL_FUNCTION_TAN, tan, NULL, false, false},
		{PROMQL_FUNCTION_ASIN, asin, NULL, false, false},
		{PROMQL_FUNCTION_ACOS, acos, NULL, false, false},
		{PROMQL_FUNCTION_ATAN, atan, NULL, false, false},
		{PROMQL_FUNCTION_SINH, go_sinh, NULL, false, false},
		{PROMQL_FUNCTION_COSH, go_cosh, NULL, false, false},
		{PROMQL_FUNCTION_TANH, tanh, NULL, false, false},
		{PROMQL_FUNCTION_ASINH, asinh, NULL, false, false},
		{PROMQL_FUNCTION_ACOSH, acosh, NULL, false, false},
		{PROMQL_FUNCTION_ATANH, atanh, NULL, false, false},
		{PROMQL_FUNCTION_DEG, to_degrees, NULL, false, false},
		{PROMQL_FUNCTION_RAD, to_radians, NULL, false, false},
		{PROMQL_FUNCTION_CLAMP, NULL, fill_clamp, false, false},
		{PROMQL_FUNCTION_CLAMP_MIN, NULL, fill_clamp_min, false, false},
		{PROMQL_FUNCTION_CLAMP_MAX, NULL, fill_clamp_max, false, false},
		{PROMQL_FUNCTION_ROUND, NULL, fill_round, false, false},
	};

	return find(table, sizeof table / sizeof table[0], id);
}

const struct call_kernel *call_math_single(enum promql_function_id id)
{
	static const struct call_kernel table[] = {
		{PROMQL_FUNCTION_PI, NULL, fill_pi, false, false},
		{PROMQL_FUNCTION_MAX_OF, NULL, fill_max_of, false, false},
		{PROMQL_FUNCTION_MIN_OF, NULL, fill_min_of, false, false},
		{PROMQL_FUNCTION_VECTOR, NULL, fill_vector, false, false},
		{PROMQL_FUNCTION_SCALAR, NULL, fill_scalar, false, false},
		{PROMQL_FUNCTION_ABSENT, NULL, fill_absent, false, false},
	};

	return find(table, sizeof table / sizeof table[0], id);
}
