#include "engine/rules/source.h"

#include "base/memory.h"

static bool continues(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

// Byte offset of a line and column; columns count characters, as libyaml does.
static size_t offset_of(struct str text, size_t line, size_t column)
{
	size_t at = 0;

	for (; line > 1 && at < text.len; line--) {
		const char *end = memchr(text.data + at, '\n', text.len - at);

		at = end ? (size_t)(end - text.data) + 1 : text.len;
	}
	for (; column > 1 && at < text.len && text.data[at] != '\n'; column--)
		do
			at++;
		while (at < text.len && continues(text.data[at]));
	return at;
}

static struct source_place place_of(struct str text, size_t offset)
{
	struct source_place place = {1, 1};

	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.data[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (!continues(text.data[i])) {
			place.column++;
		}
	}
	return place;
}

struct source_place source_place(const struct source *source, size_t line, size_t column)
{
	if (!source->outer || line == 0)
		return (struct source_place){line, column};
	if (source->node->literal)
		return source_place(source->outer, source->node->text_line + line - 1,
			source->node->text_indent + column);
	return source_locate(source->outer, source->node, offset_of(source->text, line, column));
}

size_t source_line(const struct source *source, size_t line)
{
	if (!source->outer)
		return line;
	return source_line(source->outer,
		source->node->literal ? source->node->text_line + line - 1 : source->node->line);
}

// Bytes that an escape of a double-quoted scalar takes.
static size_t escape_len(const char *at, size_t left)
{
	static const struct {
		char letter;
		size_t len;
	} longer[] = {{'x', 4}, {'u', 6}, {'U', 10}};

	for (size_t i = 0; left > 1 && i < sizeof longer / sizeof longer[0]; i++)
		if (at[1] == longer[i].letter)
			return longer[i].len < left ? longer[i].len : left;
	return left < 2 ? left : 2;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Walks a folded or quoted scalar as written beside its text. They differ where lines were folded,
 * quotes doubled and characters escaped; on white space that differs either side may run ahead.
 */
static size_t align(struct str source, size_t at, struct str text, size_t offset)
{
	char quote = at < source.len && (source.data[at] == '"' || source.data[at] == '\'')
			     ? source.data[at]
			     : 0;
	size_t i = 0;

	at += quote != 0;
	while (i < offset && at < source.len) {
		if (quote == '"' && source.data[at] == '\\') {
			bool folds = at + 1 < source.len && source.data[at + 1] == '\n';

			at += escape_len(source.data + at, source.len - at);
			if (!folds)
				do
					i++;
				while (i < offset && continues(text.data[i]));
		} else if (source.data[at] == text.data[i]) {
			at += quote == '\'' && text.data[i] == '\'' ? 2 : 1;
			i++;
		} else if (is_space(source.data[at])) {
			at++;
		} else if (is_space(text.data[i])) {
			i++;
		} else {
			break;
		}
	}
	// What comes next on a line further down stands there, not at this line's end.
	if (i < text.len && !is_space(text.data[i]))
		while (at < source.len && is_space(source.data[at]))
			at++;
	return at;
}

static struct source_place locate_literal(const struct yaml_node *node, size_t offset)
{
	struct str text = {node->text.data, offset < node->text.len ? offset : node->text.len};
	struct source_place place = place_of(text, text.len);

	place.line += node->text_line - 1;
	place.column += node->text_indent;
	return place;
}

struct source_place source_locate(
	const struct source *source, const struct yaml_node *node, size_t offset)
{
	struct source_place place;

	if (node->literal) {
		place = locate_literal(node, offset);
	} else {
		bool is_block = node->text_line != node->line;
		size_t start = offset_of(source->text, is_block ? node->text_line : node->line,
			is_block ? 1 : node->column);

		if (offset > node->text.len)
			offset = node->text.len;
		place = place_of(source->text, align(source->text, start, node->text, offset));
	}
	return source_place(source, place.line, place.column);
}

size_t source_text_origin(const struct source_text *text, size_t offset)
{
	struct source_splice splice = {0};

	for (size_t i = 0; i < text->splice_count && text->splices[i].made <= offset; i++)
		splice = text->splices[i];
	return splice.whole ? splice.from : splice.from + offset - splice.made;
}

static bool is_escaped(struct str text)
{
	char quote = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!quote && c == '\\')
			return i + 1 < text.len && text.data[i + 1] == '"';
		if (quote && c == '\\' && quote != '`')
			i++;
		else if (c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\'' || c == '`'))
			quote = c;
	}
	return false;
}

struct source_text source_unescape(struct str text, struct arena *arena)
{
	struct source_splice *splices = NULL;
	size_t count = 0, capacity = 0, len = 0;

	if (!is_escaped(text))
		return (struct source_text){.text = text};
	char *out = arena_alloc(arena, text.len + 1);

	for (size_t i = 0; i < text.len; i++) {
		bool escape = text.data[i] == '\\' && i + 1 < text.len &&
			      (text.data[i + 1] == '"' || text.data[i + 1] == '\\');

		if (escape) {
			splices = memory_grow(splices, &capacity, count + 1, sizeof *splices);
			splices[count++] = (struct source_splice){.made = len, .from = ++i};
		}
		out[len++] = text.data[i];
	}
	struct source_splice *kept = ARENA_ARRAY(arena, struct source_splice, count);

	memcpy(kept, splices, count * sizeof *kept);
	free(splices);
	return (struct source_text){{out, len}, kept, count};
}
