/*
 * Who ordered what, of which train, from where, and what became of it: a line of the log, a line of
 * JSON at the end of --audit FILE, and in the cloud an event beside the command. Never a token.
 *
 * An order goes out before its line is written, since no stop shall wait for a disk; whoever gave
 * it is answered when the line is on the disk. A disk that fails stops no order: it is said.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "train/monitor/serve.h"

#include <stdio.h>

static void write_event(struct buffer *out, const struct fleet_train *train,
	const struct given_command *command, const char *result)
{
	char id[33], at[32];

	wire_id_print(id, &command->id);
	clock_print_instant(at, clock_wall_ms());
	buffer_printf(out, "{\"version\":1,\"kind\":\"audit\",\"at\":\"%s\",\"who\":", at);
	json_string(out, str_from(command->giver.who));
	buffer_append_text(out, ",\"from\":");
	json_string(out, str_from(command->giver.from));
	buffer_printf(out,
		",\"command\":\"%s\",\"id\":\"%s\",\"train\":", wire_verb_name(command->verb), id);
	json_string(out, str_from(train->name));
	buffer_printf(out, ",\"result\":\"%s\",\"reason\":", result);
	json_string(out, str_from(command->reason));
	buffer_append_char(out, '}');
}

/* --- the file --- */

static void tell_whether_kept(struct monitor *monitor, bool is_kept, const char *why)
{
	if (is_kept == !monitor->audit.is_failing)
		return;
	monitor->audit.is_failing = !is_kept;
	if (is_kept)
		log_info("--audit takes lines again");
	else
		log_error("--audit: %s; orders are carried out all the same, and are in this log",
			why);
	service_ready(monitor->service, "audit", is_kept, why);
}

static void keep(struct monitor *monitor, struct str line)
{
	struct monitor_audit *audit = &monitor->audit;
	struct error err = {0};

	if (!audit->log.path)
		return;
	bool is_kept = line_log_write(&audit->log, line, &err) && line_log_sync(&audit->log, &err);

	metric_add(audit->lines[is_kept ? 0 : 1], 1);
	tell_whether_kept(monitor, is_kept, err.text);
}

bool monitor_audit_open(struct monitor *monitor, const char *path, struct error *err)
{
	static const char help[] = "Lines of --audit FILE: on the disk, or lost.";
	struct metrics *metrics = service_metrics(monitor->service);

	for (size_t i = 0; i < 2; i++)
		monitor->audit.lines[i] =
			metrics_counter(metrics, "railquest_monitor_audit_lines_total",
				i == 0 ? "outcome=\"written\"" : "outcome=\"lost\"", help);
	if (!line_log_open(&monitor->audit.log, path, err))
		return error_wrap(err, "--audit");
	if (path)
		service_ready(monitor->service, "audit", true, "");
	return true;
}

void monitor_audit_reopen(struct monitor *monitor)
{
	struct error err = {0};

	if (!line_log_reopen(&monitor->audit.log, &err))
		log_error("--audit goes on in the old file: %s", err.text);
}

void monitor_audit_close(struct monitor *monitor)
{
	line_log_close(&monitor->audit.log);
}

/* --- orders --- */

void monitor_audit(struct monitor *monitor, const struct fleet_train *train,
	const struct given_command *command, const char *result)
{
	struct buffer event = {0};
	char id[33];

	wire_id_print(id, &command->id);
	log_info("audit who=%s what=%s train=%s result=%s id=%s from=%s%s%s", command->giver.who,
		wire_verb_name(command->verb), train->name, result, id, command->giver.from,
		command->reason[0] ? " reason=" : "", command->reason);
	write_event(&event, train, command, result);
	if (monitor->dispatch)
		dispatch_audit(monitor->dispatch, train, &command->id, result, buffer_str(&event));
	buffer_append_char(&event, '\n');
	keep(monitor, buffer_str(&event));
	buffer_finish(&event);
}

void monitor_audit_tick(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->fleet.count; i++) {
		struct fleet_train *train = monitor->fleet.trains[i];
		struct commands *commands = &train->state.commands;

		for (size_t j = 0; j < commands->count; j++) {
			struct given_command *command = &commands->given[j];

			if (command->is_audited && command->audited == command->outcome)
				continue;
			command->is_audited = true;
			command->audited = command->outcome;
			monitor_audit(
				monitor, train, command, command_outcome_names[command->outcome]);
		}
	}
}
