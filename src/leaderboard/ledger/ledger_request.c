/* What a person asks for, as the command line and the HTTP API have it: texts that become an act.
 */
#include "leaderboard/ledger/ledger.h"

#include "base/clock.h"
#include "base/number.h"
#include "base/options.h"

#include <stdio.h>

/* Smaller numbers are offsets from the start of the race, larger ones Unix seconds: 2001-09-09. */
#define FIRST_UNIX_SECOND 1e9

/* H:MM:SS or M:SS */
static bool parse_clock(const char *text, int64_t *out_ms)
{
	unsigned first, second, third;
	int end = 0;

	if (sscanf(text, "%4u:%2u:%2u%n", &first, &second, &third, &end) == 3 && !text[end] &&
		second < 60 && third < 60)
		*out_ms = ((int64_t)first * 3600 + second * 60 + third) * 1000;
	else if (sscanf(text, "%4u:%2u%n", &first, &second, &end) == 2 && !text[end] && second < 60)
		*out_ms = ((int64_t)first * 60 + second) * 1000;
	else
		return false;
	return true;
}

bool ledger_read_instant(
	const struct ledger *ledger, const char *text, int64_t *out_ms, struct error *err)
{
	int64_t start_ms = ledger_counting(ledger)->start_ms;
	double seconds;

	if (number_parse(str_from(text), &seconds) && seconds >= FIRST_UNIX_SECOND &&
		seconds < 1e12) {
		*out_ms = (int64_t)(seconds * 1000);
		return true;
	}
	if (parse_clock(text, out_ms) || options_parse_duration(str_from(text), out_ms)) {
		*out_ms += start_ms;
		return true;
	}
	return clock_parse_instant(text, strlen(text), out_ms) ||
	       error_set(err, ERROR_INVALID,
		       "\"%s\" is no instant: 87m or 1:27:00 after the start, "
		       "2024-10-08T14:27:00Z, or Unix seconds",
		       text);
}

struct quest_player ledger_read_player(const struct ledger *ledger, const char *text)
{
	struct error ignored = {0};
	size_t found = ledger_find(ledger, str_from(text), &ignored), count;
	const char *slash = strchr(text, '/'), *at = strchr(text, '@');

	if (found != SIZE_MAX)
		return ledger_players(ledger, &count)[found].player;
	if (slash)
		return (struct quest_player){{text, (size_t)(slash - text)}, str_from(slash + 1)};
	if (at)
		return (struct quest_player){str_from(at + 1), {text, (size_t)(at - text)}};
	return (struct quest_player){STR(""), str_from(text)};
}

static bool is_of_player(enum event_kind kind)
{
	return kind == EVENT_ADD || kind == EVENT_ADJUST || kind == EVENT_AWARD ||
	       kind == EVENT_CONFIRM || kind == EVENT_VOID;
}

static struct str text_or(const char *text, struct str otherwise)
{
	return text ? str_from(text) : otherwise;
}

static bool read_instants(const struct ledger *ledger, const struct ledger_request *request,
	struct event_log_entry *out, struct error *err)
{
	return (!request->time || ledger_read_instant(ledger, request->time, &out->t_ms, err)) &&
	       (!request->from || ledger_read_instant(ledger, request->from, &out->from_ms, err)) &&
	       (!request->to || ledger_read_instant(ledger, request->to, &out->to_ms, err));
}

bool ledger_fill(const struct ledger *ledger, const struct ledger_request *request, int64_t now_ms,
	struct event_log_entry *out, struct error *err)
{
	*out = EVENT_ENTRY;
	out->kind = request->kind;
	out->when_ms = now_ms;
	out->who = text_or(request->who, STR(""));
	out->why = text_or(request->why, STR(""));
	out->env = text_or(request->env, STR(""));
	out->cluster = text_or(request->cluster, STR(""));
	out->exercise = text_or(request->exercise, STR(""));
	out->condition = text_or(request->condition, STR(""));
	out->points = request->points;
	out->of = request->of;
	out->places = request->places;
	if (!read_instants(ledger, request, out, err))
		return false;
	if (request->player && is_of_player(request->kind)) {
		const struct quest_player player = ledger_read_player(ledger, request->player);

		out->cluster = player.cluster;
		out->user = player.user;
	}
	if (request->kind != EVENT_AWARD)
		return true;
	// It holds from now on, in the environment that is scored, where it does not say otherwise.
	if (!request->time)
		out->t_ms = now_ms;
	if (!request->env)
		out->env = ledger_env(ledger);
	return true;
}
