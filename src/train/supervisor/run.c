/*
 * The supervisor is a service like the others: same options, same loop, /metrics and /ready. Its
 * processes hang on that loop as one descriptor and a timer; after the loop they are wound down
 * with poll alone.
 */
#include "train/supervisor/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/service/service.h"
#include "train/supervisor/place.h"
#include "train/supervisor/plan.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

struct run_options {
	struct service_settings service;
	const char *source, *model, *rules, *hub;
	bool arm, free_ports;
	struct option_list sets, without;
	int64_t kill_after_ms, hung_after_ms;
};

#define ROW(row_name, row_kind, field, ...) \
	SERVICE_ROW(row_name, row_kind, struct run_options, field, __VA_ARGS__)

static const struct option run_table[] = {
	SERVICE_OPTIONS_BROKER(struct run_options, service, "SUPERVISOR", "127.0.0.1:8086", NULL),
	ROW("source", OPTION_TEXT, source, .placeholder = "SOURCE",
		.help = "where pictures come from: short for --set capture.source=…"),
	ROW("model", OPTION_FILE, model, .placeholder = "FILE",
		.help = "short for --set inference.model=…"),
	ROW("rules", OPTION_FILE, rules, .placeholder = "FILE",
		.help = "short for --set decision.rules=…"),
	ROW("hub", OPTION_TEXT, hub, .placeholder = "HUB",
		.help = "short for --set controller.hub=…"),
	ROW("arm", OPTION_FLAG, arm,
		.help = "the train may move at once: short for --set controller.arm"),
	ROW("set", OPTION_LIST, sets, .placeholder = "SERVICE.OPTION=VALUE",
		.help = "an option of one service, as capture.fps=20; may be given again"),
	ROW("without", OPTION_LIST, without, .placeholder = "SERVICE",
		.help = "a service that runs elsewhere; may be given again"),
	ROW("free-ports", OPTION_FLAG, free_ports,
		.help = "services listen on any free port of this machine"),
	ROW("kill-after", OPTION_DURATION, kill_after_ms, .placeholder = "TIME",
		.help = "for a service to end when it is told to, before it is killed",
		.fallback = "5s", .min = 100, .max = 600e3),
	ROW("hung-after", OPTION_DURATION, hung_after_ms, .placeholder = "TIME",
		.help = "a service that answers nothing for so long is killed and started again; "
			"0: never",
		.fallback = "3s", .max = 600e3),
	{0},
};

struct run_metrics {
	struct metric *up[PROCESSES_MAX], *ready[PROCESSES_MAX];
	struct metric *restarts[PROCESSES_MAX], *hung[PROCESSES_MAX];
	struct metric *dropped;
};

struct run {
	struct run_options *options;
	struct arena arena;
	struct place place;
	struct service *service;
	struct processes *processes;
	struct service_watch *watch;
	struct http_timer *timer;
	struct process_plan plans[PROCESSES_MAX];
	size_t count;
	struct output output;
	struct run_metrics metrics;
	bool was_ready;
};

static void say(struct run *run, struct str text)
{
	output_line(&run->output, OUTPUT_OUT, "train", 0, text);
}

/* --- what is told to people and to Prometheus --- */

static void create_metrics(struct run *run)
{
	struct metrics *metrics = service_metrics(run->service);
	struct run_metrics *own = &run->metrics;
	char labels[64];

	for (size_t i = 0; i < run->count; i++) {
		snprintf(labels, sizeof labels, "program=\"%s\"", run->plans[i].name);
		own->up[i] = metrics_gauge(
			metrics, "railquest_train_program_up", labels, "Whether the program runs.");
		own->ready[i] = metrics_gauge(metrics, "railquest_train_program_ready", labels,
			"Whether the program says that it is ready.");
		own->restarts[i] = metrics_counter(metrics, "railquest_train_restarts_total",
			labels, "Times that the program ended and was started again.");
		own->hung[i] = metrics_counter(metrics, "railquest_train_hung_total", labels,
			"Times that the program was killed because it answered nothing.");
	}
	own->dropped = metrics_counter(metrics, "railquest_train_lines_dropped_total", "",
		"Lines that the terminal did not take.");
}

static void collect(void *context)
{
	struct run *run = context;

	for (size_t i = 0; i < run->count; i++) {
		struct process_status status = processes_status(run->processes, i);

		metric_set(run->metrics.up[i], status.state == PROCESS_UP);
		metric_set(run->metrics.ready[i], status.is_ready);
		metric_set(run->metrics.restarts[i], (double)status.restarts);
		metric_set(run->metrics.hung[i], (double)status.hung);
	}
	metric_set(run->metrics.dropped, (double)run->output.dropped);
}

