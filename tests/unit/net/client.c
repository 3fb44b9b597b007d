#include "net/client.h"

#include "base/clock.h"
#include "base/file.h"
#include "net/http.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct http_server *server;
static struct http_client *client;
static pthread_t server_thread;

/* What the last request came to, copied. */
static struct {
	enum error_kind kind;
	char text[1024], body[256], type[64];
	int status;
	size_t len, calls;
	int64_t sent_ms, received_ms, date_ms;
} got;

static void take(void *context, const struct http_fetched *answer)
{
	(void)context;
	got.kind = answer->error.kind;
	snprintf(got.text, sizeof got.text, "%s", answer->error.text);
	snprintf(got.body, sizeof got.body, "%.*s", STR_ARG(answer->body));
	snprintf(got.type, sizeof got.type, "%.*s", STR_ARG(answer->content_type));
	got.status = answer->status;
	got.len = answer->body.len;
	got.sent_ms = answer->sent_ms;
	got.received_ms = answer->received_ms;
	got.date_ms = answer->date_ms;
	got.calls++;
}

/* --- what is served --- */

static void hello(struct http_request *request, void *context)
{
	(void)context;
	http_answer(request, 200, "text/plain", STR("hello"));
}

static void missing(struct http_request *request, void *context)
{
	(void)context;
	http_answer(request, 404, "text/plain", STR("no such thing"));
}

static void big(struct http_request *request, void *context)
{
	struct buffer body = {0};

	(void)context;
	for (size_t i = 0; i < 100000; i++)
		buffer_append_char(&body, 'x');
	// Packed it is small: what counts is what it becomes.
	http_allow_packing(request);
	http_answer_buffer(request, 200, "text/plain", body);
}

static void sleep_long(void *state, const atomic_bool *gone)
{
	(void)state;
	for (int i = 0; i < 500 && !*gone; i++)
		usleep(10000);
}

static void wake(struct http_request *request, void *state, bool was_run)
{
	(void)state;
	(void)was_run;
	http_answer(request, 200, "text/plain", STR("late"));
}

static void forget(void *state)
{
	(void)state;
}

static void slow(struct http_request *request, void *context)
{
	const struct http_work work = {.run = sleep_long, .finish = wake, .release = forget};

	(void)context;
	http_answer_later(request, &work);
}

static void echo(struct http_request *request, void *context)
{
	struct buffer body = {0};

	(void)context;
	buffer_printf(&body, "%s %.*s|%.*s|%.*s", request->method == HTTP_POST ? "POST" : "GET",
		STR_ARG(request->headers[HTTP_AUTHORIZATION]),
		STR_ARG(request->headers[HTTP_CONTENT_TYPE]),
		STR_ARG(request->body.len ? request->body : form_get(&request->form, "q")));
	http_answer_buffer(request, 200, "text/plain", body);
}

static void redirect(struct http_request *request, void *context)
{
	(void)context;
	http_add_header(request, "location:", STR("/hello"));
	http_answer(request, 302, "text/plain", STR(""));
}

static const struct http_route routes[] = {
	{"/hello", HTTP_GET, hello},
	{"/missing", HTTP_GET, missing},
	{"/big", HTTP_GET, big},
	{"/slow", HTTP_GET, slow},
	{"/echo", HTTP_GET | HTTP_POST, echo},
	{"/redirect", HTTP_GET, redirect},
};

/* --- asking --- */

static struct http_fetch fetch_of(const char *path, char url[128])
{
	snprintf(url, 128, "http://%s%s", http_server_address(server), path);
	return (struct http_fetch){.url = str_from(url), .timeout_ms = 20000};
}

static void wait_for(size_t calls)
{
	int64_t end_ms = clock_monotonic_ms() + 30000;

	while (got.calls < calls && clock_monotonic_ms() < end_ms)
		http_client_wait(client, 1000);
	assert_int_equal(got.calls, calls);
	assert_int_equal(http_client_pending(client), 0);
}

static void ask(const struct http_fetch *fetch)
{
	memset(&got, 0, sizeof got);
	http_client_fetch(client, fetch, take, NULL);
	assert_int_equal(got.calls, 0);
	wait_for(1);
}

static void ask_path(const char *path)
{
	char url[128];
	struct http_fetch fetch = fetch_of(path, url);

	ask(&fetch);
}

static void an_answer_comes_with_its_times(void **state)
{
	int64_t before_ms = clock_wall_ms();

	(void)state;
	ask_path("/hello");
	assert_int_equal(got.kind, ERROR_NONE);
	assert_int_equal(got.status, 200);
	assert_string_equal(got.body, "hello");
	assert_true(strncmp(got.type, "text/plain", 10) == 0);
	assert_true(before_ms <= got.sent_ms && got.sent_ms <= got.received_ms);
	assert_true(got.received_ms <= clock_wall_ms());
}

