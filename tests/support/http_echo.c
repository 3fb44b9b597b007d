/*
 * A server with one route for each kind of answer, for tests/e2e/test_net.py: small caps, so that
 * they can be reached.
 */
#include "base/json.h"
#include "base/memory.h"
#include "net/http.h"

#include <stdio.h>
#include <unistd.h>

struct echo {
	struct http_server *server;
	struct http_timer *timer;
	uint64_t generation; // of what the feed sends
	struct http_block *newest;
};

struct cursor {
	struct echo *echo;
	uint64_t seen;
};

/* The request as JSON. */
static void echo_request(struct http_request *request, void *context)
{
	struct buffer out = {0};

	(void)context;
	buffer_append_text(&out, "{\"path\":");
	json_string(&out, request->path);
	buffer_append_text(&out, ",\"wildcard\":");
	json_string(&out, request->wildcard);
	buffer_append_text(&out,
		request->method == HTTP_POST ? ",\"method\":\"POST\"" : ",\"method\":\"GET\"");
	buffer_append_text(&out, ",\"form\":[");
	for (size_t i = 0; i < request->form.count; i++) {
		buffer_append_text(&out, i ? ",[" : "[");
		json_string(&out, request->form.fields[i].name);
		buffer_append_char(&out, ',');
		json_string(&out, request->form.fields[i].value);
		buffer_append_char(&out, ']');
	}
	buffer_append_text(&out, "]}");
	http_answer_buffer(request, 200, "application/json", out);
}

struct lines {
	size_t next, count;
};

static bool produce_lines(void *state, struct buffer *out)
{
	struct lines *lines = state;

	if (lines->next < lines->count)
		buffer_printf(out, "line %zu of many that make a long answer\n", lines->next++);
	return lines->next < lines->count;
}

/* As many lines as /lines/N says. */
static void answer_lines(struct http_request *request, void *context)
{
	struct lines *lines = memory_alloc(sizeof *lines);
	struct http_producer producer = {produce_lines, free, lines};

	(void)context;
	lines->count = strtoul(request->wildcard.data, NULL, 10);
	http_answer_produced(request, 200, "text/plain; charset=utf-8", &producer);
}

/* 64 KiB with the generation in front, ten times a second. */
static void tick(void *context)
{
	struct echo *echo = context;
	struct buffer out = {0};

	buffer_printf(&out, "id: %llu\ndata: ", (unsigned long long)++echo->generation);
	while (out.len < 65536)
		buffer_append_text(&out, "0123456789abcdef");
	buffer_append_text(&out, "\n\n");
	http_block_drop(echo->newest);
	echo->newest = http_block_create(buffer_str(&out));
	buffer_finish(&out);
	http_server_wake(echo->server);
	http_timer_start(echo->timer, 100000);
}

static struct http_block *feed_next(void *state)
{
	struct cursor *cursor = state;

	if (cursor->seen == cursor->echo->generation)
		return NULL;
	cursor->seen = cursor->echo->generation;
	return http_block_take(cursor->echo->newest);
}

static void answer_feed(struct http_request *request, void *context)
{
	struct cursor *cursor = memory_alloc(sizeof *cursor);
	struct http_feed feed = {.next = feed_next, .close = free, .cursor = cursor};

	cursor->echo = context;
	http_answer_feed(request, &feed);
}

/* --- a WebSocket: the newest block, in binary, and what was heard, as text --- */

enum { TIMES_OVER = 40 }; // a message of 2.5 MiB takes many frames

struct talk {
	struct echo *echo;
	uint64_t seen;
	size_t wanted; // blocks, or 0
	struct buffer heard;
	bool is_big;
};

static struct http_message talk_next(void *state)
{
	struct talk *talk = state;
	struct http_message message = {0};

	if (talk->heard.len) {
		message.block = http_block_create(buffer_str(&talk->heard));
		buffer_clear(&talk->heard);
	} else if (talk->wanted && talk->seen != talk->echo->generation) {
		struct str parts[TIMES_OVER];

		for (size_t i = 0; i < TIMES_OVER; i++)
			parts[i] = (struct str){talk->echo->newest->data, talk->echo->newest->len};
		message.block = talk->is_big ? http_block_join(parts, TIMES_OVER)
					     : http_block_take(talk->echo->newest);
		message.is_binary = true;
		talk->seen = talk->echo->generation;
		talk->wanted--;
	}
	return message;
}

/* "feed N", "big N": that many blocks; "bye": 4000; anything else comes back. */
static int talk_hear(void *state, struct str text)
{
	struct talk *talk = state;

	if (str_equal(text, STR("bye")))
		return 4000;
	talk->is_big = str_starts_with(text, STR("big "));
	if (talk->is_big || str_starts_with(text, STR("feed "))) {
		buffer_append_str(&talk->heard, text);
		buffer_append_char(&talk->heard, '\0');
		talk->wanted = strtoul(strchr(talk->heard.data, ' '), NULL, 10);
		buffer_clear(&talk->heard);
	} else {
		buffer_append_str(&talk->heard, text);
	}
	return 0;
}