static const char *why_not(const struct process_status *status)
{
	if (status->state != PROCESS_UP)
		return "it does not run";
	return *status->why ? status->why : "it is starting";
}

static void tell_readiness(struct run *run)
{
	bool is_ready = true;

	for (size_t i = 0; i < run->count; i++) {
		struct process_status status = processes_status(run->processes, i);

		is_ready = is_ready && status.is_ready;
		service_ready(run->service, run->plans[i].name, status.is_ready,
			status.is_ready ? "" : why_not(&status));
	}
	if (is_ready && !run->was_ready)
		say(run, STR("everything is ready"));
	run->was_ready = is_ready;
}

static void tell_address(void *context, size_t index)
{
	struct run *run = context;
	struct process_status status = processes_status(run->processes, index);

	if (strcmp(run->plans[index].name, "monitor") == 0)
		say(run, str_format(&run->arena, "the train's page: http://%s/", status.address));
}

/* --- the loop --- */

static void step(void *context)
{
	struct run *run = context;
	int64_t wait_ms = processes_step(run->processes, clock_monotonic_ms());

	tell_readiness(run);
	if (processes_refused(run->processes))
		service_stop(run->service);
	http_timer_start(run->timer, wait_ms * 1000);
}

static void take_events(void *context, uint32_t events)
{
	(void)events;
	step(context);
}

static void wind_down(struct run *run)
{
	struct pollfd wait = {.fd = processes_fd(run->processes), .events = POLLIN};

	processes_stop(run->processes, clock_monotonic_ms());
	while (!processes_are_gone(run->processes)) {
		int64_t wait_ms = processes_step(run->processes, clock_monotonic_ms());

		if (!processes_are_gone(run->processes))
			poll(&wait, 1, (int)wait_ms);
	}
}

static bool create(struct run *run, struct error *err)
{
	struct service_options service = {
		.name = "supervisor",
		.settings = &run->options->service,
		.context = run,
		.collect = collect,
	};
	struct processes_options processes = {
		.plans = run->plans,
		.count = run->count,
		.kill_after_ms = run->options->kill_after_ms,
		.hung_after_ms = run->options->hung_after_ms,
		.output = &run->output,
		.context = run,
		.listening = tell_address,
	};

	run->processes = processes_create(&processes, err);
	if (!run->processes)
		return false;
	run->service = service_create(&service, err);
	if (!run->service)
		return false;
	create_metrics(run);
	run->watch = service_watch(
		run->service, processes_fd(run->processes), EPOLLIN, take_events, run);
	run->timer = http_timer_create(service_http(run->service), step, run);
	return true;
}

static int supervise(struct run *run)
{
	struct error err = {0};
	int exit_code = 0;

	if (!create(run, &err)) {
		fprintf(stderr, "railquest-train: %s\n", err.text);
		exit_code = err.kind == ERROR_INVALID ? 2 : 1;
	} else {
		processes_start(run->processes);
		step(run);
		if (!service_run(run->service, &err)) {
			log_error("%s", err.text);
			exit_code = 1;
		}
		wind_down(run);
		if (processes_refused(run->processes))
			exit_code = 2;
		else if (processes_stopped_badly(run->processes))
			exit_code = 1;
	}
	service_watch_drop(run->watch);
	http_timer_destroy(run->timer);
	processes_destroy(run->processes);
	service_destroy(run->service);
	return exit_code;
}

/* --- what is started --- */

static bool plan_own_broker(struct run *run, struct error *err)
{
	const char *program = place_find_program("mosquitto", &run->arena);
	int port;

	if (!program) {
		run->options->service.broker = "mqtt://127.0.0.1:1883";
		say(run, STR("no mosquitto is installed here: the broker is looked for at "
			     "mqtt://127.0.0.1:1883; install it, or say --broker"));
		return true;
	}
	if (!place_free_port(&port, err) ||
		!plan_broker(program, run->place.folder, port, &run->arena, &run->plans[0], err))
		return false;
	run->count = 1;
	run->options->service.broker = str_format(&run->arena, "mqtt://127.0.0.1:%d", port).data;
	say(run, str_format(&run->arena, "no --broker was given: this train has its own at %s",
			 run->options->service.broker));
	return true;
}

