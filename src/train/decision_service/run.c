/*
 * The service: one result in, one decision out, at once. Besides, four times a second, it looks
 * whether results still come and whether the rules file is another one.
 *
 * The original's results name neither size nor time: the picture is taken for a square of its
 * longer side, into which it was scaled there, and for taken when its result came.
 */
#include "train/decision_service/decision_service.h"

#include "base/clock.h"
#include "base/line_log.h"
#include "base/log.h"
#include "train/decision_service/capture_commands.h"
#include "train/decision_service/cloud.h"
#include "train/decision_service/commands.h"
#include "train/decision_service/monitoring.h"
#include "train/decision_service/results.h"
#include "train/decision_service/rules_file.h"
#include "train/service/service.h"

#include <inttypes.h>
#include <math.h>

enum {
	LOOK_US = 250000,
	FRESH_US = 2000000,
	TELL_AGAIN_US = 10000000, // about messages that cannot be read
	COMPAT_DEADLINE_MS = 300,
};

struct decision_options {
	struct service_settings service;
	const char *rules, *log;
	struct cloud_options cloud;
	bool takes_commands;
	const char *capture, *capture_token_file;
};

enum { OUTCOME_DECIDED, OUTCOME_OLD, OUTCOME_REFUSED, OUTCOME_COUNT };

struct desk_metrics {
	struct metric *results[OUTCOME_COUNT];
	struct metric *orders[WIRE_ORDER_STOP + 1];
	struct metric *current[WIRE_ORDER_STOP + 1];
	struct metric *latency, *stale, *tracks;
	struct metric *log_written, *log_lost;
	struct metric *reload_taken, *reload_refused;
};

/* All that the service has. */
struct desk {
	struct service *service;
	struct rules_file rules;
	struct decision *decision;
	struct line_log log;
	struct cloud *cloud;	       // NULL: nothing is sent there
	struct results *results;       // on their way there
	struct commands *commands;     // NULL: none are taken from there
	struct monitoring *monitoring; // both, in the original's form
	struct capture_commands *capture_commands;
	struct desk_metrics metrics;
	struct http_timer *timer;
	struct wire_id clock;
	bool has_clock;
	struct wire_id compat_boot;
	int64_t compat_sequence;
	int64_t heard_us; // the last result, 0: none yet
	int64_t told_us;  // of messages that could not be read
	struct buffer message, line;
};

static void create_metrics(struct desk *desk)
{
	static const char *const outcomes[] = {
		"outcome=\"decided\"", "outcome=\"old\"", "outcome=\"refused\""};
	struct metrics *metrics = service_metrics(desk->service);
	struct desk_metrics *own = &desk->metrics;
	char labels[64];

	for (int i = 0; i < OUTCOME_COUNT; i++)
		own->results[i] =
			metrics_counter(metrics, "railquest_decision_results_total", outcomes[i],
				"Results: decided on, older than the last one, and unreadable.");
	for (int i = 0; i <= WIRE_ORDER_STOP; i++) {
		snprintf(
			labels, sizeof labels, "order=\"%s\"", wire_order_name((enum wire_order)i));
		own->orders[i] = metrics_counter(metrics, "railquest_decision_orders_total", labels,
			"Decisions by what they order.");
	}
	for (int i = WIRE_ORDER_GO; i <= WIRE_ORDER_STOP; i++) {
		snprintf(
			labels, sizeof labels, "order=\"%s\"", wire_order_name((enum wire_order)i));
		own->current[i] = metrics_gauge(
			metrics, "railquest_decision_order", labels, "1 for the order in force.");
	}
	own->latency = metrics_histogram(metrics, "railquest_decision_latency_seconds", "",
		"From a picture's capture to its decision, where both know the same clock.");
	own->stale = metrics_counter(metrics, "railquest_decision_stale_total", "",
		"Decisions on pictures that were past their deadline already.");
	own->tracks = metrics_gauge(
		metrics, "railquest_decision_tracks", "", "Signs that are followed now.");
	own->log_written = metrics_counter(metrics, "railquest_decision_log_lines_total",
		"outcome=\"written\"", "Lines of the decision log.");
	own->log_lost = metrics_counter(metrics, "railquest_decision_log_lines_total",
		"outcome=\"lost\"", "Lines of the decision log.");
	own->reload_taken = metrics_counter(metrics, "railquest_decision_rules_reloads_total",
		"outcome=\"taken\"", "Times that a changed rules file was read.");
	own->reload_refused = metrics_counter(metrics, "railquest_decision_rules_reloads_total",
		"outcome=\"refused\"", "Times that a changed rules file was read.");
}

