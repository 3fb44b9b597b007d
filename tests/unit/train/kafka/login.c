#include "train/kafka/login.h"

#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct kafka_settings open_cluster = {.url = "kafka://127.0.0.1:1"};

static const char *explain(struct kafka_login *login, rd_kafka_resp_err_t code, const char *reason)
{
	static char room[256];

	return kafka_login_explain(login, code, reason, room, sizeof room);
}

static void what_is_wrong_with_a_certificate_is_told_until_one_is_right(void **state)
{
	static const char failed[] = "SSL handshake failed: certificate verify failed";
	struct kafka_login login = {0};
	char why[256];

	(void)state;
	kafka_login_init(&login, &open_cluster);
	assert_int_equal(kafka_login_certificate(&login, X509_V_OK, why, sizeof why), 1);
	assert_string_equal(explain(&login, RD_KAFKA_RESP_ERR__SSL, failed), failed);
	// The authority's own is right, the broker's is not.
	assert_int_equal(kafka_login_certificate(&login, X509_V_OK, why, sizeof why), 1);
	assert_int_equal(
		kafka_login_certificate(&login, X509_V_ERR_CERT_HAS_EXPIRED, why, sizeof why), 0);
	assert_non_null(strstr(why, "expired"));
	for (int i = 0; i < 2; i++)
		assert_string_equal(explain(&login, RD_KAFKA_RESP_ERR__SSL, failed),
			"the broker's certificate: certificate has expired; SSL handshake failed: "
			"certificate verify failed");
	// Other troubles are not its fault.
	assert_string_equal(explain(&login, RD_KAFKA_RESP_ERR__TRANSPORT, "refused"), "refused");
	assert_string_equal(explain(&login, RD_KAFKA_RESP_ERR__SSL, "no cipher"), "no cipher");
	assert_int_equal(kafka_login_certificate(&login, X509_V_OK, why, sizeof why), 1);
	assert_string_equal(explain(&login, RD_KAFKA_RESP_ERR__SSL, failed), failed);
}

static void a_refused_password_is_explained_by_what_can_be_done(void **state)
{
	char file[] = "/tmp/rq-login-XXXXXX", room[256];
	int fd = mkstemp(file);
	struct kafka_settings settings = {
		.url = "kafkas://127.0.0.1:1", .user = "train", .password_file = file};
	struct kafka_login login = {0};

	(void)state;
	assert_int_equal(write(fd, "secret\n", 7), 7);
	close(fd);
	for (int is_plain = 0; is_plain < 2; is_plain++) {
		settings.mechanism = is_plain ? "PLAIN" : "SCRAM-SHA-512";
		kafka_login_init(&login, &settings);
		const char *told = kafka_login_explain(&login, RD_KAFKA_RESP_ERR__AUTHENTICATION,
			"invalid credentials", room, sizeof room);

		assert_non_null(strstr(told, "invalid credentials"));
		assert_null(strstr(told, "secret"));
		assert_true(login.was_refused);
		// Only an old library's SCRAM is its own fault.
		assert_int_equal(strstr(told, "--kafka-mechanism PLAIN") != NULL,
			!is_plain && rd_kafka_version() < 0x02060100);
	}
	unlink(file);
}

static void the_password_is_the_first_line_of_its_file(void **state)
{
	char file[] = "/tmp/rq-login-XXXXXX";
	FILE *out = fdopen(mkstemp(file), "w");
	struct arena arena = {0};
	struct error err = {0};
	struct str password;

	(void)state;
	fputs("one two\r\nnot this\n", out);
	fclose(out);
	assert_true(kafka_password(file, &arena, &password, &err));
	assert_true(str_equal(password, STR("one two")));
	assert_int_equal(truncate(file, 0), 0);
	assert_false(kafka_password(file, &arena, &password, &err));
	assert_non_null(strstr(err.text, "--kafka-password-file"));
	unlink(file);
	err = (struct error){0};
	assert_false(kafka_password(file, &arena, &password, &err));
	assert_non_null(strstr(err.text, "--kafka-password-file"));
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_with_a_certificate_is_told_until_one_is_right),
		cmocka_unit_test(a_refused_password_is_explained_by_what_can_be_done),
		cmocka_unit_test(the_password_is_the_first_line_of_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
