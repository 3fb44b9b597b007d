/*
 * A reader holds names and heads alone; indices are read as they are needed. It shares nothing with
 * the writer but the files: a segment that the writer drops meanwhile is passed over.
 */
#include "train/ring/entries.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct part {
	uint64_t name;
	bool is_open;		     // it had no index: `entries` has it all
	struct ring_entries entries; // else the head alone
};

struct ring_reader {
	int folder_fd;
	struct part *parts; // in order, none of them empty
	size_t count;
	uint64_t bytes;
	// The index read last: who plays a minute asks for its pictures one by one.
	struct ring_entries loaded;
	uint64_t loaded_name; // 0: none
};

/* --- opening --- */

/* Reads the headers of a segment without index. False where the disk fails. */
static bool walk(
	const struct ring_reader *reader, struct part *part, uint64_t *bytes, struct error *err)
{
	struct segment segment;
	struct error reason = {0};
	int fd = segment_peek(reader->folder_fd, part->name, &segment, &reason);

	part->is_open = true;
	if (fd < 0) {
		// Dropped, or its head is not written yet: nothing is in it.
		return true;
	}
	bool ok = ring_entries_walk(fd, &segment, &part->entries, err);

	*bytes += segment.bytes;
	close(fd);
	return ok;
}

static bool look_at(struct ring_reader *reader, uint64_t name, struct error *err)
{
	struct part part = {.name = name};
	uint64_t bytes = 0;
	struct stat status;
	char file[40];

	snprintf(file, sizeof file, "%016llx.segment", (unsigned long long)name);
	if (!ring_index_peek(reader->folder_fd, name, &part.entries, &bytes)) {
		if (!walk(reader, &part, &bytes, err)) {
			ring_entries_finish(&part.entries);
			return false;
		}
	} else if (fstatat(reader->folder_fd, file, &status, 0) == 0) {
		bytes += (uint64_t)status.st_size;
	}
	reader->bytes += bytes;
	if (part.entries.last)
		reader->parts[reader->count++] = part;
	return true;
}

struct ring_reader *ring_reader_open(const char *folder, struct error *err)
{
	struct ring_reader *reader = memory_alloc(sizeof *reader);
	uint64_t *names = NULL;
	size_t count = 0;

	reader->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = reader->folder_fd >= 0
			  ? ring_list_segments(reader->folder_fd, &names, &count, err)
			  : error_errno(err, "open");

	reader->parts = memory_alloc_array(count ? count : 1, sizeof *reader->parts);
	for (size_t i = 0; ok && i < count; i++)
		ok = look_at(reader, names[i], err);
	free(names);
	if (ok)
		return reader;
	error_wrap(err, "%s", folder);
	ring_reader_close(reader);
	return NULL;
}

struct ring_reader *ring_reader_open_train(const char *folder, struct str train, struct error *err)
{
	char name[RING_MAX_FOLDER_BYTES], path[PATH_MAX];
	struct stat status;

	if (!ring_folder_name(train, name) ||
		snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path ||
		(stat(path, &status) != 0 && errno == ENOENT)) {
		error_set(err, ERROR_INVALID, "nothing of the train \"%.*s\" is recorded in %s",
			STR_ARG(train), folder);
		return NULL;
	}
	return ring_reader_open(path, err);
}

void ring_reader_close(struct ring_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->count; i++)
		ring_entries_finish(&reader->parts[i].entries);
	ring_entries_finish(&reader->loaded);
	if (reader->folder_fd >= 0)
		close(reader->folder_fd);
	free(reader->parts);
	free(reader);
}

struct ring_span ring_reader_span(const struct ring_reader *reader)
{
	struct ring_span span = {.first = 1, .bytes = reader->bytes};

	for (size_t i = 0; i < reader->count; i++) {
		const struct ring_entries *entries = &reader->parts[i].entries;

		if (!i || entries->min_ms < span.oldest_ms)
			span.oldest_ms = entries->min_ms;
		if (!i || entries->max_ms > span.newest_ms)
			span.newest_ms = entries->max_ms;
		span.last = entries->last;
	}
	if (reader->count)
		span.first = reader->parts[0].name;
	return span;
}

/* --- looking --- */

/* All of a part's entries; none where it was dropped. NULL: the disk fails. */
static const struct ring_entries *entries_of(
	struct ring_reader *reader, const struct part *part, struct error *err)
{
	struct segment segment;
	struct error reason = {0};

	if (part->is_open)
		return &part->entries;
	if (reader->loaded_name == part->name)
		return &reader->loaded;
	ring_entries_finish(&reader->loaded);
	reader->loaded_name = part->name;
	if (ring_index_load(reader->folder_fd, part->name, &reader->loaded))
		return &reader->loaded;
	// The index was changed, or dropped, since its head was read.
	int fd = segment_peek(reader->folder_fd, part->name, &segment, &reason);