static void collect(void *context)
{
	struct desk *desk = context;

	metric_set(desk->metrics.tracks, (double)decision_track_count(desk->decision));
	metric_set(desk->metrics.log_written, (double)desk->log.written);
	metric_set(desk->metrics.log_lost, (double)desk->log.lost);
	cloud_collect(desk->cloud);
	results_collect(desk->results);
	commands_look(desk->commands);
	monitoring_collect(desk->monitoring);
	capture_commands_look(desk->capture_commands);
}

/* --- results to decisions --- */

static void count(struct desk *desk, const struct wire_decision *made, int64_t now_us)
{
	struct desk_metrics *metrics = &desk->metrics;
	const struct wire_origin *origin = &made->origin;
	bool is_old = made->order == WIRE_ORDER_NONE;

	metric_add(metrics->results[is_old ? OUTCOME_OLD : OUTCOME_DECIDED], 1);
	metric_add(metrics->orders[made->order], 1);
	for (int i = WIRE_ORDER_GO; i <= WIRE_ORDER_STOP && !is_old; i++)
		metric_set(metrics->current[i], i == (int)made->order);
	if (!desk->has_clock || memcmp(&origin->clock, &desk->clock, sizeof desk->clock) != 0)
		return;
	int64_t age_us = now_us - origin->captured_monotonic_us;

	metric_observe(metrics->latency, age_us > 0 ? (double)age_us / 1e6 : 0);
	metric_add(metrics->stale, age_us > origin->deadline_ms * 1000);
}

static void write_log(struct desk *desk, const struct wire_decision *made)
{
	struct error err = {0};
	bool was_failing = desk->log.is_failing;

	buffer_clear(&desk->line);
	decision_log_line(made, &desk->line);
	if (!line_log_write(&desk->log, buffer_str(&desk->line), &err) && !was_failing)
		log_error("the decision log takes no lines: %s; the train goes on without it, "
			  "railquest_decision_log_lines_total counts them",
			err.text);
	else if (was_failing && !desk->log.is_failing)
		log_info("the decision log takes lines again; %" PRId64 " were lost",
			desk->log.lost);
}

static void decide(struct desk *desk, const struct wire_result *result)
{
	struct wire_decision made;

	decision_step(desk->decision, result, &made);
	made.decided_monotonic_us = clock_monotonic_us();
	buffer_clear(&desk->message);
	if (service_is_compat(desk->service))
		buffer_append_text(&desk->message, wire_compat_command(made.order));
	else
		wire_write_decision(&desk->message, &made);
	// Before anybody knows of it: then no kill makes an order that the cloud never hears of.
	cloud_decision(desk->cloud, &made, buffer_str(&desk->message));
	service_publish(
		desk->service, SERVICE_DECISION, buffer_str(&desk->message), 1, BUS_KEEP_ALL);
	count(desk, &made, made.decided_monotonic_us);
	write_log(desk, &made);
	desk->heard_us = made.decided_monotonic_us;
}

static bool read_compat(struct desk *desk, struct str payload, struct arena *arena,
	struct wire_result *out, struct error *err)
{
	struct wire_compat_result result;

	if (!wire_compat_read_result(payload, arena, &result, err))
		return false;
	int64_t side_px = llround(result.scale * WIRE_COMPAT_SIDE_PX);

