#include "train/supervisor/tape.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

// A decision comes so soon after its picture, or not at all.
enum { LATE_MS = 10000, MAX_ENTRIES = 4 << 20 };

static const unsigned kinds = 1U << RING_FRAME | 1U << RING_RESULT | 1U << RING_DECISION;

/* --- keys --- */

static int compare_keys(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static bool has(const uint64_t *keys, size_t count, uint64_t key)
{
	return count && bsearch(&key, keys, count, sizeof key, compare_keys);
}

static void sort(uint64_t *keys, size_t count)
{
	if (count)
		qsort(keys, count, sizeof *keys, compare_keys);
}

/* Messages are taken in the order in which they came, not in that of their instants. */
static int compare_numbers(const void *a, const void *b)
{
	const struct ring_entry *left = a, *right = b;

	return left->number < right->number ? -1 : left->number > right->number;
}

/* --- which part of a ring --- */

struct start {
	int64_t before_ms, at_ms;
	bool is_found;
};

static bool note_start(void *context, const struct ring_entry *entry)
{
	struct start *start = context;

	if (entry->note.is_first && entry->at_ms <= start->before_ms) {
		start->at_ms = entry->at_ms;
		start->is_found = true;
	}
	return true;
}

static int64_t earlier(int64_t at_ms)
{
	return at_ms < INT64_MIN + LATE_MS ? INT64_MIN : at_ms - LATE_MS;
}

static int64_t later(int64_t at_ms)
{
	return at_ms > INT64_MAX - LATE_MS ? INT64_MAX : at_ms + LATE_MS;
}

static void sort_keys(struct tape *tape, int64_t from_ms, int64_t to_ms)
{
	tape->seen = ARENA_ARRAY(&tape->arena, uint64_t, tape->count + 1);
	tape->firsts = ARENA_ARRAY(&tape->arena, uint64_t, tape->count + 1);
	tape->wanted = ARENA_ARRAY(&tape->arena, uint64_t, tape->count + 1);
	for (size_t i = 0; i < tape->count; i++) {
		const struct ring_entry *entry = &tape->entries[i];

		if (entry->note.kind == RING_RESULT)
			tape->seen[tape->seen_count++] = entry->note.key;
		else if (entry->note.kind == RING_FRAME && entry->at_ms >= from_ms &&
			 entry->at_ms <= to_ms)
			tape->wanted[tape->wanted_count++] = entry->note.key;
		else if (entry->note.is_first)
			tape->firsts[tape->first_count++] = entry->note.key;
	}
	sort(tape->seen, tape->seen_count);
	sort(tape->firsts, tape->first_count);
	sort(tape->wanted, tape->wanted_count);
}

/* Nothing is decided on what the run before left behind. */
static void skip_to_start(struct tape *tape)
{
	for (size_t i = 0; i < tape->count; i++)
		if (has(tape->firsts, tape->first_count, tape->entries[i].note.key)) {
			tape->next = i;
			return;
		}
}

static bool choose(struct tape *tape, int64_t from_ms, int64_t to_ms, struct error *err)
{
	struct start start = {.before_ms = later(from_ms)};
	bool is_cut;

	if (!ring_reader_visit(
		    tape->ring, INT64_MIN, INT64_MAX, 1U << RING_DECISION, note_start, &start, err))
		return false;
	tape->is_from_the_start = start.is_found;
	if (!ring_reader_list(tape->ring,
		    earlier(start.is_found && start.at_ms < from_ms ? start.at_ms : from_ms),
		    later(to_ms), kinds, MAX_ENTRIES, &tape->arena, &tape->entries, &tape->count,
		    &is_cut, err))
		return false;
	if (is_cut)
		return error_set(err, ERROR_LIMIT,
			"this is too much for one replay: say less with "
			"--from and --to");
	if (tape->count)
		qsort(tape->entries, tape->count, sizeof *tape->entries, compare_numbers);
	sort_keys(tape, from_ms, to_ms);
	if (start.is_found)
		skip_to_start(tape);
	return true;
}

/* The name of the one train's folder in a recorder's; false where there is none, or several. */
static bool only_train(const char *folder, char out[NAME_MAX + 1])
{
	DIR *directory = opendir(folder);
	size_t count = 0;

	if (!directory)
		return false;
	for (const struct dirent *entry; (entry = readdir(directory));)
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR && ++count == 1)
			snprintf(out, NAME_MAX + 1, "%s", entry->d_name);
	closedir(directory);
	return count == 1;
}

