/*
 * One request and its answer.
 *
 * libwebsockets parses the head and hands over a percent-decoded path and the parameters of the
 * query; the body comes in pieces and is collected up to the cap. Then the route's handler is
 * called, once, and says what the answer is: everything it needs is kept in the exchange, so that
 * libwebsockets' own header memory is free again before the first byte of a long answer goes out.
 */
#include "net/http_private.h"

#include "base/clock.h"
#include "base/memory.h"
#include "net/answer.h"
#include "net/later.h"
#include "net/websocket.h"

#include <assert.h>
#include <strings.h>

void exchange_release(struct exchange *exchange)
{
	if (exchange->producer.release)
		exchange->producer.release(exchange->producer.state);
	packer_destroy(exchange->packer);
	http_block_drop(exchange->block);
	buffer_finish(&exchange->packed);
	buffer_finish(&exchange->body);
	arena_finish(&exchange->arena);
	free(exchange);
}

static void destroy(struct exchange *exchange)
{
	if (!exchange)
		return;
	if (exchange->state == EXCHANGE_STREAMING) {
		*(exchange->previous ? &exchange->previous->next : &exchange->server->streams) =
			exchange->next;
		if (exchange->next)
			exchange->next->previous = exchange->previous;
		exchange->server->stats.streams--;
		exchange->feed.close(exchange->feed.cursor);
	} else {
		exchange->server->stats.requests--;
	}
	if (exchange->state != EXCHANGE_WORKING || later_abandon(exchange))
		exchange_release(exchange);
}

/* --- the request --- */

static struct str copy_header(struct lws *wsi, struct arena *arena, enum lws_token_indexes token)
{
	int len = lws_hdr_total_length(wsi, token);

	if (len <= 0)
		return STR("");
	char *data = arena_alloc(arena, (size_t)len + 1);

	return lws_hdr_copy(wsi, data, len + 1, token) < 0 ? STR("")
							   : (struct str){data, (size_t)len};
}

static struct str copy_custom_header(struct lws *wsi, struct arena *arena, const char *name)
{
	int len = lws_hdr_custom_length(wsi, name, (int)strlen(name));

	if (len <= 0)
		return STR("");
	char *data = arena_alloc(arena, (size_t)len + 1);

	return lws_hdr_custom_copy(wsi, data, len + 1, name, (int)strlen(name)) < 0
		       ? STR("")
		       : (struct str){data, (size_t)len};
}

static void read_headers(struct exchange *exchange)
{
	struct lws *wsi = exchange->wsi;
	struct str *headers = exchange->request.headers;
	struct arena *arena = &exchange->arena;

	headers[HTTP_ACCEPT] = copy_header(wsi, arena, WSI_TOKEN_HTTP_ACCEPT);
	headers[HTTP_ACCEPT_ENCODING] = copy_header(wsi, arena, WSI_TOKEN_HTTP_ACCEPT_ENCODING);
	headers[HTTP_ACCEPT_LANGUAGE] = copy_header(wsi, arena, WSI_TOKEN_HTTP_ACCEPT_LANGUAGE);
	headers[HTTP_IF_NONE_MATCH] = copy_header(wsi, arena, WSI_TOKEN_HTTP_IF_NONE_MATCH);
	headers[HTTP_LAST_EVENT_ID] = copy_custom_header(wsi, arena, "last-event-id:");
	headers[HTTP_HOST] = copy_header(wsi, arena, WSI_TOKEN_HOST);
	headers[HTTP_ORIGIN] = copy_header(wsi, arena, WSI_TOKEN_ORIGIN);
	headers[HTTP_AUTHORIZATION] = copy_header(wsi, arena, WSI_TOKEN_HTTP_AUTHORIZATION);
	headers[HTTP_CONTENT_TYPE] = copy_header(wsi, arena, WSI_TOKEN_HTTP_CONTENT_TYPE);
	exchange->is_http10 = str_equal(copy_header(wsi, arena, WSI_TOKEN_HTTP), STR("HTTP/1.0"));
	exchange->is_form = str_starts_with(
		headers[HTTP_CONTENT_TYPE], STR("application/x-www-form-urlencoded"));
}

