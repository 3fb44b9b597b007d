#include "engine/promql/plan_histogram.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

struct histogram_repairs_item {
	struct str metric; // owned
	int64_t first_ms, last_ms;
	uint64_t times;
	struct histogram_repair most;
};

void histogram_repairs_add(struct histogram_repairs *repairs, struct str metric, int64_t t_ms,
	const struct histogram_repair *repair)
{
	size_t at = 0;

	// Metrics are few, and the last one is asked for again and again.
	while (at < repairs->count && !str_equal(repairs->items[at].metric, metric))
		at++;
	if (at == repairs->count) {
		char *name = memory_alloc(metric.len + 1);

		memcpy(name, metric.data ? metric.data : "", metric.len);
		repairs->items = memory_grow(repairs->items, &repairs->capacity, repairs->count + 1,
			sizeof *repairs->items);
		repairs->items[repairs->count++] =
			(struct histogram_repairs_item){{name, metric.len}, t_ms, t_ms, 1, *repair};
		return;
	}
	struct histogram_repairs_item *item = &repairs->items[at];

	item->first_ms = t_ms < item->first_ms ? t_ms : item->first_ms;
	item->last_ms = t_ms > item->last_ms ? t_ms : item->last_ms;
	item->times++;
	item->most.min_bound = fmin(item->most.min_bound, repair->min_bound);
	item->most.max_bound = fmax(item->most.max_bound, repair->max_bound);
	item->most.max_difference = fmax(item->most.max_difference, repair->max_difference);
}

/* RFC 3339 of whole seconds, the rest cut off. */
static void append_instant(struct buffer *out, int64_t t_ms)
{
	time_t seconds = (time_t)(t_ms / 1000);
	struct tm parts = {0};

	gmtime_r(&seconds, &parts);
	buffer_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1,
		parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static void append_bound(struct buffer *out, double bound)
{
	char text[NUMBER_TEXT_SIZE];

	buffer_append(out, text, number_print_general(text, bound));
}

/*
 * Source: prometheus/util/annotations, histogramQuantileForcedMonotonicityErr.
 */
void histogram_repairs_tell(const struct histogram_repairs *repairs,
	struct promql_annotations *annotations, size_t position)
{
	for (size_t i = 0; i < repairs->count; i++) {
		const struct histogram_repairs_item *item = &repairs->items[i];
		struct buffer text = {0};

		buffer_append_text(&text,
			"input to histogram_quantile needed to be fixed for monotonicity (see "
			"https://prometheus.io/docs/prometheus/latest/querying/functions/"
			"#histogram_quantile)");
		if (item->metric.len) {
			buffer_append_text(&text, " for metric name ");
			labels_quote(&text, item->metric);
		}
		buffer_append_text(&text, ", from buckets ");
		append_bound(&text, item->most.min_bound);
		buffer_append_text(&text, " to ");
		append_bound(&text, item->most.max_bound);
		buffer_printf(&text, ", with a max diff of %.2g, over %llu samples from ",
			item->most.max_difference, (unsigned long long)item->times);
		append_instant(&text, item->first_ms);
		buffer_append_text(&text, " to ");
		append_instant(&text, item->last_ms);
		promql_annotate(annotations, false, position, "%s", text.data);
		buffer_finish(&text);
	}
}

void histogram_repairs_finish(struct histogram_repairs *repairs)
{
	for (size_t i = 0; i < repairs->count; i++)
		free((char *)repairs->items[i].metric.data);
	free(repairs->items);
	*repairs = (struct histogram_repairs){0};
}
