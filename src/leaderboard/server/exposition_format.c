#include "leaderboard/server/exposition_format.h"

#include "base/number.h"
#include "engine/series/series.h"

#include <stdio.h>

/* --- negotiation --- */

static const struct {
	const char *name;
	enum exposition_escaping escaping;
} escapings[] = {
	{"underscores", EXPOSITION_UNDERSCORES},
	{"allow-utf-8", EXPOSITION_ALLOW_UTF8},
	{"dots", EXPOSITION_DOTS},
	{"values", EXPOSITION_VALUES},
};

/* The text before a separator; moves `rest` behind it. */
static struct str take(struct str *rest, char separator)
{
	const char *end = rest->len ? memchr(rest->data, separator, rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->data) : rest->len;
	struct str part = str_trim((struct str){rest->data, len});

	rest->data += len + (end ? 1 : 0);
	rest->len -= len + (end ? 1 : 0);
	return part;
}

/* One of the Accept header's alternatives: text/plain; version=1.0.0; escaping=…; q=0.5 */
struct alternative {
	struct exposition_format format;
	double quality;
	bool is_ours;
};

static void read_parameter(struct alternative *out, struct str parameter)
{
	struct str name = take(&parameter, '='), value = str_trim(parameter);

	if (str_equal(name, STR("q"))) {
		if (!number_parse(value, &out->quality))
			out->quality = 0;
	} else if (str_equal(name, STR("version"))) {
		out->format.is_1_0 = str_equal(value, STR("1.0.0"));
		out->is_ours &= out->format.is_1_0 || str_equal(value, STR("0.0.4"));
	} else if (str_equal(name, STR("escaping"))) {
		for (size_t i = 0; i < sizeof escapings / sizeof *escapings; i++)
			if (str_equal(value, str_from(escapings[i].name)))
				out->format.escaping = escapings[i].escaping;
	}
}

struct exposition_format exposition_negotiate(struct str accept)
{
	struct alternative best = {0};

	while (accept.len) {
		struct str rest = take(&accept, ',');
		struct str type = take(&rest, ';');
		struct alternative at = {.quality = 1};

		at.is_ours = str_equal(type, STR("text/plain"));
		while (rest.len)
			read_parameter(&at, take(&rest, ';'));
		if (at.is_ours && at.quality > best.quality)
			best = at;
	}
	return best.format;
}

const char *exposition_content_type(const struct exposition_format *format)
{
#define TYPE(version, escaping) "text/plain; version=" version "; charset=utf-8; escaping=" escaping
	static const char *const types[][2] = {
		[EXPOSITION_UNDERSCORES] = {TYPE("0.0.4", "underscores"),
			TYPE("1.0.0", "underscores")},
		[EXPOSITION_ALLOW_UTF8] = {TYPE("0.0.4", "allow-utf-8"),
			TYPE("1.0.0", "allow-utf-8")},
		[EXPOSITION_DOTS] = {TYPE("0.0.4", "dots"), TYPE("1.0.0", "dots")},
		[EXPOSITION_VALUES] = {TYPE("0.0.4", "values"), TYPE("1.0.0", "values")},
	};
#undef TYPE

	return types[format->escaping][format->is_1_0];
}

/* --- names --- */

static bool is_plain(char c, bool metric, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (c == ':' && metric) || (c >= '0' && c <= '9' && !first);
}

static uint32_t code_point(const char *data, size_t len)
{
	uint32_t code = (unsigned char)data[0];

	if (len > 1)
		code &= 0xffU >> (len + 1);
	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)data[i] & 0x3f);
	return code;
}

static void escape(struct buffer *out, struct str character, bool is_plain_one,
	enum exposition_escaping escaping)
{
	switch (escaping) {
	case EXPOSITION_ALLOW_UTF8:
	case EXPOSITION_UNDERSCORES:
		buffer_append_str(out, is_plain_one ? character : STR("_"));
		break;
	case EXPOSITION_DOTS:
		if (str_equal(character, STR(".")))
			buffer_append_text(out, "_dot_");
		else if (is_plain_one && character.data[0] != '_')
			buffer_append_str(out, character);
		else
			buffer_append_text(out, "__");
		break;
	case EXPOSITION_VALUES:
		if (is_plain_one && character.data[0] == '_')
			buffer_append_text(out, "__");
		else if (is_plain_one)
			buffer_append_str(out, character);
		else
			buffer_printf(out, "_%x_", code_point(character.data, character.len));
	}
}

void exposition_write_quoted(struct buffer *out, struct str text)
{
	buffer_append_char(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '"' || c == '\\')
			buffer_append_char(out, '\\');
		if (c == '\n')
			buffer_append_text(out, "\\n");
		else
			buffer_append_char(out, c);
	}
	buffer_append_char(out, '"');
}

void exposition_write_name(struct buffer *out, struct str name, bool metric,
	enum exposition_escaping escaping, bool *is_quoted)
{
	bool plain = labels_is_plain_name(name, metric);

	*is_quoted = !plain && escaping == EXPOSITION_ALLOW_UTF8;
	if (*is_quoted) {
		exposition_write_quoted(out, name);
		return;
	}
	// A plain name is escaped by dots alone: else __ could not be told apart.
	if (plain && escaping != EXPOSITION_DOTS) {
		buffer_append_str(out, name);
		return;
	}
	if (escaping == EXPOSITION_VALUES)
		buffer_append_text(out, "U__");
	for (size_t i = 0, len; i < name.len; i += len) {
		len = str_utf8_len(name.data + i, name.len - i);
		if (len == 0)
			len = 1;
		escape(out, (struct str){name.data + i, len},
			is_plain(name.data[i], metric, i == 0), escaping);
	}
}
