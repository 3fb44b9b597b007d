/*
 * train/kafka/login.h — what a refused password means, and a new one that takes its place while we
 * run; private to kafka/. One thread.
 */
#ifndef TRAIN_KAFKA_LOGIN_H
#define TRAIN_KAFKA_LOGIN_H

#include "train/kafka/client.h"

#include <stdatomic.h>

struct kafka_login {
	const struct kafka_settings *settings; // borrowed
	uint64_t password_hash;		       // of the one in use
	bool was_refused;
	int64_t looked_us;
	atomic_int certificate_error; // of the last that was looked at: X509_V_ERR_…; 0: none
};

/* `settings` are those that kafka_properties took. */
void kafka_login_init(struct kafka_login *login, const struct kafka_settings *settings);

/*
 * For a client's ssl_cert_verify_cb, on any thread: notes what is wrong with a broker's
 * certificate. Returns what the callback returns: 1 where nothing is.
 */
int kafka_login_certificate(struct kafka_login *login, int x509_error, char *why, size_t size);

/*
 * An error of librdkafka's, as people are told it: what is wrong with a certificate, which it says
 * to nobody, or what to do where it cannot prove a password; then `reason`. The text is in `room`
 * or is `reason`.
 */
const char *kafka_login_explain(struct kafka_login *login, rd_kafka_resp_err_t code,
	const char *reason, char *room, size_t size);

/*
 * To be called now and then: after a refusal the password's file is looked at once a second, and
 * what is in it now is tried. (Secrets of Kubernetes change under a running program.)
 */
void kafka_login_renew(struct kafka_login *login, rd_kafka_t *client);

/* The first line of --kafka-password-file, in the arena. Fails: ERROR_INVALID, as file_read. */
bool kafka_password(const char *path, struct arena *arena, struct str *out, struct error *err);

#endif
