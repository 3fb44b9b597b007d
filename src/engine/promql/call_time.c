#include "engine/promql/call.h"

#include <math.h>

/* --- the query's times --- */

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

static void fill_constant(struct call_op *op, double *out, int64_t ms)
{
	for (size_t k = 0; k < op->op.plan->step_count; k++)
		out[k] = (double)ms / 1000;
}

static void fill_start(struct call_op *op, const double *in, double *out)
{
	(void)in;
	fill_constant(op, out, op->op.plan->start_ms);
}

static void fill_end(struct call_op *op, const double *in, double *out)
{
	(void)in;
	fill_constant(op, out, op->op.plan->end_ms);
}

static void fill_step(struct call_op *op, const double *in, double *out)
{
	(void)in;
	fill_constant(op, out, op->op.plan->options.step_ms);
}

static void fill_range(struct call_op *op, const double *in, double *out)
{
	(void)in;
	fill_constant(op, out, op->op.plan->end_ms - op->op.plan->start_ms);
}

/* --- dates --- */

struct date {
	int64_t year, day_of_year; // day_of_year: from 1
	unsigned month, day;	   // from 1
	int64_t seconds;	   // since midnight
	int64_t days;		   // since 1970
};

/* Whole seconds towards zero, as Go's int64(value) on amd64: the lowest one where it fits not. */
static int64_t whole_seconds(double value)
{
	return value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : INT64_MIN;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_length(int64_t year, unsigned month)
{
	static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return lengths[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* The proleptic Gregorian date, counted in eras of 400 years that begin with a March. */
static struct date date_of(double value)
{
	int64_t seconds = whole_seconds(value), days = seconds / 86400, rest = seconds % 86400;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	int64_t shifted = days + 719468; // since the first of March of the year 0
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t from_march = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month_from_march = (unsigned)((5 * from_march + 2) / 153);
	struct date date = {
		.seconds = rest,
		.days = days,
		.day = (unsigned)(from_march - (153 * (int64_t)month_from_march + 2) / 5 + 1),
		.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9,
	};

	date.year = year_of_era + era * 400 + (date.month <= 2);
	date.day_of_year = date.day;
	for (unsigned month = 1; month < date.month; month++)
		date.day_of_year += month_length(date.year, month);
	return date;
}

static double minute(double value)
{
	return (double)(date_of(value).seconds / 60 % 60);
}

static double hour(double value)
{
	return (double)(date_of(value).seconds / 3600);
}

static double day_of_week(double value)
{
	// 1970 began on a Thursday.
	int64_t day = (date_of(value).days + 4) % 7;

	return (double)(day < 0 ? day + 7 : day);
}

static double day_of_month(double value)
{
	return date_of(value).day;
}

static double day_of_year(double value)
{
	return (double)date_of(value).day_of_year;
}

static double days_in_month(double value)
{
	struct date date = date_of(value);

	return month_length(date.year, date.month);
}

static double month(double value)
{
	return date_of(value).month;
}

static double year(double value)
{
	return (double)date_of(value).year;
}

static const struct call_kernel dates[] = {
	{PROMQL_FUNCTION_MINUTE, minute, NULL, false, false},
	{PROMQL_FUNCTION_HOUR, hour, NULL, false, false},
	{PROMQL_FUNCTION_DAY_OF_WEEK, day_of_week, NULL, false, false},
	{PROMQL_FUNCTION_DAY_OF_MONTH, day_of_month, NULL, false, false},
	{PROMQL_FUNCTION_DAY_OF_YEAR, day_of_year, NULL, false, false},
	{PROMQL_FUNCTION_DAYS_IN_MONTH, days_in_month, NULL, false, false},
	{PROMQL_FUNCTION_MONTH, month, NULL, false, false},
	{PROMQL_FUNCTION_YEAR, year, NULL, false, false},
	{PROMQL_FUNCTION_TIMESTAMP, NULL, fill_timestamp, false, true},
};

/* Without an argument a date is that of the instant. */
static void fill_date(struct call_op *op, const double *in, double *out)
{
	const struct promql_plan *plan = op->op.plan;
	const struct call_kernel *date = call_time(op->op.expr->call.function->id);

	(void)in;
	for (size_t k = 0; k < plan->step_count; k++) {
		int64_t t_ms = plan->times_ms[k];

		out[k] = date->map((double)(t_ms / 1000));
	}
}

const struct call_kernel *call_time(enum promql_function_id id)
{
	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
		if (dates[i].id == id)
			return &dates[i];
	return NULL;
}

const struct call_kernel *call_time_single(enum promql_function_id id)
{
	static const struct call_kernel table[] = {
		{PROMQL_FUNCTION_TIME, NULL, fill_time, false, false},
		{PROMQL_FUNCTION_START, NULL, fill_start, false, false},
		{PROMQL_FUNCTION_END, NULL, fill_end, false, false},
		{PROMQL_FUNCTION_STEP, NULL, fill_step, false, false},
		{PROMQL_FUNCTION_RANGE, NULL, fill_range, false, false},
		{PROMQL_FUNCTION_MINUTE, NULL, fill_date, false, false},
		{PROMQL_FUNCTION_HOUR, NULL, fill_date, false, false},
		{PROMQL_FUNCTION_DAY_OF_WEEK, NULL, fill_date, false, false},
		{PROMQL_FUNCTION_DAY_OF_MONTH, NULL, fill_date, false, false},
		{PROMQL_FUNCTION_DAY_OF_YEAR, NULL, fill_date, false, false},
		{PROMQL_FUNCTION_DAYS_IN_MONTH, NULL, fill_date, false, false},
		{PROMQL_FUNCTION_MONTH, NULL, fill_date, false, false},
		{PROMQL_FUNCTION_YEAR, NULL, fill_date, false, false},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}
