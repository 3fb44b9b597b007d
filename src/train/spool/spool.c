/*
 * A folder of segments (train/segment), each named after its first sequence, and the file `done`:
 * the last sequence that has arrived, with its CRC-32. A segment goes when all in it has arrived.
 *
 * To make room, a segment is written anew without every second record. Which one: of those thinned
 * least often the oldest, never the one that is written or read. So all of an outage keeps about
 * the same share of its pictures, and the oldest lose theirs first. What was thinned MAX_LEVEL
 * times goes as a whole.
 */
#include "train/spool/spool.h"

#include "base/memory.h"
#include "train/segment/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
	MAX_LEVEL = 6, // of 64 neighbours one is left
	SEGMENTS = 32, // in a full spool
	LEAST_SEGMENT_BYTES = 32 << 10,
	MOST_SEGMENT_BYTES = 4 << 20,
	DONE_BYTES = 12,
};

struct spool {
	bool thins;
	uint64_t max_bytes, segment_bytes;
	int folder_fd, done_fd, write_fd, read_fd; // -1: none
	struct segment *segments;		   // in order; the last one is written
	size_t count, capacity;
	uint64_t bytes, next_sequence, done;
	// Where reading goes on: behind read_sequence, in the segment of that name (while read_fd).
	uint64_t read_sequence, read_name, read_offset;
	uint64_t thinned, refused, damaged;
};

/* --- the file `done` --- */

static void encode_done(uint8_t out[DONE_BYTES], uint64_t done)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(done >> (8 * i));
	uLong sum = crc32(0, out, 8);

	for (int i = 0; i < 4; i++)
		out[8 + i] = (uint8_t)(sum >> (8 * i));
}

/* A torn one counts as none: some arrive twice then, and none is lost. */
static uint64_t read_done(int fd)
{
	uint8_t data[DONE_BYTES], expected[DONE_BYTES];
	uint64_t done = 0;

	if (pread(fd, data, sizeof data, 0) != (ssize_t)sizeof data)
		return 0;
	for (int i = 0; i < 8; i++)
		done |= (uint64_t)data[i] << (8 * i);
	encode_done(expected, done);
	return memcmp(data, expected, sizeof data) == 0 ? done : 0;
}

static bool write_done(const struct spool *spool, struct error *err)
{
	uint8_t data[DONE_BYTES];

	encode_done(data, spool->done);
	if (pwrite(spool->done_fd, data, sizeof data, 0) != (ssize_t)sizeof data)
		return error_errno(err, "write the spool's `done`");
	return true;
}

/* --- opening --- */

static int compare_names(const void *a, const void *b)
{
	const struct segment *left = a, *right = b;

	return left->name < right->name ? -1 : left->name > right->name;
}

static struct segment *add_segment(struct spool *spool)
{
	spool->segments = memory_grow(
		spool->segments, &spool->capacity, spool->count + 1, sizeof(struct segment));
	return &spool->segments[spool->count++];
}

static bool find_segments(struct spool *spool, struct error *err)
{
	int fd = openat(spool->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return error_errno(err, "list");
	}
	for (const struct dirent *entry; (entry = readdir(folder));) {
		uint64_t name;

		if (segment_parse_name(entry->d_name, &name))
			*add_segment(spool) = (struct segment){.name = name};
	}
	closedir(folder);
	if (spool->count)
		qsort(spool->segments, spool->count, sizeof(struct segment), compare_names);
	return true;
}

static bool load(struct spool *spool, struct error *err)
{
	if (!find_segments(spool, err))
		return false;
	spool->next_sequence = spool->done + 1;
	for (size_t i = 0; i < spool->count; i++) {
		struct segment *segment = &spool->segments[i];

		if (!segment_load(spool->folder_fd, segment->name, segment, &spool->damaged, err))
			return false;
		spool->bytes += segment->bytes;
		if (segment->count && segment->last >= spool->next_sequence)
			spool->next_sequence = segment->last + 1;
		if (segment->name >= spool->next_sequence)
			spool->next_sequence = segment->name + 1;
	}
	if (spool->count)
		spool->write_fd = segment_open(
			spool->folder_fd, spool->segments[spool->count - 1].name, true, err);
	return !spool->count || spool->write_fd >= 0;
}

static bool open_folder(struct spool *spool, const char *folder, struct error *err)
{
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return error_errno(err, "make the folder");
	spool->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->folder_fd < 0)
		return error_errno(err, "open");
	spool->done_fd = openat(spool->folder_fd, "done", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (spool->done_fd < 0)
		return error_errno(err, "done");
	if (flock(spool->done_fd, LOCK_EX | LOCK_NB) != 0)
		return error_set(err, ERROR_INVALID, "another process has this spool open");
	spool->done = read_done(spool->done_fd);
	return true;
}

