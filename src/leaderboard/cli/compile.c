#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/quest_option.h"
#include "leaderboard/compile/compile.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct compile_flags {
	const char *out, *scoring;
	struct option_list set;
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
	{0},
};

static bool write_file(
	const char *folder, const char *name, const struct buffer *text, struct error *err)
{
	struct buffer path = {0};

	buffer_printf(&path, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
	bool ok = file_write(path.data, buffer_str(text), err);

	if (ok)
		puts(path.data);
	buffer_finish(&path);
	return ok;
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
	return make_folder(folder, err) &&
	       write_file(folder, "prometheus-rules.yaml", &output->prometheus, err) &&
	       write_file(folder, "thanos-ruler-configmap.yaml", &output->thanos, err) &&
	       write_file(folder, "acm-allowlist-configmap.yaml", &output->allowlist, err) &&
	       write_file(folder, "grafana-dashboard.json", &output->dashboard, err);
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