/* Parameters of the query: libwebsockets keeps them apart and decoded, "name=value". */
static bool read_query(struct exchange *exchange, struct error *err)
{
	struct form *form = &exchange->request.form;

	for (int i = 0;; i++) {
		int len = lws_hdr_fragment_length(exchange->wsi, WSI_TOKEN_HTTP_URI_ARGS, i);

		if (len <= 0)
			return true;
		char *data = arena_alloc(&exchange->arena, (size_t)len + 1);

		if (lws_hdr_copy_fragment(
			    exchange->wsi, data, len + 1, WSI_TOKEN_HTTP_URI_ARGS, i) < 0)
			return true;
		const char *equals = memchr(data, '=', (size_t)len);
		size_t name_len = equals ? (size_t)(equals - data) : (size_t)len;
		struct str name = {data, name_len}, value = {"", 0};

		if (equals)
			value = (struct str){equals + 1, (size_t)len - name_len - 1};
		if (!form_add(form, &exchange->arena, name, value, err))
			return false;
	}
}

/* Does the route's path stand for this one? `*` is one segment, at the end the rest. */
static bool route_matches(const char *pattern, struct str path, struct str *wildcard)
{
	const char *star = strchr(pattern, '*');

	*wildcard = STR("");
	if (!star)
		return str_equal(path, str_from(pattern));
	struct str head = {pattern, (size_t)(star - pattern)}, tail = str_from(star + 1);

	if (path.len <= head.len + tail.len || !str_starts_with(path, head) ||
		memcmp(path.data + path.len - tail.len, tail.data, tail.len) != 0)
		return false;
	*wildcard = (struct str){path.data + head.len, path.len - head.len - tail.len};
	return tail.len == 0 || !memchr(wildcard->data, '/', wildcard->len);
}

static const struct http_route *find_among(
	struct exchange *exchange, const struct http_route *routes, size_t count, void *context)
{
	for (size_t i = 0; i < count; i++)
		if (route_matches(
			    routes[i].path, exchange->request.path, &exchange->request.wildcard)) {
			exchange->context = context;
			return &routes[i];
		}
	return NULL;
}

static const struct http_route *find_route(struct exchange *exchange)
{
	const struct http_options *options = &exchange->server->options;
	const struct http_route *found =
		find_among(exchange, options->routes, options->route_count, options->context);

	return found ? found
		     : find_among(exchange, options->more_routes, options->more_route_count,
			       options->more_context);
}

static void refuse(struct exchange *exchange, int status, struct str text)
{
	exchange->close_after = true;
	http_answer(&exchange->request, status, "text/plain; charset=utf-8", text);
}

static struct str allowed_methods(struct arena *arena, unsigned methods)
{
	static const char *const names[] = {"GET, HEAD", "POST", "PUT", "OPTIONS"};
	struct str text = {"", 0};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (methods & 1U << i)
			text = str_format(
				arena, "%.*s%s%s", STR_ARG(text), text.len ? ", " : "", names[i]);
	return text;
}

/* Answers what no handler need see. */
static bool check_route(struct exchange *exchange, bool known_method)
{
	struct http_request *request = &exchange->request;

	exchange->route = find_route(exchange);
	if (!exchange->route) {
		exchange->close_after = !known_method || request->method != HTTP_GET;
		http_answer(request, 404, "text/plain; charset=utf-8", STR("404 page not found\n"));
		return false;
	}
	if (!known_method || !(exchange->route->methods & request->method)) {
		http_add_header(request,
			"allow:", allowed_methods(&exchange->arena, exchange->route->methods));
		refuse(exchange, 405, STR("Method Not Allowed\n"));
		return false;
	}
	if (exchange->is_upgrade && !(exchange->route->methods & HTTP_SOCKET)) {
		refuse(exchange, 400, STR("There is no WebSocket here.\n"));
		return false;
	}
	return true;
}

