#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/quest_option.h"
#include "leaderboard/compile/compile.h"

#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct compile_flags {
	const char *out, *scoring;
	struct option_list set;
	bool json;
};

static const struct option compile_table[] = {
	{.name = "out",
		.kind = OPTION_FILE,
		.offset = offsetof(struct compile_flags, out),
		.placeholder = "DIR",
		.help = "folder to write to; it is made where it is not there",
		.fallback = "."},
	{.name = "scoring",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct compile_flags, scoring),
		.placeholder = "NAME",
		.help = "the scoring, instead of the file's"},
	{.name = "set",
		.kind = OPTION_LIST,
		.offset = offsetof(struct compile_flags, set),
		.placeholder = "NAME=VALUE",
		.help = "value of ${NAME} in the file"},
	{.name = "json",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct compile_flags, json),
		.help = "print what was written as JSON, instead of a line for each file"},
	{0},
};

static const struct {
	const char *name;
	size_t offset;
} files[] = {
	{"prometheus-rules.yaml", offsetof(struct compile_output, prometheus)},
	{"thanos-ruler-configmap.yaml", offsetof(struct compile_output, thanos)},
	{"acm-allowlist-configmap.yaml", offsetof(struct compile_output, allowlist)},
	{"grafana-dashboard.json", offsetof(struct compile_output, dashboard)},
};

enum { FILE_COUNT = sizeof files / sizeof *files };

static void append_path(struct buffer *out, const char *folder, size_t i)
{
	buffer_printf(
		out, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", files[i].name);
}

/* With the folders above it, as `mkdir -p` does. */
static bool make_folder(const char *folder, struct error *err)
{
	struct buffer path = {0};
	bool ok = true;

	for (const char *end = folder; ok && *end; end++) {
		if (*end != '/' && end[1] != '\0')
			continue;
		buffer_clear(&path);
		buffer_append(&path, folder, (size_t)(end - folder) + 1);
		if (mkdir(path.data, 0777) != 0 && errno != EEXIST)
			ok = error_errno(err, "make folder %s", path.data);
	}
	buffer_finish(&path);
	return ok;
}

static bool write_all(const char *folder, const struct compile_output *output, struct error *err)
{
	bool ok = make_folder(folder, err);

	for (size_t i = 0; ok && i < FILE_COUNT; i++) {
		const struct buffer *text = (const void *)((const char *)output + files[i].offset);
		struct buffer path = {0};

		append_path(&path, folder, i);
		ok = file_write(path.data, buffer_str(text), err);
		buffer_finish(&path);
	}
	return ok;
}

static void print_paths(const char *folder)
{
	struct buffer out = {0};

	for (size_t i = 0; i < FILE_COUNT; i++) {
		append_path(&out, folder, i);
		buffer_append_char(&out, '\n');
	}
	fwrite(out.data, 1, out.len, stdout);
	buffer_finish(&out);
}

static void print_json(const char *folder, const struct quest_file *file, size_t scoring)
{
	struct buffer out = {0}, path = {0};

	buffer_append_text(&out, "{\"quest\":");
	json_string(&out, file->name);
	buffer_append_text(&out, ",\"scoring\":");
	json_string(&out, file->scorings[scoring].name);
	buffer_append_text(&out, ",\"files\":[");
	for (size_t i = 0; i < FILE_COUNT; i++) {
		buffer_clear(&path);
		append_path(&path, folder, i);
		buffer_append_text(&out, i ? "," : "");
		json_string(&out, buffer_str(&path));
	}
	buffer_append_text(&out, "]}\n");
	fwrite(out.data, 1, out.len, stdout);
	buffer_finish(&path);
	buffer_finish(&out);
}

static bool compile(const char *path, const struct compile_flags *flags, struct error *err)
{
	struct compile_output output = {0};
	struct arena arena = {0};
	struct quest_file file;

	if (!cli_quest_read(path, &flags->set, &arena, &file, NULL, err)) {
		arena_finish(&arena);
		return false;
	}
	size_t scoring =
		flags->scoring ? quest_file_scoring(&file, str_from(flags->scoring)) : file.scoring;
	bool ok = scoring != SIZE_MAX ? compile_quest(&file, scoring, &output, err) &&
						write_all(flags->out, &output, err)
				      : error_set(err, ERROR_INVALID, "%s has no scoring \"%s\"",
						path, flags->scoring);

	if (ok && flags->json)
		print_json(flags->out, &file, scoring);
	else if (ok)
		print_paths(flags->out);
	compile_output_finish(&output);
	quest_file_release(&file);
	arena_finish(&arena);
	return ok;
}

static int run(int argc, char **argv)
{
	struct compile_flags flags = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&cli_compile_command, &flags, &argc, argv, &exit_code))
		return exit_code;
	exit_code = 0;
	if (!compile(argv[0], &flags, &err)) {
		fprintf(stderr, "railquest compile: %s\n", err.text);
		exit_code = 1;
	}
	options_list_finish(&flags.set);
	return exit_code;
}

const struct command cli_compile_command = {
	.name = "compile",
	.arguments = "QUEST",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "write a quest as recording rules, for Prometheus, Thanos and ACM",
	.description =
		"Writes prometheus-rules.yaml, thanos-ruler-configmap.yaml, "
		"acm-allowlist-configmap.yaml and grafana-dashboard.json. The rules record when "
		"each exercise was completed, once and for good, and points as a function of that: "
		"no window that forgets, no bonus that is counted twice.\n\n"
		"Conditions by probe, push or award, acts of people and excluded time are "
		"Railquest's own: rules cannot know them.",
	.examples = "  railquest compile quest.yaml --out rules\n",
	.options = compile_table,
	.run = run,
};
