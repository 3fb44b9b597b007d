/* The small endpoints of /api/v1, and how it fails. */
#include "leaderboard/server/prometheus_api.h"

#include "base/json.h"
#include "base/clock.h"
#include "leaderboard/server/parameters.h"
#include "leaderboard/server/prometheus_json.h"
#include "leaderboard/server/server_private.h"

static int status_of(const char *type)
{
	static const struct {
		const char *type;
		int status;
	} statuses[] = {
		{"bad_data", 400},
		{"execution", 422},
		{"not_found", 404},
		{"unavailable", 503},
	};

	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		if (strcmp(type, statuses[i].type) == 0)
			return statuses[i].status;
	return 500;
}

void api_fail(struct http_request *request, const char *type, struct str text)
{
	struct buffer out = {0};

	buffer_printf(&out, "{\"status\":\"error\",\"errorType\":\"%s\",\"error\":", type);
	json_string(&out, text);
	buffer_append_char(&out, '}');
	http_answer_buffer(request, status_of(type), "application/json", out);
}

void prometheus_fail_parameter(
	struct http_request *request, const char *name, const struct error *err)
{
	api_fail(request, "bad_data",
		str_format(request->arena, "invalid parameter \"%s\": %s", name, err->text));
}

bool prometheus_read_time(
	struct http_request *request, const char *name, int64_t otherwise_ms, int64_t *out_ms)
{
	struct str text = form_get(&request->form, name);
	struct error err = {0};

	*out_ms = otherwise_ms;
	if (!text.len || parameter_time(text, out_ms, &err))
		return true;
	error_wrap(&err, "invalid time value for '%s'", name);
	prometheus_fail_parameter(request, name, &err);
	return false;
}

static void answer_literal(struct http_request *request, struct str text)
{
	http_answer(request, 200, "application/json", text);
}

void prometheus_empty_list(struct http_request *request, void *context)
{
	(void)context;
	answer_literal(request, STR("{\"status\":\"success\",\"data\":[]}"));
}

void prometheus_empty_map(struct http_request *request, void *context)
{
	(void)context;
	answer_literal(request, STR("{\"status\":\"success\",\"data\":{}}"));
}

void prometheus_alerts(struct http_request *request, void *context)
{
	(void)context;
	answer_literal(request, STR("{\"status\":\"success\",\"data\":{\"alerts\":[]}}"));
}

/* Grafana reads the version to know what it may ask: that of the API we speak. */
void prometheus_build_info(struct http_request *request, void *context)
{
	(void)context;
	answer_literal(request,
		STR("{\"status\":\"success\",\"data\":{\"version\":\"3.5.0\",\"revision\":"
		    "\"railquest-" RAILQUEST_VERSION "\",\"branch\":\"\",\"buildUser\":\"\","
		    "\"buildDate\":\"\",\"goVersion\":\"\"}}"));
}

void prometheus_format_query(struct http_request *request, void *context)
{
	struct buffer text = {0}, out = {0};
	struct error err = {0};
	struct promql_expr *expr =
		promql_parse(form_get(&request->form, "query"), 0, request->arena, NULL, &err);

	(void)context;
	if (!expr) {
		prometheus_fail_parameter(request, "query", &err);
		return;
	}
	promql_print(&text, expr);
	promql_release(expr);
	buffer_append_text(&out, "{\"status\":\"success\",\"data\":");
	json_string(&out, buffer_str(&text));
	buffer_append_char(&out, '}');
	buffer_finish(&text);
	http_answer_buffer(request, 200, "application/json", out);
}
