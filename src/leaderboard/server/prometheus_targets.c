/*
 * /api/v1/targets: nobody is scraped by this program, but whoever was left an `up` series behind.
 * Each of them is a target: its labels, its health, and when it was seen last.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/number.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_json.h"
#include "leaderboard/server/prometheus_select.h"

struct target {
	const struct labels *labels; // without the name
	struct sample last;	     // of `up`
	double duration_s;	     // of scrape_duration_seconds; 0 where it is not known
};

struct targets {
	struct prometheus_job job; // first: its callbacks get a pointer to it
	int64_t now_ms;
	struct target *items;
	struct str *jobs; // of the targets, sorted
	size_t count;
	bool wants_active, wants_dropped;
	struct str pool; // scrapePool; empty: all
};

/* --- on a thread --- */

/* The last sample within the look-back, as an instant query has it. */
static bool last_sample(
	const struct targets *targets, const struct series *series, struct sample *out)
{
	struct series_source *source = targets->job.source;
	int64_t from_ms = targets->now_ms - targets->job.server->options.lookback_ms + 1;
	struct series_cursor cursor;
	bool found = false;

	source->ops->open(source, series, from_ms, &cursor);
	while (cursor_next(&cursor) && cursor.t_ms <= targets->now_ms) {
		*out = (struct sample){cursor.t_ms, cursor.value};
		found = true;
	}
	return found && !sample_is_stale(out->value);
}

static bool find(struct targets *targets, const struct matcher *matcher, struct series_list *out,
	struct error *err)
{
	struct series_source *source = targets->job.source;

	return source->ops->select(source, matcher, 1, targets->job.arena, out, err);
}

static bool named(
	struct targets *targets, const char *name, struct series_list *out, struct error *err)
{
	struct matcher matcher;

	if (!matcher_init(&matcher, MATCHER_EQUAL, SERIES_METRIC_NAME, str_from(name), err))
		return false;
	bool ok = find(targets, &matcher, out, err);

	matcher_finish(&matcher);
	return ok;
}

static void add_durations(struct targets *targets, const struct series_list *durations)
{
	for (size_t i = 0; i < durations->count; i++) {
		const struct labels *labels =
			labels_drop_name(targets->job.arena, durations->items[i]->labels);
		struct sample last;

		for (size_t k = 0; k < targets->count; k++)
			if (labels_equal(targets->items[k].labels, labels) &&
				last_sample(targets, durations->items[i], &last))
				targets->items[k].duration_s = last.value;
	}
}

static int compare_targets(const void *a, const void *b)
{
	return labels_compare(
		((const struct target *)a)->labels, ((const struct target *)b)->labels);
}

