#include "train/ring/entries.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/*
 * An index is a head (magic, CRC-32 of all that follows it, count, first and last instant, last
 * number) and an entry for each record: number, instant, offset, size of the message, note.
 * Little-endian.
 */
enum { HEAD_BYTES = 40, ENTRY_BYTES = 40, MAX_ENTRIES = 4 << 20 };

static const char magic[8] = {'R', 'Q', 'I', 'N', 'D', 'E', 'X', '1'};

static void put(uint8_t *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *data, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)data[i] << (8 * i);
	return value;
}

/* --- in memory --- */

void ring_entries_add(struct ring_entries *entries, const struct ring_entry *entry)
{
	entries->items = memory_grow(
		entries->items, &entries->capacity, entries->count + 1, sizeof *entries->items);
	entries->items[entries->count++] = *entry;
	if (entries->count == 1 || entry->at_ms < entries->min_ms)
		entries->min_ms = entry->at_ms;
	if (entries->count == 1 || entry->at_ms > entries->max_ms)
		entries->max_ms = entry->at_ms;
	entries->last = entry->number;
}

void ring_entries_finish(struct ring_entries *entries)
{
	free(entries->items);
	*entries = (struct ring_entries){0};
}

bool ring_entries_walk(
	int fd, const struct segment *segment, struct ring_entries *out, struct error *err)
{
	struct segment_record record;
	uint64_t offset = SEGMENT_HEADER_BYTES;
	uint8_t head[RING_NOTE_BYTES];

	*out = (struct ring_entries){0};
	while (offset < UINT32_MAX && out->count < MAX_ENTRIES &&
		segment_look(fd, segment, offset, &record, err)) {
		struct ring_entry entry = {
			.number = record.sequence,
			.at_ms = record.appended_ms,
			.size = record.length - RING_NOTE_BYTES,
			.segment = segment->name,
			.offset = (uint32_t)offset,
		};

		if (record.sequence <= out->last ||
			!segment_head(fd, &record, head, sizeof head, err) ||
			!ring_note_decode(head, &entry.note))
			break;
		ring_entries_add(out, &entry);
		offset += SEGMENT_RECORD_BYTES + record.length;
	}
	return err->kind == ERROR_NONE;
}

/* --- on disk --- */

static void name_index(char out[32], uint64_t segment)
{
	snprintf(out, 32, "%016llx.index", (unsigned long long)segment);
}

static void encode(const struct ring_entry *entry, uint8_t out[ENTRY_BYTES])
{
	put(out, entry->number, 8);
	put(out + 8, (uint64_t)entry->at_ms, 8);
	put(out + 16, entry->offset, 4);
	put(out + 20, entry->size, 4);
	ring_note_encode(&entry->note, out + 24);
}

static bool decode(const uint8_t data[ENTRY_BYTES], uint64_t segment, struct ring_entry *out)
{
	*out = (struct ring_entry){
		.number = get(data, 8),
		.at_ms = (int64_t)get(data + 8, 8),
		.offset = (uint32_t)get(data + 16, 4),
		.size = (uint32_t)get(data + 20, 4),
		.segment = segment,
	};
	return out->offset >= SEGMENT_HEADER_BYTES &&
	       out->size <= SEGMENT_MAX_RECORD_BYTES - RING_NOTE_BYTES &&
	       ring_note_decode(data + 24, &out->note);
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, data + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? ENOSPC : errno;
			return false;
		}
		done += (size_t)n;
	}
	return true;
}

