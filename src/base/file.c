#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_all(
	int fd, size_t max_bytes, struct buffer *out, const char *path, struct error *err)
{
	char block[65536];

	for (;;) {
		ssize_t got = read(fd, block, sizeof block);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "read %s", path);
		if (got == 0)
			return true;
		buffer_append(out, block, (size_t)got);
		if (out->len > max_bytes)
			return error_set(err, ERROR_LIMIT, "%s: larger than the limit of %zu bytes",
				path, max_bytes);
	}
}

bool file_read(
	const char *path, size_t max_bytes, struct arena *arena, struct str *out, struct error *err)
{
	struct buffer data = {0};
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "open %s", path);
	bool ok = read_all(fd, max_bytes, &data, path, err);

	if (fd != STDIN_FILENO)
		close(fd);
	if (ok)
		*out = str_copy(arena, buffer_str(&data));
	buffer_finish(&data);
	return ok;
}

static bool write_all(int fd, struct str data)
{
	while (data.len) {
		ssize_t put = write(fd, data.data, data.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		data.data += put;
		data.len -= (size_t)put;
	}
	return true;
}

bool file_write(const char *path, struct str data, struct error *err)
{
	if (strcmp(path, "-") == 0) {
		if (write_all(STDOUT_FILENO, data))
			return true;
		return error_errno(err, "write to standard output");
	}
	struct buffer temporary = {0};
	bool ok = false;

	buffer_printf(&temporary, "%s.XXXXXX", path);
	int fd = mkostemp(temporary.data, O_CLOEXEC);

	if (fd < 0) {
		error_errno(err, "create a file beside %s", path);
		goto out;
	}
	mode_t mask = umask(0);

	umask(mask);
	ok = write_all(fd, data) && fchmod(fd, 0666 & ~mask) == 0;
	ok = close(fd) == 0 && ok && rename(temporary.data, path) == 0;
	if (!ok) {
		error_errno(err, "write %s", path);
		unlink(temporary.data);
	}
out:
	buffer_finish(&temporary);
	return ok;
}

struct str file_beside(struct arena *arena, const char *path, struct str name)
{
	const char *slash = strrchr(path, '/');

	if (!slash || (name.len && name.data[0] == '/'))
		return str_copy(arena, name);
	return str_format(arena, "%.*s/%.*s", (int)(slash - path), path, STR_ARG(name));
}
