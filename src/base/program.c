/*
 * From argv's first words to the command that they name.
 */
#include "base/options.h"

#include "base/memory.h"
#include "base/spelling.h"

#include <stdlib.h>

/* How many of argv's words are the command's name, all of it; 0 where they are not. */
static int match(const struct command *command, int argc, char **argv)
{
	const char *name = command->name;

	for (int i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (len == 0 || strncmp(name, argv[i], len) != 0)
			return 0;
		if (name[len] == '\0')
			return i + 1;
		if (name[len] != ' ')
			return 0;
		name += len + 1;
	}
	return 0;
}

static const struct command *find(const struct program *program, int argc, char **argv, int *words)
{
	const struct command *found = NULL;

	*words = 0;
	for (size_t i = 0; program->commands[i]; i++) {
		int matched = match(program->commands[i], argc, argv);

		if (matched > *words) {
			*words = matched;
			found = program->commands[i];
		}
	}
	return found;
}

/* Commands that begin with this very word, as in "check": what is missing is the second word. */
static bool print_family(const struct program *program, const char *word)
{
	size_t len = strlen(word), count = 0;

	for (size_t i = 0; len && program->commands[i]; i++) {
		const char *name = program->commands[i]->name;

		if (strncmp(name, word, len) == 0 && name[len] == ' ')
			fprintf(stderr, "%s%s",
				count++ ? ", " : "one word is missing after it: ", name);
	}
	if (count)
		fputc('\n', stderr);
	return count > 0;
}

/* The nearest command to argv's first word, or to its first two taken as one name. */
static const char *nearest_command(const struct program *program, int argc, char **argv)
{
	const char **names = NULL;
	size_t count = 0, capacity = 0;
	struct buffer both = {0};

	for (size_t i = 0; program->commands[i]; i++) {
		names = memory_grow(names, &capacity, count + 3, sizeof *names);
		names[count++] = program->commands[i]->name;
	}
	names = memory_grow(names, &capacity, count + 2, sizeof *names);
	names[count++] = "help";
	names[count] = NULL;
	buffer_printf(&both, "%s %s", argv[0], argc > 1 ? argv[1] : "");
	const char *nearest = argc > 1 ? spelling_nearest(buffer_str(&both), names) : NULL;

	if (!nearest)
		nearest = spelling_nearest(str_from(argv[0]), names);
	buffer_finish(&both);
	free(names);
	return nearest;
}

static int unknown_command(const struct program *program, int argc, char **argv)
{
	bool flag = argv[0][0] == '-';

	fprintf(stderr, "%s: %s \"%s\"", program->name, flag ? "unknown option" : "unknown command",
		argv[0]);
	fputs(flag ? "; options go after the command\n" : "; ", stderr);
	if (!flag && !print_family(program, argv[0])) {
		const char *nearest = nearest_command(program, argc, argv);

		if (nearest)
			fprintf(stderr, "did you mean \"%s\"?\n", nearest);
		else
			fputs("there is nothing by a similar name\n", stderr);
	}
	fprintf(stderr, "Try '%s --help'.\n", program->name);
	return 2;
}

static int help(const struct program *program, int argc, char **argv)
{
	int words;
	const struct command *command = find(program, argc, argv, &words);

	if (argc == 0) {
		options_print_program_help(stdout, program, 0);
		return 0;
	}
	if (!command || words != argc)
		return unknown_command(program, argc, argv);
	options_print_help(stdout, command, 0);
	return 0;
}

int options_run_program(const struct program *program, int argc, char **argv)
{
	int words;

	if (argc < 2 && program->bare)
		return program->bare->run(0, argv + 1);
	if (argc < 2) {
		options_print_program_help(stderr, program, 0);
		return 2;
	}
	argc--;
	argv++;
	if (strcmp(argv[0], "help") == 0)
		return help(program, argc - 1, argv + 1);
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
		return help(program, 0, argv);
	if (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "-V") == 0) {
		printf("%s %s\n", program->name, program->version);
		return 0;
	}
	const struct command *command = find(program, argc, argv, &words);

	if (!command && program->bare && argv[0][0] == '-')
		return program->bare->run(argc, argv);
	if (!command)
		return unknown_command(program, argc, argv);
	return command->run(argc - words, argv + words);
}