uint64_t ring_index_save(
	int folder_fd, uint64_t segment, const struct ring_entries *entries, struct error *err)
{
	size_t size = HEAD_BYTES + entries->count * ENTRY_BYTES;
	uint8_t *data = memory_alloc(size);
	char name[32];

	memcpy(data, magic, sizeof magic);
	put(data + 12, entries->count, 4);
	put(data + 16, (uint64_t)entries->min_ms, 8);
	put(data + 24, (uint64_t)entries->max_ms, 8);
	put(data + 32, entries->last, 8);
	for (size_t i = 0; i < entries->count; i++)
		encode(&entries->items[i], data + HEAD_BYTES + i * ENTRY_BYTES);
	put(data + 8, crc32(0, data + 12, (uInt)(size - 12)), 4);
	name_index(name, segment);
	// Torn by a death, it is not whole and counts as none: no need to write it aside.
	int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write_all(fd, data, size);

	if (!ok) {
		error_errno(err, "write %s", name);
		unlinkat(folder_fd, name, 0);
	}
	if (fd >= 0)
		close(fd);
	free(data);
	return ok ? size : 0;
}

static bool read_all(int fd, uint8_t *out, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, out + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Opens an index whose head and size go together; -1: there is none. */
static int open_index(int folder_fd, uint64_t segment, uint8_t head[HEAD_BYTES],
	struct ring_entries *out, size_t *count)
{
	struct stat status;
	char name[32];

	name_index(name, segment);
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && read_all(fd, head, HEAD_BYTES) &&
		memcmp(head, magic, sizeof magic) == 0) {
		*count = (size_t)get(head + 12, 4);
		*out = (struct ring_entries){
			.min_ms = (int64_t)get(head + 16, 8),
			.max_ms = (int64_t)get(head + 24, 8),
			.last = get(head + 32, 8),
		};
		if (*count <= MAX_ENTRIES &&
			(uint64_t)status.st_size == HEAD_BYTES + (uint64_t)*count * ENTRY_BYTES)
			return fd;
	}
	close(fd);
	return -1;
}

bool ring_index_peek(
	int folder_fd, uint64_t segment, struct ring_entries *out, uint64_t *file_bytes)
{
	uint8_t head[HEAD_BYTES];
	size_t count;
	int fd = open_index(folder_fd, segment, head, out, &count);

	if (fd < 0)
		return false;
	close(fd);
	*file_bytes = HEAD_BYTES + (uint64_t)count * ENTRY_BYTES;
	return true;
}

static bool decode_all(
	const uint8_t *data, size_t count, uint64_t segment, struct ring_entries *out)
{
	*out = (struct ring_entries){0};
	for (size_t i = 0; i < count; i++) {
		struct ring_entry entry;

		if (!decode(data + i * ENTRY_BYTES, segment, &entry) || entry.number <= out->last)
			return false;
		ring_entries_add(out, &entry);
	}
	return true;
}

bool ring_index_load(int folder_fd, uint64_t segment, struct ring_entries *out)
{
	uint8_t head[HEAD_BYTES];
	size_t count;
	int fd = open_index(folder_fd, segment, head, out, &count);

	if (fd < 0)
		return false;
	size_t size = HEAD_BYTES + count * ENTRY_BYTES;
	uint8_t *data = memory_alloc(size);
	bool ok = read_all(fd, data, size) &&
		  crc32(0, data + 12, (uInt)(size - 12)) == get(data + 8, 4) &&
		  decode_all(data + HEAD_BYTES, count, segment, out);

	close(fd);
	free(data);
	if (!ok)
		ring_entries_finish(out);
	return ok;
}

void ring_index_remove(int folder_fd, uint64_t segment)
{
	char name[32];

	name_index(name, segment);
	unlinkat(folder_fd, name, 0);
}

/* --- the folder --- */

static int compare_names(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

bool ring_list_segments(int folder_fd, uint64_t **out, size_t *count, struct error *err)
{
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	size_t capacity = 0;

	*out = NULL;
	*count = 0;
	if (!folder) {
		if (fd >= 0)
			close(fd);
		return error_errno(err, "list");
	}
	for (const struct dirent *entry; (entry = readdir(folder));) {
		uint64_t name;

		if (!segment_parse_name(entry->d_name, &name))
			continue;
		*out = memory_grow(*out, &capacity, *count + 1, sizeof **out);
		(*out)[(*count)++] = name;
	}
	closedir(folder);
	if (*count)
		qsort(*out, *count, sizeof **out, compare_names);
	return true;
}
