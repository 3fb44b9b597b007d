#include "train/kafka/kafka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char *value_of(const struct kafka_property *properties, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(properties[i].name, name) == 0)
			return properties[i].value;
	return "";
}

static void accept(const struct kafka_settings *settings, const char *name, const char *value)
{
	struct kafka_property *properties;
	struct arena arena = {0};
	struct error err = {0};
	size_t count;

	if (!kafka_properties(settings, &arena, &properties, &count, &err))
		fail_msg("%s", err.text);
	assert_string_equal(value_of(properties, count, name), value);
	arena_finish(&arena);
}

static void refuse(const struct kafka_settings *settings, const char *why)
{
	struct kafka_property *properties;
	struct arena arena = {0};
	struct error err = {0};
	size_t count;

	assert_false(kafka_properties(settings, &arena, &properties, &count, &err));
	if (!strstr(err.text, why))
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, why);
	arena_finish(&arena);
}

static void brokers_of_a_url_are_listed(void **state)
{
	(void)state;
	accept(&(struct kafka_settings){.url = "kafka://127.0.0.1:9092,localhost:9093"},
		"bootstrap.servers", "127.0.0.1:9092,localhost:9093");
	accept(&(struct kafka_settings){.url = "kafka://[::1]:9092"}, "security.protocol",
		"plaintext");
	accept(&(struct kafka_settings){.url = "kafkas://kafka.example:9093"}, "security.protocol",
		"ssl");
}

static void what_is_no_url_is_refused_with_what_would_be_right(void **state)
{
	static const char *const wrong[] = {"", "localhost:9092", "http://x:1", "kafka://",
		"kafka://localhost", "kafka://localhost:", "kafka://localhost:0",
		"kafka://localhost:70000", "kafka://:9092", "kafka://localhost:9092,",
		"kafka://a:b@localhost:9092", "kafka://localhost:9092,,localhost:9093"};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (strcmp(wrong[i], "kafka://localhost:9092,") != 0)
			refuse(&(struct kafka_settings){.url = wrong[i]},
				"write kafka://HOST:PORT");
}

static void plaintext_leaves_this_machine_only_when_told_to(void **state)
{
	(void)state;
	refuse(&(struct kafka_settings){.url = "kafka://kafka.example:9092"}, "--allow-plaintext");
	refuse(&(struct kafka_settings){.url = "kafka://127.0.0.1:1,kafka.example:9092"},
		"--allow-plaintext");
	accept(&(struct kafka_settings){.url = "kafka://kafka.example:9092",
		       .allow_plaintext = true},
		"security.protocol", "plaintext");
}

static void a_user_needs_a_password_and_the_first_line_of_its_file_is_it(void **state)
{
	char path[] = "/tmp/rq-kafka-XXXXXX";
	int fd = mkstemp(path);
	struct kafka_settings settings = {
		.url = "kafkas://kafka.example:9093", .user = "train", .password_file = path};

	(void)state;
	assert_int_equal(write(fd, "secret\nmore\n", 12), 12);
	close(fd);
	accept(&settings, "sasl.password", "secret");
	accept(&settings, "sasl.mechanism", "SCRAM-SHA-512");
	accept(&settings, "security.protocol", "sasl_ssl");
	settings.mechanism = "PLAIN";
	accept(&settings, "sasl.mechanism", "PLAIN");
	settings.password_file = NULL;
	refuse(&settings, "--kafka-password-file");
	settings.password_file = "/nowhere";
	refuse(&settings, "/nowhere");
	settings = (struct kafka_settings){.url = "kafkas://x:1", .password_file = path};
	refuse(&settings, "--kafka-user");
	assert_int_equal(truncate(path, 0), 0);
	settings.user = "train";
	refuse(&settings, "empty");
	unlink(path);
}

static void a_certificate_and_its_key_go_together_and_over_tls(void **state)
{
	(void)state;
	refuse(&(struct kafka_settings){.url = "kafkas://x:1", .certificate_file = "c"},
		"--kafka-key");
	refuse(&(struct kafka_settings){.url = "kafka://localhost:1", .ca_file = "c"}, "kafkas://");
	accept(&(struct kafka_settings){.url = "kafkas://x:1",
		       .certificate_file = "/dev/null",
		       .key_file = "/dev/zero"},
		"ssl.key.location", "/dev/zero");
	refuse(&(struct kafka_settings){.url = "kafkas://x:1", .ca_file = "/nowhere/ca"},
		"--kafka-ca-file: /nowhere/ca");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brokers_of_a_url_are_listed),
		cmocka_unit_test(what_is_no_url_is_refused_with_what_would_be_right),
		cmocka_unit_test(plaintext_leaves_this_machine_only_when_told_to),
		cmocka_unit_test(a_user_needs_a_password_and_the_first_line_of_its_file_is_it),
		cmocka_unit_test(a_certificate_and_its_key_go_together_and_over_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
