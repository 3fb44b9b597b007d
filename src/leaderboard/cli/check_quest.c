#include "base/clock.h"
#include "base/json.h"
#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/excerpt.h"
#include "leaderboard/cli/quest_option.h"
#include "leaderboard/cli/quest_warnings.h"

struct check_options {
	struct option_list set;
	bool json;
};

static const struct option check_table[] = {
	{.name = "set",
		.kind = OPTION_LIST,
		.offset = offsetof(struct check_options, set),
		.placeholder = "NAME=VALUE",
		.help = "value of ${NAME} in the file, before its own"},
	{.name = "json",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct check_options, json),
		.help = "print JSON"},
	{0},
};

/* One file, read: what is in it, or what is wrong with it. */
struct checked {
	const char *path;
	struct arena arena;
	struct str text; // what the file holds, empty where it could not be read
	bool ok;
	struct quest_file file; // where ok
	struct quest_warnings warnings;
	struct error err; // where not
};

static void check(struct checked *out, const char *path, const struct option_list *set)
{
	*out = (struct checked){.path = path};
	out->ok = cli_quest_read(path, set, &out->arena, &out->file, &out->text, &out->err);
	if (out->ok)
		out->warnings = cli_quest_warnings(&out->file, &out->arena);
}

static void release(struct checked *checked)
{
	if (checked->ok)
		quest_file_release(&checked->file);
	arena_finish(&checked->arena);
}

/* Where the error is. Returns the message behind "FILE:LINE:COLUMN: ", all of it where it has no
 * place; then line and column are 0. */
static const char *place_of(const struct checked *checked, size_t *line, size_t *column)
{
	const char *text = checked->err.text;
	size_t len = strlen(checked->path);
	int end = 0;

	*line = *column = 0;
	if (strncmp(text, checked->path, len) != 0 ||
		sscanf(text + len, ":%zu:%zu: %n", line, column, &end) != 2 || end == 0) {
		*line = *column = 0;
		return text;
	}
	return text + len + end;
}

static size_t condition_count(const struct quest *quest)
{
	size_t count = 0;

	for (size_t i = 0; i < quest->exercise_count; i++)
		count += quest->exercises[i].condition_count;
	return count;
}

/* --- for people --- */

static void print_summary(const struct quest_file *file)
{
	const struct quest *quest = &file->quests[file->environment];
	char start[32];

	clock_print_instant(start, file->start_ms);
	printf("  %.*s: %s, %lld min, %zu exercises, %zu conditions, %zu sources\n",
		STR_ARG(file->name), start, (long long)file->duration_ms / 60000,
		quest->exercise_count, condition_count(quest), file->source_count);
	printf("  scored by %.*s%s%.*s\n", STR_ARG(file->scorings[file->scoring].name),
		file->environments[file->environment].len ? " in " : "",
		STR_ARG(file->environments[file->environment]));
}

static void print_text(const struct checked *checked)
{
	size_t line, column;

	printf("Checking %s\n", checked->path);
	if (checked->ok) {
		print_summary(&checked->file);
		for (size_t i = 0; i < checked->warnings.count; i++)
			printf("  warning: %s: %.*s\n", checked->path,
				STR_ARG(checked->warnings.items[i]));
		if (checked->warnings.count == 0)
			puts("  SUCCESS");
		return;
	}
	fflush(stdout);
	fprintf(stderr, "  FAILED:\n%s\n", checked->err.text);
	place_of(checked, &line, &column);
	if (line)
		cli_print_excerpt(checked->text, line, column, 1);
}

/* --- for programs --- */

static void member(struct buffer *out, const char *name, struct str value)
{
	buffer_printf(out, ",\"%s\":", name);
	json_string(out, value);
}

static void print_race(struct buffer *out, const struct quest_file *file)
{
	const struct quest *quest = &file->quests[file->environment];

	member(out, "quest", file->name);
	buffer_append_text(out, ",\"start\":");
	json_number(out, (double)file->start_ms / 1000);
	buffer_append_text(out, ",\"duration_s\":");
	json_number(out, (double)file->duration_ms / 1000);
	buffer_printf(out, ",\"exercises\":%zu,\"conditions\":%zu,\"sources\":%zu",
		quest->exercise_count, condition_count(quest), file->source_count);
	member(out, "scoring", file->scorings[file->scoring].name);
	member(out, "env", file->environments[file->environment]);
}

static void print_json(struct buffer *out, const struct checked *checked)
{
	size_t line, column;

	buffer_append_text(out, "{\"file\":");
	json_string(out, str_from(checked->path));
	buffer_printf(out, ",\"ok\":%s", checked->ok ? "true" : "false");
	if (checked->ok) {
		print_race(out, &checked->file);
		buffer_append_text(out, ",\"warnings\":[");
		for (size_t i = 0; i < checked->warnings.count; i++) {
			if (i)
				buffer_append_char(out, ',');
			json_string(out, checked->warnings.items[i]);
		}
		buffer_append_text(out, "]}");
		return;
	}
	member(out, "error", str_from(place_of(checked, &line, &column)));
	if (line)
		buffer_printf(out, ",\"line\":%zu,\"column\":%zu", line, column);
	buffer_append_char(out, '}');
}

static int run(int argc, char **argv)
{
	struct check_options options = {0};
	struct buffer json = {0};
	bool ok = true;
	int exit_code;

	if (!options_read(&cli_check_quest_command, &options, &argc, argv, &exit_code))
		return exit_code;
	for (int i = 0; i < argc; i++) {
		struct checked checked;

		check(&checked, argv[i], &options.set);
		ok &= checked.ok;
		if (options.json) {
			buffer_append_text(&json, i ? ",\n" : "[");
			print_json(&json, &checked);
		} else {
			print_text(&checked);
		}
		release(&checked);
	}
	if (options.json)
		printf("%.*s]\n", STR_ARG(buffer_str(&json)));
	buffer_finish(&json);
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
		"they may be there on the day. So is a secret that would go to another machine "
		"over http://.\n\n"
		"With --json: a list with an object for each file. All have `file` and `ok`; "
		"right ones `quest`, `start` (Unix seconds), `duration_s`, `exercises`, "
		"`conditions`, `sources`, `scoring`, `env` and `warnings`, wrong ones `error` and, "
		"where it has a place, `line` and `column`.\n\n"
		"Exits with 1 where a file is wrong.",
	.examples = "  railquest check quest examples/open-code-quest-2024.yaml\n"
		    "  railquest check quest --set HOST=prometheus.example quest.yaml\n",
	.options = check_table,
	.run = run,
};
