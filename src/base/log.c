#include "base/log.h"

#include "base/clock.h"
#include "base/str.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_ROOM_BYTES = 4096 }; // what a pipe that is ready has room for, at least

static enum log_level least = LOG_LEVEL_INFO;
static bool may_wait = true;
static unsigned long dropped;

static const char *const names[] = {"debug", "info", "warn", "error"};

bool log_set_level(const char *name)
{
	for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++)
		if (strcmp(names[i], name) == 0) {
			least = (enum log_level)i;
			return true;
		}
	return false;
}

void log_never_wait(void)
{
	may_wait = false;
}

static bool has_room(void)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT);
}

static void put(struct buffer *out)
{
	if (!may_wait) {
		if (out->len > PIPE_ROOM_BYTES) {
			out->len = PIPE_ROOM_BYTES;
			out->data[out->len - 1] = '\n';
		}
		if (!has_room()) {
			dropped++;
			return;
		}
	}
	fwrite(out->data, 1, out->len, stderr);
}

void log_write(enum log_level level, const char *file, int line, const char *format, ...)
{
	if (level < least)
		return;
	const char *base = strrchr(file, '/');
	int64_t now_ms = clock_wall_ms();
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm utc;
	char when[32];
	struct buffer text = {0}, out = {0};
	va_list args;

	gmtime_r(&seconds, &utc);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	buffer_printf(&out, "ts=%s.%03dZ level=%s at=%s:%d msg=\"", when, (int)(now_ms % 1000),
		names[level], base ? base + 1 : file, line);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '"' || c == '\\')
			buffer_printf(&out, "\\%c", c);
		else if (c == '\n')
			buffer_append_text(&out, "\\n");
		else if ((unsigned char)c < 0x20 || c == 0x7f)
			buffer_printf(&out, "\\x%02x", (unsigned)(unsigned char)c);
		else
			buffer_append_char(&out, c);
	}
	if (dropped && has_room()) {
		buffer_printf(&out, " (%lu lines before this one were dropped: nobody took them)",
			dropped);
		dropped = 0;
	}
	buffer_append_text(&out, "\"\n");
	put(&out);
	buffer_finish(&text);
	buffer_finish(&out);
}
