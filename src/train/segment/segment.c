#include "train/segment/segment.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/*
 * A file is a header (the magic, how often it was thinned) and records: length, CRC-32 of all that
 * follows it, sequence, time, payload. Numbers are little-endian, of whatever machine.
 */

static const char magic[8] = {'R', 'Q', 'S', 'E', 'G', 'M', 'T', '1'};

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

static uint32_t check_of(
	const uint8_t header[SEGMENT_RECORD_BYTES], struct str head, struct str payload)
{
	uLong sum = crc32(0, header + 8, SEGMENT_RECORD_BYTES - 8);

	if (head.len)
		sum = crc32(sum, (const Bytef *)head.data, (uInt)head.len);
	return (uint32_t)crc32(sum, (const Bytef *)payload.data, (uInt)payload.len);
}

/* --- names --- */

static void name_file(char out[32], uint64_t name)
{
	snprintf(out, 32, "%016llx.segment", (unsigned long long)name);
}

bool segment_parse_name(const char *file, uint64_t *name)
{
	char expected[32];
	unsigned long long read = 0;

	if (sscanf(file, "%16llx.segment", &read) != 1)
		return false;
	*name = read;
	name_file(expected, *name);
	return strcmp(file, expected) == 0;
}

int segment_open(int folder_fd, uint64_t name, bool to_write, struct error *err)
{
	char file[32];

	name_file(file, name);
	int fd = openat(folder_fd, file, (to_write ? O_RDWR : O_RDONLY) | O_CLOEXEC);

	if (fd < 0)
		error_errno(err, "%s", file);
	return fd;
}

bool segment_remove(int folder_fd, uint64_t name, struct error *err)
{
	char file[32];

	name_file(file, name);
	if (unlinkat(folder_fd, file, 0) != 0)
		return error_errno(err, "remove %s", file);
	return true;
}

/* --- writing --- */

/* All of it at `offset`, or an error. */
static bool write_at(int fd, const void *data, size_t size, uint64_t offset, struct error *err)
{
	for (size_t done = 0; done < size;) {
		ssize_t n =
			pwrite(fd, (const char *)data + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? ENOSPC : errno;
			return error_errno(err, "write a segment");
		}
		done += (size_t)n;
	}
	return true;
}

static bool create_file(int folder_fd, const char *file, unsigned level, int *fd, struct error *err)
{
	uint8_t header[SEGMENT_HEADER_BYTES] = {0};

	memcpy(header, magic, sizeof magic);
	put(header + 8, level, 4);
	*fd = openat(folder_fd, file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (*fd < 0)
		return error_errno(err, "%s", file);
	if (write_at(*fd, header, sizeof header, 0, err))
		return true;
	close(*fd);
	unlinkat(folder_fd, file, 0);
	*fd = -1;
	return false;
}

bool segment_create(int folder_fd, uint64_t name, unsigned level, int *fd, struct error *err)
{
	char file[32];

	name_file(file, name);
	return create_file(folder_fd, file, level, fd, err);
}

bool segment_append(int fd, struct segment *segment, uint64_t sequence, int64_t now_ms,
	struct str head, struct str payload, struct error *err)
{
	uint8_t header[SEGMENT_RECORD_BYTES];
	size_t size = head.len + payload.len;

	put(header, size, 4);
	put(header + 8, sequence, 8);
	put(header + 16, (uint64_t)now_ms, 8);
	put(header + 4, check_of(header, head, payload), 4);
	if (!write_at(fd, header, sizeof header, segment->bytes, err) ||
		!write_at(fd, head.data, head.len, segment->bytes + sizeof header, err) ||
		!write_at(fd, payload.data, payload.len, segment->bytes + sizeof header + head.len,
			err)) {
		// What of it is there would be taken for a torn record: all the same, it goes.
		if (ftruncate(fd, (off_t)segment->bytes) != 0)
			return error_wrap(err, "a record is half written");
		return false;
	}
	if (!segment->count) {
		segment->first = sequence;
		segment->first_ms = now_ms;
	}
	segment->last = sequence;
	segment->count++;
	segment->bytes += sizeof header + size;
	return true;
}

/* --- reading --- */

/* False with ERROR_NONE where the file ends before `size` bytes. */
static bool read_at(int fd, void *data, size_t size, uint64_t offset, struct error *err)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, (char *)data + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read a segment");
		if (n == 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool look(int fd, uint64_t offset, uint64_t end, struct segment_record *out,
	uint8_t header[SEGMENT_RECORD_BYTES], struct error *err)
{
	if (offset + SEGMENT_RECORD_BYTES > end)
		return false;
	if (!read_at(fd, header, SEGMENT_RECORD_BYTES, offset, err))
		return false;
	*out = (struct segment_record){
		.sequence = get(header + 8, 8),
		.offset = offset,
		.appended_ms = (int64_t)get(header + 16, 8),
		.length = (uint32_t)get(header, 4),
	};
	return out->length <= SEGMENT_MAX_RECORD_BYTES &&
	       offset + SEGMENT_RECORD_BYTES + out->length <= end;
}

bool segment_look(int fd, const struct segment *segment, uint64_t offset,
	struct segment_record *out, struct error *err)
{
	uint8_t header[SEGMENT_RECORD_BYTES];

	return look(fd, offset, segment->bytes, out, header, err);
}

bool segment_head(
	int fd, const struct segment_record *record, void *out, size_t size, struct error *err)
{
	return record->length >= size &&
	       read_at(fd, out, size, record->offset + SEGMENT_RECORD_BYTES, err);
}

bool segment_read(int fd, const struct segment_record *record, struct arena *arena, struct str *out,
	struct error *err)
{
	uint8_t header[SEGMENT_RECORD_BYTES];
	char *payload = arena_alloc(arena, record->length + 1);

	*out = (struct str){payload, record->length};
	if (!read_at(fd, header, sizeof header, record->offset, err) ||
		!read_at(fd, payload, record->length, record->offset + sizeof header, err))
		return err->kind == ERROR_NONE
			       ? error_set(err, ERROR_INVALID, "a record ends too soon")
			       : false;
	if (get(header + 4, 4) == check_of(header, STR(""), *out))
		return true;
	return error_set(err, ERROR_INVALID, "record %llu was changed",
		(unsigned long long)record->sequence);
}

static bool load_header(int fd, struct segment *segment, struct error *err)
{
	uint8_t header[SEGMENT_HEADER_BYTES];

	if (!read_at(fd, header, sizeof header, 0, err))
		return err->kind == ERROR_NONE ? error_set(err, ERROR_INVALID, "too short") : false;
	if (memcmp(header, magic, sizeof magic) != 0)
		return error_set(err, ERROR_INVALID, "not a file of records");
	segment->level = (unsigned)get(header + 8, 4);
	return true;
}

int segment_peek(int folder_fd, uint64_t name, struct segment *out, struct error *err)
{
	struct stat status;
	int fd = segment_open(folder_fd, name, false, err);

	*out = (struct segment){.name = name, .first = 1};
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) != 0) {
		error_errno(err, "stat");
	} else if (load_header(fd, out, err)) {
		out->bytes = (uint64_t)status.st_size;
		return fd;
	}
	close(fd);
	error_wrap(err, "%016llx.segment", (unsigned long long)name);
	return -1;
}