static uint64_t segment_size(uint64_t max_bytes)
{
	uint64_t size = max_bytes / SEGMENTS;

	return size < LEAST_SEGMENT_BYTES  ? LEAST_SEGMENT_BYTES
	       : size > MOST_SEGMENT_BYTES ? MOST_SEGMENT_BYTES
					   : size;
}

struct spool *spool_open(const struct spool_options *options, struct error *err)
{
	if (options->max_bytes < SPOOL_LEAST_BYTES) {
		error_set(err, ERROR_INVALID, "%s: a spool needs room for %llu bytes at least",
			options->folder, (unsigned long long)SPOOL_LEAST_BYTES);
		return NULL;
	}
	struct spool *spool = memory_alloc(sizeof *spool);

	*spool = (struct spool){
		.thins = options->thins,
		.max_bytes = options->max_bytes,
		.segment_bytes = segment_size(options->max_bytes),
		.folder_fd = -1,
		.done_fd = -1,
		.write_fd = -1,
		.read_fd = -1,
	};
	if (open_folder(spool, options->folder, err) && load(spool, err)) {
		spool_rewind(spool);
		return spool;
	}
	error_wrap(err, "%s", options->folder);
	spool_close(spool);
	return NULL;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	int fds[] = {spool->read_fd, spool->write_fd, spool->done_fd, spool->folder_fd};

	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(spool->segments);
	free(spool);
}

/* --- making room --- */

static void forget_segment(struct spool *spool, size_t i)
{
	spool->bytes -= spool->segments[i].bytes;
	memmove(spool->segments + i, spool->segments + i + 1,
		(spool->count - i - 1) * sizeof(struct segment));
	spool->count--;
}

/* The last one is written. SIZE_MAX: none can be thinned. */
static size_t find_victim(const struct spool *spool)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i + 1 < spool->count; i++) {
		const struct segment *segment = &spool->segments[i];

		if (spool->read_fd >= 0 && segment->name == spool->read_name)
			continue;
		if (best == SIZE_MAX || segment->level < spool->segments[best].level)
			best = i;
	}
	return best;
}

static bool thin(struct spool *spool, struct error *err)
{
	size_t i = find_victim(spool);

	if (i == SIZE_MAX)
		return false;
	struct segment *segment = &spool->segments[i];
	uint64_t count = segment->count, bytes = segment->bytes;

	if (segment->level >= MAX_LEVEL || count < 2) {
		if (!segment_remove(spool->folder_fd, segment->name, err))
			return false;
		spool->thinned += count;
		forget_segment(spool, i);
		return true;
	}
	if (!segment_thin(spool->folder_fd, segment, err))
		return false;
	spool->thinned += count - segment->count;
	spool->bytes -= bytes - segment->bytes;
	return true;
}

static bool make_room(struct spool *spool, uint64_t size, struct error *err)
{
	while (spool->bytes + size > spool->max_bytes && spool->thins && thin(spool, err))
		;
	if (err->kind != ERROR_NONE)
		return false;
	if (spool->bytes + size <= spool->max_bytes)
		return true;
	spool->refused++;
	return error_set(err, ERROR_LIMIT, "the spool is full: %llu of %llu bytes",
		(unsigned long long)spool->bytes, (unsigned long long)spool->max_bytes);
}

/* --- appending --- */

/* The last segment has room, or there is a new one. */
static bool begin_segment(struct spool *spool, uint64_t size, struct error *err)
{
	struct segment *last = spool->count ? &spool->segments[spool->count - 1] : NULL;
	int fd = -1;

	if (last && (!last->count || last->bytes + size <= spool->segment_bytes))
		return true;
	if (!segment_create(spool->folder_fd, spool->next_sequence, 0, &fd, err))
		return false;
	// What is closed here is durable as soon as what follows it is.
	if (spool->write_fd >= 0) {
		fdatasync(spool->write_fd);
		close(spool->write_fd);
	}
	spool->write_fd = fd;
	*add_segment(spool) = (struct segment){
		.name = spool->next_sequence, .first = 1, .bytes = SEGMENT_HEADER_BYTES};
	spool->bytes += SEGMENT_HEADER_BYTES;
	return true;
}

bool spool_append(struct spool *spool, struct str payload, int64_t now_ms, uint64_t *sequence,
	struct error *err)
{
	uint64_t size = SEGMENT_RECORD_BYTES + payload.len;

