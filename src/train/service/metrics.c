#include "train/service/metrics.h"

#include "base/memory.h"
#include "base/number.h"

#include <assert.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

static const double bounds[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1};

enum { BOUND_COUNT = sizeof bounds / sizeof bounds[0] };

struct metric {
	enum metric_kind kind;
	char *name, *labels, *help;
	double value;			   // a histogram's sum
	uint64_t buckets[BOUND_COUNT + 1]; // each its own, not added up
	struct metric *next;
};

struct metrics {
	struct metric *first, **end;
};

struct metrics *metrics_create(void)
{
	struct metrics *metrics = memory_alloc(sizeof *metrics);

	metrics->end = &metrics->first;
	return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
	if (!metrics)
		return;
	for (struct metric *metric = metrics->first, *next; metric; metric = next) {
		next = metric->next;
		free(metric->name);
		free(metric->labels);
		free(metric->help);
		free(metric);
	}
	free(metrics);
}

static char *copy(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(memory_alloc(size), text, size);
}

static struct metric *add(struct metrics *metrics, enum metric_kind kind, const char *name,
	const char *labels, const char *help)
{
	struct metric *metric = memory_alloc(sizeof *metric);

	metric->kind = kind;
	metric->name = copy(name);
	metric->labels = copy(labels);
	metric->help = copy(help);
	*metrics->end = metric;
	metrics->end = &metric->next;
	return metric;
}

struct metric *metrics_counter(
	struct metrics *metrics, const char *name, const char *labels, const char *help)
{
	return add(metrics, METRIC_COUNTER, name, labels, help);
}

struct metric *metrics_gauge(
	struct metrics *metrics, const char *name, const char *labels, const char *help)
{
	return add(metrics, METRIC_GAUGE, name, labels, help);
}

struct metric *metrics_histogram(
	struct metrics *metrics, const char *name, const char *labels, const char *help)
{
	return add(metrics, METRIC_HISTOGRAM, name, labels, help);
}

void metric_add(struct metric *metric, double amount)
{
	assert(metric->kind != METRIC_HISTOGRAM && amount >= 0);
	metric->value += amount;
}

void metric_set(struct metric *metric, double value)
{
	assert(metric->kind != METRIC_HISTOGRAM);
	metric->value = value;
}

void metric_observe(struct metric *metric, double seconds)
{
	size_t i = 0;

	assert(metric->kind == METRIC_HISTOGRAM);
	while (i < BOUND_COUNT && seconds > bounds[i])
		i++;
	metric->buckets[i]++;
	metric->value += seconds;
}

double metric_value(const struct metric *metric)
{
	uint64_t count = 0;

	if (metric->kind != METRIC_HISTOGRAM)
		return metric->value;
	for (size_t i = 0; i <= BOUND_COUNT; i++)
		count += metric->buckets[i];
	return (double)count;
}

static void print_sample(struct buffer *out, const struct metric *metric, const char *suffix,
	const char *bound, double value)
{
	bool has_labels = *metric->labels || bound;

	buffer_printf(out, "%s%s%s%s", metric->name, suffix, has_labels ? "{" : "", metric->labels);
	if (bound)
		buffer_printf(out, "%sle=\"%s\"", *metric->labels ? "," : "", bound);
	buffer_append_text(out, has_labels ? "} " : " ");
	buffer_append_number(out, value);
	buffer_append_char(out, '\n');
}

static void print_series(struct buffer *out, const struct metric *metric)
{
	uint64_t count = 0;

	if (metric->kind != METRIC_HISTOGRAM) {
		print_sample(out, metric, "", NULL, metric->value);
		return;
	}
	for (size_t i = 0; i <= BOUND_COUNT; i++) {
		struct buffer bound = {0};

		count += metric->buckets[i];
		if (i < BOUND_COUNT)
			buffer_append_number(&bound, bounds[i]);
		else
			buffer_append_text(&bound, "+Inf");
		print_sample(out, metric, "_bucket", bound.data, (double)count);
		buffer_finish(&bound);
	}
	print_sample(out, metric, "_sum", NULL, metric->value);
	print_sample(out, metric, "_count", NULL, (double)count);
}

/* The first of its name, before which nothing of that name was printed. */
static bool opens_family(const struct metrics *metrics, const struct metric *metric)
{
	const struct metric *other = metrics->first;

	while (other != metric && strcmp(other->name, metric->name) != 0)
		other = other->next;
	return other == metric;
}

void metrics_print(const struct metrics *metrics, struct buffer *out)
{
	static const char *const types[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	for (const struct metric *metric = metrics->first; metric; metric = metric->next) {
		if (!opens_family(metrics, metric))
			continue;
		buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
			metric->name, types[metric->kind]);
		for (const struct metric *same = metric; same; same = same->next)
			if (strcmp(same->name, metric->name) == 0)
				print_series(out, same);
	}
}
