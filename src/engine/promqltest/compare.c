#include "engine/promqltest/compare.h"

#include "engine/promqltest/show.h"

#include <float.h>
#include <math.h>

bool compare_values(double a, double b)
{
	static const double epsilon = 1e-6;

	// One NaN is as good as another, but for the stale marker.
	if (sample_is_stale(a) || sample_is_stale(b))
		return sample_is_stale(a) && sample_is_stale(b);
	if ((isnan(a) && isnan(b)) || a == b)
		return true;
	double sum = fabs(a) + fabs(b), difference = fabs(a - b);

	if (a == 0 || b == 0 || sum < DBL_MIN)
		return difference < epsilon * DBL_MIN;
	return difference / fmin(sum, DBL_MAX) < epsilon;
}

bool compare_pattern(const struct script_pattern *pattern, struct str text)
{
	if (pattern->regex)
		return regex_matches(pattern->regex, text);
	return !pattern->text.len || str_equal(pattern->text, text);
}

/* --- histograms --- */

static bool same_side(const struct histogram_side *expected, const struct histogram_side *found)
{
	if (expected->span_count != found->span_count ||
		expected->bucket_count != found->bucket_count)
		return false;
	for (size_t i = 0; i < expected->span_count; i++)
		if (expected->spans[i].offset != found->spans[i].offset ||
			expected->spans[i].length != found->spans[i].length)
			return false;
	for (size_t i = 0; i < expected->bucket_count; i++)
		if (!compare_values(expected->buckets[i], found->buckets[i]))
			return false;
	return true;
}

static bool same_bounds(const struct histogram *expected, const struct histogram *found)
{
	if (expected->custom_count != found->custom_count)
		return false;
	for (size_t i = 0; i < expected->custom_count; i++)
		if (expected->custom_values[i] != found->custom_values[i])
			return false;
	return true;
}

static bool same_histogram(
	const struct histogram *expected, const struct histogram *found, bool unknown_hint)
{
	struct arena arena = {0};
	const struct histogram *a = histogram_compact(&arena, expected);
	const struct histogram *b = histogram_compact(&arena, found);
	bool hint_counts = a->hint != HISTOGRAM_HINT_UNKNOWN || unknown_hint;
	bool same = a->schema == b->schema && compare_values(a->count, b->count) &&
		    compare_values(a->sum, b->sum) && same_bounds(a, b) &&
		    a->zero_threshold == b->zero_threshold &&
		    compare_values(a->zero_count, b->zero_count) &&
		    same_side(&a->negative, &b->negative) &&
		    same_side(&a->positive, &b->positive) && (!hint_counts || a->hint == b->hint);

	arena_finish(&arena);
	return same;
}

/* --- series --- */

static bool same_value(double expected, double found, bool unknown_hint)
{
	if (sample_is_histogram(expected) && sample_is_histogram(found))
		return same_histogram(
			sample_histogram(expected), sample_histogram(found), unknown_hint);
	return !sample_is_histogram(expected) && !sample_is_histogram(found) &&
	       compare_values(expected, found);
}

static const struct script_series *find_expected(
	const struct script_eval *eval, const struct labels *labels, size_t *place)
{
	for (size_t i = 0; i < eval->series_count; i++)
		if (labels_equal(eval->series[i].labels, labels)) {
			*place = i;
			return &eval->series[i];
		}
	return NULL;
}

/* The samples are those expected, one at each step from the first. */
static bool same_samples(const struct script_eval *eval, const struct script_series *expected,
	const struct promql_result_series *found)
{
	struct script_values values = {.series = expected};
	struct script_value value;
	int64_t t_ms = eval->first_ms;
	size_t at = 0;
	bool same = true;

	for (; same && script_next_value(&values, &value); t_ms += eval->grid_ms) {
		if (t_ms > eval->end_ms)
			return false; // more than the query can answer
		if (!value.missing) {
			same = at < found->sample_count && found->samples[at].t_ms == t_ms &&
			       same_value(value.value, found->samples[at].value,
				       expected->has_unknown_hint);
			at++;
		}
	}
	return same && at == found->sample_count;
}

/* An instant has one value a series, and its time says nothing. */
static bool same_sample(
	const struct script_series *expected, const struct promql_result_series *found)
{
	struct script_values values = {.series = expected};
	struct script_value value = {.missing = true};

	script_next_value(&values, &value);
	return !value.missing &&
	       same_value(value.value, found->samples[0].value, expected->has_unknown_hint);
}

static bool compare_series(const struct script_eval *eval, const struct compare_found *found,
	size_t i, struct buffer *why)
{
	const struct promql_result_series *series = &found->result->series[i];
	size_t place = 0;
	const struct script_series *expected = find_expected(eval, series->labels, &place);

	if (!expected) {
		buffer_append_text(why, "a series came that is not expected: ");
		labels_print_metric(why, series->labels);
		return false;
	}
	if (found->form == COMPARE_VECTOR && eval->is_ordered && place != i) {
		buffer_append_text(why, "the order differs at ");
		labels_print_metric(why, series->labels);
		return false;
	}
	if (found->form == COMPARE_MATRIX ? same_samples(eval, expected, series)
					  : same_sample(expected, series))
		return true;
	buffer_append_text(why, "values differ of ");
	labels_print_metric(why, series->labels);
	return false;
}

static bool is_sorted(const struct promql_result *result, struct buffer *why)
{
	for (size_t i = 1; i < result->series_count; i++)
		if (labels_compare(result->series[i - 1].labels, result->series[i].labels) >= 0) {
			buffer_append_text(why, "the matrix is not sorted by labels at ");
			labels_print_metric(why, result->series[i].labels);
			return false;
		}
	return true;
}

static bool has_series(const struct promql_result *result, const struct labels *labels)
{
	for (size_t i = 0; i < result->series_count; i++)
		if (labels_equal(result->series[i].labels, labels))
			return true;
	return false;
}

static bool compare_all_series(
	const struct script_eval *eval, const struct compare_found *found, struct buffer *why)
{
	if (eval->has_scalar || eval->has_text) {
		buffer_append_text(why, eval->has_scalar ? "a scalar is expected, series came"
							 : "a string is expected, series came");
		return false;
	}
	if (found->form == COMPARE_MATRIX && !is_sorted(found->result, why))
		return false;
	for (size_t i = 0; i < found->result->series_count; i++)
		if (!compare_series(eval, found, i, why))
			return false;
	for (size_t i = 0; i < eval->series_count; i++)
		if (!has_series(found->result, eval->series[i].labels)) {
			buffer_append_text(why, "a series is missing: ");
			labels_print_metric(why, eval->series[i].labels);
			return false;
		}
	return true;
}

static bool compare_single(
	const struct script_eval *eval, const struct compare_found *found, struct buffer *why)
{
	if (found->form == COMPARE_STRING) {
		if (eval->has_text && str_equal(eval->string, found->result->text))
			return true;
		buffer_append_text(why, eval->has_text ? "strings differ" : "a string came");
		return false;
	}
	if (eval->has_scalar && found->result->series_count == 1 &&
		same_value(eval->scalar, found->result->series[0].samples[0].value, false))
		return true;
	buffer_append_text(why, eval->has_scalar ? "scalars differ" : "a scalar came");
	return false;
}

bool compare_result(
	const struct script_eval *eval, const struct compare_found *found, struct buffer *why)
{
	bool series = found->form == COMPARE_MATRIX || found->form == COMPARE_VECTOR;
	bool ok = series ? compare_all_series(eval, found, why) : compare_single(eval, found, why);

	if (!ok)
		show_difference(why, eval, found);
	return ok;
}
