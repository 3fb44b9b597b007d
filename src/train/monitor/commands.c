#include "train/monitor/commands.h"

#include <stdio.h>

const char *const command_outcome_names[COMMAND_OUTCOME_COUNT] = {
	"sent", "done", "refused", "unanswered", "unsent"};

static void conclude(struct commands *commands, struct given_command *command,
	enum command_outcome outcome, int64_t now_us)
{
	command->outcome = outcome;
	command->took_us = now_us - command->sent_us;
	commands->outcomes[command->verb][outcome]++;
}

void commands_add(struct commands *commands, const struct wire_command *command,
	const struct command_giver *giver, bool is_sent, int64_t now_us)
{
	if (commands->count == COMMANDS_KEPT)
		memmove(commands->given, commands->given + 1,
			--commands->count * sizeof *commands->given);
	struct given_command *given = &commands->given[commands->count++];

	*given = (struct given_command){
		.id = command->id, .verb = command->verb, .sent_us = now_us, .giver = *giver};
	conclude(commands, given, is_sent ? COMMAND_SENT : COMMAND_UNSENT, now_us);
}

static bool is_as_told(enum wire_verb verb, const struct wire_telemetry *telemetry)
{
	return verb == WIRE_VERB_ARM ? telemetry->is_armed
				     : !telemetry->is_armed && telemetry->percent == 0;
}

static bool is_open(const struct given_command *command)
{
	return command->outcome == COMMAND_SENT || command->outcome == COMMAND_UNANSWERED;
}

static void refuse(
	struct commands *commands, struct given_command *command, struct str reason, int64_t now_us)
{
	snprintf(command->reason, sizeof command->reason, "%.*s", STR_ARG(reason));
	conclude(commands, command, COMMAND_REFUSED, now_us);
}

static bool hear(struct commands *commands, struct given_command *command,
	const struct wire_telemetry *telemetry, int64_t now_us)
{
	bool is_answer = memcmp(&telemetry->command, &command->id, sizeof command->id) == 0;

	if (!is_open(command))
		return false;
	if (is_answer && !telemetry->command_is_done) {
		refuse(commands, command, telemetry->command_reason, now_us);
		return true;
	}
	if (!is_answer && !is_as_told(command->verb, telemetry))
		return false;
	conclude(commands, command, COMMAND_DONE, now_us);
	return true;
}

bool commands_hear(
	struct commands *commands, const struct wire_telemetry *telemetry, int64_t now_us)
{
	bool changed = false;

	for (size_t i = 0; i < commands->count; i++)
		changed |= hear(commands, &commands->given[i], telemetry, now_us);
	return changed;
}

bool commands_answer(struct commands *commands, const struct wire_answer *answer, int64_t now_us)
{
	for (size_t i = 0; i < commands->count; i++) {
		struct given_command *command = &commands->given[i];

		if (memcmp(&command->id, &answer->id, sizeof command->id) != 0 || !is_open(command))
			continue;
		if (answer->is_done)
			conclude(commands, command, COMMAND_DONE, now_us);
		else
			refuse(commands, command, answer->reason, now_us);
		return true;
	}
	return false;
}

bool commands_fail(
	struct commands *commands, const struct wire_id *id, const char *why, int64_t now_us)
{
	for (size_t i = 0; i < commands->count; i++) {
		struct given_command *command = &commands->given[i];

		if (memcmp(&command->id, id, sizeof *id) != 0 || !is_open(command))
			continue;
		snprintf(command->reason, sizeof command->reason, "%.159s", why);
		conclude(commands, command, COMMAND_UNSENT, now_us);
		return true;
	}
	return false;
}

static int64_t patience_us(const struct commands *commands)
{
	return commands->patience_us ? commands->patience_us : COMMANDS_PATIENCE_US;
}

bool commands_tick(struct commands *commands, int64_t now_us)
{
	bool changed = false;

	for (size_t i = 0; i < commands->count; i++) {
		struct given_command *command = &commands->given[i];

		if (command->outcome != COMMAND_SENT ||
			now_us - command->sent_us < patience_us(commands))
			continue;
		conclude(commands, command, COMMAND_UNANSWERED, now_us);
		changed = true;
	}
	return changed;
}

int64_t commands_next_us(const struct commands *commands)
{
	for (size_t i = 0; i < commands->count; i++)
		if (commands->given[i].outcome == COMMAND_SENT)
			return commands->given[i].sent_us + patience_us(commands);
	return INT64_MAX;
}
