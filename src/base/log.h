/*
 * base/log.h — logfmt lines on standard error: ts=… level=info at=backfill.c:88 msg="…".
 * The level, and whether a line may wait for its reader, are the mutable globals of the product.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* debug, info, warn or error; false for another word. */
bool log_set_level(const char *name);
/*
 * For programs that something moves: a line for which there is no room (a pipe that nobody reads, a
 * terminal that was told to hold) is dropped, and counted in the next one that finds room.
 */
void log_never_wait(void);
void log_write(enum log_level level, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __FILE__, __LINE__, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __FILE__, __LINE__, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __FILE__, __LINE__, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __FILE__, __LINE__, __VA_ARGS__)

#endif
