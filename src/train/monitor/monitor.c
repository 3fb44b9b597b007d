#include "train/monitor/monitor.h"

#include "base/clock.h"
#include "base/log.h"
#include "train/monitor/record.h"
#include "train/monitor/serve.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	WAKE_US = 5000,
	TICK_US = 200000,
	MAX_CONNECTIONS = 512,
	MAX_STREAMS = 128,
	MAX_BODY = 4096
};
// With a command's effect, across the cloud and back.
enum { CLOUD_PATIENCE_US = 3000000 };

struct monitor_options {
	struct service_settings service;
	const char *token_file, *people_file, *audit_file, *from;
	int64_t stale_ms;
	struct record_settings record;
	struct source_options source;
};

static const struct option table[] = {
	SERVICE_OPTIONS(struct monitor_options, service, "MONITOR", "127.0.0.1:8085"),
	{.name = "token-file",
		.kind = OPTION_FILE,
		.offset = offsetof(struct monitor_options, token_file),
		.placeholder = "FILE",
		.help = "whoever looks or gives commands must send the first line of this file; "
			"needed where --listen is not 127.0.0.1; SIGHUP reads it anew",
		.environment = "RAILQUEST_MONITOR_TOKEN_FILE"},
	{.name = "people",
		.kind = OPTION_FILE,
		.offset = offsetof(struct monitor_options, people_file),
		.placeholder = "FILE",
		.help = "in the place of --token-file: names, roles (viewer, driver) and hashes "
			"of tokens, a line each; SIGHUP reads it anew",
		.environment = "RAILQUEST_MONITOR_PEOPLE"},
	{.name = "audit",
		.kind = OPTION_FILE,
		.offset = offsetof(struct monitor_options, audit_file),
		.placeholder = "FILE",
		.help = "append each order, and what became of it, to this file, a line of JSON; "
			"SIGHUP opens it anew",
		.environment = "RAILQUEST_MONITOR_AUDIT"},
	{.name = "stale-after",
		.kind = OPTION_DURATION,
		.offset = offsetof(struct monitor_options, stale_ms),
		.placeholder = "TIME",
		.help = "a picture that is older is shown as stale",
		.fallback = "1s",
		.environment = "RAILQUEST_MONITOR_STALE_AFTER",
		.min = 100,
		.max = 60000},
	RECORD_OPTIONS(struct monitor_options, record),
	{.name = "source",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct monitor_options, from),
		.placeholder = "URL",
		.help = "where messages come from: mqtt://HOST:PORT (as --broker), "
			"kafka://HOST:PORT[,HOST:PORT] or kafkas:// for TLS; otherwise --broker",
		.environment = "RAILQUEST_MONITOR_SOURCE"},
	{.name = "group",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct monitor_options, source.group),
		.placeholder = "NAME",
		.help = "the Kafka group; monitors of one group share the trains; otherwise one of "
			"its own, so that it shows all",
		.environment = "RAILQUEST_MONITOR_GROUP"},
	{.name = "look-back",
		.kind = OPTION_DURATION,
		.offset = offsetof(struct monitor_options, source.look_back_ms),
		.placeholder = "TIME",
		.help = "how far back in the topics is begun, at most",
		.fallback = "1m",
		.environment = "RAILQUEST_MONITOR_LOOK_BACK",
		.min = 0,
		.max = 86400000},
	KAFKA_OPTIONS(struct monitor_options, source.kafka),
	{0},
};

static void wake(void *context)
{
	struct monitor *monitor = context;

	monitor->will_wake = false;
	http_server_wake(service_http(monitor->service));
}

void monitor_wake(struct monitor *monitor)
{
	if (monitor->will_wake)
		return;
	monitor->will_wake = true;
	http_timer_start(monitor->waking, WAKE_US);
}

