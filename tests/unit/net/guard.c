#include "net/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char *why;

static struct guard local(void)
{
	struct guard guard;
	struct error err = {0};

	assert_true(guard_init(&guard, "127.0.0.1:8085", STR(""), &err));
	return guard;
}

static int admit(const struct guard *guard, const char *host, const char *origin, const char *type)
{
	struct guard_request request = {.host = str_from(host),
		.origin = str_from(origin),
		.content_type = str_from(type),
		.is_command = type[0] != '\0'};

	return guard_admit(guard, &request, &why);
}

static void whoever_is_at_this_machine_may_look(void **state)
{
	struct guard guard = local();

	(void)state;
	assert_int_equal(admit(&guard, "127.0.0.1:8085", "", ""), 200);
	assert_int_equal(admit(&guard, "localhost:8085", "", ""), 200);
	assert_int_equal(admit(&guard, "LOCALHOST", "", ""), 200);
	assert_int_equal(admit(&guard, "[::1]:8085", "", ""), 200);
	assert_int_equal(admit(&guard, "127.8.9.10", "", ""), 200);
}

static void a_name_that_was_made_to_mean_this_machine_is_refused(void **state)
{
	struct guard guard = local();

	(void)state;
	assert_int_equal(admit(&guard, "rebound.example:8085", "", ""), 403);
	assert_int_equal(admit(&guard, "127.0.0.1.example:8085", "", ""), 403);
	assert_int_equal(admit(&guard, "localhost.example", "", ""), 403);
	assert_int_equal(admit(&guard, "127.example", "", ""), 403);
	assert_int_equal(admit(&guard, "", "", ""), 403);
	assert_int_equal(admit(&guard, "10.0.0.1:8085", "", ""), 403);
}

static void a_page_of_another_site_gives_no_command(void **state)
{
	struct guard guard = local();
	const char *json = "application/json";

	(void)state;
	assert_int_equal(admit(&guard, "127.0.0.1:8085", "http://127.0.0.1:8085", json), 200);
	assert_int_equal(admit(&guard, "127.0.0.1:8085", "http://127.0.0.1:9090", json), 403);
	assert_int_equal(admit(&guard, "127.0.0.1:8085", "http://localhost:8085", json), 403);
	assert_int_equal(admit(&guard, "127.0.0.1:8085", "https://example.org", json), 403);
	assert_int_equal(admit(&guard, "127.0.0.1:8085", "null", json), 403);
	assert_int_equal(admit(&guard, "127.0.0.1:8085", "127.0.0.1:8085", json), 403);
	// Not from a browser: no Origin.
	assert_int_equal(admit(&guard, "127.0.0.1:8085", "", json), 200);
}

static void a_command_is_json_which_no_form_of_another_site_can_send(void **state)
{
	struct guard guard = local();

	(void)state;
	assert_int_equal(admit(&guard, "localhost", "", "application/json; charset=utf-8"), 200);
	assert_int_equal(admit(&guard, "localhost", "", "text/plain"), 415);
	assert_int_equal(admit(&guard, "localhost", "", "application/x-www-form-urlencoded"), 415);
	assert_int_equal(admit(&guard, "localhost", "", "application/jsonp"), 415);
}

static void off_loopback_nobody_listens_without_a_token(void **state)
{
	struct guard guard;
	struct error err = {0};

	(void)state;
	assert_false(guard_init(&guard, "0.0.0.0:8085", STR(""), &err));
	assert_non_null(strstr(err.text, "--token-file"));
	assert_false(guard_init(&guard, "[::]:8085", STR(""), &err));
	assert_false(guard_init(&guard, "192.0.2.1:0", STR(""), &err));
	assert_false(guard_init(&guard, "192.0.2.1:0", STR("short"), &err));
	assert_non_null(strstr(err.text, "5 bytes"));
	assert_false(guard_init(&guard, "127.0.0.1:0", STR("0123456789 abcdef"), &err));
	assert_true(guard_init(&guard, ":8085", STR(""), &err));
	assert_true(guard_init(&guard, "[::1]:8085", STR(""), &err));
	assert_true(guard_init(&guard, "192.0.2.1:0", STR("0123456789abcdef"), &err));
}

static int show(const struct guard *guard, const char *authorization)
{
	struct guard_request request = {
		.host = STR("train.example:8085"), .authorization = str_from(authorization)};

	return guard_admit(guard, &request, &why);
}

static void only_the_very_token_opens(void **state)
{
	struct guard guard;
	struct error err = {0};

	(void)state;
	assert_true(guard_init(&guard, "192.0.2.1:8085", STR("0123456789abcdef"), &err));
	assert_int_equal(show(&guard, "Bearer 0123456789abcdef"), 200);
	assert_int_equal(show(&guard, "bearer  0123456789abcdef "), 200);
	assert_int_equal(show(&guard, "Bearer 0123456789abcdeF"), 401);
	assert_int_equal(show(&guard, "Bearer 0123456789abcde"), 401);
	assert_int_equal(show(&guard, "Bearer 0123456789abcdef0"), 401);
	assert_int_equal(show(&guard, "Basic 0123456789abcdef"), 401);
	assert_int_equal(show(&guard, "Bearer"), 401);
	assert_int_equal(show(&guard, "Bearer "), 401);
	assert_int_equal(show(&guard, ""), 401);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_is_at_this_machine_may_look),
		cmocka_unit_test(a_name_that_was_made_to_mean_this_machine_is_refused),
		cmocka_unit_test(a_page_of_another_site_gives_no_command),
		cmocka_unit_test(a_command_is_json_which_no_form_of_another_site_can_send),
		cmocka_unit_test(off_loopback_nobody_listens_without_a_token),
		cmocka_unit_test(only_the_very_token_opens),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