	if (fd < 0)
		return &reader->loaded;
	bool ok = ring_entries_walk(fd, &segment, &reader->loaded, err);

	close(fd);
	return ok ? &reader->loaded : NULL;
}

bool ring_reader_visit(struct ring_reader *reader, int64_t from_ms, int64_t to_ms, unsigned kinds,
	ring_visit *visit, void *context, struct error *err)
{
	for (size_t i = 0; i < reader->count; i++) {
		const struct part *part = &reader->parts[i];

		if (part->entries.max_ms < from_ms || part->entries.min_ms > to_ms)
			continue;
		const struct ring_entries *entries = entries_of(reader, part, err);

		if (!entries)
			return false;
		for (size_t k = 0; k < entries->count; k++) {
			const struct ring_entry *entry = &entries->items[k];

			if (entry->at_ms >= from_ms && entry->at_ms <= to_ms &&
				kinds & 1U << entry->note.kind && !visit(context, entry))
				return true;
		}
	}
	return true;
}

struct list {
	struct ring_entry *items;
	size_t count, capacity, max;
	bool is_cut;
};

static bool add_to_list(void *context, const struct ring_entry *entry)
{
	struct list *list = context;

	list->is_cut = list->count == list->max;
	if (list->is_cut)
		return false;
	list->items =
		memory_grow(list->items, &list->capacity, list->count + 1, sizeof *list->items);
	list->items[list->count++] = *entry;
	return true;
}

static int compare_times(const void *a, const void *b)
{
	const struct ring_entry *left = a, *right = b;

	if (left->at_ms != right->at_ms)
		return left->at_ms < right->at_ms ? -1 : 1;
	return left->number < right->number ? -1 : left->number > right->number;
}

bool ring_reader_list(struct ring_reader *reader, int64_t from_ms, int64_t to_ms, unsigned kinds,
	size_t max, struct arena *arena, struct ring_entry **out, size_t *count, bool *is_cut,
	struct error *err)
{
	struct list list = {.max = max};
	bool ok = ring_reader_visit(reader, from_ms, to_ms, kinds, add_to_list, &list, err);

	*out = ARENA_ARRAY(arena, struct ring_entry, list.count + 1);
	*count = list.count;
	*is_cut = list.is_cut;
	if (list.count) {
		qsort(list.items, list.count, sizeof *list.items, compare_times);
		memcpy(*out, list.items, list.count * sizeof *list.items);
	}
	free(list.items);
	return ok;
}

bool ring_reader_frame_at(
	struct ring_reader *reader, int64_t at_ms, struct ring_entry *out, struct error *err)
{
	bool found = false;

	// The newest parts first: most others end before what was found in them.
	for (size_t i = reader->count; i-- > 0;) {
		const struct part *part = &reader->parts[i];

		if (part->entries.min_ms > at_ms || (found && part->entries.max_ms <= out->at_ms))
			continue;
		const struct ring_entries *entries = entries_of(reader, part, err);

		if (!entries)
			return false;
		for (size_t k = 0; k < entries->count; k++) {
			const struct ring_entry *entry = &entries->items[k];

			if (entry->note.kind == RING_FRAME && entry->note.is_readable &&
				entry->at_ms <= at_ms && (!found || entry->at_ms >= out->at_ms)) {
				*out = *entry;
				found = true;
			}
		}
	}
	return found;
}

bool ring_reader_find(
	struct ring_reader *reader, uint64_t number, struct ring_entry *out, struct error *err)
{
	for (size_t i = reader->count; i-- > 0;) {
		const struct part *part = &reader->parts[i];

		if (part->name > number || part->entries.last < number)
			continue;
		const struct ring_entries *entries = entries_of(reader, part, err);

		for (size_t k = 0; entries && k < entries->count; k++)
			if (entries->items[k].number == number) {
				*out = entries->items[k];
				return true;
			}
		return false;
	}
	return false;
}

bool ring_reader_read(struct ring_reader *reader, const struct ring_entry *entry,
	struct arena *arena, struct str *out, struct error *err)
{
	struct segment segment;
	struct segment_record record;
	struct error reason = {0};
	int fd = segment_peek(reader->folder_fd, entry->segment, &segment, &reason);

	*out = (struct str){"", 0};
	if (fd < 0)
		return false;
	bool ok = segment_look(fd, &segment, entry->offset, &record, err) &&
		  record.sequence == entry->number &&
		  record.length == (uint64_t)entry->size + RING_NOTE_BYTES;

	if (!ok && err->kind == ERROR_NONE)
		error_set(err, ERROR_INVALID, "record %llu is not where its index says",
			(unsigned long long)entry->number);
	ok = ok && segment_read(fd, &record, arena, out, err);
	close(fd);
	if (ok) {
		out->data += RING_NOTE_BYTES;
		out->len -= RING_NOTE_BYTES;
	}
	return ok;
}