static void report_pictures(struct monitor *monitor, int64_t now_us)
{
	int64_t age_us = fleet_age_us(&monitor->fleet, now_us);
	char why[96] = "no picture yet";

	// In the cloud a train may well be switched off: alerts say so, not the monitor's health.
	if (monitor->source)
		return;
	if (age_us != INT64_MAX)
		snprintf(why, sizeof why, "the newest picture is %.1f s old", (double)age_us / 1e6);
	service_ready(monitor->service, "pictures",
		age_us / 1000 <= monitor->fleet.setup.state.stale_ms, why);
}

static void tick(void *context)
{
	struct monitor *monitor = context;
	int64_t now_us = clock_monotonic_us();

	fleet_tick(&monitor->fleet, now_us, clock_wall_ms());
	if (monitor->source)
		source_tick(monitor->source, now_us);
	report_pictures(monitor, now_us);
	monitor_record_tick(monitor, clock_wall_ms());
	monitor_audit_tick(monitor);
	// Streams that were silent for long get their heartbeat.
	http_server_wake(service_http(monitor->service));
	http_timer_start(monitor->ticking, TICK_US);
}

/* Each message of each train, from whatever source, once its state has it. */
static void on_heard(void *context, struct fleet_train *train, const struct fleet_message *message)
{
	struct monitor *monitor = context;

	monitor_record(monitor, train, message);
	monitor_wake(monitor);
}

/* Whoever is not in it any more has looked and driven for the last time. */
static void reload_access(struct monitor *monitor)
{
	struct error err = {0};
	bool ok = access_reload(&monitor->access, &err);

	if (ok)
		log_info("read who may look and drive anew");
	else
		log_error("%s; whoever might look and drive still may", err.text);
	metric_add(monitor->metrics.reloads[ok ? 0 : 1], 1);
	service_ready(monitor->service, "people", ok,
		ok ? "" : "the new file is refused, as the log says; the old one is in force");
	http_server_wake(service_http(monitor->service));
}

static void on_hangup(void *context)
{
	struct monitor *monitor = context;

	if (access_has_file(&monitor->access))
		reload_access(monitor);
	monitor_audit_reopen(monitor);
}

/* --- all together --- */

static bool listen_to(
	struct monitor *monitor, const struct monitor_options *options, struct error *err)
{
	const struct kafka_settings *kafka = &options->source.kafka;

	if (!kafka->url)
		return monitor_listen(monitor, str_from(options->service.train), err);
	monitor->source = source_open(monitor->service, &monitor->fleet, &options->source, err);
	if (monitor->source)
		monitor->dispatch = dispatch_open(monitor->service, kafka, err);
	return monitor->dispatch != NULL;
}

static bool create(
	struct monitor *monitor, const struct monitor_options *options, struct error *err)
{
	struct service_options service = {
		.name = "monitor",
		.settings = &options->service,
		.has_no_bus = options->source.kafka.url != NULL,
		.routes = monitor_routes,
		.route_count = monitor_route_count,
		.max_connections = MAX_CONNECTIONS,
		.max_streams = MAX_STREAMS,
		.max_body_bytes = MAX_BODY,
		.context = monitor,
		.message = monitor_take_message,
		.bus_state = monitor_take_bus_state,
		.collect = monitor_collect,
		.hangup =
			access_has_file(&monitor->access) || options->audit_file ? on_hangup : NULL,
	};

	monitor->service = service_create(&service, err);
	if (!monitor->service)
		return false;
	struct fleet_setup fleet = {
		.state =
			{
				.stale_ms = options->stale_ms,
				.clock = monitor->clock,
				.is_compat = service_is_compat(monitor->service),
				.is_remote = options->source.kafka.url != NULL,
				.is_recorded = options->record.folder != NULL,
				.patience_us = options->source.kafka.url ? CLOUD_PATIENCE_US : 0,
				.hop = monitor_note_hop,
				.context = monitor,
			},
		.heard = on_heard,
		.context = monitor,
	};

