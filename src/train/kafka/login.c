#include "train/kafka/login.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

/*
 * Before 2.6.1 librdkafka repeats its own nonce in SCRAM's last message (its pull request 4895).
 * Kafka let that pass up to 3.9; 4.0 refuses it, and says that the password is wrong.
 */
enum { MAX_PASSWORD_BYTES = 4096, LOOK_AGAIN_US = 1000000, FIRST_WITH_SOUND_SCRAM = 0x02060100 };

bool kafka_password(const char *path, struct arena *arena, struct str *out, struct error *err)
{
	struct str text;

	if (!file_read(path, MAX_PASSWORD_BYTES, arena, &text, err))
		return error_wrap(err, "--kafka-password-file");
	*out = (struct str){text.data, 0};
	while (out->len < text.len && text.data[out->len] != '\n' && text.data[out->len] != '\r')
		out->len++;
	return out->len ||
	       error_set(err, ERROR_INVALID, "--kafka-password-file: the first line is empty");
}

void kafka_login_init(struct kafka_login *login, const struct kafka_settings *settings)
{
	struct arena arena = {0};
	struct error err = {0};
	struct str password;

	login->settings = settings;
	if (settings->user && kafka_password(settings->password_file, &arena, &password, &err))
		login->password_hash = str_hash(password);
	arena_finish(&arena);
}

static bool is_scram(const struct kafka_settings *settings)
{
	return settings->user &&
	       (!settings->mechanism || strncmp(settings->mechanism, "SCRAM", 5) == 0);
}

int kafka_login_certificate(struct kafka_login *login, int x509_error, char *why, size_t size)
{
	// An authority's certificate comes before the one that it signed: what is wrong stays.
	atomic_store(&login->certificate_error, x509_error);
	if (x509_error == X509_V_OK)
		return 1;
	snprintf(why, size, "%s", X509_verify_cert_error_string(x509_error));
	return 0;
}

const char *kafka_login_explain(struct kafka_login *login, rd_kafka_resp_err_t code,
	const char *reason, char *room, size_t size)
{
	if (code == RD_KAFKA_RESP_ERR__SSL) {
		int wrong = atomic_load(&login->certificate_error);

		// The library tells of one handshake more than once.
		if (wrong == X509_V_OK || !strstr(reason, "certificate"))
			return reason;
		snprintf(room, size, "the broker's certificate: %s; %s",
			X509_verify_cert_error_string(wrong), reason);
		return room;
	}
	if (code != RD_KAFKA_RESP_ERR__AUTHENTICATION)
		return reason;
	login->was_refused = true;
	if (!is_scram(login->settings) || rd_kafka_version() >= FIRST_WITH_SOUND_SCRAM)
		return reason;
	// What is to be done comes first: texts are cut.
	snprintf(room, size,
		"the password is refused; librdkafka %s cannot prove one to Kafka 4 by SCRAM: "
		"--kafka-mechanism PLAIN over kafkas://, or librdkafka 2.6.1; %s",
		rd_kafka_version_str(), reason);
	return room;
}

void kafka_login_renew(struct kafka_login *login, rd_kafka_t *client)
{
	int64_t now_us = clock_monotonic_us();
	struct arena arena = {0};
	struct error err = {0};
	struct str password;

	if (!login->was_refused || now_us - login->looked_us < LOOK_AGAIN_US)
		return;
	login->looked_us = now_us;
	if (kafka_password(login->settings->password_file, &arena, &password, &err) &&
		str_hash(password) != login->password_hash) {
		const char *text = str_copy(&arena, password).data;
		rd_kafka_error_t *problem =
			rd_kafka_sasl_set_credentials(client, login->settings->user, text);

		login->password_hash = str_hash(password);
		log_info("%s holds another password now: it is tried",
			login->settings->password_file);
		if (problem)
			log_warn("librdkafka: %s", rd_kafka_error_string(problem));
		rd_kafka_error_destroy(problem);
	}
	arena_finish(&arena);
}
