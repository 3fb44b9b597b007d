#include "base/line_log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// A pipe that nobody reads must not hold us up.
static int open_end(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
}

// Half a line, from a program that was killed: the next one begins on a line of its own.
static bool ends_torn(const char *path, int fd)
{
	struct stat status;
	char last = '\n';

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
		return false;
	int reader = open(path, O_RDONLY | O_CLOEXEC);

	if (reader >= 0) {
		if (pread(reader, &last, 1, status.st_size - 1) != 1)
			last = '\n';
		close(reader);
	}
	return last != '\n';
}

bool line_log_open(struct line_log *log, const char *path, struct error *err)
{
	*log = (struct line_log){.path = path, .fd = -1};
	if (!path)
		return true;
	log->fd = open_end(path);
	if (log->fd < 0)
		return error_errno(err, "%s", path);
	log->is_torn = ends_torn(path, log->fd);
	return true;
}

bool line_log_reopen(struct line_log *log, struct error *err)
{
	if (!log->path)
		return true;
	int fd = open_end(log->path);

	if (fd < 0)
		return error_errno(err, "%s", log->path);
	close(log->fd);
	log->fd = fd;
	log->is_torn = ends_torn(log->path, fd);
	return true;
}

// Everything or nothing; what of the line is there already is taken back.
static bool append(struct line_log *log, struct str bytes)
{
	off_t before = lseek(log->fd, 0, SEEK_END);
	ssize_t written = write(log->fd, bytes.data, bytes.len);

	if (written == (ssize_t)bytes.len)
		return true;
	if (written >= 0)
		errno = ENOSPC;
	int reason = errno;

	if (written > 0 && (before < 0 || ftruncate(log->fd, before) != 0))
		log->is_torn = true;
	errno = reason;
	return false;
}

bool line_log_write(struct line_log *log, struct str line, struct error *err)
{
	bool was_failing = log->is_failing;

	if (!log->path)
		return true;
	if (log->is_torn && append(log, STR("\n")))
		log->is_torn = false;
	log->is_failing = log->is_torn || !append(log, line);
	log->written += !log->is_failing;
	log->lost += log->is_failing;
	if (log->is_failing && !was_failing)
		error_errno(err, "%s", log->path);
	return !log->is_failing;
}

bool line_log_sync(const struct line_log *log, struct error *err)
{
	return !log->path || fdatasync(log->fd) == 0 || errno == EINVAL || errno == EROFS ||
	       error_errno(err, "%s", log->path);
}

void line_log_close(struct line_log *log)
{
	if (log->path && log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}
