#include "leaderboard/cli/excerpt.h"

#include <stdio.h>

enum { EXCERPT_BYTES = 110 };

/* The size of the character at a place, one for bytes that are none. */
static size_t character(struct str text, size_t at)
{
	size_t len = str_utf8_len(text.data + at, text.len - at);

	return len ? len : 1;
}

static bool is_inside_character(struct str text, size_t at)
{
	return at < text.len && ((unsigned char)text.data[at] & 0xC0) == 0x80;
}

static struct str find_line(struct str text, size_t line)
{
	for (; line > 1; line--) {
		const char *end = memchr(text.data, '\n', text.len);

		if (!end)
			return (struct str){text.data + text.len, 0};
		text.len -= (size_t)(end + 1 - text.data);
		text.data = end + 1;
	}
	const char *end = memchr(text.data, '\n', text.len);

	if (end)
		text.len = (size_t)(end - text.data);
	return text;
}

/* Marks under bytes mark to mark_end of the line; tabs before them stay tabs, so that the columns
 * agree. */
static void print_marks(struct str line, size_t from, size_t mark, size_t mark_end)
{
	for (size_t i = from; i < mark; i++)
		if (!is_inside_character(line, i))
			fputc(line.data[i] == '\t' ? '\t' : ' ', stderr);
	fputc('^', stderr);
	if (mark < line.len)
		for (size_t i = mark + character(line, mark); i < mark_end; i++)
			if (!is_inside_character(line, i))
				fputc('^', stderr);
	fputc('\n', stderr);
}

void cli_print_excerpt(struct str text, size_t line_number, size_t column, size_t length)
{
	struct str line = find_line(text, line_number);
	size_t mark = 0;

	for (size_t left = column; left > 1 && mark < line.len; left--)
		mark += character(line, mark);
	size_t from = mark > EXCERPT_BYTES / 2 ? mark - EXCERPT_BYTES / 2 : 0;

	while (from < mark && is_inside_character(line, from))
		from++;
	size_t to = line.len - from > EXCERPT_BYTES ? from + EXCERPT_BYTES : line.len;

	while (to > mark && is_inside_character(line, to))
		to--;
	if (!line.len || column == 0)
		return;
	size_t mark_end = mark;

	for (; length && mark_end < to; length--)
		mark_end += character(line, mark_end);
	fprintf(stderr, "    %s%.*s%s\n    %s", from ? "…" : "", (int)(to - from), line.data + from,
		to < line.len ? "…" : "", from ? " " : "");
	print_marks(line, from, mark, mark_end < to ? mark_end : to);
}

void cli_print_excerpt_of_bytes(struct str text, size_t start, size_t end)
{
	size_t line = 1, column = 1, length = 0;

	for (size_t i = 0; i < start && i < text.len; i++) {
		bool newline = text.data[i] == '\n';

		line += newline;
		column = newline ? 1 : column + !is_inside_character(text, i);
	}
	for (size_t i = start; i < end && i < text.len; i++)
		length += !is_inside_character(text, i);
	cli_print_excerpt(text, line, column, length);
}
