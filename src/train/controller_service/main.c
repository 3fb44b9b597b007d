#include "train/controller_service/controller_service.h"

static const struct program program;

OPTIONS_DOCUMENTS(program, "railquest-controller")

static const struct command *const commands[] = {
	&controller_run_command,
	&completion_command,
	&manual_command,
	NULL,
};

static const struct program program = {
	.name = "railquest-controller",
	.version = RAILQUEST_VERSION,
	.summary = "drives a toy train as it is decided",
	.description = "Takes decisions from the bus and tells Lego's hub, over Bluetooth. "
		       "Whatever goes wrong ends in a brake. Without a command it runs the "
		       "service.",
	.commands = commands,
	.bare = &controller_run_command,
};

int main(int argc, char **argv)
{
	return options_run_program(&program, argc, argv);
}
