#include "engine/promqltest/lines.h"

#include "base/number.h"
#include "engine/promqltest/number.h"

static struct str cut_line(struct str *rest)
{
	const char *end = memchr(rest->data, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->data) : rest->len, taken = len + (end ? 1 : 0);
	struct str line = str_trim((struct str){rest->data, len});

	rest->data += taken;
	rest->len -= taken;
	if (line.len && line.data[0] == '#')
		line.len = 0;
	return line;
}

bool lines_take(struct lines *lines, struct str *out)
{
	if (!lines->rest.len)
		return false;
	lines->start = lines->rest.data;
	*out = cut_line(&lines->rest);
	lines->number++;
	return true;
}

bool lines_peek(const struct lines *lines, struct str *out)
{
	struct str rest = lines->rest;

	if (!rest.len)
		return false;
	*out = cut_line(&rest);
	return out->len > 0;
}

struct str lines_take_word(struct str *text)
{
	size_t len = 0;

	while (len < text->len && text->data[len] != ' ' && text->data[len] != '\t')
		len++;
	struct str word = {text->data, len};

	*text = str_trim((struct str){text->data + len, text->len - len});
	return word;
}

bool lines_fail(const struct lines *lines, struct error *err, const char *format, ...)
{
	struct buffer text = {0};
	va_list args;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	error_set(err, ERROR_INVALID, "%zu: %.*s", lines->number, STR_ARG(buffer_str(&text)));
	buffer_finish(&text);
	return false;
}

bool lines_blame(size_t number, struct error *err)
{
	return error_wrap(err, "%zu", number);
}

bool lines_blame_part(const struct lines *lines, struct str part, struct error *err)
{
	struct str text = str_from(err->text), digits;
	int64_t column;

	if (!str_starts_with(text, STR("1:")))
		return lines_blame(lines->number, err);
	digits = (struct str){text.data + 2, strcspn(text.data + 2, ":")};
	if (!number_parse_int(digits, &column))
		return lines_blame(lines->number, err);
	struct str rest = str_from(digits.data + digits.len);
	struct buffer told = {0};

	buffer_printf(&told, "%zu:%lld%.*s", lines->number,
		(long long)column + (part.data - lines->start), STR_ARG(rest));
	error_set(err, err->kind, "%.*s", STR_ARG(buffer_str(&told)));
	buffer_finish(&told);
	return false;
}

static bool begins(struct str line, const char *lower)
{
	for (size_t i = 0; lower[i]; i++)
		if (i >= line.len || (line.data[i] | 0x20) != lower[i])
			return false;
	return true;
}

enum lines_command lines_command_of(struct str line)
{
	struct str rest = line, word = lines_take_word(&rest);

	if (word.len == 5 && begins(word, "clear"))
		return LINES_CLEAR;
	if (begins(word, "load"))
		return LINES_LOAD;
	return begins(word, "eval") ? LINES_EVAL : LINES_UNKNOWN;
}

/*
 * Blocks end in an empty line, and behind the bare number that an instant query may expect. What is
 * no command is passed over: whoever counts has met an error, and may be inside a block.
 */
uint64_t lines_count_cases(struct lines lines,
	bool (*is_wanted)(const void *context, struct str line), const void *context)
{
	uint64_t count = 0;
	struct str line;
	double number;

	while (lines_take(&lines, &line)) {
		enum lines_command command = line.len ? lines_command_of(line) : LINES_UNKNOWN;

		if (command != LINES_LOAD && command != LINES_EVAL)
			continue;
		count += command == LINES_EVAL && is_wanted(context, line);
		while (lines_peek(&lines, &line)) {
			lines_take(&lines, &line);
			if (command == LINES_EVAL && number_of_line(line, &number))
				break;
		}
	}
	return count;
}
