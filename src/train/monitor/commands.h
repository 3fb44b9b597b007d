/*
 * train/monitor/commands.h — the commands that people gave, until the controller's telemetry says
 * what became of them. Pure.
 */
#ifndef TRAIN_MONITOR_COMMANDS_H
#define TRAIN_MONITOR_COMMANDS_H

#include "train/wire/wire.h"

// More than pages are told, so that none is forgotten before it is known what became of it.
enum { COMMANDS_KEPT = 32, COMMANDS_SHOWN = 8, COMMANDS_PATIENCE_US = 1000000 };

enum command_outcome {
	COMMAND_SENT, // nothing was heard of it yet
	COMMAND_DONE,
	COMMAND_REFUSED,
	COMMAND_UNANSWERED, // for patience_us; a later answer still counts
	COMMAND_UNSENT,	    // no broker took it
	COMMAND_OUTCOME_COUNT,
};

extern const char *const command_outcome_names[COMMAND_OUTCOME_COUNT];

/* Who gave it, as the audit says. */
struct command_giver {
	char who[65], from[64]; // name; address
	int64_t at_ms;		// Unix time
};

struct given_command {
	struct wire_id id;
	enum wire_verb verb;
	enum command_outcome outcome;
	int64_t sent_us;
	int64_t took_us;  // from being sent to its outcome
	char reason[160]; // where it was refused
	struct command_giver giver;
	bool is_audited;
	enum command_outcome audited; // the last outcome that was
};

/* A zeroed struct has none. */
struct commands {
	struct given_command given[COMMANDS_KEPT]; // oldest first
	size_t count;
	int64_t patience_us;					       // 0: COMMANDS_PATIENCE_US
	int64_t outcomes[WIRE_VERB_DISARM + 1][COMMAND_OUTCOME_COUNT]; // how often
};

/* The oldest is forgotten where there are COMMANDS_KEPT already. */
void commands_add(struct commands *commands, const struct wire_command *command,
	const struct command_giver *giver, bool is_sent, int64_t now_us);

/*
 * What a telemetry that was heard at now_us says of them. Besides its answer by id, a controller
 * that is as it was told to be is answer enough: armed, or neither armed nor powered. Returns
 * whether anything changed.
 */
bool commands_hear(
	struct commands *commands, const struct wire_telemetry *telemetry, int64_t now_us);

/* What the train said of one that its controller never got. The first answer stands; one that comes
 * twice, or to another's command, changes nothing. Returns whether anything changed. */
bool commands_answer(struct commands *commands, const struct wire_answer *answer, int64_t now_us);

/* No broker took it after all, and why. Returns whether that changed anything. */
bool commands_fail(
	struct commands *commands, const struct wire_id *id, const char *why, int64_t now_us);

/* Commands that were unanswered for too long; returns whether there are any new ones. */
bool commands_tick(struct commands *commands, int64_t now_us);
/* When commands_tick wants to be called; INT64_MAX: not at all. */
int64_t commands_next_us(const struct commands *commands);

#endif
