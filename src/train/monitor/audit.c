/*
 * Who ordered what, of which train, and what became of it: a line of the log, and in the cloud an
 * event beside the command. Never a token.
 */
#include "base/json.h"
#include "base/log.h"
#include "train/monitor/serve.h"

static void write_event(struct buffer *out, const struct fleet_train *train,
	const struct given_command *command, const char *result)
{
	char id[33];

	wire_id_print(id, &command->id);
	buffer_append_text(out, "{\"version\":1,\"kind\":\"audit\",\"who\":");
	json_string(out, str_from(command->who));
	buffer_printf(out,
		",\"command\":\"%s\",\"id\":\"%s\",\"train\":", wire_verb_name(command->verb), id);
	json_string(out, str_from(train->name));
	buffer_printf(out, ",\"result\":\"%s\",\"reason\":", result);
	json_string(out, str_from(command->reason));
	buffer_append_char(out, '}');
}

void monitor_audit(struct monitor *monitor, const struct fleet_train *train,
	const struct given_command *command, const char *result)
{
	struct buffer event = {0};
	char id[33];

	wire_id_print(id, &command->id);
	log_info("audit who=%s what=%s train=%s result=%s id=%s%s%s", command->who,
		wire_verb_name(command->verb), train->name, result, id,
		command->reason[0] ? " reason=" : "", command->reason);
	if (monitor->source) {
		write_event(&event, train, command, result);
		source_audit(monitor->source, train, &command->id, result, buffer_str(&event));
		buffer_finish(&event);
	}
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
