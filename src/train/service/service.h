/*
 * train/service/service.h — what the train's programs have in common: options, one loop on one
 * thread, the bus, health, metrics. docs/services.md tells operators the same.
 *
 * A program fills its options with options_read, creates a service, watches its own descriptors on
 * the service's loop, and runs it until a signal:
 *
 *	service = service_create(&options, &err);
 *	service_subscribe(service, SERVICE_FRAME, 0, BUS_KEEP_LATEST);
 *	service_run(service, &err);
 *	…wind down (the controller brakes)…
 *	service_destroy(service);
 */
#ifndef TRAIN_SERVICE_SERVICE_H
#define TRAIN_SERVICE_SERVICE_H

#include "base/options.h"
#include "net/http.h"
#include "train/bus/bus.h"
#include "train/service/metrics.h"

/* Values of the options that every service has. Texts are borrowed from options_read. */
struct service_settings {
	struct option_config config;
	const char *listen;	   // HOST:PORT of health, metrics and the program's own routes
	const char *train;	   // names the topics
	const char *broker;	   // mqtt://HOST:PORT or mqtts://HOST:PORT
	const char *mqtt_user;	   // NULL: none
	const char *password_file; // its first line
	const char *ca_file, *certificate_file, *key_file;
	bool allow_plaintext;
	const char *compat; // "none" or "crazytrain"
	const char *log_level;
};

extern const char *const service_compat_choices[];
extern const char *const service_log_levels[];

/*
 * Rows for a program's option table: `type` its options struct, `member` its struct
 * service_settings, NAME as in the environment ("CAPTURE"), and the default address.
 */
#define SERVICE_ROW(row_name, row_kind, type, member, ...)                                        \
	{                                                                                         \
		.name = row_name, .kind = row_kind, .offset = offsetof(type, member), __VA_ARGS__ \
	}
// Types and members cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
#define SERVICE_OPTIONS(type, member, NAME, default_listen) \
	SERVICE_OPTIONS_BROKER(type, member, NAME, default_listen, "mqtt://127.0.0.1:1883")
/* The same with another default for the broker, NULL for none. */
#define SERVICE_OPTIONS_BROKER(type, member, NAME, default_listen, default_broker)               \
	SERVICE_ROW("config", OPTION_CONFIG, type, member.config, .placeholder = "FILE",         \
		.help = "YAML file with values for these options, by their names",               \
		.environment = "RAILQUEST_" NAME "_CONFIG"),                                     \
		SERVICE_ROW("listen", OPTION_TEXT, type, member.listen,                          \
			.placeholder = "HOST:PORT",                                              \
			.help = "where health, metrics and requests are answered",               \
			.fallback = default_listen, .environment = "RAILQUEST_" NAME "_LISTEN"), \
		SERVICE_ROW("train", OPTION_TEXT, type, member.train, .placeholder = "NAME",     \
			.help = "the train's name, part of its topics", .fallback = "train",     \
			.environment = "RAILQUEST_TRAIN"),                                       \
		SERVICE_ROW("broker", OPTION_TEXT, type, member.broker, .placeholder = "URL",    \
			.help = "mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS",                \
			.fallback = default_broker, .environment = "RAILQUEST_BROKER"),          \
		SERVICE_ROW("mqtt-user", OPTION_TEXT, type, member.mqtt_user,                    \
			.placeholder = "NAME", .help = "user at the broker",                     \
			.environment = "RAILQUEST_MQTT_USER"),                                   \
		SERVICE_ROW("mqtt-password-file", OPTION_FILE, type, member.password_file,       \
			.placeholder = "FILE", .help = "file whose first line is the password",  \
			.environment = "RAILQUEST_MQTT_PASSWORD_FILE"),                          \
		SERVICE_ROW("ca-file", OPTION_FILE, type, member.ca_file, .placeholder = "FILE", \
			.help = "authorities that the broker's certificate may come from; "      \
				"otherwise the system's",                                        \
			.environment = "RAILQUEST_CA_FILE"),                                     \
		SERVICE_ROW("certificate", OPTION_FILE, type, member.certificate_file,           \
			.placeholder = "FILE", .help = "our own certificate for the broker",     \
			.environment = "RAILQUEST_CERTIFICATE"),                                 \
		SERVICE_ROW("key", OPTION_FILE, type, member.key_file, .placeholder = "FILE",    \
			.help = "its private key", .environment = "RAILQUEST_KEY"),              \
		SERVICE_ROW("allow-plaintext", OPTION_FLAG, type, member.allow_plaintext,        \
			.help = "reach a broker on another machine without TLS"),                \
		SERVICE_ROW("compat", OPTION_CHOICE, type, member.compat, .placeholder = "FORM", \
			.help = "messages and topics of Crazy Train, the original",              \
			.choices = service_compat_choices, .fallback = "none",                   \
			.environment = "RAILQUEST_COMPAT"),                                      \
		SERVICE_ROW("log-level", OPTION_CHOICE, type, member.log_level,                  \
			.placeholder = "LEVEL", .help = "what is logged",                        \
			.choices = service_log_levels, .fallback = "info",                       \
			.environment = "RAILQUEST_LOG_LEVEL")
