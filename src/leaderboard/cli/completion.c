#include "leaderboard/cli/cli.h"

static int run(int argc, char **argv)
{
	int exit_code;

	if (!options_read(&cli_completion_command, NULL, &argc, argv, &exit_code))
		return exit_code;
	if (!options_print_completion(stdout, &cli_program, argv[0]))
		return options_usage_error(
			&cli_completion_command, "\"%s\" is not one of bash, zsh, fish", argv[0]);
	return 0;
}

const struct command cli_completion_command = {
	.name = "completion",
	.arguments = "bash|zsh|fish",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "print a completion script for a shell",
	.description =
		"Writes the script to standard output. It is made from the same tables as --help.",
	.examples = "  source <(railquest completion bash)\n"
		    "  railquest completion fish > ~/.config/fish/completions/railquest.fish\n",
	.run = run,
};
