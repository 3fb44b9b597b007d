#include "train/monitor/monitor.h"

static const struct program program;

OPTIONS_DOCUMENTS(program, "railquest-monitor")

static const struct command *const commands[] = {
	&monitor_command,
	&completion_command,
	&manual_command,
	NULL,
};

static const struct program program = {
	.name = "railquest-monitor",
	.version = RAILQUEST_VERSION,
	.summary = "shows the train, and passes commands on",
	.description = "A page with the train's live picture, boxes, orders, speed and latencies, "
		       "and a STOP button.",
	.commands = commands,
	.bare = &monitor_command,
};

int main(int argc, char **argv)
{
	return options_run_program(&program, argc, argv);
}