struct ring_reader *tape_open_ring(const char *folder, const char *train, struct error *err)
{
	char name[NAME_MAX + 1], path[PATH_MAX];

	if (train)
		return ring_reader_open_train(folder, str_from(train), err);
	if (!only_train(folder, name)) {
		error_set(err, ERROR_INVALID,
			"%s is no recording, and no folder of railquest-monitor --record with one "
			"train; of several say which with --train",
			folder);
		return NULL;
	}
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return ring_reader_open(path, err);
}

bool tape_read_instant(
	const char *option, const char *text, int64_t fallback_ms, int64_t *out, struct error *err)
{
	*out = fallback_ms;
	return !text || clock_parse_instant(text, strlen(text), out) ||
	       error_set(err, ERROR_INVALID,
		       "--%s: \"%s\" is no instant: 2026-11-27T13:15:00Z, or Unix seconds", option,
		       text);
}

static bool open_ring(struct tape *tape, const char *folder, const char *train, struct error *err)
{
	tape->ring = tape_open_ring(folder, train, err);
	return tape->ring;
}

bool tape_open(struct tape *tape, const char *folder, const char *train, int64_t from_ms,
	int64_t to_ms, struct error *err)
{
	char path[PATH_MAX];

	*tape = (struct tape){.recording.pictures_fd = -1};
	snprintf(path, sizeof path, "%s/" RING_LOCK_FILE, folder);
	if (access(path, F_OK) == 0)
		return open_ring(tape, folder, train, err) && choose(tape, from_ms, to_ms, err);
	if (train || from_ms != INT64_MIN || to_ms != INT64_MAX)
		return error_set(err, ERROR_INVALID,
			"--train, --from and --to are for a folder of railquest-monitor --record, "
			"which %s is not",
			folder);
	return recording_open(&tape->recording, folder, err);
}

void tape_close(struct tape *tape)
{
	ring_reader_close(tape->ring);
	arena_finish(&tape->arena);
	recording_reader_close(&tape->recording);
	*tape = (struct tape){.recording.pictures_fd = -1};
}

static bool next_of_ring(
	struct tape *tape, struct arena *arena, struct tape_message *out, struct error *err)
{
	static const enum recording_topic topics[] = {
		[RING_FRAME] = RECORDING_FRAME,
		[RING_RESULT] = RECORDING_RESULT,
		[RING_DECISION] = RECORDING_DECISION,
	};

	while (tape->next < tape->count) {
		const struct ring_entry *entry = &tape->entries[tape->next++];
		uint64_t key = entry->note.key;

		if (!entry->note.is_readable || entry->note.is_compat ||
			!has(tape->seen, tape->seen_count, key))
			continue;
		*out = (struct tape_message){
			.topic = topics[entry->note.kind],
			.begins = entry->note.kind != RING_DECISION &&
				  has(tape->firsts, tape->first_count, key),
			.is_wanted = has(tape->wanted, tape->wanted_count, key),
		};
		if (ring_reader_read(tape->ring, entry, arena, &out->payload, err))
			return true;
		if (err->kind != ERROR_NONE)
			return false;
	}
	return false;
}

bool tape_next(struct tape *tape, struct arena *arena, struct tape_message *out, struct error *err)
{
	if (tape->ring)
		return next_of_ring(tape, arena, out, err);
	*out = (struct tape_message){.is_wanted = true};
	return recording_next(&tape->recording, arena, &out->topic, &out->payload, err);
}