	*out = (struct wire_result){
		.origin = {.boot = desk->compat_boot,
			.clock = desk->clock,
			.source = STR("train-model-result"),
			.sequence = ++desk->compat_sequence,
			.captured_wall_ms = clock_wall_ms(),
			.captured_monotonic_us = clock_monotonic_us(),
			.deadline_ms = COMPAT_DEADLINE_MS},
		.image = {WIRE_UNKNOWN_FORMAT, side_px, side_px, {"", 0}},
		.detections = result.detections,
		.detection_count = result.detection_count,
	};
	service_random_id(out->origin.trace.bytes);
	return true;
}

static void refuse(struct desk *desk, const char *what, const struct error *err)
{
	int64_t now_us = clock_monotonic_us();

	if (desk->told_us && now_us - desk->told_us <= TELL_AGAIN_US)
		return;
	log_warn("%s cannot be read: %s", what, err->text);
	desk->told_us = now_us;
}

static void take_result(struct desk *desk, struct str payload, struct arena *arena)
{
	struct wire_result result;
	struct error err = {0};
	bool ok = service_is_compat(desk->service)
			  ? read_compat(desk, payload, arena, &result, &err)
			  : wire_read_result(payload, arena, &result, &err);

	if (ok) {
		decide(desk, &result);
		monitoring_result(desk->monitoring, payload);
	} else {
		metric_add(desk->metrics.results[OUTCOME_REFUSED], 1);
		refuse(desk, "a result", &err);
	}
}

/* Only the cloud wants these. */
static void take_for_cloud(
	struct desk *desk, struct str topic, struct str payload, struct arena *arena)
{
	struct wire_telemetry telemetry;
	struct wire_frame frame;
	struct error err = {0};

	if (service_is_topic(desk->service, SERVICE_FRAME, topic)) {
		if (wire_read_frame(payload, arena, &frame, &err))
			cloud_picture(desk->cloud, &frame.origin, payload);
		else
			refuse(desk, "a picture", &err);
	} else if (wire_read_telemetry(payload, arena, &telemetry, &err)) {
		cloud_telemetry(desk->cloud, &telemetry, payload);
	} else {
		refuse(desk, "telemetry", &err);
	}
}

static void on_message(void *context, struct str topic, struct str payload)
{
	struct desk *desk = context;
	struct arena arena = {0};

	if (service_is_topic(desk->service, SERVICE_RESULT, topic))
		take_result(desk, payload, &arena);
	else
		take_for_cloud(desk, topic, payload, &arena);
	arena_finish(&arena);
}

/* --- rules and signals --- */

static void reload(struct desk *desk)
{
	struct error err = {0};
	bool ok = rules_file_reload(&desk->rules, desk->decision, &err);

	if (ok) {
		log_info("new rules from %s", rules_file_name(&desk->rules));
		metric_add(desk->metrics.reload_taken, 1);
	} else {
		log_error("the new rules are refused, the old ones stay in force: %s", err.text);
		metric_add(desk->metrics.reload_refused, 1);
	}
	service_ready(desk->service, "rules", ok, ok ? rules_file_name(&desk->rules) : err.text);
}

static void on_hangup(void *context)
{
	struct desk *desk = context;
	struct error err = {0};

	reload(desk);
	if (!line_log_reopen(&desk->log, &err))
		log_error("the decision log goes on in the old file: %s", err.text);
}

static void on_look(void *context)
{
	struct desk *desk = context;
	int64_t silent_us = clock_monotonic_us() - desk->heard_us;

	if (rules_file_has_changed(&desk->rules))
		reload(desk);
	service_ready(desk->service, "results", desk->heard_us && silent_us < FRESH_US,
		desk->heard_us && silent_us < FRESH_US
			? ""
			: "no result for 2 s: does inference run, and does it see pictures?");
	cloud_collect(desk->cloud);
	commands_look(desk->commands);
	monitoring_collect(desk->monitoring);
	capture_commands_look(desk->capture_commands);
	http_timer_start(desk->timer, LOOK_US);
}

