#include "train/supervisor/supervisor.h"

static const struct program program;

OPTIONS_DOCUMENTS(program, "railquest-train")

static const struct command *const commands[] = {
	&train_run_command,
	&train_record_command,
	&train_replay_command,
	&train_clip_command,
	&completion_command,
	&manual_command,
	NULL,
};

static const struct program program = {
	.name = "railquest-train",
	.version = RAILQUEST_VERSION,
	.summary = "runs a toy train: its services, recordings, replays, clips",
	.description =
		"Starts the services of a train and watches over them; writes down what they "
		"say, and decides on it again.",
	.commands = commands,
	.bare = &train_run_command,
};

int main(int argc, char **argv)
{
	return options_run_program(&program, argc, argv);
}
