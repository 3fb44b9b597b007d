/* train/kafka/client.h — what sender and receiver have in common. */
#ifndef TRAIN_KAFKA_CLIENT_H
#define TRAIN_KAFKA_CLIENT_H

#include "train/kafka/kafka.h"

#ifdef __clang__
// The types that its macros check are checked by statement expressions, which are no ISO C: clang
// minds them in a header of others, too. gcc checks them.
#define LIBRDKAFKA_TYPECHECKS 0
#endif

#include <librdkafka/rdkafka.h>

/* Fails: ERROR_SYSTEM; the text never holds a password. */
bool client_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err);
bool client_set_number(rd_kafka_conf_t *conf, const char *name, int64_t value, struct error *err);
/* What the settings say, and how it reaches its brokers again. Fails: as kafka_properties. */
bool client_configure(rd_kafka_conf_t *conf, const struct kafka_settings *settings,
	const char *client_id, struct error *err);
/* For rd_kafka_conf_set_log_cb: all of it is for us. */
void client_log(const rd_kafka_t *client, int level, const char *facility, const char *text);

#endif
