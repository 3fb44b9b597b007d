/* /api/quest: the race as JSON (docs/api.md). */
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "leaderboard/server/parameters.h"
#include "leaderboard/server/server_private.h"
#include "leaderboard/server/standings.h"

enum { DEFAULT_POINTS = 300, MAX_POINTS = 2000, DEFAULT_EVENTS = 1000, MAX_EVENTS = 100000 };

/* `at`, or now. False where the request was answered with what is wrong with it. */
static bool read_instant(
	struct http_request *request, const struct race *race, int64_t *out_ms, bool *live)
{
	struct str text = form_get(&request->form, "at");
	struct error err = {0};

	*out_ms = race_now_ms(race);
	*live = text.len == 0;
	if (*live)
		return true;
	int64_t t_ms;

	if (!parameter_race_instant(text, rehearsal_start_ms(race->rehearsal), &t_ms, &err)) {
		api_fail(request, "bad_data", str_from(err.text));
		return false;
	}
	if (t_ms < *out_ms)
		*out_ms = t_ms;
	if (*out_ms < rehearsal_start_ms(race->rehearsal))
		*out_ms = rehearsal_start_ms(race->rehearsal);
	return true;
}

/* A whole number between min and max, or the default. */
static bool read_count(
	struct http_request *request, const char *name, int64_t min, int64_t max, size_t *value)
{
	struct str text = form_get(&request->form, name);
	int64_t number;

	if (!text.len)
		return true;
	if (number_parse_int(text, &number) && number >= min && number <= max) {
		*value = (size_t)number;
		return true;
	}
	api_fail(request, "bad_data",
		str_format(request->arena,
			"invalid parameter \"%s\": \"%.*s\" is not a whole number from %lld to "
			"%lld",
			name, STR_ARG(text), (long long)min, (long long)max));
	return false;
}

static void answer_json(struct http_request *request, struct buffer body)
{
	http_add_header(request, "cache-control:", STR("no-store"));
	http_answer_buffer(request, 200, "application/json", body);
}

void quest_standings(struct http_request *request, void *context)
{
	struct server *server = context;
	struct buffer out = {0};
	int64_t t_ms;
	bool live;

	if (!read_instant(request, server->race, &t_ms, &live))
		return;
	standings_write(&out, server->race, t_ms, server->options.speed, live);
	answer_json(request, out);
}

void quest_events(struct http_request *request, void *context)
{
	struct server *server = context;
	const struct race *race = server->race;
	size_t since = 0, limit = DEFAULT_EVENTS;
	struct buffer out = {0};
	int64_t t_ms;
	bool live;

	if (!read_instant(request, race, &t_ms, &live) ||
		!read_count(request, "since", 0, INT64_MAX, &since) ||
		!read_count(request, "limit", 1, MAX_EVENTS, &limit))
		return;
	size_t count = race_events_at(race, t_ms);
	size_t first = since < count ? since : count;

	if (count - first > limit)
		first = count - limit;
	buffer_printf(&out, "{\"schema\":1,\"run\":%llu,\"seq\":%zu,\"events\":[",
		(unsigned long long)race->number, count);
	for (size_t i = first; i < count; i++) {
		buffer_append_text(&out, i > first ? "," : "");
		standings_write_event(&out, race, i);
	}
	buffer_append_text(&out, "]}");
	answer_json(request, out);
}

/* --- curves: one series at a time, as the client takes them --- */

struct curves {
	struct race *race;
	struct arena arena;
	struct standings at;
	int64_t *times_ms;
	size_t time_count, next, series_count;
	bool begun;
};

