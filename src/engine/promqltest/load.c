#include "engine/promqltest/store.h"

#include "base/memory.h"

static const uint64_t max_samples = 1000000000;

/* The loads of a text, kept until its end: a later `clear` forgets them. */
struct loads {
	struct arena *arena; // of all of them
	uint64_t sample_count;
	struct script_load *items;
	size_t count, capacity;
};

/* An eval's lines, without a look at what they say. */
static void skip_block(struct lines *lines)
{
	struct str line;

	while (lines_peek(lines, &line))
		lines_take(lines, &line);
}

static bool read_load(struct lines *lines, struct str line, struct loads *loads, struct error *err)
{
	loads->items =
		memory_grow(loads->items, &loads->capacity, loads->count + 1, sizeof *loads->items);
	struct script_load *load = &loads->items[loads->count++];

	if (!script_read_load(lines, line, loads->arena, load, err))
		return false;
	loads->sample_count += load->sample_count;
	return loads->sample_count <= max_samples ||
	       lines_fail(lines, err, "more than %llu samples are loaded",
		       (unsigned long long)max_samples);
}

static bool read_command(
	struct lines *lines, struct str line, struct loads *loads, struct error *err)
{
	switch (lines_command_of(line)) {
	case LINES_CLEAR:
		loads->count = 0;
		loads->sample_count = 0;
		return true;
	case LINES_LOAD:
		return read_load(lines, line, loads, err);
	case LINES_EVAL:
		skip_block(lines);
		return true;
	case LINES_UNKNOWN:
		break;
	}
	return lines_fail(lines, err, "expected clear, load or eval, got \"%.*s\"", STR_ARG(line));
}

bool promqltest_load(
	struct str text, int64_t origin_ms, struct series_sink *sink, struct error *err)
{
	struct arena arena = {0};
	struct loads loads = {.arena = &arena};
	struct lines lines = {.rest = text};
	struct str line;
	bool ok = true;

	while (ok && lines_take(&lines, &line))
		ok = !line.len || read_command(&lines, line, &loads, err);
	for (size_t i = 0; ok && i < loads.count; i++)
		ok = store_load(&loads.items[i], origin_ms, sink, err);
	free(loads.items);
	arena_finish(&arena);
	return ok;
}

/*
 * `load 5m`, `clear`, `eval …`. A metric may be called load or clear, too: its value is a number
 * without a unit, which no step is.
 */
bool promqltest_is_language(struct str text)
{
	struct lines lines = {.rest = text};
	struct str line, word;
	struct error err;
	int64_t step_ms;

	do {
		if (!lines_take(&lines, &line))
			return false;
	} while (!line.len);
	switch (lines_command_of(line)) {
	case LINES_CLEAR:
		return line.len == 5;
	case LINES_LOAD:
		word = lines_take_word(&line);
		return (str_equal(word, STR("load")) || str_equal(word, STR("load_with_nhcb"))) &&
		       !str_equal(line, STR("0")) && promql_parse_duration(line, &step_ms, &err);
	case LINES_EVAL:
		lines_take_word(&line);
		word = lines_take_word(&line);
		return str_equal(word, STR("instant")) || str_equal(word, STR("range"));
	case LINES_UNKNOWN:
		break;
	}
	return false;
}
