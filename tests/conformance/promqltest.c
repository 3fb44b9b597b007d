/*
 * Runs a file in Prometheus's own test language (engine/promqltest):
 *
 *   promqltest FILE AT_LEAST
 *   promqltest --shared ROOT NAME AT_LEAST
 *
 * The second form takes Prometheus's own file NAME.test from the study folder (RAILQUEST_SHARED,
 * else ROOT/../shared) and exits 77, "skipped", where there is none. AT_LEAST is the number of
 * cases that must pass, or "all". Prints failed cases and totals.
 */
#include "base/file.h"
#include "engine/promqltest/promqltest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_failed(void *context, const struct promqltest_case *test, struct str why)
{
	const char *path = context;

	printf("%s:%zu: %.*s\n  %.*s\n", path, test->line, STR_ARG(test->text), STR_ARG(why));
}

static bool run_path(const char *path, struct promqltest_counts *counts)
{
	const struct promqltest_observer observer = {(void *)path, NULL, on_failed};
	const struct promqltest_options options = {0};
	struct arena arena = {0};
	struct error err = {0};
	struct str text;
	bool ok = file_read(path, 1 << 24, &arena, &text, &err);

	if (!ok)
		fprintf(stderr, "%s\n", err.text);
	else if (!(ok = promqltest_run(text, &options, &observer, counts, &err)))
		fprintf(stderr, "%s:%s\n", path, err.text);
	printf("%s: %llu passed, %llu failed\n", path, (unsigned long long)counts->passed,
		(unsigned long long)counts->failed);
	arena_finish(&arena);
	return ok;
}

static int judge(const char *path, const char *at_least)
{
	struct promqltest_counts counts = {0};
	bool ok = run_path(path, &counts);

	if (strcmp(at_least, "all") == 0)
		return ok && counts.passed && !counts.failed ? 0 : 1;
	return counts.passed >= strtoull(at_least, NULL, 10) ? 0 : 1;
}

static int judge_shared(const char *root, const char *name, const char *at_least)
{
	const char *folder = getenv("RAILQUEST_SHARED");
	char path[4096];

	snprintf(path, sizeof path, "%s%s/prometheus/promqltest/%s.test", folder ? folder : root,
		folder ? "" : "/../shared", name);
	if (access(path, R_OK) != 0) {
		fprintf(stderr, "%s is not there: skipped\n", path);
		return 77;
	}
	return judge(path, at_least);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--shared") == 0)
		return judge_shared(argv[2], argv[3], argv[4]);
	if (argc == 3)
		return judge(argv[1], argv[2]);
	fprintf(stderr, "usage: promqltest [--shared ROOT NAME | FILE] AT_LEAST\n");
	return 2;
}
