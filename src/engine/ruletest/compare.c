#include "engine/ruletest/compare.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>

void compare_reserve(struct compare_samples *samples, size_t count)
{
	samples->items = memory_grow(
		samples->items, &samples->capacity, count ? count : 1, sizeof *samples->items);
}

static int compare_labels(const void *a, const void *b)
{
	return labels_compare(
		((const struct test_sample *)a)->labels, ((const struct test_sample *)b)->labels);
}

void compare_sort(struct compare_samples *samples)
{
	for (size_t i = 1; i < samples->count; i++)
		if (compare_labels(&samples->items[i - 1], &samples->items[i]) > 0) {
			qsort(samples->items, samples->count, sizeof *samples->items,
				compare_labels);
			return;
		}
}

void compare_finish(struct compare_samples *samples)
{
	free(samples->items);
	*samples = (struct compare_samples){0};
}

/* promtool compares histograms by their texts, hint and all. */
static void print_histogram(struct buffer *out, double value)
{
	struct arena scratch = {0};

	histogram_print_literal(out, histogram_compact(&scratch, sample_histogram(value)));
	arena_finish(&scratch);
}

static bool equal_histograms(double a, double b)
{
	struct buffer one = {0}, other = {0};

	print_histogram(&one, a);
	print_histogram(&other, b);
	bool equal = str_equal(buffer_str(&one), buffer_str(&other));

	buffer_finish(&one);
	buffer_finish(&other);
	return equal;
}

static bool equal_values(double a, double b, bool fuzzy)
{
	if (sample_is_histogram(a) && sample_is_histogram(b))
		return equal_histograms(a, b);
	if (a == b || !fuzzy)
		return a == b;
	return nextafter(a, -INFINITY) == b || nextafter(a, INFINITY) == b;
}

bool compare_equal(const struct test_case *test, const struct compare_samples *got, bool fuzzy)
{
	if (test->expected_count != got->count)
		return false;
	for (size_t i = 0; i < got->count; i++)
		if (!labels_equal(test->expected[i].labels, got->items[i].labels) ||
			!equal_values(test->expected[i].value, got->items[i].value, fuzzy))
			return false;
	return true;
}

void compare_print_head(struct buffer *out, const struct test_case *test)
{
	buffer_append_text(out, "    expr: ");
	labels_quote(out, test->expr);
	buffer_append_text(out, ", time: ");
	promql_print_duration(out, test->eval_ms);
	buffer_append_char(out, ',');
}

static void print_samples(struct buffer *out, const struct test_sample *samples, size_t count)
{
	char number[NUMBER_TEXT_SIZE];

	if (!count)
		buffer_append_text(out, "nil");
	for (size_t i = 0; i < count; i++) {
		if (i)
			buffer_append_text(out, ", ");
		labels_print(out, samples[i].labels);
		buffer_append_char(out, ' ');
		if (sample_is_histogram(samples[i].value)) {
			print_histogram(out, samples[i].value);
			continue;
		}
		buffer_append(out, number, number_print_exponent(number, samples[i].value));
	}
}

void compare_print(
	struct buffer *out, const struct test_case *test, const struct compare_samples *got)
{
	compare_print_head(out, test);
	buffer_append_text(out, "\n        exp: ");
	print_samples(out, test->expected, test->expected_count);
	buffer_append_text(out, "\n        got: ");
	print_samples(out, got->items, got->count);
}

void compare_print_go_duration(struct buffer *out, int64_t ms)
{
	uint64_t rest = ms < 0 ? (uint64_t)0 - (uint64_t)ms : (uint64_t)ms;
	uint64_t hours = rest / 3600000, minutes = rest / 60000 % 60;

	if (rest == 0) {
		buffer_append_text(out, "0s");
		return;
	}
	if (ms < 0)
		buffer_append_char(out, '-');
	if (rest < 1000) {
		buffer_printf(out, "%llums", (unsigned long long)rest);
		return;
	}
	if (hours)
		buffer_printf(out, "%lluh", (unsigned long long)hours);
	if (hours || minutes)
		buffer_printf(out, "%llum", (unsigned long long)minutes);
	buffer_append_number(out, (double)(rest % 60000) / 1000);
	buffer_append_char(out, 's');
}
