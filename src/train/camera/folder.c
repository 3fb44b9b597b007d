#include "train/camera/driver.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/*
 * Pictures of a folder in the order of their names, one a beat: a recorded ride, or photos. What
 * they are is decided by their content; hidden files and folders are passed over.
 */

enum { MAX_FILES = 1000000 };

struct folder {
	struct camera_request request;
	struct arena arena; // of the names
	char **names;
	size_t count, next;
};

static struct camera_source *folder_create(const struct camera_request *request, struct error *err)
{
	struct folder *folder = calloc(1, sizeof *folder);

	(void)err;
	if (!folder)
		abort();
	folder->request = *request;
	return (struct camera_source *)folder;
}

static void folder_close(struct camera_source *source)
{
	struct folder *folder = (struct folder *)source;

	arena_finish(&folder->arena);
	free(folder->names);
	folder->names = NULL;
	folder->count = folder->next = 0;
}

static void folder_destroy(struct camera_source *source)
{
	free(source);
}

static void add_name(struct folder *folder, size_t *capacity, const char *name)
{
	if (folder->count == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 64;
		folder->names = realloc(folder->names, *capacity * sizeof *folder->names);
		if (!folder->names)
			abort();
	}
	folder->names[folder->count++] = arena_copy(&folder->arena, name, strlen(name));
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool folder_open(struct camera_source *source, struct error *err)
{
	struct folder *folder = (struct folder *)source;
	DIR *directory = opendir(folder->request.where);
	struct dirent *entry;
	size_t capacity = 0;

	if (!directory)
		return error_errno(err, "open the folder %s", folder->request.where);
	while (folder->count < MAX_FILES && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && entry->d_type != DT_DIR)
			add_name(folder, &capacity, entry->d_name);
	closedir(directory);
	if (!folder->count) {
		folder_close(source);
		return error_set(
			err, ERROR_INVALID, "the folder %s is empty", folder->request.where);
	}
	qsort(folder->names, folder->count, sizeof *folder->names, compare_names);
	return true;
}

static int folder_fd(const struct camera_source *source)
{
	(void)source;
	return -1;
}

static bool folder_look(struct camera_source *source, int64_t now_us, enum camera_outcome *outcome,
	int64_t *captured_us, struct error *err)
{
	struct folder *folder = (struct folder *)source;

	(void)err;
	if (folder->next == folder->count && folder->request.loop)
		folder->next = 0;
	*outcome = folder->next < folder->count ? CAMERA_PICTURE : CAMERA_ENDED;
	*captured_us = now_us;
	folder->next++;
	return true;
}

static bool folder_take(struct camera_source *source, struct arena *arena, struct camera_frame *out,
	struct error *err)
{
	struct folder *folder = (struct folder *)source;
	const char *name = folder->names[folder->next - 1];
	struct str path = str_format(arena, "%s/%s", folder->request.where, name);

	// Damage of one file, whatever it is, is not the end of the folder.
	if (!file_read(path.data, CAMERA_MAX_PICTURE_BYTES, arena, &out->encoded, err)) {
		err->kind = ERROR_INVALID;
		return false;
	}
	if (!out->encoded.len)
		return error_set(err, ERROR_INVALID, "%s is empty", path.data);
	return true;
}

const struct camera_driver camera_folder = {
	.retry_us = 1000000,
	.retry_max_us = 1000000,
	.create = folder_create,
	.destroy = folder_destroy,
	.open = folder_open,
	.close = folder_close,
	.fd = folder_fd,
	.look = folder_look,
	.take = folder_take,
};
