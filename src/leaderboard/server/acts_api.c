/*
 * /api/quest/acts and /verify: what a person does to a race, over HTTP. The same acts as on the
 * command line, checked by the same code and appended in one transaction with what was looked at.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "leaderboard/server/acts.h"
#include "leaderboard/server/server_private.h"

static void answer(struct http_request *request, struct buffer body)
{
	http_add_header(request, "cache-control:", STR("no-store"));
	http_answer_buffer(request, 200, "application/json", body);
}

/* In a transaction: the ledger of all that was appended before. */
static struct ledger *fold(
	struct server *server, struct arena *arena, int64_t *last, struct error *err)
{
	const struct ledger_options options = {.file = live_file(server->live)};
	struct event_log_entry *entries;
	size_t count;

	if (!event_log_read(live_log(server->live), arena, &entries, &count, err))
		return NULL;
	*last = count ? entries[count - 1].id : 0;
	return ledger_create(&options, entries, count, err);
}

static bool append_act(struct server *server, const struct ledger_request *asked,
	struct arena *arena, int64_t *last, struct error *err)
{
	struct ledger *ledger = fold(server, arena, last, err);
	struct event_log_entry act;
	bool added = false;
	bool ok = ledger && ledger_fill(ledger, asked, clock_wall_ms(), &act, err) &&
		  ledger_prepare(ledger, &act, arena, err) &&
		  event_log_append(live_log(server->live), &act, &added, err) &&
		  (added || error_set(err, ERROR_INVALID,
				    "that is in the log already: the first stays"));

	ledger_destroy(ledger);
	return ok;
}

/* Durable when it returns; `out` is the event and its hash. */
static bool do_act(struct server *server, const struct ledger_request *asked, struct arena *arena,
	struct buffer *out, struct error *err)
{
	struct event_log *log = live_log(server->live);
	int64_t last;

	if (!event_log_begin(log, err))
		return false;
	if (!append_act(server, asked, arena, &last, err)) {
		event_log_cancel(log);
		return false;
	}
	return event_log_commit(log, err) && event_log_print(log, last, out, err);
}

void quest_acts(struct http_request *request, void *context)
{
	struct server *server = context;
	struct ledger_request asked;
	struct buffer line = {0}, out = {0};
	struct error err = {0};

	if (!server_admit(request, server->admin_token,
		    "nobody acts on this race over HTTP: its quest file names no admin token"))
		return;
	if (!act_read(request->body, request->arena, &asked, &err) ||
		!do_act(server, &asked, request->arena, &line, &err)) {
		bool is_ours = err.kind == ERROR_SYSTEM;

		if (is_ours)
			log_error("act: %s", err.text);
		api_fail(request, is_ours ? "internal" : "bad_data", str_from(err.text));
		buffer_finish(&line);
		return;
	}
	log_info("%s by %s: %s", event_kind_names[asked.kind], asked.who, asked.why);
	buffer_append_text(&out, "{\"status\":\"success\",\"data\":");
	buffer_append_str(&out, str_trim(buffer_str(&line)));
	buffer_append_char(&out, '}');
	buffer_finish(&line);
	answer(request, out);
	// The next turn takes it in.
	live_look(server->live);
	http_timer_start(server->play_timer, 1000);
}

void quest_verify(struct http_request *request, void *context)
{
	struct server *server = context;
	struct event_log *log =
		server->live ? live_log(server->live) : rehearsal_log(server->race->rehearsal);
	struct event_log_check check;
	struct buffer out = {0};
	struct error err = {0};
	char hex[EVENT_HEX_SIZE];

	if (!log || !event_log_verify(log, &check, &err)) {
		api_fail(request, log ? "internal" : "bad_data",
			log ? str_from(err.text) : STR("this race keeps no log"));
		return;
	}
	event_hash_print(hex, &check.head);
	buffer_printf(&out, "{\"ok\":%s,\"events\":%lld,\"head\":\"%s\",\"bad\":",
		check.bad_id ? "false" : "true", (long long)check.count, hex);
	if (check.bad_id) {
		buffer_printf(&out, "{\"event\":%lld,\"reason\":", (long long)check.bad_id);
		json_string(&out, str_from(check.reason));
		buffer_append_text(&out, "}}");
	} else {
		buffer_append_text(&out, "null}");
	}
	answer(request, out);
}
