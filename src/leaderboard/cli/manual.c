#include "leaderboard/cli/cli.h"

#include <errno.h>

struct manual_options {
	const char *folder;
};

static const struct option manual_table[] = {
	{.name = "folder",
		.kind = OPTION_FILE,
		.offset = offsetof(struct manual_options, folder),
		.placeholder = "FOLDER",
		.help = "write every page into this folder, as railquest.1, "
			"railquest-test-rules.1, …"},
	{0},
};

/* "FOLDER/railquest-test-rules.1" */
static void page_path(struct buffer *path, const char *folder, const struct command *command)
{
	buffer_clear(path);
	buffer_printf(path, "%s/%s", folder, cli_program.name);
	if (command) {
		buffer_append_char(path, '-');
		for (const char *c = command->name; *c; c++)
			buffer_append_char(path, *c == ' ' ? '-' : *c);
	}
	buffer_append_text(path, ".1");
}

static bool write_page(const char *folder, const struct command *command)
{
	struct buffer path = {0};

	page_path(&path, folder, command);
	FILE *out = fopen(path.data, "we");

	if (out)
		options_print_manual(out, &cli_program, command);
	bool written = out && !ferror(out);

	if (out && fclose(out) != 0)
		written = false;
	if (!written)
		fprintf(stderr, "railquest man: cannot write %s: %s\n", path.data, strerror(errno));
	buffer_finish(&path);
	return written;
}

static int write_all(const char *folder)
{
	if (!write_page(folder, NULL))
		return 1;
	for (size_t i = 0; cli_program.commands[i]; i++)
		if (!write_page(folder, cli_program.commands[i]))
			return 1;
	return 0;
}

static bool same_words(const char *name, int argc, char **argv)
{
	struct buffer words = {0};

	for (int i = 0; i < argc; i++)
		buffer_printf(&words, "%s%s", i ? " " : "", argv[i]);
	bool same = words.data && strcmp(words.data, name) == 0;

	buffer_finish(&words);
	return same;
}

static int print_one(int argc, char **argv)
{
	const struct command *command = NULL;

	for (size_t i = 0; argc && cli_program.commands[i]; i++)
		if (same_words(cli_program.commands[i]->name, argc, argv))
			command = cli_program.commands[i];
	if (argc && !command)
		return options_usage_error(&cli_manual_command, "there is no command \"%s%s%s\"",
			argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	options_print_manual(stdout, &cli_program, command);
	return 0;
}

static int run(int argc, char **argv)
{
	struct manual_options options = {0};
	int exit_code;

	if (!options_read(&cli_manual_command, &options, &argc, argv, &exit_code))
		return exit_code;
	return options.folder ? write_all(options.folder) : print_one(argc, argv);
}

const struct command cli_manual_command = {
	.name = "man",
	.arguments = "[COMMAND]",
	.max_arguments = 2,
	.summary = "print a man page",
	.description = "Writes the page of a command, or of the whole program, in roff to standard "
		       "output. It is made "
		       "from the same tables as --help.",
	.examples = "  railquest man test rules | man -l -\n",
	.options = manual_table,
	.run = run,
};
