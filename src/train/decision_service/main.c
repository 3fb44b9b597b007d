#include "train/decision_service/decision_service.h"

static const struct program program;

OPTIONS_DOCUMENTS(program, "railquest-decision")

static const struct command *const commands[] = {
	&decision_run_command,
	&decision_replay_command,
	&decision_check_command,
	&decision_rules_command,
	&completion_command,
	&manual_command,
	NULL,
};

static const struct program program = {
	.name = "railquest-decision",
	.version = RAILQUEST_VERSION,
	.summary = "decides what a toy train does about the signs that were seen",
	.description =
		"Takes what the detector found in each picture, follows the signs, and says by the "
		"rules of a file whether the train shall stop, slow down or go. Without a command "
		"it runs the service.",
	.commands = commands,
	.bare = &decision_run_command,
};

int main(int argc, char **argv)
{
	return options_run_program(&program, argc, argv);
}
