#include "base/clock.h"
#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/excerpt.h"
#include "leaderboard/cli/quest_option.h"

#include <unistd.h>

struct check_options {
	struct option_list set;
};

static const struct option check_table[] = {
	{.name = "set",
		.kind = OPTION_LIST,
		.offset = offsetof(struct check_options, set),
		.placeholder = "NAME=VALUE",
		.help = "value of ${NAME} in the file, before its own"},
	{0},
};

static void print_excerpt(struct str text, const char *path, const struct error *err)
{
	size_t line = 0, column = 0, len = strlen(path);

	if (strncmp(err->text, path, len) == 0 &&
		sscanf(err->text + len, ":%zu:%zu:", &line, &column) == 2)
		cli_print_excerpt(text, line, column, 1);
}

/* Files that are named and cannot be read: on the day this would be an outage. */
static size_t warn_file(const char *path, struct str name, const char *what)
{
	if (name.len == 0 || access(name.data, R_OK) == 0)
		return 0;
	printf("  warning: %s: %s %.*s cannot be read\n", path, what, STR_ARG(name));
	return 1;
}

static size_t warn(const char *path, const struct quest_file *file)
{
	size_t count = warn_file(path, file->push_token_file, "token_file") +
		       warn_file(path, file->admin_token_file, "token_file");

	for (size_t i = 0; i < file->source_count; i++) {
		const struct quest_access *access = &file->sources[i].access;

		count += warn_file(path, access->ca_file, "ca_file") +
			 warn_file(path, access->certificate_file, "certificate_file") +
			 warn_file(path, access->key_file, "key_file") +
			 warn_file(path, access->bearer_token_file, "bearer_token_file") +
			 warn_file(path, access->password_file, "password_file");
	}
	if (file->source_count == 0) {
		printf("  warning: %s: without sources only pushes, probes and awards complete "
		       "anything\n",
			path);
		count++;
	}
	return count;
}

static void print_summary(const struct quest_file *file)
{
	const struct quest *quest = &file->quests[file->environment];
	size_t conditions = 0;
	char start[32];

	for (size_t i = 0; i < quest->exercise_count; i++)
		conditions += quest->exercises[i].condition_count;
	clock_print_instant(start, file->start_ms);
	printf("  %.*s: %s, %lld min, %zu exercises, %zu conditions, %zu sources\n",
		STR_ARG(file->name), start, (long long)file->duration_ms / 60000,
		quest->exercise_count, conditions, file->source_count);
	printf("  scored by %.*s%s%.*s\n", STR_ARG(file->scorings[file->scoring].name),
		file->environments[file->environment].len ? " in " : "",
		STR_ARG(file->environments[file->environment]));
}

static bool check_file(const char *path, const struct option_list *set)
{
	struct arena arena = {0};
	struct quest_file file;
	struct error err = {0};
	struct str text = {0};
	bool ok = cli_quest_read(path, set, &arena, &file, &text, &err);

	printf("Checking %s\n", path);
	if (ok) {
		print_summary(&file);
		if (!warn(path, &file))
			puts("  SUCCESS");
		quest_file_release(&file);
	} else {
		fflush(stdout);
		fprintf(stderr, "  FAILED:\n%s\n", err.text);
		print_excerpt(text, path, &err);
	}
	arena_finish(&arena);
	return ok;
}

static int run(int argc, char **argv)
{
	struct check_options options = {0};
	bool ok = true;
	int exit_code;

	if (!options_read(&cli_check_quest_command, &options, &argc, argv, &exit_code))
		return exit_code;
	for (int i = 0; i < argc; i++)
		ok &= check_file(argv[i], &options.set);
	options_list_finish(&options.set);
	return ok ? 0 : 1;
}

const struct command cli_check_quest_command = {
	.name = "check quest",
	.arguments = "FILE…",
	.min_arguments = 1,
	.summary = "check quest files",
	.description =
		"Reads quest files and says what is wrong with them, with file, line and column, "
		"and what to write instead. Expressions are parsed and their types checked. Files "
		"that they name (tokens, certificates) and that cannot be read are warnings: "
		"they may be there on the day.\n\n"
		"Exits with 1 where a file is wrong.",
	.examples = "  railquest check quest examples/open-code-quest-2024.yaml\n"
		    "  railquest check quest --set HOST=prometheus.example quest.yaml\n",
	.options = check_table,
	.run = run,
};
