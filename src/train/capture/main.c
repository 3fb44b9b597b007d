#include "train/capture/capture.h"

static const struct command *const commands[] = {NULL};

static const struct program program = {
	.name = "railquest-capture",
	.version = RAILQUEST_VERSION,
	.summary = "pictures of a toy train's camera, at a steady pace, over MQTT",
	.description = "",
	.commands = commands,
	.bare = &capture_command,
};

int main(int argc, char **argv)
{
	return options_run_program(&program, argc, argv);
}
