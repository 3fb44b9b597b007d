#include "train/decision_service/commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/decision_service/relay.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>

/*
 * The train is a consumer group of its own, so that it goes on where it left off: a stop that was
 * given while it was away is done when it is back. A stop that the train's broker does not take
 * waits for that broker; an arm does not.
 */

#define COMMANDS_TOPIC "railquest.commands"

enum {
	MAX_WAITING_BYTES = 1 << 20,
	TELL_AGAIN_US = 5000000,
	FIRST_LOOK_BACK_MS = 60000,
	WAITING_VERBS = WIRE_VERB_DISARM + 1, // of each the last
};
// As long as Kafka keeps records, unless told otherwise.
#define LOOK_BACK_MS ((int64_t)7 * 24 * 3600 * 1000)

static const char *const verdict_names[RELAY_VERDICTS] = {
	"passed", "refused", "known", "other", "unreadable"};

struct commands {
	struct commands_setup setup;
	struct relay relay;
	struct kafka_receiver *receiver;
	struct service_watch *watch;
	struct kafka_receiver_status status;
	char group[160];
	bool was_up;
	char told[256]; // why it is not, as the log has it; empty: nothing
	int64_t told_us;
	struct {
		bool is_set;
		struct wire_command command;
	} waiting[WAITING_VERBS];
	int64_t counts[RELAY_VERDICTS];
	struct metric *verdicts[RELAY_VERDICTS], *up;
};

/* --- to the train's broker --- */

static bool publish(struct commands *commands, const struct wire_command *command)
{
	struct buffer out = {0};

	wire_write_command(&out, command);
	bool ok = service_publish(
		commands->setup.service, SERVICE_COMMAND, buffer_str(&out), 1, BUS_KEEP_ALL);

	buffer_finish(&out);
	return ok;
}

/* True where none waits any more. */
static bool publish_waiting(struct commands *commands)
{
	bool is_done = true;

	for (int i = 0; i < WAITING_VERBS; i++) {
		if (!commands->waiting[i].is_set)
			continue;
		commands->waiting[i].is_set = !publish(commands, &commands->waiting[i].command);
		is_done = is_done && !commands->waiting[i].is_set;
		if (!commands->waiting[i].is_set)
			log_info("the %s that waited is with the train's broker",
				wire_verb_name(commands->waiting[i].command.verb));
	}
	return is_done;
}

static void refuse(struct commands *commands, const struct wire_command *command, const char *why)
{
	const struct wire_answer answer = {.id = command->id,
		.has_verb = true,
		.verb = command->verb,
		.reason = str_from(why)};

	log_warn("%s, from the cloud, is refused: %s", wire_verb_name(command->verb), why);
	commands->counts[RELAY_REFUSED]++;
	cloud_answer(commands->setup.cloud, &answer, clock_wall_ms());
}

static void pass(struct commands *commands, const struct wire_command *command)
{
	// In the order in which they were given: a stop that waits comes before an arm after it.
	if (publish_waiting(commands) && publish(commands, command)) {
		log_info("%s, from the cloud", wire_verb_name(command->verb));
		commands->counts[RELAY_PASSED]++;
	} else if (command->verb == WIRE_VERB_ARM) {
		refuse(commands, command, "the train's broker is not there");
	} else {
		log_warn("%s, from the cloud, waits for the train's broker",
			wire_verb_name(command->verb));
		commands->waiting[command->verb].is_set = true;
		commands->waiting[command->verb].command = *command;
		commands->counts[RELAY_PASSED]++;
	}
}

/* --- from the cluster --- */

/* Says so at the 1st, 2nd, 4th, …: a broken sender does not fill the log. */
static void complain(
	struct commands *commands, const struct kafka_received *record, const struct error *err)
{
	int64_t count = ++commands->counts[RELAY_UNREADABLE];

	if ((count & (count - 1)) == 0)
		log_warn("passed over %" PRId64 " records of " COMMANDS_TOPIC
			 " so far; the last one, partition %" PRId32 " at %" PRId64 ": %s",
			count, record->partition, record->offset, err->text);
}

/* A monitor that is newer than the train may say what the train does not know. */
static void answer_unreadable(struct commands *commands, const struct wire_id *id, const char *why)
{
	const struct wire_answer answer = {.id = *id, .reason = str_from(why)};

	if (!wire_id_is_zero(id))
		cloud_answer(commands->setup.cloud, &answer, clock_wall_ms());
}

