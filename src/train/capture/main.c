#include "train/capture/capture.h"

static const struct program program;

OPTIONS_DOCUMENTS(program, "railquest-capture")

static const struct command *const commands[] = {
	&capture_command,
	&completion_command,
	&manual_command,
	NULL,
};

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
