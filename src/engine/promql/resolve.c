#include "engine/promql/promql.h"

#include <math.h>

/* Duration expressions: what they come to in a query. Prometheus's words, and its places: bytes. */

static bool fail(struct error *err, const struct promql_expr *expr, const char *what)
{
	return error_set(
		err, ERROR_INVALID, "%zu:%zu: %s", expr->position.start, expr->position.end, what);
}

/* Go's math.Min and math.Max: a NaN wins, and -0 is less than 0. */
static double least(double a, double b)
{
	if (isinf(a) && a < 0)
		return a;
	if (isinf(b) && b < 0)
		return b;
	if (isnan(a) || isnan(b))
		return NAN;
	if (a == 0 && b == 0)
		return signbit(a) ? a : b;
	return a < b ? a : b;
}

static double greatest(double a, double b)
{
	return -least(-a, -b);
}

static bool evaluate(const struct promql_expr *expr, const struct promql_options *options,
	double *out, struct error *err);

static bool evaluate_operation(const struct promql_expr *expr, const struct promql_options *options,
	double *out, struct error *err)
{
	double lhs, rhs;

	if (!evaluate(expr->binary.lhs, options, &lhs, err) ||
		!evaluate(expr->binary.rhs, options, &rhs, err))
		return false;
	switch (expr->binary.op) {
	case PROMQL_ADD:
		*out = lhs + rhs;
		return true;
	case PROMQL_SUB:
		*out = lhs - rhs;
		return true;
	case PROMQL_MUL:
		*out = lhs * rhs;
		return true;
	case PROMQL_DIV:
		*out = lhs / rhs;
		return rhs != 0 || fail(err, expr, "division by zero");
	case PROMQL_MOD:
		*out = fmod(lhs, rhs);
		return rhs != 0 || fail(err, expr, "modulo by zero");
	default:
		*out = pow(lhs, rhs);
		return true;
	}
}

static bool evaluate_function(const struct promql_expr *expr, const struct promql_options *options,
	double *out, struct error *err)
{
	double lhs, rhs;

	if (expr->duration.what == PROMQL_STEP) {
		*out = (double)options->step_ms / 1000;
		return true;
	}
	if (expr->duration.what == PROMQL_QUERY_RANGE) {
		*out = (double)(options->end_ms - options->start_ms) / 1000;
		return true;
	}
	if (!evaluate(expr->duration.lhs, options, &lhs, err) ||
		!evaluate(expr->duration.rhs, options, &rhs, err))
		return false;
	*out = expr->duration.what == PROMQL_MIN_OF ? least(lhs, rhs) : greatest(lhs, rhs);
	return true;
}

/* In seconds. The parser caps the depth. */
static bool evaluate(const struct promql_expr *expr, const struct promql_options *options,
	double *out, struct error *err)
{
	switch (expr->kind) {
	case PROMQL_PAREN:
		return evaluate(expr->paren, options, out, err);
	case PROMQL_UNARY:
		if (!evaluate(expr->unary.inner, options, out, err))
			return false;
		*out = expr->unary.negate ? -*out : *out;
		return true;
	case PROMQL_BINARY:
		return evaluate_operation(expr, options, out, err);
	case PROMQL_DURATION:
		return evaluate_function(expr, options, out, err);
	default:
		*out = expr->number;
		return true;
	}
}

bool promql_duration_ms(const struct promql_expr *duration, const struct promql_options *options,
	int64_t *out_ms, struct error *err)
{
	double seconds;

	if (!evaluate(duration, options, &seconds, err))
		return false;
	if (!isfinite(seconds))
		return fail(err, duration, "duration is NaN or infinite");
	if (seconds <= 0 && !duration->is_offset)
		return fail(err, duration, "duration must be greater than 0");
	if (fabs(seconds) > 0x1p63 / 1e9)
		return fail(err, duration, "duration is out of range");
	*out_ms = (int64_t)(seconds * 1000);
	return true;
}