	if (payload.len > SPOOL_MAX_RECORD_BYTES) {
		spool->refused++;
		return error_set(err, ERROR_LIMIT, "a record of %zu bytes is too large to spool",
			payload.len);
	}
	if (!make_room(spool, size + SEGMENT_HEADER_BYTES, err) || !begin_segment(spool, size, err))
		return false;
	struct segment *last = &spool->segments[spool->count - 1];

	if (!segment_append(
		    spool->write_fd, last, spool->next_sequence, now_ms, STR(""), payload, err))
		return false;
	spool->bytes += size;
	*sequence = spool->next_sequence++;
	return true;
}

/* --- reading --- */

static void stop_reading(struct spool *spool)
{
	if (spool->read_fd >= 0)
		close(spool->read_fd);
	spool->read_fd = -1;
}

void spool_rewind(struct spool *spool)
{
	stop_reading(spool);
	spool->read_sequence = spool->done;
}

/* The segment that is read, opened where need be: the first that has more. NULL: none, or *err. */
static struct segment *reading(struct spool *spool, struct error *err)
{
	for (size_t i = 0; i < spool->count; i++) {
		struct segment *segment = &spool->segments[i];

		if (!segment->count || segment->last <= spool->read_sequence)
			continue;
		if (spool->read_fd >= 0 && spool->read_name == segment->name)
			return segment;
		stop_reading(spool);
		spool->read_fd = segment_open(spool->folder_fd, segment->name, false, err);
		spool->read_name = segment->name;
		spool->read_offset = SEGMENT_HEADER_BYTES;
		return spool->read_fd >= 0 ? segment : NULL;
	}
	return NULL;
}

bool spool_next(
	struct spool *spool, struct arena *arena, struct spool_record *out, struct error *err)
{
	struct segment *segment = reading(spool, err);
	struct segment_record record;

	while (segment && segment_look(spool->read_fd, segment, spool->read_offset, &record, err)) {
		spool->read_offset += SEGMENT_RECORD_BYTES + record.length;
		if (record.sequence <= spool->read_sequence)
			continue;
		spool->read_sequence = record.sequence;
		*out = (struct spool_record){record.sequence, record.appended_ms, {"", 0}};
		return segment_read(spool->read_fd, &record, arena, &out->payload, err);
	}
	return false;
}

/* --- what has arrived --- */

bool spool_acknowledge(struct spool *spool, uint64_t sequence, struct error *err)
{
	if (sequence <= spool->done)
		return true;
	spool->done = sequence;
	if (spool->read_sequence < sequence)
		spool_rewind(spool);
	if (!write_done(spool, err))
		return false;
	while (spool->count > 1 && spool->segments[0].last <= spool->done) {
		if (spool->read_fd >= 0 && spool->read_name == spool->segments[0].name)
			stop_reading(spool);
		if (!segment_remove(spool->folder_fd, spool->segments[0].name, err))
			return false;
		forget_segment(spool, 0);
	}
	return true;
}

bool spool_sync(struct spool *spool, struct error *err)
{
	if (spool->write_fd >= 0 && fdatasync(spool->write_fd) != 0)
		return error_errno(err, "sync the spool");
	if (fdatasync(spool->done_fd) != 0)
		return error_errno(err, "sync the spool's `done`");
	return true;
}

/* --- status --- */

/* Records behind `done` in a segment that `done` lies within. */
static uint64_t count_waiting(const struct spool *spool, const struct segment *segment)
{
	if (segment->level == 0)
		return segment->last - spool->done;
	struct segment_record record;
	struct error err = {0};
	uint64_t offset = SEGMENT_HEADER_BYTES, count = 0;
	int fd = segment_open(spool->folder_fd, segment->name, false, &err);

	while (fd >= 0 && segment_look(fd, segment, offset, &record, &err)) {
		count += record.sequence > spool->done;
		offset += SEGMENT_RECORD_BYTES + record.length;
	}
	if (fd >= 0)
		close(fd);
	return count;
}

struct spool_status spool_status(const struct spool *spool)
{
	struct spool_status status = {
		.bytes = spool->bytes,
		.thinned = spool->thinned,
		.refused = spool->refused,
		.damaged = spool->damaged,
	};

	for (size_t i = 0; i < spool->count; i++) {
		const struct segment *segment = &spool->segments[i];

		if (!segment->count || segment->last <= spool->done)
			continue;
		if (!status.waiting)
			status.oldest_ms = segment->first_ms;
		status.waiting += segment->first > spool->done ? segment->count
							       : count_waiting(spool, segment);
	}
	return status;
}
