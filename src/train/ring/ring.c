/*
 * A folder of segments (train/segment), each named after its first number. A record's payload is
 * sixteen bytes of note (note.c) and the message as it came; its time is the instant.
 *
 * When a segment is full it is made durable, and its index (entries.c) is written beside it: so a
 * closed segment is one that has an index, and whoever opens a ring of hundreds of gigabytes reads
 * heads of indices and the one segment without. That one is read as a whole, cut at a torn record,
 * and closed too: a process writes to segments of its own alone.
 *
 * To make room the oldest segment goes, its index first: what dies between is read again.
 */
#include "train/ring/entries.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SEGMENTS = 32, // in a full ring
	AGES = 16,     // segments in the greatest age
	LEAST_SEGMENT_BYTES = 32 << 10,
	MOST_SEGMENT_BYTES = 16 << 20,
	ENTRY_ON_DISK_BYTES = 40, // of an index
};

struct part {
	uint64_t name, bytes; // of the segment and its index
	int64_t newest_ms;
};

struct ring {
	struct ring_options options;
	uint64_t segment_bytes;
	int folder_fd, write_fd; // write_fd -1: the next record begins a segment
	struct part *parts;	 // closed ones, in order
	size_t count, capacity;
	struct segment segment; // while write_fd
	struct ring_entries entries;
	uint64_t next_number, closed_bytes, damaged;
	bool has_news; // since ring_sync
};

/* --- parts --- */

static void add_part(struct ring *ring, uint64_t name, uint64_t bytes, int64_t newest_ms)
{
	ring->parts =
		memory_grow(ring->parts, &ring->capacity, ring->count + 1, sizeof *ring->parts);
	ring->parts[ring->count++] = (struct part){name, bytes, newest_ms};
	ring->closed_bytes += bytes;
}

static bool drop_oldest(struct ring *ring, struct error *err)
{
	ring_index_remove(ring->folder_fd, ring->parts[0].name);
	if (!segment_remove(ring->folder_fd, ring->parts[0].name, err))
		return false;
	ring->closed_bytes -= ring->parts[0].bytes;
	memmove(ring->parts, ring->parts + 1, --ring->count * sizeof *ring->parts);
	return true;
}

/* With the index that an open segment will have. */
static uint64_t open_bytes(const struct ring *ring)
{
	return ring->write_fd < 0 ? 0
				  : ring->segment.bytes + (ring->entries.count + 2) *
								  (uint64_t)ENTRY_ON_DISK_BYTES;
}

/* Where there is no room for its index the segment is whole all the same: it is read instead. */
static void end_segment(struct ring *ring)
{
	struct error err = {0};
	uint64_t index = 0;

	if (ring->write_fd < 0)
		return;
	if (fdatasync(ring->write_fd) == 0)
		index = ring_index_save(ring->folder_fd, ring->segment.name, &ring->entries, &err);
	close(ring->write_fd);
	ring->write_fd = -1;
	add_part(ring, ring->segment.name, ring->segment.bytes + index, ring->entries.max_ms);
	ring_entries_finish(&ring->entries);
}

/* --- opening --- */

/* A segment that no index closes: cut where it is torn, and closed. */
static bool mend(struct ring *ring, uint64_t name, struct error *err)
{
	struct segment segment;
	struct ring_entries entries = {0};
	struct error reason = {0};

	if (!segment_load(ring->folder_fd, name, &segment, &ring->damaged, &reason)) {
		if (reason.kind != ERROR_INVALID) {
			*err = reason;
			return false;
		}
		// Torn before its head was whole: nothing of it can be read.
		ring->damaged += segment.bytes;
		return segment_remove(ring->folder_fd, name, err);
	}
	if (!segment.count)
		return segment_remove(ring->folder_fd, name, err);
	int fd = segment_open(ring->folder_fd, name, false, err);
	bool ok = fd >= 0 && ring_entries_walk(fd, &segment, &entries, err);

	if (ok) {
		uint64_t index = ring_index_save(ring->folder_fd, name, &entries, &reason);

		add_part(ring, name, segment.bytes + index, entries.max_ms);
		if (segment.last >= ring->next_number)
			ring->next_number = segment.last + 1;
	}
	if (fd >= 0)
		close(fd);
	ring_entries_finish(&entries);
	return ok;
}

static bool take_in(struct ring *ring, uint64_t name, struct error *err)
{
	struct ring_entries head;
	char file[40];
	struct stat status;
	uint64_t index_bytes;

	snprintf(file, sizeof file, "%016llx.segment", (unsigned long long)name);
	if (!ring_index_peek(ring->folder_fd, name, &head, &index_bytes))
		return mend(ring, name, err);
	if (fstatat(ring->folder_fd, file, &status, 0) != 0)
		return error_errno(err, "%s", file);
	add_part(ring, name, (uint64_t)status.st_size + index_bytes, head.max_ms);
	if (head.last >= ring->next_number)
		ring->next_number = head.last + 1;
	return true;
}