/* --- all together --- */

/* The original's monitor starts and stops the capture, and knows of no more. */
static bool take_compat_commands(
	struct desk *desk, const struct decision_options *options, struct error *err)
{
	const struct capture_commands_setup setup = {
		.service = desk->service,
		.kafka = &options->cloud.kafka,
		.train = options->service.train,
		.capture = options->capture,
		.token_file = options->capture_token_file,
	};

	desk->capture_commands = capture_commands_start(&setup, err);
	return desk->capture_commands || error_wrap(err, "--cloud-commands");
}

static bool take_commands(
	struct desk *desk, const struct decision_options *options, struct error *err)
{
	const struct commands_setup setup = {
		.service = desk->service,
		.kafka = &options->cloud.kafka,
		.train = options->service.train,
		.clock = desk->clock,
		.cloud = desk->cloud,
	};

	if (!options->takes_commands)
		return true;
	if (!options->cloud.kafka.url)
		return error_set(err, ERROR_INVALID,
			"--cloud-commands needs --kafka: the cluster that they come from");
	if (service_is_compat(desk->service))
		return take_compat_commands(desk, options, err);
	desk->commands = commands_start(&setup, err);
	return desk->commands || error_wrap(err, "--cloud-commands");
}

static bool tell_cloud(struct desk *desk, const struct decision_options *options, struct error *err)
{
	const struct kafka_settings *kafka = &options->cloud.kafka;

	if (!kafka->url)
		return true;
	if (!service_is_compat(desk->service)) {
		if (!cloud_open(
			    desk->service, &options->service, &options->cloud, &desk->cloud, err))
			return false;
		desk->results = results_open(desk->service, desk->cloud, err);
		return desk->results != NULL;
	}
	desk->monitoring = monitoring_start(desk->service, kafka, options->service.train, err);
	return desk->monitoring || error_wrap(err, "--kafka");
}

static bool open_desk(struct desk *desk, const struct decision_options *options, struct error *err)
{
	const struct service_options service = {
		.name = "decision",
		.settings = &options->service,
		.context = desk,
		.message = on_message,
		.collect = collect,
		.hangup = on_hangup,
	};

	if (!rules_file_open(&desk->rules, options->rules, err))
		return error_wrap(err, "--rules");
	if (!line_log_open(&desk->log, options->log, err))
		return error_wrap(err, "--log");
	desk->decision = decision_create(&desk->rules.rules);
	desk->service = service_create(&service, err);
	if (!desk->service)
		return false;
	create_metrics(desk);
	desk->has_clock = service_clock_id(desk->clock.bytes);
	service_random_id(desk->compat_boot.bytes);
	// Each is decided on, since a sign is confirmed by several; it takes no time to speak of.
	service_subscribe(desk->service, SERVICE_RESULT, 0, BUS_KEEP_ALL);
	service_ready(desk->service, "rules", true, rules_file_name(&desk->rules));
	if (!tell_cloud(desk, options, err) || !take_commands(desk, options, err))
		return false;
	desk->timer = http_timer_create(service_http(desk->service), on_look, desk);
	on_look(desk);
	return true;
}

static void close_desk(struct desk *desk)
{
	http_timer_destroy(desk->timer);
	commands_stop(desk->commands);
	capture_commands_stop(desk->capture_commands);
	monitoring_stop(desk->monitoring);
	results_close(desk->results);
	cloud_close(desk->cloud);
	service_destroy(desk->service);
	decision_destroy(desk->decision);
	rules_file_finish(&desk->rules);
	line_log_close(&desk->log);
	buffer_finish(&desk->message);
	buffer_finish(&desk->line);
}