/* A server whose answer is written byte for byte: ours dates its own. */
struct scripted {
	int fd;
	const char *answer;
};

static void *serve_once(void *context)
{
	const struct scripted *scripted = context;
	int fd = accept(scripted->fd, NULL, NULL);
	char request[4096];

	assert_true(fd >= 0);
	assert_true(read(fd, request, sizeof request) > 0);
	assert_int_equal(
		write(fd, scripted->answer, strlen(scripted->answer)), strlen(scripted->answer));
	close(fd);
	return NULL;
}

static void ask_dated(const char *date)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	char answer[256], url[64];
	struct scripted scripted = {socket(AF_INET, SOCK_STREAM, 0), answer};
	pthread_t thread;

	assert_int_equal(bind(scripted.fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(scripted.fd, 1), 0);
	assert_int_equal(getsockname(scripted.fd, (struct sockaddr *)&address, &len), 0);
	snprintf(answer, sizeof answer,
		"HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: 2\r\n\r\nok", date);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
	assert_int_equal(pthread_create(&thread, NULL, serve_once, &scripted), 0);
	ask(&(struct http_fetch){.url = str_from(url), .timeout_ms = 20000});
	pthread_join(thread, NULL);
	close(scripted.fd);
	assert_string_equal(got.body, "ok");
}

static void a_date_is_one_that_has_milliseconds_or_none(void **state)
{
	(void)state;
	ask_dated("Tue, 15 Nov 1994 12:45:26 GMT");
	assert_int_equal(got.date_ms, INT64_C(784903526000));
	ask_dated("Fri, 31 Dec 9999 23:59:59 GMT");
	assert_int_equal(got.date_ms, INT64_C(253402300799000));
	ask_dated("Tue, 15 Nov 999999999 12:45:26 GMT");
	assert_int_equal(got.date_ms, INT64_MIN);
	ask_dated("yesterday");
	assert_int_equal(got.date_ms, INT64_MIN);
}

static void another_status_is_an_answer_too(void **state)
{
	(void)state;
	ask_path("/missing");
	assert_int_equal(got.kind, ERROR_NONE);
	assert_int_equal(got.status, 404);
	assert_string_equal(got.body, "no such thing");
}

static void a_body_past_the_cap_is_an_error_packed_or_not(void **state)
{
	char url[128];
	struct http_fetch fetch = fetch_of("/big", url);

	(void)state;
	fetch.max_bytes = 99999;
	ask(&fetch);
	assert_int_equal(got.kind, ERROR_LIMIT);
	assert_non_null(strstr(got.text, "longer than 99999 bytes"));
	fetch.max_bytes = 100000;
	ask(&fetch);
	assert_int_equal(got.kind, ERROR_NONE);
	assert_int_equal(got.len, 100000);
}

static void who_answers_too_late_is_not_waited_for(void **state)
{
	char url[128];
	struct http_fetch fetch = fetch_of("/slow", url);

	(void)state;
	fetch.timeout_ms = 100;
	ask(&fetch);
	assert_int_equal(got.kind, ERROR_TIMEOUT);
}

static void nobody_there_is_an_error_that_names_the_address(void **state)
{
	const struct http_fetch fetch = {.url = STR("http://127.0.0.1:1/x?token=secret")};

	(void)state;
	ask(&fetch);
	assert_int_equal(got.kind, ERROR_SYSTEM);
	assert_true(strncmp(got.text, "http://127.0.0.1:1/x: ", 22) == 0);
	assert_null(strstr(got.text, "secret"));
}

static void other_schemes_are_refused(void **state)
{
	const struct http_fetch fetch = {.url = STR("file:///etc/passwd")};

	(void)state;
	ask(&fetch);
	assert_int_equal(got.kind, ERROR_INVALID);
}

static char folder[] = "/tmp/railquest-client-XXXXXX";

static struct str write_file(char path[64], const char *text)
{
	struct error err = {0};

	snprintf(path, 64, "%s/secret", folder);
	assert_true(file_write(path, str_from(text), &err));
	return str_from(path);
}

static void a_bearer_token_is_read_each_time(void **state)
{
	char url[128], path[64];
	struct http_fetch fetch = fetch_of("/echo?q=1", url);

	(void)state;
	fetch.bearer_token_file = write_file(path, "first\n");
	ask(&fetch);
	assert_string_equal(got.body, "GET Bearer first||1");
	write_file(path, "second\n");
	ask(&fetch);
	assert_string_equal(got.body, "GET Bearer second||1");
	write_file(path, "two\nlines\n");
	ask(&fetch);
	assert_int_equal(got.kind, ERROR_INVALID);
	assert_null(strstr(got.text, "lines"));
	unlink(path);
	ask(&fetch);
	assert_int_equal(got.kind, ERROR_SYSTEM);
	assert_non_null(strstr(got.text, "bearer token"));
}

