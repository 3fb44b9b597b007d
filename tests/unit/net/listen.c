#include "net/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_refused(const char *address, const char *part)
{
	char bound[LISTEN_ADDRESS_SIZE];
	struct error err = {0};
	int fd;

	assert_false(listen_open(address, &fd, bound, &err));
	assert_non_null(strstr(err.text, part));
}

static void port_0_picks_a_port_and_names_it(void **state)
{
	char bound[LISTEN_ADDRESS_SIZE];
	struct error err = {0};
	int fd;

	(void)state;
	assert_true(listen_open("127.0.0.1:0", &fd, bound, &err));
	assert_int_equal(strncmp(bound, "127.0.0.1:", 10), 0);
	assert_string_not_equal(bound, "127.0.0.1:0");
	close(fd);
}

static void without_a_host_it_is_loopback(void **state)
{
	const char *addresses[] = {":0", "localhost:0"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char bound[LISTEN_ADDRESS_SIZE];
		struct error err = {0};
		int fd;

		assert_true(listen_open(addresses[i], &fd, bound, &err));
		assert_int_equal(strncmp(bound, "127.0.0.1:", 10), 0);
		close(fd);
	}
}

static void a_port_that_is_taken_comes_with_advice(void **state)
{
	char bound[LISTEN_ADDRESS_SIZE];
	struct error err = {0};
	int fd;

	(void)state;
	assert_true(listen_open("127.0.0.1:0", &fd, bound, &err));
	assert_refused(bound, "another program has this port");
	assert_refused(bound, "--listen 127.0.0.1:PORT");
	close(fd);
}

static void what_is_no_address_is_refused(void **state)
{
	const char *addresses[] = {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
		"127.0.0.1:65536", "127.0.0.1:-1", "::1:80", "[::1]", "[::1:80", "local:80",
		"[127.0.0.1]:80"};

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
		assert_refused(addresses[i], "not an address; write HOST:PORT");
}

static void an_address_of_another_machine_is_refused(void **state)
{
	(void)state;
	assert_refused("192.0.2.1:0", "this machine has no such address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_0_picks_a_port_and_names_it),
		cmocka_unit_test(without_a_host_it_is_loopback),
		cmocka_unit_test(a_port_that_is_taken_comes_with_advice),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(an_address_of_another_machine_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