static int compare_texts(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static void sort_jobs(struct targets *targets)
{
	targets->jobs = ARENA_ARRAY(targets->job.arena, struct str, targets->count + 1);
	for (size_t i = 0; i < targets->count; i++)
		targets->jobs[i] = labels_get(targets->items[i].labels, STR("job"));
	qsort(targets->jobs, targets->count, sizeof *targets->jobs, compare_texts);
}

static void work(struct prometheus_job *job, struct error *err)
{
	struct targets *targets = (struct targets *)job;
	struct series_list ups, durations;

	if (!named(targets, "up", &ups, err) ||
		!named(targets, "scrape_duration_seconds", &durations, err))
		return;
	targets->items = ARENA_ARRAY(job->arena, struct target, ups.count + 1);
	for (size_t i = 0; i < ups.count; i++) {
		struct target *target = &targets->items[targets->count];

		target->labels = labels_drop_name(job->arena, ups.items[i]->labels);
		if (targets->pool.len &&
			!str_equal(labels_get(target->labels, STR("job")), targets->pool))
			continue;
		targets->count += last_sample(targets, ups.items[i], &target->last);
		if (prometheus_job_is_over(job, err))
			return;
	}
	// As many looks as targets are worth; thousands go without their durations.
	if (targets->count <= 1000)
		add_durations(targets, &durations);
	qsort(targets->items, targets->count, sizeof *targets->items, compare_targets);
	sort_jobs(targets);
}

/* --- on the loop --- */

static void write_pair(struct buffer *out, const char *name, struct str value)
{
	buffer_printf(out, "\"%s\":", name);
	json_string(out, value);
}

/* What a scrape of it would have been told, before relabelling. */
static void write_discovered(struct buffer *out, const struct labels *labels, struct str interval)
{
	buffer_append_text(out, "{\"discoveredLabels\":{");
	write_pair(out, "__address__", labels_get(labels, STR("instance")));
	buffer_append_text(out, ",\"__metrics_path__\":\"/metrics\",\"__scheme__\":\"http\",");
	write_pair(out, "__scrape_interval__", interval);
	buffer_append_char(out, ',');
	write_pair(out, "__scrape_timeout__", interval);
	for (size_t i = 0; i < labels->count; i++) {
		buffer_append_char(out, ',');
		json_string(out, labels->items[i].name);
		buffer_append_char(out, ':');
		json_string(out, labels->items[i].value);
	}
	buffer_append_text(out, "},\"labels\":");
	prometheus_json_labels(out, labels);
}

static void write_target(struct buffer *out, const struct target *target, struct str interval)
{
	struct str instance = labels_get(target->labels, STR("instance"));
	struct buffer url = {0};
	char seen[32];

	buffer_printf(&url, "http://%.*s/metrics", STR_ARG(instance));
	clock_print_instant(seen, target->last.t_ms);
	write_discovered(out, target->labels, interval);
	buffer_append_char(out, ',');
	write_pair(out, "scrapePool", labels_get(target->labels, STR("job")));
	buffer_append_char(out, ',');
	write_pair(out, "scrapeUrl", buffer_str(&url));
	buffer_append_char(out, ',');
	write_pair(out, "globalUrl", buffer_str(&url));
	buffer_printf(out, ",\"lastError\":\"%s\",\"lastScrape\":\"%s\",\"lastScrapeDuration\":",
		target->last.value == 0 ? "the target was down" : "", seen);
	json_number(out, target->duration_s);
	buffer_printf(out, ",\"health\":\"%s\",", target->last.value == 0 ? "down" : "up");
	write_pair(out, "scrapeInterval", interval);
	buffer_append_char(out, ',');
	write_pair(out, "scrapeTimeout", interval);
	buffer_append_char(out, '}');
	buffer_finish(&url);
}

/* {"JOB":0,…}: nothing was ever dropped. */
static void write_dropped_counts(struct buffer *out, const struct targets *targets)
{
	buffer_append_text(out, ",\"droppedTargetCounts\":{");
	for (size_t i = 0; i < targets->count; i++) {
		if (i && str_equal(targets->jobs[i], targets->jobs[i - 1]))
			continue;
		buffer_append_text(out, i ? "," : "");
		json_string(out, targets->jobs[i]);
		buffer_append_text(out, ":0");
	}
	buffer_append_char(out, '}');
}

static void answer(struct http_request *request, struct prometheus_job *job)
{
	const struct targets *targets = (const struct targets *)job;
	struct buffer out = {0}, interval = {0};
	const struct race *race = job->race;

	promql_print_duration(
		&interval, race ? rehearsal_scenario(race->rehearsal)->scrape_interval_ms : 0);
	prometheus_begin(&out);
	buffer_append_text(&out, "{\"activeTargets\":[");
	for (size_t i = 0; targets->wants_active && i < targets->count; i++) {
		buffer_append_text(&out, i ? "," : "");
		write_target(&out, &targets->items[i], buffer_str(&interval));
	}
	buffer_append_text(&out, "],\"droppedTargets\":[]");
	if (targets->wants_dropped)
		write_dropped_counts(&out, targets);
	buffer_append_char(&out, '}');
	prometheus_end(&out, NULL, false);
	buffer_finish(&interval);
	http_answer_buffer(request, 200, PROMETHEUS_JSON, out);
}

void prometheus_targets(struct http_request *request, void *context)
{
	struct server *server = context;
	struct targets *targets = ARENA_NEW(request->arena, struct targets);
	struct str state = form_get(&request->form, "state");
	bool wants_any = !state.len || str_equal(state, STR("any"));

	targets->job.work = work;
	targets->job.answer = answer;
	targets->now_ms = server_now_ms(server);
	targets->pool = form_get(&request->form, "scrapePool");
	targets->wants_active = wants_any || str_equal(state, STR("active"));
	targets->wants_dropped = wants_any || str_equal(state, STR("dropped"));
	prometheus_run(request, &targets->job, server, INT64_MAX);
}

void prometheus_alertmanagers(struct http_request *request, void *context)
{
	(void)context;
	http_answer(request, 200, PROMETHEUS_JSON,
		STR("{\"status\":\"success\",\"data\":{\"activeAlertmanagers\":[],"
		    "\"droppedAlertmanagers\":[]}}"));
}

void prometheus_alerts(struct http_request *request, void *context)
{
	(void)context;
	http_answer(request, 200, PROMETHEUS_JSON,
		STR("{\"status\":\"success\",\"data\":{\"alerts\":[]}}"));
}

/* As Go's http.NotFound, which is what Prometheus's router gives. */
void prometheus_not_found(struct http_request *request, void *context)
{
	(void)context;
	http_drop_headers(request); // Prometheus's API does not get to see it
	http_add_header(request, "X-Content-Type-Options:", STR("nosniff"));
	http_answer(request, 404, "text/plain; charset=utf-8", STR("404 page not found\n"));
}