static const struct option table[] = {
	SERVICE_OPTIONS(struct decision_options, service, "DECISION", "127.0.0.1:8083"),
	{.name = "rules",
		.kind = OPTION_FILE,
		.offset = offsetof(struct decision_options, rules),
		.placeholder = "FILE",
		.help = "the rules; a changed file is taken at once; otherwise the built-in ones",
		.environment = "RAILQUEST_RULES"},
	{.name = "log",
		.kind = OPTION_FILE,
		.offset = offsetof(struct decision_options, log),
		.placeholder = "FILE",
		.help = "append each decision to this file, a line of JSON",
		.environment = "RAILQUEST_DECISION_LOG"},
	SERVICE_ROW("kafka", OPTION_TEXT, struct decision_options, cloud.kafka.url,
		.placeholder = "URL",
		.help = "send results, decisions, telemetry and pictures there: "
			"kafka://HOST:PORT[,HOST:PORT], or kafkas:// for TLS",
		.environment = "RAILQUEST_KAFKA"),
	KAFKA_OPTIONS(struct decision_options, cloud.kafka),
	SERVICE_ROW("kafka-mode", OPTION_CHOICE, struct decision_options, cloud.mode,
		.placeholder = "MODE",
		.help = "CloudEvents with their attributes in headers, or all in one JSON object",
		.choices = cloud_modes, .fallback = "binary",
		.environment = "RAILQUEST_KAFKA_MODE"),
	SERVICE_ROW("cloud-commands", OPTION_FLAG, struct decision_options, takes_commands,
		.help = "take stop, arm and disarm from the cluster's topic railquest.commands, "
			"too; with --compat=crazytrain start and stop from train-command-capture",
		.environment = "RAILQUEST_CLOUD_COMMANDS"),
	SERVICE_ROW("capture", OPTION_TEXT, struct decision_options, capture, .placeholder = "URL",
		.help = "with --compat=crazytrain: whose /start and /stop are asked for then",
		.fallback = "http://127.0.0.1:8081/capture", .environment = "RAILQUEST_CAPTURE"),
	SERVICE_ROW("capture-token-file", OPTION_FILE, struct decision_options, capture_token_file,
		.placeholder = "FILE", .help = "its token, where it wants one",
		.environment = "RAILQUEST_CAPTURE_TOKEN_FILE"),
	SERVICE_ROW("spool", OPTION_FILE, struct decision_options, cloud.spool,
		.placeholder = "DIR", .help = "folder where what cannot be sent yet waits",
		.environment = "RAILQUEST_SPOOL"),
	SERVICE_ROW("spool-size", OPTION_INT, struct decision_options, cloud.spool_mb,
		.placeholder = "MB",
		.help = "what it may take of the disk; pictures are thinned then, events never",
		.fallback = "256", .min = 8, .max = 1 << 20, .environment = "RAILQUEST_SPOOL_SIZE"),
	{0},
};

static int run(int argc, char **argv)
{
	struct decision_options options = {0};
	struct desk desk = {0};
	struct error err = {0};
	int exit_code = 0;

	if (!options_read(&decision_run_command, &options, &argc, argv, &exit_code))
		return exit_code;
	options.cloud.kafka.allow_plaintext = options.service.allow_plaintext;
	bool ok = open_desk(&desk, &options, &err) && service_run(desk.service, &err);

	if (!ok)
		fprintf(stderr, "railquest-decision: %s\n", err.text);
	close_desk(&desk);
	options_config_finish(&options.service.config);
	return ok ? 0 : 1;
}

const struct command decision_run_command = {
	.name = "run",
	.summary = "decide on results as they come",
	.description =
		"Subscribes to what the detector found, follows the signs, and publishes the order "
		"for each picture: stop, slow or go.\n\n"
		"A changed rules file is taken within a second, or at SIGHUP; one with a mistake "
		"is "
		"refused with file, line and column, and the old rules stay in force. SIGHUP also "
		"opens the log anew, for programs that rotate logs.",
	.examples = "  railquest-decision --rules rules.yaml --log decisions.ndjson\n",
	.options = table,
	.run = run,
};