static void talk_close(void *state)
{
	struct talk *talk = state;

	buffer_finish(&talk->heard);
	free(talk);
}

static void answer_talk(struct http_request *request, void *context)
{
	if (form_get(&request->form, "refuse").len) {
		http_answer(request, 403, "text/plain", STR("not you\n"));
		return;
	}
	struct talk *talk = memory_alloc(sizeof *talk);
	struct http_socket socket = {talk_next, talk_hear, talk_close, talk};

	talk->echo = context;
	http_answer_socket(request, &socket);
}

static void answer_asset(struct http_request *request, void *context)
{
	static const struct http_asset asset = {
		.type = "text/html; charset=utf-8",
		.plain = {"hello\n", 6},
		.packed = {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\xe7\x02"
			   "\x00\x20\x30\x3a\x36"
			   "\x06\x00\x00\x00",
			26},
		.etag = "\"hello\"",
	};

	(void)context;
	http_answer_asset(request, &asset);
}

/* /work/N: a thread counts N steps of 10 ms, or fewer where the client leaves. */
struct steps {
	size_t left;
	size_t taken;
};

static void take_steps(void *state, const atomic_bool *gone)
{
	struct steps *steps = state;

	while (steps->left && !atomic_load(gone)) {
		usleep(10000);
		steps->left--;
		steps->taken++;
	}
}

static void tell_steps(struct http_request *request, void *state, bool was_run)
{
	struct steps *steps = state;
	struct str text = str_format(request->arena, "%zu steps\n", steps->taken);

	free(steps);
	http_answer(request, was_run ? 200 : 503, "text/plain", text);
}

static void answer_work(struct http_request *request, void *context)
{
	struct steps *steps = memory_alloc(sizeof *steps);
	struct http_work work = {take_steps, tell_steps, free, steps, 500000};

	(void)context;
	steps->left = strtoul(request->wildcard.data, NULL, 10);
	http_answer_later(request, &work);
}

static void answer_stats(struct http_request *request, void *context)
{
	struct echo *echo = context;
	struct http_stats stats = http_server_stats(echo->server);

	http_answer(request, 200, "application/json",
		str_format(request->arena,
			"{\"running\":%zu,\"waiting\":%zu,\"abandoned\":%llu,\"requests\":%zu,"
			"\"streams\":%zu}",
			stats.running, stats.waiting, (unsigned long long)stats.abandoned,
			stats.requests, stats.streams));
}

/* What is under /bare gets the head of a Go program, and may be packed. */
static bool admit(struct http_request *request, void *context)
{
	(void)context;
	if (!str_starts_with(request->path, STR("/bare/")))
		return true;
	http_use_bare_head(request);
	http_allow_packing(request);
	if (request->method == HTTP_OPTIONS)
		http_answer(request, 204, "text/plain", STR(""));
	return request->method != HTTP_OPTIONS;
}

int main(int argc, char **argv)
{
	static const struct http_route routes[] = {
		{"/echo", HTTP_GET | HTTP_POST, echo_request},
		{"/label/*/values", HTTP_GET, echo_request},
		{"/under/*", HTTP_GET, echo_request},
		{"/post", HTTP_POST, echo_request},
		{"/lines/*", HTTP_GET, answer_lines},
		{"/feed", HTTP_GET, answer_feed},
		{"/talk", HTTP_GET | HTTP_POST | HTTP_SOCKET, answer_talk},
		{"/asset", HTTP_GET, answer_asset},
		{"/work/*", HTTP_GET, answer_work},
		{"/stats", HTTP_GET, answer_stats},
		{"/bare/lines/*", HTTP_GET | HTTP_OPTIONS, answer_lines},
		{"/bare/work/*", HTTP_GET | HTTP_PUT, answer_work},
	};
	struct echo echo = {0};
	struct http_options options = {
		.listen = argc > 1 ? argv[1] : "127.0.0.1:0",
		.routes = routes,
		.route_count = sizeof routes / sizeof *routes,
		.context = &echo,
		.admit = admit,
		.max_threads = 2,
		.max_connections = 40,
		.max_streams = 3,
		.max_body_bytes = 100000,
		.silence_ms = argc > 2 ? strtol(argv[2], NULL, 10) : 0,
	};
	struct error err = {0};

	echo.server = http_server_create(&options, &err);
	if (!echo.server) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	printf("listening on http://%s\n", http_server_address(echo.server));
	fflush(stdout);
	echo.timer = http_timer_create(echo.server, tick, &echo);
	tick(&echo);
	bool ok = http_server_run(echo.server, &err);

	http_timer_destroy(echo.timer);
	http_server_destroy(echo.server);
	http_block_drop(echo.newest);
	return ok ? 0 : 1;
}
