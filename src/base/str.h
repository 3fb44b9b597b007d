/*
 * base/str.h — text is pointer and length (NUL is data), and a growing buffer to build it in.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

/* Borrowed bytes, usually UTF-8; not NUL-ended unless said. */
struct str {
	const char *data;
	size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* For printf: "%.*s", STR_ARG(str). */
#define STR_ARG(str) (int)((str).len > 0x7fffffff ? 0x7fffffff : (str).len), (str).data

static inline struct str str_from(const char *text)
{
	return (struct str){text, strlen(text)};
}

static inline bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Byte order, a prefix before what it begins: Go's string order. */
int str_compare(struct str a, struct str b);

/* FNV-1a folded with a multiply-shift finish; stable within a process, not across versions. */
uint64_t str_hash(struct str text);

bool str_starts_with(struct str text, struct str prefix);
struct str str_trim(struct str text);

/* A copy owned by the arena, NUL-ended behind its length. */
struct str str_copy(struct arena *arena, struct str text);

/* printf into the arena. */
struct str str_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Length of the valid UTF-8 sequence at `data` (1-4), 0 where it is not valid. */
size_t str_utf8_len(const char *data, size_t len);

/* A zeroed struct is an empty buffer; `data` is NUL-ended once anything was appended. */
struct buffer {
	char *data;
	size_t len;
	size_t capacity;
};

void buffer_append(struct buffer *buffer, const void *data, size_t len);
void buffer_append_str(struct buffer *buffer, struct str text);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* Keeps the memory for the next use. */
void buffer_clear(struct buffer *buffer);
void buffer_finish(struct buffer *buffer);
struct str buffer_str(const struct buffer *buffer);

#endif
