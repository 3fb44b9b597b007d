/*
 * The commands that need no bus: decisions on recorded results, and a look at a rules file.
 */
#include "train/decision_service/decision_service.h"

#include "base/memory.h"
#include "train/decision_service/rules_file.h"

#include <errno.h>

struct replay_options {
	const char *rules;
};

static const struct option replay_table[] = {
	{.name = "rules",
		.kind = OPTION_FILE,
		.offset = offsetof(struct replay_options, rules),
		.placeholder = "FILE",
		.help = "the rules (docs/decision.md); otherwise the built-in ones",
		.environment = "RAILQUEST_RULES"},
	{0},
};

enum { LINE_BYTES = WIRE_MAX_METADATA_BYTES + 2 };

/* The rest of a line that is too long. */
static void skip_line(FILE *file)
{
	int c;

	while ((c = getc(file)) != EOF && c != '\n')
		;
}

/* False where a line could not be read: it is told, and the next ones are replayed all the same. */
static bool replay_file(FILE *file, const char *name, struct decision *decision)
{
	char *line = memory_alloc(LINE_BYTES);
	struct buffer out = {0};
	bool ok = true;

	for (long number = 1; fgets(line, LINE_BYTES, file); number++) {
		struct str text = str_from(line);
		struct error err = {0};

		if (text.len == LINE_BYTES - 1 && line[text.len - 1] != '\n')
			skip_line(file);
		buffer_clear(&out);
		if (str_trim(text).len && !decision_replay(decision, str_trim(text), &out, &err)) {
			fprintf(stderr, "%s:%ld: %s\n", name, number, err.text);
			ok = false;
		}
		fwrite(out.data, 1, out.len, stdout);
	}
	if (ferror(file)) {
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
		ok = false;
	}
	free(line);
	buffer_finish(&out);
	return ok;
}

static bool replay(struct decision *decision, int count, char **names)
{
	bool ok = true;

	for (int i = 0; i < count; i++) {
		bool is_input = strcmp(names[i], "-") == 0;
		FILE *file = is_input ? stdin : fopen(names[i], "re");

		if (!file) {
			fprintf(stderr, "%s: %s\n", names[i], strerror(errno));
			ok = false;
			continue;
		}
		ok &= replay_file(file, is_input ? "standard input" : names[i], decision);
		if (!is_input)
			fclose(file);
	}
	return ok;
}

static int run_replay(int argc, char **argv)
{
	struct replay_options options = {0};
	struct rules_file rules;
	struct error err = {0};
	int exit_code;

	if (!options_read(&decision_replay_command, &options, &argc, argv, &exit_code))
		return exit_code;
	if (!rules_file_open(&rules, options.rules, &err)) {
		fprintf(stderr, "railquest-decision replay: %s\n", err.text);
		rules_file_finish(&rules);
		return 1;
	}
	struct decision *decision = decision_create(&rules.rules);
	bool ok = replay(decision, argc, argv);

	if (fflush(stdout) != 0) {
		perror("railquest-decision replay: standard output");
		ok = false;
	}
	decision_destroy(decision);
	rules_file_finish(&rules);
	return ok ? 0 : 1;
}

const struct command decision_replay_command = {
	.name = "replay",
	.arguments = "FILE…",
	.min_arguments = 1,
	.summary = "decide again on recorded results",
	.description =
		"Reads recorded results, a result message a line (docs/wire.md; without pictures), "
		"and writes the decision on each, a line of JSON, as the service's --log does. The "
		"files are one recording, in the order given; - is standard input.\n\n"
		"The same results and rules give the same decisions, byte for byte. A line that is "
		"no result is told on standard error and decides nothing; the exit status is "
		"then 1.",
	.examples =
		"  railquest-decision replay --rules rules.yaml results.ndjson | jq -c .order\n",
	.options = replay_table,
	.run = run_replay,
};

static int run_check(int argc, char **argv)
{
	int exit_code, failed = 0;
	char none;

	if (!options_read(&decision_check_command, &none, &argc, argv, &exit_code))
		return exit_code;
	for (int i = 0; i < argc; i++) {
		struct rules_file rules;
		struct error err = {0};

		if (rules_file_open(&rules, argv[i], &err)) {
			printf("%s: %zu signs\n", argv[i], rules.rules.sign_count);
		} else {
			fprintf(stderr, "%s\n", err.text);
			failed = 1;
		}
		rules_file_finish(&rules);
	}
	return failed;
}

const struct command decision_check_command = {
	.name = "check",
	.arguments = "FILE…",
	.min_arguments = 1,
	.summary = "say whether rules files are right",
	.description = "Reads each file as the service would, and says file, line and column of "
		       "what is wrong. The exit status is 1 where anything is.",
	.run = run_check,
};

static int run_rules(int argc, char **argv)
{
	int exit_code;
	char none;

	if (!options_read(&decision_rules_command, &none, &argc, argv, &exit_code))
		return exit_code;
	return fputs(decision_builtin_rules, stdout) < 0 || fflush(stdout) != 0;
}

const struct command decision_rules_command = {
	.name = "rules",
	.summary = "print the built-in rules",
	.description = "Prints the rules that are used where --rules names none: a file to begin "
		       "one's own with.",
	.examples = "  railquest-decision rules >rules.yaml\n",
	.run = run_rules,
};