enum { MAX_VALUES = 16 };

static void add_value(struct plan_value *values, size_t *count, const char *service,
	const char *name, const char *value)
{
	if (value)
		values[(*count)++] = (struct plan_value){service, name, value};
}

static size_t gather_values(const struct run_options *options, struct plan_value *values)
{
	const struct service_settings *service = &options->service;
	size_t count = 0;

	add_value(values, &count, NULL, "train", service->train);
	add_value(values, &count, NULL, "broker", service->broker);
	add_value(values, &count, NULL, "mqtt-user", service->mqtt_user);
	add_value(values, &count, NULL, "mqtt-password-file", service->password_file);
	add_value(values, &count, NULL, "ca-file", service->ca_file);
	add_value(values, &count, NULL, "certificate", service->certificate_file);
	add_value(values, &count, NULL, "key", service->key_file);
	add_value(
		values, &count, NULL, "allow-plaintext", service->allow_plaintext ? "true" : NULL);
	add_value(values, &count, NULL, "compat", service->compat);
	add_value(values, &count, NULL, "log-level", service->log_level);
	add_value(values, &count, "capture", "source", options->source);
	add_value(values, &count, "inference", "model", options->model);
	add_value(values, &count, "decision", "rules", options->rules);
	add_value(values, &count, "controller", "hub", options->hub);
	add_value(values, &count, "controller", "arm", options->arm ? "true" : NULL);
	assert_fits(count, MAX_VALUES);
	return count;
}

static bool plan(struct run *run, struct error *err)
{
	const struct run_options *options = run->options;
	struct plan_value values[MAX_VALUES];
	size_t services;

	if (!place_open(&run->place, err))
		return false;
	if (!options->service.broker && !plan_own_broker(run, err))
		return false;
	struct plan_input input = {
		.programs = run->place.programs,
		.runtime = run->place.folder,
		.config = options->service.config.path,
		.values = values,
		.value_count = gather_values(options, values),
		.sets = options->sets.items,
		.set_count = options->sets.count,
		.without = options->without.items,
		.without_count = options->without.count,
		.free_ports = options->free_ports,
	};

	if (!plan_make(&input, &run->arena, run->plans + run->count, &services, err))
		return false;
	run->count += services;
	return true;
}

/* A closed terminal is a wish to stop, in the right order. */
static void hang_up(int number)
{
	(void)number;
	kill(getpid(), SIGTERM);
}

static int run_train(int argc, char **argv)
{
	struct run_options options = {0};
	struct run run = {.options = &options};
	struct error err = {0};
	int exit_code;

	if (options_read(&train_run_command, &options, &argc, argv, &exit_code)) {
		output_begin(&run.output);
		output_add_name(&run.output, "train");
		output_add_name(&run.output, "controller");
		signal(SIGHUP, hang_up);
		if (plan(&run, &err))
			exit_code = supervise(&run);
		else if (err.kind == ERROR_INVALID)
			exit_code = options_usage_error(&train_run_command, "%s", err.text);
		else {
			fprintf(stderr, "railquest-train: %s\n", err.text);
			exit_code = 1;
		}
		place_close(&run.place);
		output_finish(&run.output);
		arena_finish(&run.arena);
	}
	options_list_finish(&options.sets);
	options_list_finish(&options.without);
	options_config_finish(&options.service.config);
	return exit_code;
}

const struct command train_run_command = {
	.name = "run",
	.summary = "start the services of a train and watch over them",
	.description =
		"Starts controller, decision, inference, capture and monitor as programs of their "
		"own, and a Mosquitto for them where no --broker is given. Their lines come out "
		"here, each behind its program's name. A program that ends, or answers nothing any "
		"more, is started again: the controller at once, since its first act is the brake, "
		"the others after 0.5 s, doubling up to 5 s.\n\n"
		"Ctrl-C stops the controller first, which brakes, then the others. When this "
		"program is killed the services end with it, and the controller brakes.\n\n"
		"The configuration file has these options by their names, and a section for each "
		"service with its own: \"capture: {source: test:, fps: 20}\". docs/train.md says "
		"more.",
	.examples = "  railquest-train --source test: --hub print --arm\n"
		    "  railquest-train run --config train.yaml --set capture.fps=20\n"
		    "  railquest-train run --broker mqtt://127.0.0.1:1883 --without capture\n",
	.options = run_table,
	.sections = plan_services,
	.run = run_train,
};