/* How long is the body? False where that is answered already. */
static bool check_length(struct exchange *exchange)
{
	struct str text =
		copy_header(exchange->wsi, &exchange->arena, WSI_TOKEN_HTTP_CONTENT_LENGTH);
	size_t max_bytes = exchange->server->options.max_body_bytes, len = 0;

	if (lws_hdr_total_length(exchange->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
		refuse(exchange, 411, STR("Send the body with a Content-Length.\n"));
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9') {
			refuse(exchange, 400, STR("Content-Length is not a number.\n"));
			return false;
		}
		len = len > max_bytes ? len : len * 10 + (size_t)(text.data[i] - '0');
	}
	if (len > max_bytes) {
		refuse(exchange, 413,
			str_format(&exchange->arena, "A body may have %zu bytes at most.\n",
				max_bytes));
		return false;
	}
	// A POST without any length has no body, but libwebsockets would wait for one: do not go on
	// with it.
	exchange->close_after |= text.len == 0 && (exchange->request.method == HTTP_POST ||
							  exchange->request.method == HTTP_PUT);
	exchange->body_left = len;
	return true;
}

static bool is_admitted(struct exchange *exchange)
{
	const struct http_options *options = &exchange->server->options;

	return !options->admit || exchange->context != options->context ||
	       options->admit(&exchange->request, options->context);
}

static void dispatch(struct exchange *exchange)
{
	struct form query = exchange->request.form;
	struct error err = {0};

	exchange->state = EXCHANGE_SENDING;
	exchange->request.form = (struct form){0};
	bool ok = !exchange->is_form || form_parse(buffer_str(&exchange->body), &exchange->arena,
						&exchange->request.form, &err);

	for (size_t i = 0; ok && i < query.count; i++)
		ok = form_add(&exchange->request.form, &exchange->arena, query.fields[i].name,
			query.fields[i].value, &err);
	if (!exchange->is_form && exchange->body.len)
		exchange->request.body = str_copy(&exchange->arena, buffer_str(&exchange->body));
	buffer_finish(&exchange->body);
	if (!ok) {
		refuse(exchange, 400, str_format(&exchange->arena, "%s\n", err.text));
		return;
	}
	if (is_admitted(exchange))
		exchange->route->handler(&exchange->request, exchange->context);
	assert(exchange->answered || exchange->state == EXCHANGE_WORKING);
}

static enum http_method read_method(struct exchange *exchange, bool *known)
{
	static const struct {
		int theirs;
		enum http_method ours;
	} methods[] = {
		{LWSHUMETH_GET, HTTP_GET},
		{LWSHUMETH_HEAD, HTTP_GET},
		{LWSHUMETH_POST, HTTP_POST},
		{LWSHUMETH_PUT, HTTP_PUT},
		{LWSHUMETH_OPTIONS, HTTP_OPTIONS},
	};
	char *uri;
	int len;
	int method = lws_http_get_uri_and_method(exchange->wsi, &uri, &len);

	exchange->is_head = method == LWSHUMETH_HEAD;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (methods[i].theirs == method) {
			*known = true;
			return methods[i].ours;
		}
	*known = false;
	return HTTP_GET;
}

/* Reads the head, and calls the handler where the body is there, too, or there is none. */
static struct exchange *create(struct lws *wsi, struct str path, bool is_upgrade)
{
	struct exchange *exchange = memory_alloc(sizeof *exchange);
	struct error err = {0};
	bool known_method;

	exchange->wsi = wsi;
	exchange->is_upgrade = is_upgrade;
	exchange->server = lws_context_user(lws_get_context(wsi));
	exchange->server->stats.requests++;
	exchange->request.arena = &exchange->arena;
	exchange->request.path = str_copy(&exchange->arena, path);
	exchange->request.method = read_method(exchange, &known_method);
	read_headers(exchange);
	if (!read_query(exchange, &err))
		refuse(exchange, 400, str_format(&exchange->arena, "%s\n", err.text));
	else if (check_route(exchange, known_method) && check_length(exchange) &&
		 exchange->body_left == 0)
		dispatch(exchange);
	return exchange;
}

