#include "train/decision_service/capture_commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/client.h"
#include "train/wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>

/*
 * The last word counts: where the capture does not answer, a stop is asked for again and again, a
 * start is not. A start that lay in the topic starts nothing; the original's records tell no time
 * of their own, so it is the record's.
 */

#define TOPIC "train-command-capture"

enum {
	START_HOLDS_MS = 3000,
	TIMEOUT_MS = 3000,
	AGAIN_US = 1000000,
	MAX_WAITING_BYTES = 1 << 20,
	MAX_VALUE_BYTES = 4096, // its reader shares the loop with the motor's way
	MAX_ANSWER_BYTES = 64 << 10,
	FIRST_LOOK_BACK_MS = 60000,
	MAX_URL_BYTES = 512,
};
#define LOOK_BACK_MS ((int64_t)7 * 24 * 3600 * 1000)

enum { OUTCOME_DONE, OUTCOME_REFUSED, OUTCOME_UNREADABLE, OUTCOME_FAILED, OUTCOMES };

struct capture_commands {
	struct capture_commands_setup setup;
	struct kafka_receiver *receiver;
	struct http_client *client;
	struct service_watch *receiving, *asking;
	struct kafka_receiver_status status;
	char group[160], told[256];
	bool has_wanted, is_asking;
	enum wire_capture wanted, asked;
	int64_t asked_us;
	int64_t counts[OUTCOMES];
	struct metric *outcomes[OUTCOMES];
};

/* --- to the capture --- */

static void ask(struct capture_commands *commands);

static void fail(struct capture_commands *commands, const struct http_fetched *answer)
{
	char why[200];
	bool again = commands->asked == WIRE_CAPTURE_STOP;

	if (answer->error.kind != ERROR_NONE)
		snprintf(why, sizeof why, "%.199s", answer->error.text);
	else
		snprintf(why, sizeof why, "status %d: %.*s", answer->status,
			(int)(answer->body.len > 150 ? 150 : answer->body.len), answer->body.data);
	log_warn("the capture's %s, from the cloud, failed: %s%s",
		wire_capture_name(commands->asked), why, again ? "; it is tried again" : "");
	commands->counts[OUTCOME_FAILED]++;
	if (!again && commands->wanted == commands->asked)
		commands->has_wanted = false;
}

static void on_answer(void *context, const struct http_fetched *answer)
{
	struct capture_commands *commands = context;

	commands->is_asking = false;
	// 400 to a start: it runs already.
	if (answer->error.kind == ERROR_NONE &&
		(answer->status / 100 == 2 ||
			(answer->status == 400 && commands->asked == WIRE_CAPTURE_START))) {
		log_info("the capture's %s, from the cloud: %.*s",
			wire_capture_name(commands->asked),
			(int)(answer->body.len > 100 ? 100 : answer->body.len), answer->body.data);
		commands->counts[OUTCOME_DONE]++;
		commands->has_wanted = commands->has_wanted && commands->wanted != commands->asked;
	} else {
		fail(commands, answer);
	}
	// Another word came meanwhile.
	if (commands->has_wanted && commands->wanted != commands->asked)
		ask(commands);
}

static void ask(struct capture_commands *commands)
{
	const char *token = commands->setup.token_file;
	char url[MAX_URL_BYTES];

	if (commands->is_asking || !commands->has_wanted)
		return;
	snprintf(url, sizeof url, "%s/%s", commands->setup.capture,
		wire_capture_name(commands->wanted));
	const struct http_fetch fetch = {
		.url = str_from(url),
		.method = STR("POST"),
		.bearer_token_file = token ? str_from(token) : STR(""),
		.timeout_ms = TIMEOUT_MS,
		.max_bytes = MAX_ANSWER_BYTES,
	};

	commands->is_asking = true;
	commands->asked = commands->wanted;
	commands->asked_us = clock_monotonic_us();
	http_client_fetch(commands->client, &fetch, on_answer, commands);
}

static void on_client(void *context, uint32_t events)
{
	struct capture_commands *commands = context;

	(void)events;
	http_client_turn(commands->client);
}

/* --- from the cluster --- */

static bool holds(const struct kafka_received *record, enum wire_capture verb, struct error *err)
{
	int64_t age_ms = clock_wall_ms() - record->at_ms;

	if (verb == WIRE_CAPTURE_STOP)
		return true;
	if (record->is_behind)
		return error_set(
			err, ERROR_INVALID, "it was in the topic before the train began to listen");
	return (record->at_ms && age_ms <= START_HOLDS_MS && age_ms >= -START_HOLDS_MS) ||
	       error_set(err, ERROR_INVALID,
		       "it came %" PRId64 " ms after its record was made, and holds for %d ms",
		       age_ms, START_HOLDS_MS);
}

