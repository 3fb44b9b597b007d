/*
 * A real race between the turns of the HTTP loop: the client's sockets are watched by it, what is
 * due is done by a timer, and what the log then says goes to the board and to those who listen.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "leaderboard/ledger/ledger.h"
#include "leaderboard/server/server_private.h"

#include <sys/epoll.h>

enum {
	PROBES_AT_ONCE = 32,
	MAX_TOKEN_BYTES = 4096,
	MIN_TOKEN_BYTES = 16,
	MIN_WAIT_MS = 5,
	RETRY_US = 1000,   // while threads read the store
	MAX_WAIT_MS = 250, // answers come in between, and the board's clock has to go on
};

static void turn_clients(void *context)
{
	struct server *server = context;

	// Answers go into the store. What waits stays readable: this is called again.
	if (!turns_try_write(server->turns))
		return;
	http_client_turn(server->client);
	http_client_turn(server->prober);
	turns_end_write(server->turns);
	http_timer_start(server->play_timer, 1000);
}

/* --- opening --- */

static bool read_token(struct str path, const char *what, char **out, struct error *err)
{
	struct arena arena = {0};
	struct str text;
	bool ok = true;

	if (path.len == 0)
		return true;
	ok = file_read(path.data, MAX_TOKEN_BYTES, &arena, &text, err);
	if (ok) {
		text = str_trim(text);
		ok = text.len >= MIN_TOKEN_BYTES ||
		     error_set(err, ERROR_INVALID, "%.*s: a token has %d bytes at least",
			     STR_ARG(path), MIN_TOKEN_BYTES);
	}
	if (ok) {
		*out = memory_alloc(text.len + 1);
		memcpy(*out, text.data, text.len);
	}
	arena_finish(&arena);
	return ok || error_wrap(err, "%s", what);
}

static bool read_tokens(struct server *server, struct error *err)
{
	const struct quest_file *file = server->options.quest;

	return read_token(file->push_token_file, "push token", &server->push_token, err) &&
	       read_token(file->admin_token_file, "admin token", &server->admin_token, err);
}

// Both clients behind one descriptor, the only one that the loop watches; it becomes the loop's.
static bool watch_clients(struct server *server, struct error *err)
{
	const struct http_client *clients[] = {server->client, server->prober};
	int both = epoll_create1(EPOLL_CLOEXEC);

	for (size_t i = 0; both >= 0 && i < 2; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		if (epoll_ctl(both, EPOLL_CTL_ADD, http_client_descriptor(clients[i]), &event) != 0)
			return error_errno(err, "watch the HTTP clients");
	}
	return both >= 0 ? http_server_watch(server->http, both, turn_clients, server, err)
			 : error_errno(err, "watch the HTTP clients");
}

/* Whoever has the log needs nothing else to check its standings. */
static bool tell_scoring(const struct server *server, struct error *err)
{
	const struct quest_file *file = server->options.quest;
	struct arena arena = {0};
	struct quest_counting counting;
	struct event_log *log = NULL;
	bool ok = !server->options.log_path; // in memory nobody sees it

	if (!ok && quest_counting_of_file(file, file->scoring, &arena, &counting, err))
		log = event_log_open(server->options.log_path, ledger_race_name(file, &arena), err);
	if (log)
		ok = ledger_tell_scoring(
			log, &counting, clock_wall_ms(), STR("the quest file says so"), err);
	event_log_close(log);
	arena_finish(&arena);
	return ok;
}

bool live_open(struct server *server, struct error *err)
{
	struct live_options options = {
		.file = server->options.quest,
		.log_path = server->options.log_path,
	};

	if (!read_tokens(server, err) || !(server->client = http_client_create(0, err)) ||
		!(server->prober = http_client_create(PROBES_AT_ONCE, err)) ||
		!watch_clients(server, err))
		return false;
	options.client = server->client;
	options.prober = server->prober;
	if (!tell_scoring(server, err))
		return false;
	server->live = live_create(&options, clock_wall_ms(), err);
	if (!server->live)
		return false;
	server->race = race_create_live(server->live, 1, err);
	return server->race != NULL;
}

void live_close(struct server *server)
{
	live_destroy(server->live);
	http_client_destroy(server->client);
	http_client_destroy(server->prober);
	free(server->push_token);
	free(server->admin_token);
}

/* --- playing --- */

// An act (another environment, a void, …) draws the whole past anew: a run of its own.
static bool draw_anew(struct server *server, struct error *err)
{
	struct race *next = race_create_live(server->live, server->race->number + 1, err);

	if (!next)
		return false;
	race_drop(server->race);
	server->race = next;
	return true;
}

static bool play_on(struct server *server, int64_t now_ms, int64_t *next_ms, struct error *err)
{
	bool redrawn;

	return live_turn(server->live, now_ms, next_ms, err) &&
	       race_feed(server->race, &redrawn, err) && (!redrawn || draw_anew(server, err)) &&
	       race_advance(server->race, now_ms, err);
}

static size_t player_count(const struct server *server)
{
	size_t count;

	rehearsal_players(server->race->rehearsal, &count);
	return count;
}

void live_play(void *context)
{
	struct server *server = context;
	int64_t now_ms = clock_wall_ms(), next_ms = now_ms;
	uint64_t run = server->race->number;
	size_t events = server->race->event_count, players = player_count(server);
	struct error err = {0};

	if (!turns_try_write(server->turns)) {
		http_timer_start(server->play_timer, RETRY_US);
		return;
	}
	bool ok = play_on(server, now_ms, &next_ms, &err);

	turns_end_write(server->turns);
	if (!ok) {
		log_error("%s", err.text);
		server_fail(server, &err);
		return;
	}
	if (server->race->event_count != events || player_count(server) != players ||
		server->race->number != run) {
		server->generation++;
		http_server_wake(server->http);
	}
	int64_t wait_ms = next_ms - clock_wall_ms();

	if (wait_ms < MIN_WAIT_MS)
		wait_ms = MIN_WAIT_MS;
	http_timer_start(
		server->play_timer, (wait_ms < MAX_WAIT_MS ? wait_ms : MAX_WAIT_MS) * 1000);
}