/* Takes in records as long as they are whole and in order. False where the disk fails. */
static bool load_records(int fd, uint64_t end, struct segment *segment, struct error *err)
{
	struct segment_record record;
	struct error damage = {0};
	struct arena arena = {0};
	uint8_t header[SEGMENT_RECORD_BYTES];

	while (look(fd, segment->bytes, end, &record, header, err)) {
		struct str payload;
		bool in_order = !segment->count || record.sequence > segment->last;

		if (!in_order || !segment_read(fd, &record, &arena, &payload, &damage))
			break;
		if (!segment->count) {
			segment->first = record.sequence;
			segment->first_ms = record.appended_ms;
		}
		segment->last = record.sequence;
		segment->count++;
		segment->bytes += SEGMENT_RECORD_BYTES + record.length;
		arena_finish(&arena);
	}
	arena_finish(&arena);
	if (damage.kind == ERROR_SYSTEM)
		*err = damage;
	return err->kind == ERROR_NONE;
}

bool segment_load(
	int folder_fd, uint64_t name, struct segment *out, uint64_t *damaged, struct error *err)
{
	struct stat status;
	int fd = segment_open(folder_fd, name, true, err);

	*out = (struct segment){.name = name, .first = 1, .bytes = SEGMENT_HEADER_BYTES};
	if (fd < 0)
		return false;
	bool ok = fstat(fd, &status) == 0 || error_errno(err, "stat");
	uint64_t end = ok ? (uint64_t)status.st_size : 0;

	ok = ok && load_header(fd, out, err) && load_records(fd, end, out, err);
	if (ok && out->bytes < end) {
		*damaged += end - out->bytes;
		ok = ftruncate(fd, (off_t)out->bytes) == 0 || error_errno(err, "cut");
	}
	close(fd);
	return ok || error_wrap(err, "%016llx.segment", (unsigned long long)name);
}

/* --- thinning --- */

static bool copy_every_second(
	int from, int to, const struct segment *segment, struct segment *thinned, struct error *err)
{
	struct segment_record record;
	uint64_t offset = SEGMENT_HEADER_BYTES;
	struct arena arena = {0};
	bool ok = true, keep = true;

	for (; ok && segment_look(from, segment, offset, &record, err); keep = !keep) {
		struct str payload;

		offset += SEGMENT_RECORD_BYTES + record.length;
		if (!keep)
			continue;
		ok = segment_read(from, &record, &arena, &payload, err) &&
		     segment_append(to, thinned, record.sequence, record.appended_ms, STR(""),
			     payload, err);
		arena_finish(&arena);
	}
	return ok && err->kind == ERROR_NONE;
}

bool segment_thin(int folder_fd, struct segment *segment, struct error *err)
{
	static const char beside[] = "thinned.new"; // no segment until it is whole
	struct segment thinned = {.name = segment->name,
		.first = 1,
		.level = segment->level + 1,
		.bytes = SEGMENT_HEADER_BYTES};
	char file[32];
	int to = -1, from = segment_open(folder_fd, segment->name, false, err);
	bool ok = from >= 0 && create_file(folder_fd, beside, thinned.level, &to, err);

	name_file(file, segment->name);
	ok = ok && copy_every_second(from, to, segment, &thinned, err);
	if (ok && renameat(folder_fd, beside, folder_fd, file) != 0)
		ok = error_errno(err, "rename %s", file);
	if (!ok && to >= 0)
		unlinkat(folder_fd, beside, 0);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	if (ok)
		*segment = thinned;
	return ok;
}
