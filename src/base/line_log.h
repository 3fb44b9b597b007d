/*
 * base/line_log.h — lines at the end of a file. A line is there whole or not at
 * all, and a full disk is a loss that is counted, never a reason to stop.
 */
#ifndef BASE_LINE_LOG_H
#define BASE_LINE_LOG_H

#include "base/error.h"
#include "base/str.h"

struct line_log {
	const char *path; // borrowed; NULL: no log
	int fd;
	bool is_torn; // the end of the file is half a line that could not be taken back
	bool is_failing;
	int64_t written, lost; // lines
};

/* Appends to what is there. `path` NULL: writes nothing. Fails: ERROR_SYSTEM. */
bool line_log_open(struct line_log *log, const char *path, struct error *err);
/* The file was moved away: goes on in a new one. Keeps the old one where that fails. */
bool line_log_reopen(struct line_log *log, struct error *err);
/* `line` with its newline. False where it was lost; *err says why when it was the first. */
bool line_log_write(struct line_log *log, struct str line, struct error *err);
/* What was written is on the disk now. Fails: ERROR_SYSTEM; never for what is no disk, as a pipe.
 */
bool line_log_sync(const struct line_log *log, struct error *err);
void line_log_close(struct line_log *log);

#endif
