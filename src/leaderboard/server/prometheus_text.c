/* Endpoints about the text of a query: format_query, parse_query, query_exemplars. */
#include "base/json.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_job.h"

/* An expression grows when it is laid out, and a tree has a hundred bytes a node. */
enum { MAX_FORMATTED_BYTES = 4 * 1024 * 1024, MAX_TREE_TEXT_BYTES = 64 * 1024 };

struct text {
	struct prometheus_job job; // first: its callbacks get a pointer to it
	struct str query;
	bool as_tree;
	struct buffer out;
};

static bool write_formatted(struct text *text, const struct promql_expr *expr, struct error *err)
{
	struct buffer formatted = {0};
	bool ok = promql_format(&formatted, expr, MAX_FORMATTED_BYTES, err);

	if (ok)
		json_string(&text->out, buffer_str(&formatted));
	buffer_finish(&formatted);
	return ok;
}

static bool write_tree(struct text *text, const struct promql_expr *expr, struct error *err)
{
	if (text->query.len > MAX_TREE_TEXT_BYTES)
		return error_set(err, ERROR_INVALID,
			"the query has %zu bytes; the tree of one with up to %d is shown",
			text->query.len, MAX_TREE_TEXT_BYTES);
	promql_print_tree(&text->out, expr);
	return true;
}

static void work(struct prometheus_job *job, struct error *err)
{
	struct text *text = (struct text *)job;
	struct promql_expr *expr =
		promql_parse(text->query, job->server->options.features, job->arena, NULL, err);

	if (!expr) {
		prometheus_wrap_parameter(err, "query");
		return;
	}
	prometheus_begin(&text->out);
	if (!(text->as_tree ? write_tree(text, expr, err) : write_formatted(text, expr, err)))
		prometheus_wrap_parameter(err, "query");
	prometheus_end(&text->out, NULL, false);
	promql_release(expr);
}

static void answer(struct http_request *request, struct prometheus_job *job)
{
	struct text *text = (struct text *)job;

	http_answer_buffer(request, 200, PROMETHEUS_JSON, text->out);
	text->out = (struct buffer){0};
}

static void finish(struct prometheus_job *job)
{
	buffer_finish(&((struct text *)job)->out);
}

static void tell(struct http_request *request, struct server *server, bool as_tree)
{
	struct text *text = ARENA_NEW(request->arena, struct text);

	text->job.work = work;
	text->job.answer = answer;
	text->job.finish = finish;
	text->query = form_get(&request->form, "query");
	text->as_tree = as_tree;
	prometheus_run(request, &text->job, server, INT64_MAX);
}

void prometheus_format_query(struct http_request *request, void *context)
{
	tell(request, context, false);
}

void prometheus_parse_query(struct http_request *request, void *context)
{
	tell(request, context, true);
}

/* We keep no exemplars: what is asked is checked, and the list is empty. */
void prometheus_query_exemplars(struct http_request *request, void *context)
{
	struct server *server = context;
	struct error err = {0};
	int64_t start_ms, end_ms;

	if (!prometheus_read_time(&request->form, "start", INT64_MIN, &start_ms, &err) ||
		!prometheus_read_time(&request->form, "end", INT64_MAX, &end_ms, &err)) {
		prometheus_fail(request, &err);
		return;
	}
	if (end_ms < start_ms) {
		api_fail(request, "bad_data",
			STR("end timestamp must not be before start timestamp"));
		return;
	}
	struct promql_expr *expr = promql_parse(form_get(&request->form, "query"),
		server->options.features, request->arena, NULL, &err);

	if (!expr) {
		prometheus_fail(request, &err);
		return;
	}
	promql_release(expr);
	http_answer(request, 200, PROMETHEUS_JSON, STR("{\"status\":\"success\",\"data\":[]}"));
}
