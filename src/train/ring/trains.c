/* The folders of a recorder: how trains are named there, and which there are. */
#include "train/ring/entries.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_plain(char c, size_t at)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || (c == '.' && at);
}

bool ring_folder_name(struct str train, char out[RING_MAX_FOLDER_BYTES])
{
	size_t len = 0;

	for (size_t i = 0; i < train.len; i++) {
		if (len + 4 > RING_MAX_FOLDER_BYTES)
			return false;
		if (is_plain(train.data[i], i))
			out[len++] = train.data[i];
		else
			len += (size_t)snprintf(
				out + len, 4, "%%%02X", (unsigned char)train.data[i]);
	}
	out[len] = '\0';
	return len > 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What ring_folder_name made; false for any other name. */
static bool read_folder_name(const char *folder, struct arena *arena, struct str *train)
{
	size_t len = 0;
	char name[RING_MAX_FOLDER_BYTES], again[RING_MAX_FOLDER_BYTES];

	for (const char *at = folder; *at; len++) {
		if (len == sizeof name)
			return false;
		name[len] = *at++;
		if (name[len] != '%')
			continue;
		if (digit(at[0]) < 0 || digit(at[1]) < 0)
			return false;
		name[len] = (char)(digit(at[0]) << 4 | digit(at[1]));
		at += 2;
	}
	struct str found = {name, len};

	if (!ring_folder_name(found, again) || strcmp(again, folder) != 0)
		return false;
	*train = str_copy(arena, found);
	return true;
}

/* When the ring in that folder last got a file, or lost one; 0: there is none. */
static int64_t changed_ms(int folder_fd, const char *name)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct error ignored = {0};
	uint64_t *segments = NULL;
	size_t count = 0;
	struct stat status;
	int64_t found = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0 && ring_list_segments(fd, &segments, &count, &ignored) && count)
		found = (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
	free(segments);
	close(fd);
	return found;
}

struct found {
	struct str train;
	int64_t changed_ms;
};

static int compare_found(const void *a, const void *b)
{
	const struct found *left = a, *right = b;

	if (left->changed_ms != right->changed_ms)
		return left->changed_ms > right->changed_ms ? -1 : 1;
	return str_compare(left->train, right->train);
}

bool ring_list_trains(const char *folder, size_t max, struct arena *arena, struct str **out,
	size_t *count, struct error *err)
{
	DIR *directory = opendir(folder);
	struct found *found = NULL;
	size_t capacity = 0, all = 0;

	*out = NULL;
	*count = 0;
	if (!directory)
		return errno == ENOENT || error_errno(err, "list %s", folder);
	for (const struct dirent *entry; (entry = readdir(directory));) {
		struct found one;

		if (!read_folder_name(entry->d_name, arena, &one.train))
			continue;
		one.changed_ms = changed_ms(dirfd(directory), entry->d_name);
		if (!one.changed_ms)
			continue;
		found = memory_grow(found, &capacity, all + 1, sizeof *found);
		found[all++] = one;
	}
	closedir(directory);
	if (all)
		qsort(found, all, sizeof *found, compare_found);
	*count = all < max ? all : max;
	*out = ARENA_ARRAY(arena, struct str, *count + 1);
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = found[i].train;
	free(found);
	return true;
}