static void write_curves_head(struct curves *curves, struct buffer *out)
{
	const struct rehearsal *rehearsal = curves->race->rehearsal;
	int64_t start_ms = rehearsal_start_ms(rehearsal);

	buffer_printf(out,
		"{\"schema\":1,\"run\":%llu,\"start\":", (unsigned long long)curves->race->number);
	buffer_append_number(out, (double)start_ms / 1000);
	standings_write_seconds(out, curves->race, "now_s", curves->at.t_ms, false);
	standings_write_seconds(out, curves->race, "end_s", rehearsal_end_ms(rehearsal), false);
	buffer_append_text(out, ",\"times_s\":[");
	for (size_t i = 0; i < curves->time_count; i++) {
		buffer_append_text(out, i ? "," : "");
		buffer_append_number(out, (double)(curves->times_ms[i] - start_ms) / 1000);
	}
	buffer_append_text(out, "],\"series\":[");
}

static void write_curve(struct curves *curves, struct buffer *out, size_t row)
{
	size_t player = curves->at.rows[row].player;

	buffer_append_text(out, row ? ",{" : "{");
	standings_write_player(out, curves->race, player);
	buffer_append_text(out, ",\"scores\":[");
	for (size_t i = 0; i < curves->time_count; i++) {
		buffer_append_text(out, i ? "," : "");
		json_number(
			out, rehearsal_score(curves->race->rehearsal, player, curves->times_ms[i]));
	}
	buffer_append_text(out, "]}");
}

static void write_curves_tail(const struct curves *curves, struct buffer *out)
{
	const struct race *race = curves->race;

	buffer_append_text(out, "],\"lead_changes\":[");
	for (size_t i = 0; i < race->lead_count && race->leads[i].t_ms <= curves->at.t_ms; i++) {
		buffer_append_text(out, i ? ",{" : "{");
		standings_write_seconds(out, race, "at_s", race->leads[i].t_ms, true);
		buffer_append_char(out, ',');
		standings_write_player(out, race, race->leads[i].player);
		buffer_append_char(out, '}');
	}
	buffer_append_text(out, "]}");
}

static bool produce_curves(void *state, struct buffer *out)
{
	struct curves *curves = state;

	if (!curves->begun) {
		curves->begun = true;
		write_curves_head(curves, out);
		return true;
	}
	if (curves->next < curves->series_count) {
		write_curve(curves, out, curves->next++);
		return true;
	}
	write_curves_tail(curves, out);
	return false;
}

static void release_curves(void *state)
{
	struct curves *curves = state;

	race_drop(curves->race);
	arena_finish(&curves->arena);
	free(curves);
}

/* Columns from the start to t_ms, whole steps apart, the last one at t_ms. */
static void lay_columns(struct curves *curves, int64_t t_ms, size_t points)
{
	const struct rehearsal *rehearsal = curves->race->rehearsal;
	int64_t start_ms = rehearsal_start_ms(rehearsal), step_ms = rehearsal_step_ms(rehearsal);
	int64_t steps = (t_ms - start_ms) / step_ms, gaps = (int64_t)points - 1;
	int64_t stride = steps > gaps ? (steps + gaps - 1) / gaps : 1;

	curves->times_ms = ARENA_ARRAY(&curves->arena, int64_t, points + 1);
	for (int64_t t = start_ms; t < t_ms; t += stride * step_ms)
		curves->times_ms[curves->time_count++] = t;
	curves->times_ms[curves->time_count++] = t_ms;
}

void quest_curves(struct http_request *request, void *context)
{
	struct server *server = context;
	size_t points = DEFAULT_POINTS, top = QUEST_MAX_PLAYERS;
	int64_t t_ms;
	bool live;

	if (!read_instant(request, server->race, &t_ms, &live) ||
		!read_count(request, "points", 2, MAX_POINTS, &points) ||
		!read_count(request, "top", 1, QUEST_MAX_PLAYERS, &top))
		return;
	struct curves *curves = memory_alloc(sizeof *curves);
	struct http_producer producer = {produce_curves, release_curves, curves};

	curves->race = race_take(server->race);
	curves->at = standings_at(curves->race, t_ms, &curves->arena);
	curves->series_count = curves->at.count < top ? curves->at.count : top;
	lay_columns(curves, t_ms, points);
	http_add_header(request, "cache-control:", STR("no-store"));
	http_answer_produced(request, 200, "application/json", &producer);
}
