#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Text that did not fit ends in an ellipsis, so that nobody takes it for the whole message.
static void mark_cut(struct error *err, int wanted_len)
{
	static const char ellipsis[] = "…";

	if (wanted_len < 0 || (size_t)wanted_len < sizeof err->text)
		return;
	size_t cut = sizeof err->text - sizeof ellipsis;

	while (cut > 0 && ((unsigned char)err->text[cut] & 0xC0) == 0x80)
		cut--;
	memcpy(err->text + cut, ellipsis, sizeof ellipsis);
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list args;

	err->kind = kind;
	va_start(args, format);
	mark_cut(err, vsnprintf(err->text, sizeof err->text, format, args));
	va_end(args);
	return false;
}

bool error_errno(struct error *err, const char *format, ...)
{
	const char *reason = strerror(errno);
	char what[sizeof err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	err->kind = ERROR_SYSTEM;
	mark_cut(err, snprintf(err->text, sizeof err->text, "%s: %s", what, reason));
	return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
	char before[sizeof err->text];
	char inner[sizeof err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(before, sizeof before, format, args);
	va_end(args);
	memcpy(inner, err->text, sizeof inner);
	mark_cut(err, snprintf(err->text, sizeof err->text, "%s: %s", before, inner));
	return false;
}
