#include "base/map.h"
#include "base/memory.h"
#include "engine/scrape/scrape.h"

#include <strings.h>

/*
 * A scrape is read twice: once to see that all of it is right, and only then into the store. What
 * is known of a series is found by its labels as exposed, so that the target's labels are joined
 * to it once.
 */

struct known {
	struct series *series;
	uint64_t scrape; // the last one that had it, 0: ended
	bool has_time;
};

struct scrape_target {
	struct arena arena; // labels, keys, what is known of series
	const struct labels *labels;
	size_t sample_limit, sample_count;
	struct map by_key;
	struct known **live; // series that the last good scrape had
	size_t live_count, live_capacity;
	uint64_t scrape;
	struct series *up, *duration, *samples;
};

struct scrape_target *scrape_target_create(
	const struct label *labels, size_t count, size_t sample_limit)
{
	struct scrape_target *target = memory_alloc(sizeof *target);

	target->labels = labels_make(&target->arena, labels, count, true);
	target->sample_limit = sample_limit;
	return target;
}

void scrape_target_destroy(struct scrape_target *target)
{
	if (!target)
		return;
	map_finish(&target->by_key);
	free(target->live);
	arena_finish(&target->arena);
	free(target);
}

size_t scrape_target_samples(const struct scrape_target *target)
{
	return target->sample_count;
}

enum scrape_format scrape_format_of_type(struct str content_type)
{
	static const char name[] = "application/openmetrics-text";

	return content_type.len >= sizeof name - 1 &&
			       strncasecmp(content_type.data, name, sizeof name - 1) == 0
		       ? SCRAPE_OPENMETRICS
		       : SCRAPE_PROMETHEUS;
}

/* --- series --- */

// What was exposed, and the target's labels over it.
static const struct labels *join(
	const struct scrape_target *target, const struct labels *exposed, struct arena *arena)
{
	struct label *pairs =
		ARENA_ARRAY(arena, struct label, exposed->count + target->labels->count);
	size_t count = 0;

	for (size_t i = 0; i < exposed->count; i++) {
		struct label pair = exposed->items[i];

		if (labels_get(target->labels, pair.name).len)
			pair.name = str_format(arena, "exported_%.*s", STR_ARG(pair.name));
		pairs[count++] = pair;
	}
	for (size_t i = 0; i < target->labels->count; i++)
		pairs[count++] = target->labels->items[i];
	return labels_make(arena, pairs, count, false);
}

static void make_key(struct buffer *out, const struct labels *labels)
{
	buffer_clear(out);
	for (size_t i = 0; i < labels->count; i++) {
		buffer_append_str(out, labels->items[i].name);
		buffer_append_char(out, '\xff');
		buffer_append_str(out, labels->items[i].value);
		buffer_append_char(out, '\xff');
	}
}

static struct known *find(struct scrape_target *target, const struct labels *exposed,
	struct buffer *key, struct series_sink *sink, struct error *err)
{
	struct arena arena = {0};

	make_key(key, exposed);
	struct known *known = map_get(&target->by_key, buffer_str(key));

	if (known)
		return known;
	struct series *series = sink->ops->series(sink, join(target, exposed, &arena), 0, err);

	arena_finish(&arena);
	if (!series)
		return NULL;
	known = ARENA_NEW(&target->arena, struct known);
	known->series = series;
	map_set(&target->by_key, str_copy(&target->arena, buffer_str(key)), known);
	return known;
}

/* --- what a scrape says of itself --- */

static void report(struct scrape_target *target, struct series **series, const char *name,
	int64_t t_ms, double value, struct series_sink *sink)
{
	struct arena arena = {0};
	struct error err = {0};

	if (!*series)
		*series = sink->ops->series(sink,
			labels_with(&arena, target->labels, SERIES_METRIC_NAME, str_from(name)), 0,
			&err);
	if (*series)
		sink->ops->append(sink, *series, t_ms, value);
	arena_finish(&arena);
}

static void report_all(struct scrape_target *target, bool is_up, int64_t t_ms, double duration_s,
	struct series_sink *sink)
{
	report(target, &target->up, "up", t_ms, is_up, sink);
	report(target, &target->duration, "scrape_duration_seconds", t_ms, duration_s, sink);
	report(target, &target->samples, "scrape_samples_scraped", t_ms,
		(double)target->sample_count, sink);
}

// Of the series that were there, those without a time of their own that this scrape did not have.
static void end_series(struct scrape_target *target, int64_t t_ms, struct series_sink *sink)
{
	size_t kept = 0;

	for (size_t i = 0; i < target->live_count; i++) {
		struct known *known = target->live[i];

		if (known->scrape == target->scrape) {
			target->live[kept++] = known;
			continue;
		}
		if (!known->has_time)
			sink->ops->append(sink, known->series, t_ms, sample_stale());
		known->scrape = 0;
	}
	target->live_count = kept;
}

/* --- taking --- */

static bool check_sample(void *context, const struct scrape_sample *sample, struct error *err)
{
	(void)context;
	(void)sample;
	(void)err;
	return true;
}

struct taking {
	struct scrape_target *target;
	struct series_sink *sink;
	int64_t t_ms;
	struct known *last;
	struct buffer key;
};

static bool take_sample(void *context, const struct scrape_sample *sample, struct error *err)
{
	struct taking *taking = context;
	struct scrape_target *target = taking->target;

	if (!sample->same_series || !taking->last)
		taking->last = find(target, sample->labels, &taking->key, taking->sink, err);
	struct known *known = taking->last;

	if (!known)
		return false;
	if (known->scrape == 0 || known->scrape != target->scrape) {
		if (known->scrape == 0) {
			target->live = memory_grow(target->live, &target->live_capacity,
				target->live_count + 1, sizeof *target->live);
			target->live[target->live_count++] = known;
		}
		known->scrape = target->scrape;
	}
	known->has_time = sample->has_time;
	taking->sink->ops->append(taking->sink, known->series,
		sample->has_time ? sample->t_ms : taking->t_ms, sample_from_outside(sample->value));
	target->sample_count++;
	return true;
}

bool scrape_target_take(struct scrape_target *target, struct str text, enum scrape_format format,
	int64_t t_ms, double duration_s, struct series_sink *sink, struct error *err)
{
	struct taking taking = {.target = target, .sink = sink, .t_ms = t_ms};
	const struct scrape_receiver check = {.sample = check_sample};
	const struct scrape_receiver take = {.sample = take_sample, .context = &taking};
	bool ok = scrape_read(text, format, target->sample_limit, &check, err);

	target->scrape++;
	target->sample_count = 0;
	ok = ok && scrape_read(text, format, 0, &take, err);
	buffer_finish(&taking.key);
	if (!ok) {
		scrape_target_fail(target, t_ms, duration_s, sink);
		return false;
	}
	end_series(target, t_ms, sink);
	report_all(target, true, t_ms, duration_s, sink);
	return true;
}

void scrape_target_fail(
	struct scrape_target *target, int64_t t_ms, double duration_s, struct series_sink *sink)
{
	target->scrape++;
	target->sample_count = 0;
	end_series(target, t_ms, sink);
	report_all(target, false, t_ms, duration_s, sink);
}