static bool open_folder(struct ring *ring, struct error *err)
{
	uint64_t *names;
	size_t count;

	if (mkdir(ring->options.folder, 0700) != 0 && errno != EEXIST)
		return error_errno(err, "make the folder");
	ring->folder_fd = open(ring->options.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ring->folder_fd < 0)
		return error_errno(err, "open");
	bool ok = ring_list_segments(ring->folder_fd, &names, &count, err);

	for (size_t i = 0; ok && i < count; i++)
		ok = take_in(ring, names[i], err);
	free(names);
	return ok;
}

static uint64_t segment_size(const struct ring_options *options)
{
	uint64_t size = options->max_bytes / SEGMENTS;

	return size < LEAST_SEGMENT_BYTES  ? LEAST_SEGMENT_BYTES
	       : size > MOST_SEGMENT_BYTES ? MOST_SEGMENT_BYTES
					   : size;
}

struct ring *ring_open(const struct ring_options *options, struct error *err)
{
	if (options->max_bytes < RING_LEAST_BYTES) {
		error_set(err, ERROR_INVALID, "%s: a ring needs room for %llu bytes at least",
			options->folder, (unsigned long long)RING_LEAST_BYTES);
		return NULL;
	}
	struct ring *ring = memory_alloc(sizeof *ring);

	*ring = (struct ring){
		.options = *options,
		.segment_bytes = segment_size(options),
		.folder_fd = -1,
		.write_fd = -1,
		.next_number = 1,
	};
	bool ok = open_folder(ring, err);

	while (ok && ring->count && ring->closed_bytes > options->max_bytes)
		ok = drop_oldest(ring, err);
	if (ok)
		return ring;
	error_wrap(err, "%s", options->folder);
	ring_close(ring);
	return NULL;
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	end_segment(ring);
	if (ring->folder_fd >= 0)
		close(ring->folder_fd);
	ring_entries_finish(&ring->entries);
	free(ring->parts);
	free(ring);
}

/* --- appending --- */

static bool make_room(struct ring *ring, uint64_t size, struct error *err)
{
	while (ring->count &&
		ring->closed_bytes + open_bytes(ring) + size > ring->options.max_bytes)
		if (!drop_oldest(ring, err))
			return false;
	return true;
}

static bool is_full(const struct ring *ring, uint64_t size, int64_t at_ms)
{
	int64_t span_ms = at_ms - (ring->entries.count ? ring->entries.min_ms : at_ms);

	return ring->segment.bytes + size > ring->segment_bytes ||
	       (ring->options.max_age_ms && span_ms > ring->options.max_age_ms / AGES);
}

static bool begin_segment(struct ring *ring, struct error *err)
{
	ring->segment = (struct segment){
		.name = ring->next_number, .first = 1, .bytes = SEGMENT_HEADER_BYTES};
	return segment_create(ring->folder_fd, ring->next_number, 0, &ring->write_fd, err);
}

bool ring_append(struct ring *ring, int64_t at_ms, const struct ring_note *note, struct str message,
	struct error *err)
{
	uint8_t head[RING_NOTE_BYTES];
	uint64_t size = SEGMENT_RECORD_BYTES + sizeof head + message.len;
	uint64_t with_index = size + SEGMENT_HEADER_BYTES + 3 * ENTRY_ON_DISK_BYTES;

	if (with_index > ring->options.max_bytes / 4 ||
		sizeof head + message.len > SEGMENT_MAX_RECORD_BYTES)
		return error_set(err, ERROR_LIMIT,
			"a message of %zu bytes is too large for this recording", message.len);
	if (ring->entries.count && is_full(ring, size, at_ms))
		end_segment(ring);
	if (!make_room(ring, with_index, err) || (ring->write_fd < 0 && !begin_segment(ring, err)))
		return false;
	struct ring_entry entry = {
		.number = ring->next_number,
		.at_ms = at_ms,
		.note = *note,
		.size = (uint32_t)message.len,
		.segment = ring->segment.name,
		.offset = (uint32_t)ring->segment.bytes,
	};

	ring_note_encode(note, head);
	if (!segment_append(ring->write_fd, &ring->segment, entry.number, at_ms,
		    (struct str){(const char *)head, sizeof head}, message, err))
		return false;
	ring_entries_add(&ring->entries, &entry);
	ring->next_number++;
	ring->has_news = true;
	return true;
}

bool ring_expire(struct ring *ring, int64_t now_ms, struct error *err)
{
	int64_t oldest_ms = now_ms - ring->options.max_age_ms;

	if (!ring->options.max_age_ms)
		return true;
	if (ring->entries.count && ring->entries.max_ms < oldest_ms)
		end_segment(ring);
	while (ring->count && ring->parts[0].newest_ms < oldest_ms)
		if (!drop_oldest(ring, err))
			return false;
	return true;
}

bool ring_sync(struct ring *ring, struct error *err)
{
	if (ring->has_news && ring->write_fd >= 0 && fdatasync(ring->write_fd) != 0)
		return error_errno(err, "sync a segment");
	ring->has_news = false;
	return true;
}

struct ring_status ring_status(const struct ring *ring)
{
	return (struct ring_status){
		.bytes = ring->closed_bytes + open_bytes(ring), .damaged = ring->damaged};
}