static void a_password_makes_basic_authentication(void **state)
{
	char url[128], path[64];
	struct http_fetch fetch = fetch_of("/echo", url);

	(void)state;
	fetch.user = STR("me");
	fetch.password_file = write_file(path, "open sesame");
	ask(&fetch);
	assert_string_equal(got.body, "GET Basic bWU6b3BlbiBzZXNhbWU=||");
}

static void a_body_is_posted(void **state)
{
	char url[128];
	struct http_fetch fetch = fetch_of("/echo", url);

	(void)state;
	fetch.body = STR("{\"a\":1}");
	fetch.body_type = STR("application/json");
	ask(&fetch);
	assert_string_equal(got.body, "POST |application/json|{\"a\":1}");
	fetch.body = STR("q=a%20b");
	fetch.body_type = STR("");
	ask(&fetch);
	assert_string_equal(got.body, "POST |application/x-www-form-urlencoded|a b");
}

static void redirects_are_followed_where_wanted(void **state)
{
	char url[128];
	struct http_fetch fetch = fetch_of("/redirect", url);

	(void)state;
	ask(&fetch);
	assert_int_equal(got.status, 302);
	fetch.follow_redirects = true;
	ask(&fetch);
	assert_int_equal(got.status, 200);
	assert_string_equal(got.body, "hello");
}

static void more_than_may_be_active_wait_their_turn(void **state)
{
	char url[128];
	struct http_fetch fetch = fetch_of("/hello", url);

	(void)state;
	memset(&got, 0, sizeof got);
	for (size_t i = 0; i < 40; i++)
		http_client_fetch(client, &fetch, take, NULL);
	assert_int_equal(http_client_pending(client), 40);
	wait_for(40);
}

static void what_is_under_way_is_dropped_with_its_client(void **state)
{
	char url[128];
	struct http_fetch fetch = fetch_of("/slow", url);
	struct error err = {0};
	struct http_client *own = http_client_create(1, &err);

	(void)state;
	memset(&got, 0, sizeof got);
	for (size_t i = 0; i < 3; i++)
		http_client_fetch(own, &fetch, take, NULL);
	http_client_wait(own, 10);
	http_client_destroy(own);
	assert_int_equal(got.calls, 0);
}

static void escaping_leaves_what_any_address_may_have(void **state)
{
	struct buffer out = {0};

	(void)state;
	http_escape(&out, STR("a-B_9.~/ é&"));
	assert_string_equal(out.data, "a-B_9.~%2F%20%C3%A9%26");
	buffer_finish(&out);
}

static void *serve(void *context)
{
	struct error err = {0};

	(void)context;
	return http_server_run(server, &err) ? NULL : server;
}

static int set_up(void **state)
{
	const struct http_options options = {.listen = "127.0.0.1:0",
		.routes = routes,
		.route_count = sizeof routes / sizeof *routes};
	struct error err = {0};

	(void)state;
	server = http_server_create(&options, &err);
	client = http_client_create(8, &err);
	return server && client && mkdtemp(folder) &&
			       pthread_create(&server_thread, NULL, serve, NULL) == 0
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	char path[64];
	void *failed;

	(void)state;
	snprintf(path, sizeof path, "%s/secret", folder);
	unlink(path);
	rmdir(folder);
	http_server_stop(server);
	pthread_join(server_thread, &failed);
	http_server_destroy(server);
	http_client_destroy(client);
	return failed ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_with_its_times),
		cmocka_unit_test(a_date_is_one_that_has_milliseconds_or_none),
		cmocka_unit_test(another_status_is_an_answer_too),
		cmocka_unit_test(a_body_past_the_cap_is_an_error_packed_or_not),
		cmocka_unit_test(who_answers_too_late_is_not_waited_for),
		cmocka_unit_test(nobody_there_is_an_error_that_names_the_address),
		cmocka_unit_test(other_schemes_are_refused),
		cmocka_unit_test(a_bearer_token_is_read_each_time),
		cmocka_unit_test(a_password_makes_basic_authentication),
		cmocka_unit_test(a_body_is_posted),
		cmocka_unit_test(redirects_are_followed_where_wanted),
		cmocka_unit_test(more_than_may_be_active_wait_their_turn),
		cmocka_unit_test(what_is_under_way_is_dropped_with_its_client),
		cmocka_unit_test(escaping_leaves_what_any_address_may_have),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
