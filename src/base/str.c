#include "base/str.h"

#include "base/arena.h"
#include "base/memory.h"

#include <stdio.h>

int str_compare(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.data, b.data, common) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

uint64_t str_hash(struct str text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3u;
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15u;
	return hash ^ (hash >> 29);
}

bool str_starts_with(struct str text, struct str prefix)
{
	return text.len >= prefix.len && str_equal((struct str){text.data, prefix.len}, prefix);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct str str_trim(struct str text)
{
	while (text.len && is_blank(text.data[0])) {
		text.data++;
		text.len--;
	}
	while (text.len && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

struct str str_copy(struct arena *arena, struct str text)
{
	return (struct str){arena_copy(arena, text.data, text.len), text.len};
}

struct str str_format(struct arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return (struct str){"", 0};
	char *text = arena_alloc(arena, (size_t)len + 1);

	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return (struct str){text, (size_t)len};
}

size_t str_utf8_len(const char *data, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)data;

	if (len == 0)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	size_t wanted = bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;

	if (bytes[0] < 0xC2 || bytes[0] > 0xF4 || len < wanted)
		return 0;
	for (size_t i = 1; i < wanted; i++)
		if ((bytes[i] & 0xC0) != 0x80)
			return 0;
	// Over-long forms, surrogates and what lies past U+10FFFF (RFC 3629).
	if ((bytes[0] == 0xE0 && bytes[1] < 0xA0) || (bytes[0] == 0xED && bytes[1] > 0x9F) ||
		(bytes[0] == 0xF0 && bytes[1] < 0x90) || (bytes[0] == 0xF4 && bytes[1] > 0x8F))
		return 0;
	return wanted;
}

static void reserve(struct buffer *buffer, size_t len)
{
	assert_fits(len, SIZE_MAX - 1 - buffer->len);
	size_t needed = buffer->len + len + 1;

	buffer->data = memory_grow(buffer->data, &buffer->capacity, needed, 1);
}

void buffer_append(struct buffer *buffer, const void *data, size_t len)
{
	reserve(buffer, len);
	if (len)
		memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	buffer->data[buffer->len] = '\0';
}

void buffer_append_str(struct buffer *buffer, struct str text)
{
	buffer_append(buffer, text.data, text.len);
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char c)
{
	buffer_append(buffer, &c, 1);
}

void buffer_vprintf(struct buffer *buffer, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0)
		return;
	reserve(buffer, (size_t)len);
	vsnprintf(buffer->data + buffer->len, (size_t)len + 1, format, args);
	buffer->len += (size_t)len;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buffer_vprintf(buffer, format, args);
	va_end(args);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->len = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

void buffer_finish(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

struct str buffer_str(const struct buffer *buffer)
{
	return (struct str){buffer->data ? buffer->data : "", buffer->len};
}
