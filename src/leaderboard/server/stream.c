/*
 * The live stream. A client is a cursor into the race: how many events it was sent and which
 * standings. It pulls when it can take more, so the race itself is the only queue: a slow client
 * skips standings, and events where it is more than MAX_BEHIND late.
 */
#include "leaderboard/server/server_private.h"

#include "base/memory.h"
#include "base/number.h"
#include "leaderboard/server/standings.h"

#include <stdio.h>

enum { MAX_BEHIND = 512, EVENTS_AT_ONCE = 32 };

struct cursor {
	struct server *server;
	uint64_t run;
	size_t event;	     // next of the race's events
	uint64_t generation; // of the standings sent last
	bool greeted, ended;
};

static struct http_block *greet(struct cursor *cursor)
{
	cursor->greeted = true;
	return http_block_create(STR("retry: 2000\n\n"));
}

/* The next events that wait, in one block. */
static struct http_block *tell_events(struct cursor *cursor)
{
	const struct race *race = cursor->server->race;
	struct buffer out = {0};

	if (race->event_count - cursor->event > MAX_BEHIND)
		cursor->event = race->event_count - MAX_BEHIND;
	for (int i = 0; i < EVENTS_AT_ONCE && cursor->event < race->event_count; i++) {
		buffer_printf(&out, "event: %s\nid: %llu-%zu\ndata: ",
			race->events[cursor->event].kind == RACE_LEAD ? "lead" : "completion",
			(unsigned long long)race->number, cursor->event + 1);
		standings_write_event(&out, race, cursor->event++);
		buffer_append_text(&out, "\n\n");
	}
	struct http_block *block = http_block_create(buffer_str(&out));

	buffer_finish(&out);
	return block;
}

/* The newest standings: one text that all streams share. */
static struct http_block *tell_standings(struct cursor *cursor)
{
	struct server *server = cursor->server;

	if (server->standings_generation != server->generation) {
		struct buffer out = {0};

		buffer_append_text(&out, "event: standings\ndata: ");
		standings_write(
			&out, server->race, race_now_ms(server->race), server->options.speed, true);
		buffer_append_text(&out, "\n\n");
		http_block_drop(server->standings);
		server->standings = http_block_create(buffer_str(&out));
		server->standings_generation = server->generation;
		buffer_finish(&out);
	}
	cursor->generation = server->generation;
	return http_block_take(server->standings);
}

static struct http_block *tell_end(struct cursor *cursor)
{
	char text[64];
	int len = snprintf(text, sizeof text, "event: end\ndata: {\"run\":%llu}\n\n",
		(unsigned long long)cursor->run);

	cursor->ended = true;
	return http_block_create((struct str){text, (size_t)len});
}

static struct http_block *next(void *state)
{
	struct cursor *cursor = state;
	const struct race *race = cursor->server->race;

	if (!cursor->greeted)
		return greet(cursor);
	if (cursor->run != race->number) {
		cursor->run = race->number;
		cursor->event = 0;
		cursor->ended = false;
	}
	if (cursor->event < race->event_count)
		return tell_events(cursor);
	if (cursor->generation != cursor->server->generation)
		return tell_standings(cursor);
	if (race_is_over(race) && !cursor->ended)
		return tell_end(cursor);
	return NULL;
}

/* Where a client that was here before goes on: RUN-SEQ of the last event it got; else with what
 * comes. */
static size_t first_event(const struct race *race, struct str last_id)
{
	const char *dash = memchr(last_id.data, '-', last_id.len);
	size_t run_len = dash ? (size_t)(dash - last_id.data) : 0;
	int64_t run, seq;

	if (dash && number_parse_int((struct str){last_id.data, run_len}, &run) &&
		number_parse_int((struct str){dash + 1, last_id.len - run_len - 1}, &seq) &&
		run == (int64_t)race->number && seq >= 0 && (uint64_t)seq <= race->event_count)
		return (size_t)seq;
	return race->event_count;
}

void quest_stream(struct http_request *request, void *context)
{
	struct server *server = context;
	struct cursor *cursor = memory_alloc(sizeof *cursor);
	struct http_feed feed = {.next = next, .close = free, .cursor = cursor};

	cursor->server = server;
	cursor->run = server->race->number;
	cursor->event = first_event(server->race, request->headers[HTTP_LAST_EVENT_ID]);
	http_answer_feed(request, &feed);
}