// NOLINTEND(bugprone-macro-parentheses)

/* railquest/TRAIN/frame and so on; with --compat=crazytrain the first three are the original's. */
enum service_topic {
	SERVICE_FRAME,	   // railquest/TRAIN/frame, train-image
	SERVICE_RESULT,	   // railquest/TRAIN/result, train-model-result
	SERVICE_DECISION,  // railquest/TRAIN/decision, train-command
	SERVICE_COMMAND,   // railquest/TRAIN/command
	SERVICE_TELEMETRY, // railquest/TRAIN/telemetry
	SERVICE_TOPIC_COUNT,
};

struct service;

struct service_options {
	const char *name; // "capture": in topics, logs and metrics
	const struct service_settings *settings;
	const struct http_route *routes; // besides /live, /ready and /metrics; borrowed
	size_t route_count;
	size_t max_connections, max_streams, max_body_bytes; // 0: 64, 16, 64 KiB
	void *context;					     // of routes and calls
	bool has_no_bus; // hears in another way: nothing is subscribed to, or published
	/* A message arrived; valid until the call returns. */
	void (*message)(void *context, struct str topic, struct str payload);
	void (*bus_state)(void *context, bool is_connected); // may be NULL
	void (*collect)(void *context); // sets metrics just before they are printed; may be NULL
	void (*hangup)(void *context);	// SIGHUP came: read files anew; NULL: it ends the program
};

/*
 * Sets the log level, listens, and prepares the bus; says "listening on http://…" on standard
 * output. `options` is copied, what it points to is borrowed. SIGINT and SIGTERM end service_run
 * from here on. Fails: ERROR_INVALID for settings that cannot be meant, with what would be right;
 * ERROR_SYSTEM.
 */
struct service *service_create(const struct service_options *options, struct error *err);
void service_destroy(struct service *service); // takes NULL

bool service_is_compat(const struct service *service);
/* Valid as long as the service. */
const char *service_topic(const struct service *service, enum service_topic topic);
bool service_is_topic(const struct service *service, enum service_topic topic, struct str name);

/* Before service_run. */
void service_subscribe(
	struct service *service, enum service_topic topic, int qos, enum bus_keep keep);
/* railquest/TRAIN/state/NAME: {"version":1,"kind":"state","service":NAME,"is_up":BOOL,…}. */
void service_subscribe_state(struct service *service, const char *name);
/* False where it was dropped, and counted. */
bool service_publish(struct service *service, enum service_topic topic, struct str payload, int qos,
	enum bus_keep keep);

/*
 * A second connection to the broker, as client railquest-TRAIN-NAME-PURPOSE, whose session the
 * broker keeps for `session_s` seconds: for what must be heard even if it came while this program
 * was not there. The caller's, to be started with bus_start. Texts are borrowed. Fails: as
 * bus_create_mqtt, naming the option.
 */
struct bus *service_open_session(struct service *service, const char *purpose, uint32_t session_s,
	const struct bus_listener *listener, struct error *err);

/* Until a signal or service_stop. Fails: ERROR_SYSTEM. */
bool service_run(struct service *service, struct error *err);
void service_stop(struct service *service);
struct http_server *service_http(struct service *service); // for timers, feeds, the address
struct metrics *service_metrics(struct service *service);

/*
 * One named condition of /ready, in the order in which they were first said. /ready is 200 while
 * all hold; `why` (copied) says to people what is wrong. "broker" is there from the start.
 */
void service_ready(struct service *service, const char *name, bool holds, const char *why);

/*
 * Calls `ready` from the loop while `fd` has one of `events` (EPOLLIN, EPOLLOUT). The descriptor
 * stays the caller's; drop the watch, or change it, before it is closed.
 */
struct service_watch;
struct service_watch *service_watch(struct service *service, int fd, uint32_t events,
	void (*ready)(void *context, uint32_t events), void *context);
/* fd -1: waits for nothing. */
void service_watch_change(struct service_watch *watch, int fd, uint32_t events);
void service_watch_drop(struct service_watch *watch); // takes NULL

/*
 * What --token-file names: the first line, trimmed, in the arena; empty where `path` is NULL.
 * Fails: as file_read; ERROR_INVALID for an empty line.
 */
bool service_read_token(const char *path, struct arena *arena, struct str *out, struct error *err);

/* This kernel's boot id, the clock of wire_origin: 16 bytes. False where there is none to read. */
bool service_clock_id(uint8_t out[16]);
/* 16 random bytes, never all 0. */
void service_random_id(uint8_t out[16]);

#endif
