/*
 * /federate: the last sample of each series that match[] finds, as another Prometheus scrapes them.
 * Source: web/federate.go. All are untyped; native histograms are left out, for which the text
 * format has no word; a label `instance` is there in any case, so that the scrape adds none.
 */
#include "base/number.h"
#include "leaderboard/server/exposition_format.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_select.h"

struct line {
	const struct labels *labels;
	struct str name;
	struct sample sample;
};

struct federation {
	struct prometheus_job job; // first: its callbacks get a pointer to it
	struct prometheus_selection selection;
	struct exposition_format format;
	struct line *lines;
	size_t count, next;
};

/* --- on a thread --- */

static int compare_lines(const void *a, const void *b)
{
	const struct line *left = a, *right = b;
	int order = str_compare(left->name, right->name);

	return order ? order : labels_compare(left->labels, right->labels);
}

/* The last sample in the span; false where there is none, or none that the format can tell. */
static bool last_sample(
	struct federation *federation, const struct series *series, struct sample *out)
{
	struct series_source *source = federation->job.source;
	struct series_cursor cursor;
	bool found = false;

	source->ops->open(source, series, federation->selection.start_ms, &cursor);
	while (cursor_next(&cursor) && cursor.t_ms <= federation->selection.end_ms) {
		*out = (struct sample){cursor.t_ms, cursor.value};
		found = true;
	}
	return found && !sample_is_stale(out->value) && !sample_is_histogram(out->value);
}

static void work(struct prometheus_job *job, struct error *err)
{
	struct federation *federation = (struct federation *)job;
	struct prometheus_selection *selection = &federation->selection;

	if (!prometheus_select(job, selection, err))
		return;
	federation->lines = ARENA_ARRAY(job->arena, struct line, selection->count + 1);
	for (size_t i = 0; i < selection->count; i++) {
		struct line *line = &federation->lines[federation->count];

		line->labels = selection->items[i]->labels;
		line->name = labels_get(line->labels, SERIES_METRIC_NAME);
		if (line->name.len && last_sample(federation, selection->items[i], &line->sample))
			federation->count++;
		if (i % 1024 == 0 && prometheus_job_is_over(job, err))
			return;
	}
	qsort(federation->lines, federation->count, sizeof *federation->lines, compare_lines);
}

/* --- on the loop --- */

static void write_value(struct buffer *out, struct str value)
{
	buffer_append_char(out, '=');
	exposition_write_quoted(out, value);
}

static void write_type(struct buffer *out, struct str name, enum exposition_escaping escaping)
{
	bool quoted;

	buffer_append_text(out, "# TYPE ");
	exposition_write_name(out, name, true, escaping, &quoted);
	buffer_append_text(out, " untyped\n");
}

static void write_labels(struct buffer *out, const struct labels *labels, bool is_behind_name,
	enum exposition_escaping escaping)
{
	bool has_instance = false, quoted;

	for (size_t i = 0; i < labels->count; i++) {
		struct str name = labels->items[i].name;

		if (str_equal(name, SERIES_METRIC_NAME))
			continue;
		if (is_behind_name)
			buffer_append_char(out, ',');
		is_behind_name = true;
		has_instance |= str_equal(name, STR("instance"));
		exposition_write_name(out, name, false, escaping, &quoted);
		write_value(out, labels->items[i].value);
	}
	if (!has_instance)
		buffer_append_text(out, is_behind_name ? ",instance=\"\"" : "instance=\"\"");
}

/* A name in quotes stands inside of the braces. */
static void write_line(
	struct buffer *out, const struct line *line, enum exposition_escaping escaping)
{
	struct buffer name = {0};
	char value[NUMBER_TEXT_SIZE];
	bool quoted;

	exposition_write_name(&name, line->name, true, escaping, &quoted);
	if (quoted)
		buffer_append_char(out, '{');
	buffer_append_str(out, buffer_str(&name));
	if (!quoted)
		buffer_append_char(out, '{');
	write_labels(out, line->labels, quoted, escaping);
	buffer_append_text(out, "} ");
	buffer_append(out, value, number_print_short(value, line->sample.value));
	buffer_append_char(out, ' ');
	buffer_append_int(out, line->sample.t_ms);
	buffer_append_char(out, '\n');
	buffer_finish(&name);
}

static bool next(void *state, struct buffer *out)
{
	struct federation *federation = state;
	const struct line *line = &federation->lines[federation->next];
	enum exposition_escaping escaping = federation->format.escaping;

	if (federation->next == federation->count)
		return false;
	if (federation->next == 0 || !str_equal(line->name, line[-1].name))
		write_type(out, line->name, escaping);
	write_line(out, line, escaping);
	return ++federation->next < federation->count;
}

static void answer(struct http_request *request, struct prometheus_job *job)
{
	const struct federation *federation = (const struct federation *)job;

	prometheus_job_produce(request, job, exposition_content_type(&federation->format), next);
}

void prometheus_federate(struct http_request *request, void *context)
{
	struct server *server = context;
	struct federation *federation = ARENA_NEW(request->arena, struct federation);
	struct prometheus_selection *selection = &federation->selection;

	federation->format = exposition_negotiate(request->headers[HTTP_ACCEPT]);
	prometheus_read_selectors(&request->form, request->arena, selection);
	if (selection->selector_count == 0) {
		http_answer(request, 200, exposition_content_type(&federation->format), STR(""));
		return;
	}
	federation->job.work = work;
	federation->job.answer = answer;
	federation->job.fail = prometheus_fail_plainly;
	selection->may_match_all = true;
	selection->has_span = true;
	selection->end_ms = server_now_ms(server);
	selection->start_ms = selection->end_ms - server->options.lookback_ms;
	prometheus_run(request, &federation->job, server, INT64_MAX);
}
