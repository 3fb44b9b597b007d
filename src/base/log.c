#include "base/log.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static enum log_level least = LOG_LEVEL_INFO;

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
	buffer_append_text(&out, "\"\n");
	fwrite(out.data, 1, out.len, stderr);
	buffer_finish(&text);
	buffer_finish(&out);
}
