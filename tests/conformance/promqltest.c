/*
 * Runs files in Prometheus's own test language (engine/promqltest), none of whose cases may fail:
 *
 *   promqltest FILE…
 *   promqltest --shared ROOT NAME
 *
 * The second form takes Prometheus's own file NAME.test from the study folder (RAILQUEST_SHARED,
 * else ROOT/../shared) and exits 77, "skipped", where there is none. Prints failed cases and
 * totals.
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

/* A file without a case tests nothing: a wrong path would pass unseen. */
static bool passes(const char *path)
{
	const struct promqltest_observer observer = {(void *)path, NULL, on_failed};
	const struct promqltest_options options = {0};
	struct promqltest_counts counts = {0};
	struct arena arena = {0};
	struct error err = {0};
	struct str text;
	bool ok = file_read(path, 1 << 24, &arena, &text, &err);

	if (!ok)
		fprintf(stderr, "%s\n", err.text);
	else if (!(ok = promqltest_run(text, &options, &observer, &counts, &err)))
		fprintf(stderr, "%s:%s\n", path, err.text);
	printf("%s: %llu passed, %llu failed\n", path, (unsigned long long)counts.passed,
		(unsigned long long)counts.failed);
	arena_finish(&arena);
	return ok && counts.passed && !counts.failed;
}

static int run_shared(const char *root, const char *name)
{
	const char *folder = getenv("RAILQUEST_SHARED");
	char path[4096];

	snprintf(path, sizeof path, "%s%s/prometheus/promqltest/%s.test", folder ? folder : root,
		folder ? "" : "/../shared", name);
	if (access(path, R_OK) != 0) {
		fprintf(stderr, "%s is not there: skipped\n", path);
		return 77;
	}
	return passes(path) ? 0 : 1;
}

int main(int argc, char **argv)
{
	bool ok = argc > 1;

	if (argc == 4 && strcmp(argv[1], "--shared") == 0)
		return run_shared(argv[2], argv[3]);
	for (int i = 1; i < argc; i++)
		ok = passes(argv[i]) && ok;
	return ok ? 0 : 1;
}
