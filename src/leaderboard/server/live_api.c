/* /api/quest of a real race: how its sources are doing, and what is pushed to it (docs/api.md). */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/number.h"
#include "leaderboard/server/push.h"
#include "leaderboard/server/server_private.h"
#include "net/guard.h"

static void answer_json(struct http_request *request, int status, struct buffer body)
{
	http_add_header(request, "cache-control:", STR("no-store"));
	http_answer_buffer(request, status, "application/json", body);
}

/* --- sources --- */

static void write_instant(struct buffer *out, const char *name, int64_t t_ms)
{
	buffer_printf(out, ",\"%s\":", name);
	if (t_ms == QUEST_NEVER)
		buffer_append_text(out, "null");
	else
		buffer_append_number(out, (double)t_ms / 1000);
}

static void write_source(struct buffer *out, const struct live_status *status)
{
	buffer_append_text(out, "{\"name\":");
	json_string(out, status->name);
	buffer_append_text(out, ",\"cluster\":");
	json_string(out, status->cluster);
	buffer_printf(out, ",\"kind\":\"%s\",\"up\":%s",
		status->kind == QUEST_REMOTE ? "prometheus" : "scrape",
		status->is_up ? "true" : "false");
	write_instant(out, "observed", status->observed_ms);
	write_instant(out, "stale_since", status->is_up ? QUEST_NEVER : status->down_since_ms);
	buffer_append_text(out, ",\"problem\":");
	json_string(out, str_from(status->problem));
	buffer_append_text(out, ",\"skew_s\":");
	if (status->knows_skew) {
		buffer_append_char(out, '[');
		buffer_append_number(out, (double)status->skew_low_ms / 1000);
		buffer_append_char(out, ',');
		buffer_append_number(out, (double)status->skew_high_ms / 1000);
		buffer_append_char(out, ']');
	} else {
		buffer_append_text(out, "null");
	}
	buffer_append_text(out, ",\"corrected_s\":");
	buffer_append_number(out, (double)status->corrected_ms / 1000);
	buffer_printf(out, ",\"players\":%zu,\"rounds\":%llu,\"failures\":%llu,\"samples\":%zu}",
		status->people, (unsigned long long)status->rounds,
		(unsigned long long)status->failures, status->samples);
}

void quest_sources(struct http_request *request, void *context)
{
	const struct server *server = context;
	struct buffer out = {0};

	buffer_append_text(&out, "{\"schema\":1,\"now\":");
	buffer_append_number(&out, (double)clock_wall_ms() / 1000);
	buffer_append_text(&out, ",\"sources\":[");
	for (size_t i = 0; i < live_source_count(server->live); i++) {
		const struct live_status status = live_status(server->live, i);

		buffer_append_text(&out, i ? "," : "");
		write_source(&out, &status);
	}
	buffer_append_text(&out, "]}");
	answer_json(request, 200, out);
}

/* --- pushes --- */

bool server_admit(struct http_request *request, const char *token, const char *without)
{
	const struct guard guard = {.token = token ? str_from(token) : STR("")};
	const struct guard_request asked = {
		.host = request->headers[HTTP_HOST],
		.origin = request->headers[HTTP_ORIGIN],
		.authorization = request->headers[HTTP_AUTHORIZATION],
		.content_type = request->headers[HTTP_CONTENT_TYPE],
		.is_command = true,
	};
	const char *why;
	int status = guard_admit(&guard, &asked, &why);

	if (!token) {
		status = 403;
		why = without;
	}
	if (status == 200)
		return true;
	struct buffer out = {0};

	buffer_append_text(&out, "{\"status\":\"error\",\"errorType\":\"forbidden\",\"error\":");
	json_string(&out, str_from(why));
	buffer_append_char(&out, '}');
	answer_json(request, status, out);
	return false;
}

static void take_push(struct server *server, struct http_request *request)
{
	struct live_push *pushes;
	struct buffer out = {0};
	struct error err = {0};
	size_t count, added;

	if (!server_admit(request, server->push_token,
		    "nothing is pushed to this race: its quest file names no push token"))
		return;
	if (!push_read(request->body, request->arena, &pushes, &count, &err) ||
		!live_take_pushes(server->live, pushes, count, clock_wall_ms(), &added, &err)) {
		bool is_ours = err.kind == ERROR_SYSTEM;

		if (is_ours)
			log_error("push: %s", err.text);
		api_fail(request, is_ours ? "internal" : "bad_data", str_from(err.text));
		return;
	}
	buffer_printf(&out, "{\"status\":\"success\",\"data\":{\"events\":%zu,\"new\":%zu}}", count,
		added);
	answer_json(request, 200, out);
	http_timer_start(server->play_timer, 1000);
}

void quest_events_or_push(struct http_request *request, void *context)
{
	if (request->method == HTTP_POST)
		take_push(context, request);
	else
		quest_events(request, context);
}