static void on_record(void *context, const struct kafka_received *record)
{
	struct capture_commands *commands = context;
	enum wire_capture verb;
	struct error err = {0};

	if (record->value.len > MAX_VALUE_BYTES ||
		!wire_compat_read_capture(record->value, &verb, &err)) {
		int64_t count = ++commands->counts[OUTCOME_UNREADABLE];

		if ((count & (count - 1)) == 0)
			log_warn("passed over %" PRId64 " records of " TOPIC
				 " so far; the last one: %s",
				count, err.text[0] ? err.text : "too large");
		return;
	}
	if (!holds(record, verb, &err)) {
		commands->counts[OUTCOME_REFUSED]++;
		log_warn("the capture's start, from the cloud, is refused: %s", err.text);
		return;
	}
	commands->has_wanted = true;
	commands->wanted = verb;
	ask(commands);
}

static void on_receive(void *context, uint32_t events)
{
	struct capture_commands *commands = context;

	(void)events;
	kafka_receiver_attend(commands->receiver);
}

/* --- health --- */

void capture_commands_look(struct capture_commands *commands)
{
	if (!commands)
		return;
	kafka_receiver_status(commands->receiver, &commands->status);
	const struct kafka_receiver_status *status = &commands->status;

	if (!status->is_up && strcmp(commands->told, status->why) != 0 &&
		strcmp(status->why, "not reached yet") != 0)
		log_warn("no commands from the cloud: %s; trying again", status->why);
	else if (status->is_up && commands->told[0])
		log_info("start and stop are taken from " TOPIC ", group %s", commands->group);
	snprintf(commands->told, sizeof commands->told, "%s", status->is_up ? "" : status->why);
	service_ready(commands->setup.service, "commands", status->is_up, status->why);
	for (int i = 0; i < OUTCOMES; i++)
		metric_set(commands->outcomes[i], (double)commands->counts[i]);
	if (clock_monotonic_us() - commands->asked_us >= AGAIN_US)
		ask(commands);
}

static void create_metrics(struct capture_commands *commands)
{
	static const char *const outcomes[OUTCOMES] = {"outcome=\"done\"", "outcome=\"refused\"",
		"outcome=\"unreadable\"", "outcome=\"failed\""};
	struct metrics *metrics = service_metrics(commands->setup.service);

	for (int i = 0; i < OUTCOMES; i++)
		commands->outcomes[i] =
			metrics_counter(metrics, "railquest_cloud_capture_commands_total",
				outcomes[i], "Start and stop of the capture, from the cloud.");
}

/* --- all together --- */

static bool check_url(const char *url, struct error *err)
{
	struct str text = str_from(url);

	if (text.len > MAX_URL_BYTES - 16 ||
		(!str_starts_with(text, STR("http://")) && !str_starts_with(text, STR("https://"))))
		return error_set(err, ERROR_INVALID,
			"--capture \"%.100s\": write http://HOST:PORT/capture", url);
	return true;
}

static bool connect(struct capture_commands *commands, struct error *err)
{
	const struct kafka_topic topic = {TOPIC, LOOK_BACK_MS, FIRST_LOOK_BACK_MS};
	const struct kafka_receiver_options options = {
		.settings = commands->setup.kafka,
		.client_id = commands->group,
		.group = commands->group,
		.topics = &topic,
		.topic_count = 1,
		.max_waiting_bytes = MAX_WAITING_BYTES,
	};
	const struct kafka_receiver_listener listener = {commands, on_record};

	commands->client = http_client_create(1, err);
	commands->receiver =
		commands->client ? kafka_receiver_create(&options, &listener, err) : NULL;
	return commands->receiver != NULL;
}

struct capture_commands *capture_commands_start(
	const struct capture_commands_setup *setup, struct error *err)
{
	if (!check_url(setup->capture, err))
		return NULL;
	struct capture_commands *commands = memory_alloc(sizeof *commands);

	commands->setup = *setup;
	snprintf(commands->group, sizeof commands->group, "railquest-train-%s", setup->train);
	snprintf(commands->told, sizeof commands->told, "not reached yet");
	if (!connect(commands, err)) {
		capture_commands_stop(commands);
		return NULL;
	}
	create_metrics(commands);
	service_ready(setup->service, "commands", false, "not reached yet");
	commands->receiving = service_watch(setup->service, kafka_receiver_fd(commands->receiver),
		EPOLLIN, on_receive, commands);
	commands->asking = service_watch(setup->service, http_client_descriptor(commands->client),
		EPOLLIN, on_client, commands);
	return commands;
}

void capture_commands_stop(struct capture_commands *commands)
{
	if (!commands)
		return;
	service_watch_drop(commands->receiving);
	service_watch_drop(commands->asking);
	kafka_receiver_destroy(commands->receiver);
	http_client_destroy(commands->client);
	free(commands);
}
