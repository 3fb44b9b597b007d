/*
 * A folder with a segment and its index, whatever is in them: both are listed, each entry is read,
 * and the ring is opened to be written. The first byte and the two after it say how much is index.
 */
#include "train/ring/ring.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void remove_folder(void)
{
	rmdir(folder);
}

static void put(const char *name, const uint8_t *data, size_t size)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static void clear(void)
{
	DIR *directory = opendir(folder);

	assert(directory);
	for (const struct dirent *entry; (entry = readdir(directory));)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
}

static void read_all(void)
{
	struct error err = {0};
	struct arena arena = {0};
	struct ring_entry *entries, entry;
	size_t count;
	bool is_cut;
	struct ring_reader *reader = ring_reader_open(folder, &err);

	assert(reader);
	if (ring_reader_list(reader, INT64_MIN, INT64_MAX, RING_ALL_KINDS, 1000, &arena, &entries,
		    &count, &is_cut, &err))
		for (size_t i = 0; i < count; i++) {
			struct error reason = {0};
			struct str message;

			assert(!i || entries[i - 1].at_ms <= entries[i].at_ms);
			if (ring_reader_read(reader, &entries[i], &arena, &message, &reason))
				assert(message.len == entries[i].size);
		}
	if (ring_reader_frame_at(reader, 0, &entry, &err))
		assert(entry.note.kind == RING_FRAME && entry.at_ms <= 0);
	ring_reader_close(reader);
	arena_finish(&arena);
}

static void write_behind(void)
{
	struct error err = {0};
	struct ring_note note = {.kind = RING_COMMAND, .is_readable = true};
	struct ring *ring = ring_open(
		&(struct ring_options){.folder = folder, .max_bytes = RING_LEAST_BYTES}, &err);

	// A number that is the last one that there is cannot be followed by another.
	if (!ring)
		return;
	ring_append(ring, 5, &note, STR("{}"), &err);
	ring_close(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!folder[0]) {
		snprintf(folder, sizeof folder, "/tmp/rq-fuzz-ring-XXXXXX");
		if (!mkdtemp(folder))
			abort();
		atexit(remove_folder);
	}
	if (size < 3)
		return 0;
	size_t index =
		(data[0] | (size_t)data[1] << 8) % (size - 2); // at most all behind the three

	put("0000000000000001.segment", data + 3, size - 3 - index);
	if (data[2] & 1)
		put("0000000000000001.index", data + size - index, index);
	read_all();
	write_behind();
	read_all();
	clear();
	return 0;
}