static int begin(struct session *session, struct lws *wsi, struct str path)
{
	destroy(session->exchange);
	session->exchange = create(wsi, path, false);
	return session->exchange->answered ? answer_begin(session->exchange) : 0;
}

/*
 * A request to become a WebSocket goes to its route's handler like any other; 0 where that agreed.
 * Else the client has its answer, and the connection ends: it is not known whether the client goes
 * on with HTTP. What libwebsockets passes as the header may be gone already when it is not
 * "websocket", so it is read again.
 */
static int upgrade(struct lws *wsi)
{
	char wanted[16] = "", *uri;
	int len;

	if (lws_hdr_copy(wsi, wanted, sizeof wanted, WSI_TOKEN_UPGRADE) <= 0 ||
		strcasecmp(wanted, "websocket") != 0 ||
		lws_http_get_uri_and_method(wsi, &uri, &len) != LWSHUMETH_GET)
		return -1;
	struct exchange *exchange = create(wsi, (struct str){uri, (size_t)len}, true);
	bool agreed = exchange->state == EXCHANGE_UPGRADING;

	if (!agreed && exchange->answered)
		answer_begin(exchange);
	destroy(exchange);
	return agreed ? 0 : -1;
}

static int collect(struct exchange *exchange, const void *data, size_t len)
{
	if (!exchange || exchange->answered)
		return 0;
	// libwebsockets counts Content-Length too; more than it says is not for this request.
	if (len > exchange->body_left)
		len = exchange->body_left;
	buffer_append(&exchange->body, data, len);
	exchange->body_left -= len;
	return 0;
}

static int complete(struct exchange *exchange)
{
	if (!exchange || exchange->answered || exchange->state == EXCHANGE_WORKING)
		return 0;
	dispatch(exchange);
	return exchange->answered ? answer_begin(exchange) : 0;
}

/* The answer is out: the connection waits for its next request, or is closed. */
static int finish(struct session *session, struct lws *wsi)
{
	bool close_after = session->exchange->close_after;

	destroy(session->exchange);
	session->exchange = NULL;
	return close_after || lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* What the answer's side returned, made into what libwebsockets wants to hear. */
static int proceed(struct session *session, struct lws *wsi, int result)
{
	return result == ANSWER_DONE ? finish(session, wsi) : result;
}

int exchange_callback(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct session *session = user;
	struct http_server *server = lws_context_user(lws_get_context(wsi));

	switch ((int)reason) {
	case LWS_CALLBACK_WSI_CREATE:
		server->stats.connections++;
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		server->stats.connections--;
		websocket_give_up(server, wsi);
		return 0;
	case LWS_CALLBACK_HTTP:
		return proceed(session, wsi, begin(session, wsi, (struct str){in, len}));
	case LWS_CALLBACK_HTTP_BODY:
		return collect(session->exchange, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return proceed(session, wsi, complete(session->exchange));
	case LWS_CALLBACK_HTTP_WRITEABLE:
		if (!session->exchange || !session->exchange->answered)
			return 0;
		return proceed(session, wsi,
			session->exchange->headers_sent ? answer_continue(session->exchange)
							: answer_begin(session->exchange));
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return upgrade(wsi);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (session) {
			destroy(session->exchange);
			session->exchange = NULL;
		}
		return 0;
	default:
		return websocket_callback(server, session, wsi, reason, (struct str){in, len});
	}
}

void exchange_wake_streams(struct http_server *server, bool ping)
{
	int64_t now_ms = clock_monotonic_ms();

	for (struct exchange *stream = server->streams; stream; stream = stream->next) {
		if (ping &&
			(stream->feed.type || stream->block || now_ms - stream->written_ms < 15000))
			continue;
		if (ping) {
			stream->block = http_block_create(STR(": still here\n\n"));
			stream->rest = (struct str){stream->block->data, stream->block->len};
		}
		lws_callback_on_writable(stream->wsi);
	}
}
