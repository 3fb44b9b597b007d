/*
 * /api/quest of what is proved: explanations, exports, the head of the log (docs/api.md). All are
 * made from the log, by the same code as on the command line. A real race shows nothing past its
 * freeze here; whoever may see more has the log.
 */
#include "base/json.h"
#include "base/memory.h"
#include "leaderboard/ledger/ledger.h"
#include "leaderboard/server/parameters.h"
#include "leaderboard/server/server_private.h"

/* What an answer is made from; gone with it. */
struct view {
	struct arena arena;
	struct ledger *ledger;
	struct ledger_print print;
	struct event_hash head;
	struct event_log *log; // the race's
	bool is_cut;	       // there are events that the public does not see yet
};

static void close_view(struct view *view)
{
	ledger_destroy(view->ledger);
	arena_finish(&view->arena);
}

/* Everybody who has a row, whether or not an event names him. */
static struct quest_player *seen_players(
	const struct server *server, struct view *view, size_t *count)
{
	size_t players;
	const struct quest_player *own = rehearsal_players(server->race->rehearsal, &players);
	struct quest_player *out = ARENA_ARRAY(&view->arena, struct quest_player, players);

	if (players)
		memcpy(out, own, players * sizeof *out);
	*count = players;
	return out;
}

/* NULL where the race keeps none. */
static struct event_log *log_of(const struct server *server)
{
	return server->live ? live_log(server->live) : rehearsal_log(server->race->rehearsal);
}

static bool read_ledger(struct server *server, struct view *view, struct error *err)
{
	struct ledger_options options = {.file = server->live ? live_file(server->live) : NULL};
	struct event_log_entry *entries;
	size_t count;

	view->log = log_of(server);
	if (!view->log)
		return error_set(err, ERROR_INVALID, "this race keeps no log");
	if (!event_log_read(view->log, &view->arena, &entries, &count, err))
		return false;
	options.seen = seen_players(server, view, &options.seen_count);
	// Frozen, the public sees nothing that came later, nor a trace of it.
	size_t shown = ledger_public_count(options.file, entries, count);

	view->is_cut = shown < count;
	view->ledger = ledger_create(&options, entries, shown, err);
	if (!view->ledger || !event_log_head(view->log, &view->print.events, &view->head, err))
		return false;
	view->print.ledger = view->ledger;
	if (view->is_cut)
		view->print.events = (int64_t)shown;
	else
		view->print.head = &view->head;
	return true;
}

static bool read_at(struct http_request *request, const struct server *server, struct view *view)
{
	struct str text = form_get(&request->form, "at"), lang = form_get(&request->form, "lang");
	int64_t start_ms = rehearsal_start_ms(server->race->rehearsal), t_ms;
	struct error err = {0};

	view->print.language = str_equal(lang, STR("fr")) ? LEDGER_FRENCH : LEDGER_ENGLISH;
	view->print.now_ms = race_now_ms(server->race);
	if (text.len && !parameter_race_instant(text, start_ms, &t_ms, &err)) {
		api_fail(request, "bad_data", str_from(err.text));
		return false;
	}
	if (text.len && t_ms < view->print.now_ms)
		view->print.now_ms = t_ms;
	if (view->print.now_ms < start_ms)
		view->print.now_ms = start_ms;
	view->print.now_ms = ledger_public_ms(view->ledger, view->print.now_ms);
	return true;
}

/* False where the request was answered with what is wrong. */
static bool open_view(struct http_request *request, struct server *server, struct view *view)
{
	struct error err = {0};

	*view = (struct view){0};
	if (!server->live && strcmp(rehearsal_scoring(server->race->rehearsal), "rules") == 0)
		error_set(&err, ERROR_INVALID,
			"recording rules make the score of this rehearsal: there is nothing to "
			"prove");
	else if (read_ledger(server, view, &err) && read_at(request, server, view))
		return true;
	if (err.kind)
		api_fail(request, err.kind == ERROR_INVALID ? "bad_data" : "internal",
			str_from(err.text));
	close_view(view);
	return false;
}

static void answer(struct http_request *request, const char *type, struct buffer body)
{
	http_add_header(request, "cache-control:", STR("no-store"));
	http_answer_buffer(request, 200, type, body);
}

void quest_explain(struct http_request *request, void *context)
{
	struct ledger_explanation explanation;
	struct buffer out = {0};
	struct error err = {0};
	struct view view;

	if (!open_view(request, context, &view))
		return;
	size_t player = ledger_find(view.ledger, form_get(&request->form, "player"), &err);

	if (player == SIZE_MAX) {
		api_fail(request, "bad_data", str_from(err.text));
	} else {
		ledger_explain(view.ledger, player, view.print.now_ms, &view.arena, &explanation);
		ledger_print_explanation_json(&out, &view.print, &explanation);
		answer(request, "application/json", out);
	}
	close_view(&view);
}

/* --- exports --- */

typedef void print_export(struct buffer *out, const struct ledger_print *print);

static const struct {
	const char *format, *type;
	print_export *print; // NULL: the events
} exports[] = {
	{"csv", "text/csv; charset=utf-8", ledger_print_csv},
	{"json", "application/json", ledger_print_json},
	{"ndjson", "application/x-ndjson", NULL},
	{"ctftime", "application/json", ledger_print_ctftime},
	{"contest", "application/json", ledger_print_contest},
	{"html", "text/html; charset=utf-8", ledger_print_html},
};
enum { EXPORT_COUNT = sizeof exports / sizeof exports[0] };

/* The feed tells completions as they come: frozen, it would tell what the board hides. */
static bool print_events(
	const struct view *view, int64_t now_ms, struct buffer *out, struct error *err)
{
	if (view->is_cut || ledger_public_ms(view->ledger, now_ms) < now_ms)
		return error_set(
			err, ERROR_INVALID, "the board is frozen: the events come with its thaw");
	return event_log_print(view->log, 0, out, err);
}

void quest_export(struct http_request *request, void *context)
{
	struct server *server = context;
	struct str format = form_get(&request->form, "format");
	struct buffer out = {0};
	struct error err = {0};
	struct view view;
	size_t i = 0;

	while (i < EXPORT_COUNT && !str_equal(format, str_from(exports[i].format)))
		i++;
	if (i == EXPORT_COUNT) {
		api_fail(request, "bad_data",
			STR("invalid parameter \"format\": csv, json, ndjson, ctftime, contest or "
			    "html"));
		return;
	}
	if (!open_view(request, server, &view))
		return;
	if (exports[i].print)
		exports[i].print(&out, &view.print);
	else
		print_events(&view, race_now_ms(server->race), &out, &err);
	if (err.kind) {
		buffer_finish(&out);
		api_fail(request, "bad_data", str_from(err.text));
	} else {
		answer(request, exports[i].type, out);
	}
	close_view(&view);
}

/* --- the head --- */

void quest_head(struct http_request *request, void *context)
{
	struct server *server = context;
	struct event_log *log = log_of(server);
	struct buffer out = {0};
	struct event_hash head;
	struct error err = {0};
	char hex[EVENT_HEX_SIZE];
	int64_t events;

	if (!log || !event_log_head(log, &events, &head, &err)) {
		api_fail(request, log ? "internal" : "bad_data",
			log ? str_from(err.text) : STR("this race keeps no log"));
		return;
	}
	event_hash_print(hex, &head);
	buffer_printf(&out, "{\"events\":%lld,\"head\":\"%s\"}", (long long)events, hex);
	answer(request, "application/json", out);
}
