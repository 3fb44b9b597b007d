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
	.description =
		"Takes pictures from a camera, a stream, a film, a folder or a card drawn here, "
		"and publishes them for the detector. A camera that goes away is taken up again.",
	.commands = commands,
	.bare = &capture_command,
};

int main(int argc, char **argv)
{
	return options_run_program(&program, argc, argv);
}