static void on_record(void *context, const struct kafka_received *received)
{
	struct wire_cloud_header headers[KAFKA_MAX_RECEIVED_HEADERS];
	struct commands *commands = context;
	const struct relay_record record = {
		headers, received->header_count, received->value, received->is_behind};
	struct wire_command command;
	struct error err = {0};

	for (size_t i = 0; i < received->header_count; i++)
		headers[i] = (struct wire_cloud_header){
			received->headers[i].name, received->headers[i].value};
	enum relay_verdict verdict = relay_judge(
		&commands->relay, &record, clock_wall_ms(), clock_monotonic_us(), &command, &err);

	switch (verdict) {
	case RELAY_PASSED:
		relay_remember(&commands->relay, &command);
		pass(commands, &command);
		break;
	case RELAY_REFUSED:
		relay_remember(&commands->relay, &command);
		refuse(commands, &command, err.text);
		break;
	case RELAY_KNOWN:
	case RELAY_OTHER:
		commands->counts[verdict]++;
		break;
	case RELAY_UNREADABLE:
	case RELAY_VERDICTS:
		complain(commands, received, &err);
		answer_unreadable(commands, &command.id, err.text);
	}
}

static void on_receive(void *context, uint32_t events)
{
	struct commands *commands = context;

	(void)events;
	kafka_receiver_attend(commands->receiver);
}

/* --- health --- */

/* Another reason is told, too, but not each of those that take turns. */
static bool is_news(const struct commands *commands, int64_t now_us)
{
	return commands->was_up || !commands->told[0] ||
	       (strcmp(commands->told, commands->status.why) != 0 &&
		       now_us - commands->told_us >= TELL_AGAIN_US);
}

static void tell_whether_up(struct commands *commands, int64_t now_us)
{
	const struct kafka_receiver_status *status = &commands->status;

	if (status->is_up && !commands->was_up) {
		log_info("commands are taken from the cloud, group %s", commands->group);
	} else if (!status->is_up && is_news(commands, now_us)) {
		log_warn("no commands from the cloud: %s; trying again", status->why);
		memcpy(commands->told, status->why, sizeof commands->told);
		commands->told_us = now_us;
	}
	commands->was_up = status->is_up;
	service_ready(commands->setup.service, "commands", status->is_up, status->why);
}

void commands_look(struct commands *commands)
{
	if (!commands)
		return;
	publish_waiting(commands);
	kafka_receiver_status(commands->receiver, &commands->status);
	// The first look is too early to know.
	if (commands->status.is_up || strcmp(commands->status.why, "not reached yet") != 0)
		tell_whether_up(commands, clock_monotonic_us());
	for (int i = 0; i < RELAY_VERDICTS; i++)
		metric_set(commands->verdicts[i], (double)commands->counts[i]);
	metric_set(commands->up, commands->status.is_up);
}

static void create_metrics(struct commands *commands)
{
	struct metrics *metrics = service_metrics(commands->setup.service);
	char label[64];

	for (int i = 0; i < RELAY_VERDICTS; i++) {
		snprintf(label, sizeof label, "outcome=\"%s\"", verdict_names[i]);
		commands->verdicts[i] =
			metrics_counter(metrics, "railquest_cloud_commands_total", label,
				"Commands from the cloud: passed on, refused, known already, for "
				"others, unreadable.");
	}
	commands->up = metrics_gauge(metrics, "railquest_cloud_commands_up", "",
		"1 while the cluster answers and lets us read commands.");
}

/* --- all together --- */

static bool listen_to(struct commands *commands, struct error *err)
{
	const struct kafka_topic topic = {COMMANDS_TOPIC, LOOK_BACK_MS, FIRST_LOOK_BACK_MS};
	const struct kafka_receiver_options options = {
		.settings = commands->setup.kafka,
		.client_id = commands->group,
		.group = commands->group,
		.topics = &topic,
		.topic_count = 1,
		.max_waiting_bytes = MAX_WAITING_BYTES,
	};
	const struct kafka_receiver_listener listener = {commands, on_record};

	commands->receiver = kafka_receiver_create(&options, &listener, err);
	return commands->receiver != NULL;
}

struct commands *commands_start(const struct commands_setup *setup, struct error *err)
{
	struct commands *commands = memory_alloc(sizeof *commands);

	commands->setup = *setup;
	commands->relay.train = str_from(setup->train);
	commands->relay.clock = setup->clock;
	snprintf(commands->group, sizeof commands->group, "railquest-train-%s", setup->train);
	if (!listen_to(commands, err)) {
		free(commands);
		return NULL;
	}
	create_metrics(commands);
	service_ready(setup->service, "commands", false, "not reached yet");
	commands->watch = service_watch(setup->service, kafka_receiver_fd(commands->receiver),
		EPOLLIN, on_receive, commands);
	return commands;
}

void commands_stop(struct commands *commands)
{
	if (!commands)
		return;
	service_watch_drop(commands->watch);
	kafka_receiver_destroy(commands->receiver);
	free(commands);
}
