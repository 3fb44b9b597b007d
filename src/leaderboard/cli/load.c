#include "leaderboard/cli/load.h"

#include "base/clock.h"
#include "base/file.h"
#include "engine/promqltest/promqltest.h"

#include <malloc.h>
#include <stdlib.h>

static const size_t max_file_bytes = (size_t)2 << 30;

const char *const cli_load_formats[] = {"auto", "openmetrics", "prometheus", "promqltest", NULL};

enum format { OPENMETRICS, PROMETHEUS, TEST_LANGUAGE };

static enum format format_of(const struct cli_load *options, struct str text)
{
	if (strcmp(options->format, "openmetrics") == 0)
		return OPENMETRICS;
	if (strcmp(options->format, "prometheus") == 0)
		return PROMETHEUS;
	if (strcmp(options->format, "promqltest") == 0 || promqltest_is_language(text))
		return TEST_LANGUAGE;
	return scrape_format_of(text) == SCRAPE_OPENMETRICS ? OPENMETRICS : PROMETHEUS;
}

static bool load_text(struct str text, const struct cli_load *options, int64_t origin_ms,
	int64_t now_ms, struct series_sink *sink, struct scrape_catalog *catalog, struct error *err)
{
	if (options->needs_times)
		now_ms = SCRAPE_NO_TIME;
	switch (format_of(options, text)) {
	case OPENMETRICS:
		return scrape_load(text, SCRAPE_OPENMETRICS, now_ms, sink, catalog, err);
	case PROMETHEUS:
		return scrape_load(text, SCRAPE_PROMETHEUS, now_ms, sink, catalog, err);
	case TEST_LANGUAGE:
		break;
	}
	return promqltest_load(text, origin_ms, sink, err);
}

static bool load_file(const struct command *command, const char *path,
	const struct cli_load *options, int64_t origin_ms, int64_t now_ms, struct series_sink *sink,
	struct scrape_catalog *catalog)
{
	struct arena arena = {0};
	struct error err = {0};
	struct str text;
	bool ok = file_read(path, max_file_bytes, &arena, &text, &err);

	if (!ok)
		fprintf(stderr, "railquest %s: %s\n", command->name, err.text);
	else if (!(ok = load_text(text, options, origin_ms, now_ms, sink, catalog, &err)))
		fprintf(stderr, "%s:%s\n", strcmp(path, "-") == 0 ? "standard input" : path,
			err.text);
	arena_finish(&arena);
	// The text and what was read from it took many times what its samples take from now on.
	malloc_trim(0);
	return ok;
}

static bool read_origin(const char *text, int64_t now_ms, int64_t *out_ms)
{
	*out_ms = 0;
	if (!text)
		return true;
	if (strcmp(text, "now") == 0) {
		*out_ms = now_ms;
		return true;
	}
	return clock_parse_instant(text, strlen(text), out_ms);
}

int cli_load_files(const struct command *command, const struct option_list *files,
	const struct cli_load *options, struct series_sink *sink, struct scrape_catalog *catalog)
{
	// One now for all: what has no time was read at once.
	int64_t now_ms = clock_wall_ms(), origin_ms;

	if (!read_origin(options->origin, now_ms, &origin_ms))
		return options_usage_error(command,
			"--load-origin: expected Unix seconds (1728047700), RFC 3339 "
			"(2024-10-04T13:15:00Z) or now, got \"%s\"",
			options->origin);
	for (size_t i = 0; i < files->count; i++)
		if (!load_file(command, files->items[i], options, origin_ms, now_ms, sink, catalog))
			return 1;
	return 0;
}
