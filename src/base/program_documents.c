/*
 * The commands `man` and `completion`, which every program has.
 */
#include "base/options.h"

#include <errno.h>

struct manual_options {
	const char *folder;
};

const struct option options_manual_rows[] = {
	{.name = "folder",
		.kind = OPTION_FILE,
		.offset = offsetof(struct manual_options, folder),
		.placeholder = "FOLDER",
		.help = "write every page into this folder, as PROGRAM.1, "
			"PROGRAM-COMMAND.1, …"},
	{0},
};

/* "FOLDER/railquest-test-rules.1" */
static void page_path(struct buffer *path, const char *folder, const struct program *program,
	const struct command *command)
{
	buffer_clear(path);
	buffer_printf(path, "%s/%s", folder, program->name);
	if (command) {
		buffer_append_char(path, '-');
		for (const char *c = command->name; *c; c++)
			buffer_append_char(path, *c == ' ' ? '-' : *c);
	}
	buffer_append_text(path, ".1");
}

static bool write_page(
	const char *folder, const struct program *program, const struct command *command)
{
	struct buffer path = {0};

	page_path(&path, folder, program, command);
	FILE *out = fopen(path.data, "we");

	if (out)
		options_print_manual(out, program, command);
	bool written = out && !ferror(out);

	if (out && fclose(out) != 0)
		written = false;
	if (!written)
		fprintf(stderr, "%s man: cannot write %s: %s\n", program->name, path.data,
			strerror(errno));
	buffer_finish(&path);
	return written;
}

static int write_all(const char *folder, const struct program *program)
{
	if (!write_page(folder, program, NULL))
		return 1;
	for (size_t i = 0; program->commands[i]; i++)
		if (!write_page(folder, program, program->commands[i]))
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

static int print_one(
	const struct program *program, const struct command *self, int argc, char **argv)
{
	const struct command *command = NULL;

	for (size_t i = 0; argc && program->commands[i]; i++)
		if (same_words(program->commands[i]->name, argc, argv))
			command = program->commands[i];
	if (argc && !command)
		return options_usage_error(self, "there is no command \"%s%s%s\"", argv[0],
			argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	options_print_manual(stdout, program, command);
	return 0;
}

int options_run_manual(
	const struct program *program, const struct command *self, int argc, char **argv)
{
	struct manual_options options = {0};
	int exit_code;

	if (!options_read(self, &options, &argc, argv, &exit_code))
		return exit_code;
	return options.folder ? write_all(options.folder, program)
			      : print_one(program, self, argc, argv);
}

int options_run_completion(
	const struct program *program, const struct command *self, int argc, char **argv)
{
	int exit_code;

	if (!options_read(self, NULL, &argc, argv, &exit_code))
		return exit_code;
	if (!options_print_completion(stdout, program, argv[0]))
		return options_usage_error(self, "\"%s\" is not one of bash, zsh, fish", argv[0]);
	return 0;
}