	service_random_id(fleet.state.run.bytes);
	fleet_init(&monitor->fleet, &fleet);
	if (!monitor_audit_open(monitor, options->audit_file, err) ||
		!monitor_record_start(monitor, &options->record, err))
		return false;
	monitor_create_metrics(monitor);
	if (!listen_to(monitor, options, err))
		return false;
	monitor->waking = http_timer_create(service_http(monitor->service), wake, monitor);
	monitor->ticking = http_timer_create(service_http(monitor->service), tick, monitor);
	tick(monitor);
	return true;
}

static bool run(const struct monitor_options *options, struct error *err)
{
	struct monitor monitor = {.audit.log.fd = -1};
	const struct access_options access = {
		options->service.listen, options->token_file, options->people_file};

	if (!service_clock_id(monitor.clock.bytes))
		log_warn("this kernel tells no boot id: ages are counted from a picture's "
			 "arrival");
	bool ok = access_open(&monitor.access, &access, err) && create(&monitor, options, err);

	if (ok && !monitor.access.guard.is_loopback)
		log_warn("--listen %s: pictures, commands and the token cross the network in "
			 "plain HTTP; use a network that you trust, or a tunnel",
			options->service.listen);
	ok = ok && service_run(monitor.service, err);
	http_timer_destroy(monitor.waking);
	http_timer_destroy(monitor.ticking);
	source_close(monitor.source);
	dispatch_close(monitor.dispatch);
	service_destroy(monitor.service);
	monitor_record_stop(&monitor);
	fleet_finish(&monitor.fleet);
	free(monitor.train_metrics);
	access_close(&monitor.access);
	monitor_audit_close(&monitor);
	return ok;
}

/* What --source says, in the place of the options that do the same. */
static bool settle_source(struct monitor_options *options, struct error *err)
{
	struct str from = options->from ? str_from(options->from) : STR("");

	if (str_starts_with(from, STR("kafka://")) || str_starts_with(from, STR("kafkas://"))) {
		options->source.kafka.url = options->from;
		options->source.kafka.option = "--source";
		options->source.kafka.allow_plaintext = options->service.allow_plaintext;
		return strcmp(options->service.compat, "none") == 0 ||
		       error_set(err, ERROR_INVALID,
			       "--compat=%s is for a train's own broker; from Kafka the monitor "
			       "reads CloudEvents of railquest-decision",
			       options->service.compat);
	}
	if (str_starts_with(from, STR("mqtt://")) || str_starts_with(from, STR("mqtts://")))
		options->service.broker = options->from;
	else if (options->from)
		return error_set(err, ERROR_INVALID,
			"--source \"%s\": write kafka://HOST:PORT[,HOST:PORT], kafkas://…, "
			"mqtt://HOST:PORT or mqtts://…",
			options->from);
	return true;
}

static int run_monitor(int argc, char **argv)
{
	struct monitor_options options = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&monitor_command, &options, &argc, argv, &exit_code))
		return exit_code;
	bool ok = settle_source(&options, &err) && run(&options, &err);

	if (!ok)
		log_error("%s", err.text);
	options_config_finish(&options.service.config);
	return ok ? 0 : 1;
}

const struct command monitor_command = {
	.name = "run",
	.summary = "shows the train, and passes commands on",
	.description =
		"Serves a page with the train's live picture, what was found in it, the order, "
		"speed, battery and latencies, and a STOP button. Open http://127.0.0.1:8085/.\n\n"
		"On this machine whoever is here may look and stop the train. Beyond it, "
		"--token-file says what a viewer must know.",
	.examples = "railquest-monitor\n"
		    "railquest-monitor --train blue --broker mqtts://broker.example:8883\n"
		    "railquest-monitor --listen 0.0.0.0:8085 --token-file token\n"
		    "railquest-monitor --source kafkas://kafka.example:9093 --kafka-user room "
		    "--kafka-password-file password",
	.options = table,
	.run = run_monitor,
};
