#include "train/inference/inference.h"

static const struct program program;

OPTIONS_DOCUMENTS(program, "railquest-inference")

static const struct command *const commands[] = {
	&inference_run_command,
	&inference_detect_command,
	&completion_command,
	&manual_command,
	NULL,
};

static const struct program program = {
	.name = "railquest-inference",
	.version = RAILQUEST_VERSION,
	.summary = "finds the signs beside a toy train's track",
	.description =
		"Runs a small network on one processor core, with kernels of its own for each "
		"instruction set.",
	.commands = commands,
	.bare = &inference_run_command,
};

int main(int argc, char **argv)
{
	return options_run_program(&program, argc, argv);
}
