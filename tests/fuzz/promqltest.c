/*
 * Any text as a test file, with little to load and little to ask: no crash, every case is counted
 * once, and what was said of a case is said of one that was counted.
 */
#include "engine/promqltest/promqltest.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_passed(void *context, const struct promqltest_case *test)
{
	assert(test->line > 0 && test->expression.len > 0);
	++*(uint64_t *)context;
}

static void on_failed(void *context, const struct promqltest_case *test, struct str why)
{
	assert(test->line > 0 && why.len > 0);
	++*(uint64_t *)context;
}

static struct promqltest_counts run(struct str text, bool plain, bool closed)
{
	const struct promqltest_options options = {.plain = plain,
		.closed_ranges = closed,
		.max_samples = 2000,
		.max_work = 20000,
		.max_loaded = 5000};
	uint64_t told = 0;
	const struct promqltest_observer observer = {&told, on_passed, on_failed};
	struct promqltest_counts counts = {0};
	struct error err = {0};
	bool ok = promqltest_run(text, &options, &observer, &counts, &err);

	assert(ok ? told == counts.passed + counts.failed : err.kind != ERROR_NONE && err.text[0]);
	assert(told <= counts.passed + counts.failed);
	return counts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size > 8192)
		size = 8192;
	if (size)
		memcpy(copy, data, size);
	struct str text = {copy, size};
	struct promqltest_counts all = run(text, false, false), plain = run(text, true, true);

	// However it is asked, a text has as many cases.
	assert(all.passed + all.failed == plain.passed + plain.failed);
	promqltest_is_language(text);
	free(copy);
	return 0;
}
