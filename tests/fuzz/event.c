/*
 * Whatever stands in the log's file, which anybody with SQLite can edit: an event, or an error that
 * says something. What is read can be written, and is read back as the same bytes; and any JSON
 * has one canonical form, which is its own.
 */
#include "leaderboard/log/entry.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_canonical(struct str body)
{
	const size_t flags = CANONICAL_INPUT | JSON_DECODE_ANY;
	json_t *value = json_loadb(body.data, body.len, flags, NULL);
	struct buffer once = {0}, twice = {0};

	if (!value)
		return;
	canonical_print(&once, value);
	json_decref(value);
	value = json_loadb(once.data, once.len, flags, NULL);
	assert(value);
	canonical_print(&twice, value);
	json_decref(value);
	assert(str_equal(buffer_str(&once), buffer_str(&twice)));
	buffer_finish(&once);
	buffer_finish(&twice);
}

/* Far from where adding to it, or taking it away from another, could overflow. */
static void check_instant(int64_t t_ms)
{
	assert(t_ms == EVENT_NO_INSTANT ||
		(t_ms >= -INT64_C(9007199254740991) && t_ms <= INT64_C(9007199254740991)));
}

static void check_entry(const struct event_log_entry *entry, struct arena *arena)
{
	struct buffer once = {0}, twice = {0};
	struct event_log_entry back;
	struct error err = {0};

	assert(entry->when_ms != EVENT_NO_INSTANT);
	check_instant(entry->when_ms);
	check_instant(entry->t_ms);
	check_instant(entry->earliest_ms);
	check_instant(entry->latest_ms);
	check_instant(entry->from_ms);
	check_instant(entry->to_ms);
	assert(event_entry_print(&once, entry, &err));
	assert(event_entry_read(buffer_str(&once), arena, &back, &err));
	assert(event_entry_print(&twice, &back, &err));
	assert(str_equal(buffer_str(&once), buffer_str(&twice)));
	buffer_finish(&once);
	buffer_finish(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);
	struct event_log_entry entry;
	struct arena arena = {0};
	struct error err = {0};

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	check_canonical((struct str){copy, size});
	if (event_entry_read((struct str){copy, size}, &arena, &entry, &err)) {
		// What is kept is the arena's.
		if (size)
			memset(copy, 0, size);
		check_entry(&entry, &arena);
	} else {
		assert(err.kind == ERROR_INVALID && err.text[0]);
	}
	arena_finish(&arena);
	free(copy);
	return 0;
}
