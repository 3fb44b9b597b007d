#include "train/service/broker.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct arena arena;

static bool read_settings(
	const struct service_settings *settings, struct bus_mqtt_options *out, struct error *err)
{
	*err = (struct error){0};
	return broker_options(settings, &arena, out, err);
}

static int teardown(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

static void expect_address(const char *url, const char *host, int port)
{
	struct bus_mqtt_options options;
	struct error err;

	if (!read_settings(&(struct service_settings){.broker = url}, &options, &err))
		fail_msg("%s: %s", url, err.text);
	assert_string_equal(options.host, host);
	assert_int_equal(options.port, port);
}

static void refuses(const struct service_settings *settings, const char *because)
{
	struct bus_mqtt_options options;
	struct error err;

	assert_false(read_settings(settings, &options, &err));
	if (!strstr(err.text, because))
		fail_msg("should have said \"%s\" but said: %s", because, err.text);
}

static void a_url_names_host_and_port(void **state)
{
	(void)state;
	expect_address("mqtt://127.0.0.1", "127.0.0.1", 1883);
	expect_address("mqtt://localhost:41883/", "localhost", 41883);
	expect_address("mqtts://broker.example", "broker.example", 8883);
	expect_address("mqtt://[::1]:1884", "::1", 1884);
	expect_address("mqtts://[fe80::1]", "fe80::1", 8883);
}

static void what_is_no_url_is_refused_with_one_that_is(void **state)
{
	static const char *const urls[] = {"127.0.0.1:1883", "http://x", "mqtt://", "mqtt://:1883",
		"mqtt://host:", "mqtt://host:0", "mqtt://host:65536", "mqtt://[::1]x", "mqtt://[]"};

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
		refuses(&(struct service_settings){.broker = urls[i]}, "mqtt://HOST:PORT");
	refuses(&(struct service_settings){.broker = "mqtt://me:secret@host"}, "--mqtt-user");
}

static void a_password_is_the_first_line_of_its_file(void **state)
{
	char path[] = "/tmp/railquest-password-XXXXXX";
	struct bus_mqtt_options options;
	struct error err;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "open sesame\r\nmore\n", 18), 18);
	close(fd);
	assert_true(read_settings(
		&(struct service_settings){
			.broker = "mqtt://localhost", .mqtt_user = "train", .password_file = path},
		&options, &err));
	assert_string_equal(options.password, "open sesame");
	refuses(&(struct service_settings){.broker = "mqtt://localhost", .password_file = path},
		"--mqtt-user");
	unlink(path);
	refuses(
		&(struct service_settings){
			.broker = "mqtt://localhost", .mqtt_user = "train", .password_file = path},
		"--mqtt-password-file");
}

static void files_for_tls_are_for_mqtts(void **state)
{
	struct bus_mqtt_options options;
	struct error err;

	(void)state;
	refuses(&(struct service_settings){.broker = "mqtt://localhost", .ca_file = "ca.pem"},
		"mqtts://");
	refuses(&(struct service_settings){.broker = "mqtts://localhost",
			.certificate_file = "our.pem"},
		"--key");
	assert_true(read_settings(
		&(struct service_settings){.broker = "mqtts://localhost"}, &options, &err));
	assert_string_equal(options.ca_file, "/etc/ssl/certs/ca-certificates.crt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_names_host_and_port),
		cmocka_unit_test(what_is_no_url_is_refused_with_one_that_is),
		cmocka_unit_test(a_password_is_the_first_line_of_its_file),
		cmocka_unit_test(files_for_tls_are_for_mqtts),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
