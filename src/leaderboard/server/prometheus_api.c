/* How /api/v1 begins, fails and ends. */
#include "leaderboard/server/prometheus_api.h"

#include "base/json.h"
#include "leaderboard/server/parameters.h"
#include "leaderboard/server/server_private.h"

/* Annotations of one kind that an answer lists, as Prometheus's. */
enum { MAX_LISTED = 10 };

/* --- heads --- */

static bool has_path(const struct http_request *request, const char *prefix)
{
	return str_starts_with(request->path, str_from(prefix));
}

/* A page of any site may read, as with Prometheus's default --web.cors.origin: nothing here is
 * secret from who can reach it. Source: util/httputil/cors.go. */
static void allow_origins(struct http_request *request)
{
	http_add_header(request, "Vary:", STR("Origin"));
	if (!request->headers[HTTP_ORIGIN].len)
		return;
	http_add_header(request, "Access-Control-Allow-Headers:",
		STR("Accept, Authorization, Content-Type, Origin"));
	http_add_header(request, "Access-Control-Allow-Methods:", STR("GET, POST, OPTIONS"));
	http_add_header(request, "Access-Control-Allow-Origin:", STR("*"));
	http_add_header(request, "Access-Control-Expose-Headers:", STR("Date"));
}

bool prometheus_admit(struct http_request *request, void *context)
{
	bool is_api = has_path(request, "/api/v1/");
	bool is_bare = is_api || has_path(request, "/federate") || has_path(request, "/-/");

	(void)context;
	if (is_bare)
		http_use_bare_head(request);
	if (is_bare || has_path(request, "/metrics"))
		http_allow_packing(request);
	if (is_api && !has_path(request, "/api/v1/read"))
		allow_origins(request);
	if (request->method != HTTP_OPTIONS)
		return true;
	http_answer(request, 204, PROMETHEUS_JSON, STR(""));
	return false;
}

/* --- failures --- */

static int status_of(const char *type)
{
	static const struct {
		const char *type;
		int status;
	} statuses[] = {
		{"bad_data", 400},
		{"execution", 422},
		{"not_found", 404},
		{"canceled", 499},
		{"timeout", 503},
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
	http_answer_buffer(request, status_of(type), PROMETHEUS_JSON, out);
}

static const char *type_of(enum error_kind kind)
{
	switch (kind) {
	case ERROR_INVALID:
	case ERROR_UNSUPPORTED:
		return "bad_data";
	case ERROR_EXECUTION:
	case ERROR_LIMIT:
		return "execution";
	case ERROR_TIMEOUT:
		return "timeout";
	case ERROR_CANCELLED:
		return "canceled";
	case ERROR_NONE:
	case ERROR_SYSTEM:
		break;
	}
	return "internal";
}

void prometheus_fail(struct http_request *request, const struct error *err)
{
	api_fail(request, type_of(err->kind), str_copy(request->arena, str_from(err->text)));
}

void prometheus_fail_plainly(struct http_request *request, const struct error *err)
{
	int status = err->kind == ERROR_TIMEOUT ? 503 : err->kind == ERROR_SYSTEM ? 500 : 400;

	http_add_header(request, "X-Content-Type-Options:", STR("nosniff"));
	http_answer(request, status, "text/plain; charset=utf-8",
		str_format(request->arena, "%s\n", err->text));
}

void prometheus_fail_parameter(
	struct http_request *request, const char *name, const struct error *err)
{
	api_fail(request, "bad_data",
		str_format(request->arena, "invalid parameter \"%s\": %s", name, err->text));
}

bool prometheus_wrap_parameter(struct error *err, const char *name)
{
	return error_wrap(err, "invalid parameter \"%s\"", name);
}

/* --- parameters --- */

bool prometheus_read_time(const struct form *form, const char *name, int64_t otherwise_ms,
	int64_t *out_ms, struct error *err)
{
	struct str text = form_get(form, name);

	*out_ms = otherwise_ms;
	if (!text.len || parameter_time(text, out_ms, err))
		return true;
	error_wrap(err, "invalid time value for '%s'", name);
	return prometheus_wrap_parameter(err, name);
}

bool prometheus_read_limit(const struct form *form, size_t *out, struct error *err)
{
	return parameter_limit(form_get(form, "limit"), out, err) ||
	       prometheus_wrap_parameter(err, "limit");
}

bool prometheus_read_timeout(const struct form *form, int64_t *out_ms, struct error *err)
{
	struct str text = form_get(form, "timeout");
	double seconds;

	*out_ms = INT64_MAX;
	if (!text.len)
		return true;
	if (!parameter_duration(text, &seconds, err))
		return prometheus_wrap_parameter(err, "timeout");
	*out_ms = seconds > 0 ? (int64_t)(seconds * 1000) : 0;
	return true;
}

/* --- bodies --- */

void prometheus_begin(struct buffer *out)
{
	buffer_append_text(out, "{\"status\":\"success\",\"data\":");
}

/*
 * One of ,"warnings":[…] and ,"infos":[…]: ten, and how many there were beside them. Source:
 * util/annotations/annotations.go, AsStrings.
 */
static void write_notes(struct buffer *out, const struct promql_annotations *notes, bool warnings,
	const char *first)
{
	size_t listed = 0, more = 0;

	for (size_t i = 0; first || (notes && i < notes->count);) {
		const struct promql_annotation *note = first ? NULL : &notes->items[i];
		struct str text = first ? str_from(first) : note->text;

		i += !first;
		first = NULL;
		if (note && note->is_warning != warnings)
			continue;
		if (note && listed >= MAX_LISTED) {
			more++;
			continue;
		}
		buffer_append_text(out, listed++   ? ","
					: warnings ? ",\"warnings\":["
						   : ",\"infos\":[");
		json_string(out, text);
	}
	if (more)
		buffer_printf(out, ",\"%zu more %s annotations omitted\"", more,
			warnings ? "warning" : "info");
	buffer_append_text(out, listed ? "]" : "");
}

void prometheus_end(struct buffer *out, const struct promql_annotations *notes, bool is_truncated)
{
	write_notes(out, notes, true, is_truncated ? PROMETHEUS_TRUNCATED : NULL);
	write_notes(out, notes, false, NULL);
	buffer_append_char(out, '}');
}
