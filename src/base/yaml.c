/*
 * Events of libyaml become nodes of an arena. Children wait on a stack shared by all levels until
 * their parent ends, then move into the arena in one piece.
 */
#include "base/yaml.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/spelling.h"

#include <stdio.h>
#include <yaml.h>

enum { MAX_DEPTH = 100, MAX_NODES = 1000000, SMALL_MAPPING = 8 };

struct reader {
	yaml_parser_t parser;
	struct str source;
	const char *file;
	struct arena *arena;
	struct error *err;
	struct yaml_node **stack;
	size_t stack_count, stack_capacity;
	size_t node_count;
	// A place in the source that only moves forwards, to look at block scalars as written.
	size_t line;
	size_t offset;
};

static bool fail_at(struct reader *reader, yaml_mark_t mark, const char *text)
{
	return error_set(reader->err, ERROR_INVALID, "%s:%zu:%zu: %s", reader->file, mark.line + 1,
		mark.column + 1, text);
}

static bool fail_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	char text[512];

	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	if (parser->error == YAML_READER_ERROR) {
		size_t line = 1;

		for (size_t i = 0; i < parser->problem_offset && i < reader->source.len; i++)
			line += reader->source.data[i] == '\n';
		return error_set(reader->err, ERROR_INVALID, "%s:%zu: not YAML: %s (byte %zu)",
			reader->file, line, parser->problem, parser->problem_offset);
	}
	if (parser->context)
		snprintf(text, sizeof text, "not YAML: %s, %s that began at line %zu",
			parser->problem, parser->context, parser->context_mark.line + 1);
	else
		snprintf(text, sizeof text, "not YAML: %s", parser->problem);
	return fail_at(reader, parser->problem_mark, text);
}

static bool next_event(struct reader *reader, yaml_event_t *event)
{
	return yaml_parser_parse(&reader->parser, event) || fail_syntax(reader);
}

// Length of the line break at `offset`, as libyaml sees them; 0 where there is none.
static size_t break_len(struct str source, size_t offset)
{
	const unsigned char *at = (const unsigned char *)source.data + offset;
	size_t left = source.len - offset;

	if (left == 0)
		return 0;
	if (at[0] == '\r')
		return left > 1 && at[1] == '\n' ? 2 : 1;
	if (at[0] == '\n')
		return 1;
	if (left > 1 && at[0] == 0xC2 && at[1] == 0x85)
		return 2;
	if (left > 2 && at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9))
		return 3;
	return 0;
}

static size_t line_end(struct str source, size_t offset)
{
	while (offset < source.len && !break_len(source, offset))
		offset++;
	return offset;
}

// Moves to the start of a line counted from 1.
static void seek_line(struct reader *reader, size_t line)
{
	while (reader->line < line && reader->offset < reader->source.len) {
		size_t end = line_end(reader->source, reader->offset);

		reader->offset = end + break_len(reader->source, end);
		reader->line++;
	}
}

/*
 * libyaml tells where a block scalar's | or > stands, not how far its text is indented: that is the
 * indent of the first line that is not blank. With an explicit indicator (|2) it may be less, which
 * the text itself shows.
 */
static void measure_block(struct reader *reader, struct yaml_node *node)
{
	node->text_line = node->line + 1;
	seek_line(reader, node->text_line);
	for (size_t at = reader->offset; at < reader->source.len;) {
		size_t start = at;

		while (at < reader->source.len && reader->source.data[at] == ' ')
			at++;
		size_t end = line_end(reader->source, at);

		if (end > at) {
			node->text_indent = at - start;
			break;
		}
		at = end + break_len(reader->source, end);
	}
	size_t kept = 0, i = 0;

	while (i < node->text.len && node->text.data[i] == '\n')
		i++;
	while (i + kept < node->text.len && node->text.data[i + kept] == ' ')
		kept++;
	node->text_indent -= kept < node->text_indent ? kept : node->text_indent;
}

static struct yaml_node *new_node(struct reader *reader, enum yaml_kind kind, yaml_mark_t mark)
{
	if (++reader->node_count > MAX_NODES) {
		error_set(reader->err, ERROR_LIMIT, "%s:%zu:%zu: more than %d values in one file",
			reader->file, mark.line + 1, mark.column + 1, MAX_NODES);
		return NULL;
	}
	struct yaml_node *node = ARENA_NEW(reader->arena, struct yaml_node);

	node->kind = kind;
	node->line = node->text_line = mark.line + 1;
	node->column = mark.column + 1;
	return node;
}

static bool check_tag(struct reader *reader, const yaml_event_t *event, const yaml_char_t *tag)
{
	if (!tag || strcmp((const char *)tag, "!") == 0)
		return true;
	if (event->type == YAML_SCALAR_EVENT && strcmp((const char *)tag, YAML_STR_TAG) == 0)
		return true;
	return fail_at(
		reader, event->start_mark, "a tag (!…) is not understood here; leave it out");
}

static struct yaml_node *read_scalar(struct reader *reader, const yaml_event_t *event)
{
	struct yaml_node *node = new_node(reader, YAML_SCALAR, event->start_mark);
	yaml_scalar_style_t style = event->data.scalar.style;

	if (!node || !check_tag(reader, event, event->data.scalar.tag))
		return NULL;
	node->text.data = arena_copy(
		reader->arena, (const char *)event->data.scalar.value, event->data.scalar.length);
	node->text.len = event->data.scalar.length;
	node->quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
		       style == YAML_DOUBLE_QUOTED_SCALAR_STYLE || event->data.scalar.tag;
	node->literal = style == YAML_LITERAL_SCALAR_STYLE;
	if (node->literal || style == YAML_FOLDED_SCALAR_STYLE) {
		node->quoted = true;
		measure_block(reader, node);
	}
	return node;
}

static void push(struct reader *reader, struct yaml_node *node)
{
	reader->stack = memory_grow(reader->stack, &reader->stack_capacity, reader->stack_count + 1,
		sizeof(struct yaml_node *));
	reader->stack[reader->stack_count++] = node;
}

static struct yaml_node *read_node(struct reader *reader, const yaml_event_t *event, size_t depth);

// Children up to the end event, left on the stack; their number in *count.
static bool read_children(struct reader *reader, yaml_event_type_t end, size_t depth, size_t *count)
{
	for (*count = 0;; ++*count) {
		yaml_event_t event;

		if (!next_event(reader, &event))
			return false;
		if (event.type == end) {
			yaml_event_delete(&event);
			return true;
		}
		struct yaml_node *child = read_node(reader, &event, depth);

		yaml_event_delete(&event);
		if (!child)
			return false;
		push(reader, child);
	}
}

static bool fail_twice(struct reader *reader, const struct yaml_node *key, size_t first_line)
{
	return yaml_error(reader->err, reader->file, key,
		"\"%.*s\" is given twice; it stands at line %zu already", STR_ARG(key->text),
		first_line);
}

static bool check_unique(struct reader *reader, const struct yaml_node *mapping)
{
	struct map seen = {0};
	bool ok = true;

	for (size_t i = 0; i < mapping->count && ok; i++) {
		struct yaml_node *key = mapping->pairs[i].key;

		if (mapping->count > SMALL_MAPPING) {
			const struct yaml_node *first = map_get(&seen, key->text);

			if (first)
				ok = fail_twice(reader, key, first->line);
			map_set(&seen, key->text, key);
			continue;
		}
		for (size_t j = 0; j < i && ok; j++)
			if (str_equal(mapping->pairs[j].key->text, key->text))
				ok = fail_twice(reader, key, mapping->pairs[j].key->line);
	}
	map_finish(&seen);
	return ok;
}

static bool take_pairs(struct reader *reader, struct yaml_node *node, struct yaml_node **children)
{
	node->pairs = ARENA_ARRAY(reader->arena, struct yaml_pair, node->count);
	for (size_t i = 0; i < node->count; i++) {
		struct yaml_node *key = children[2 * i];

		if (key->kind != YAML_SCALAR)
			return yaml_error(reader->err, reader->file, key,
				"a key must be text, not a list or mapping");
		node->pairs[i] = (struct yaml_pair){key, children[2 * i + 1]};
	}
	return check_unique(reader, node);
}

static struct yaml_node *read_collection(
	struct reader *reader, const yaml_event_t *event, size_t depth)
{
	bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
	struct yaml_node *node =
		new_node(reader, is_mapping ? YAML_MAPPING : YAML_SEQUENCE, event->start_mark);
	size_t first = reader->stack_count, count;

	if (!node)
		return NULL;
	if (!check_tag(reader, event,
		    is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag))
		return NULL;
	if (depth == MAX_DEPTH) {
		error_set(reader->err, ERROR_LIMIT, "%s:%zu:%zu: nested deeper than %d levels",
			reader->file, node->line, node->column, MAX_DEPTH);
		return NULL;
	}
	if (!read_children(reader, is_mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT,
		    depth + 1, &count))
		return NULL;
	// Without a child in the whole file so far there is no stack to point into.
	struct yaml_node **children = reader->stack ? reader->stack + first : NULL;

	reader->stack_count = first;
	node->count = is_mapping ? count / 2 : count;
	if (is_mapping)
		return take_pairs(reader, node, children) ? node : NULL;
	node->items = ARENA_ARRAY(reader->arena, struct yaml_node *, count);
	if (count)
		memcpy(node->items, children, count * sizeof *children);
	return node;
}

static struct yaml_node *read_node(struct reader *reader, const yaml_event_t *event, size_t depth)
{
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(reader, event);
	if (event->type == YAML_ALIAS_EVENT) {
		fail_at(reader, event->start_mark,
			"aliases (*name) are not taken; write the value out");
		return NULL;
	}
	return read_collection(reader, event, depth);
}

static bool read_stream(struct reader *reader, struct yaml_node **root)
{
	for (bool ended = false; !ended;) {
		yaml_event_t event;
		bool ok = true;

		if (!next_event(reader, &event))
			return false;
		ended = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT && *root)
			ok = fail_at(reader, event.start_mark,
				"a second document begins here; one file holds one document");
		else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_ALIAS_EVENT ||
			 event.type == YAML_MAPPING_START_EVENT ||
			 event.type == YAML_SEQUENCE_START_EVENT)
			ok = (*root = read_node(reader, &event, 0)) != NULL;
		yaml_event_delete(&event);
		if (!ok)
			return false;
	}
	return true;
}

bool yaml_read(struct str text, const char *file, struct arena *arena, struct yaml_node **root,
	struct error *err)
{
	struct reader reader = {
		.source = text, .file = file, .arena = arena, .err = err, .line = 1};

	*root = NULL;
	if (!yaml_parser_initialize(&reader.parser))
		abort();
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.data, text.len);
	bool ok = read_stream(&reader, root);

	yaml_parser_delete(&reader.parser);
	free(reader.stack);
	if (!ok || (*root && yaml_is_null(*root)))
		*root = NULL;
	return ok;
}

struct yaml_node *yaml_get(const struct yaml_node *node, const char *key)
{
	struct str wanted = str_from(key);

	if (!node || node->kind != YAML_MAPPING)
		return NULL;
	for (size_t i = 0; i < node->count; i++)
		if (str_equal(node->pairs[i].key->text, wanted))
			return node->pairs[i].value;
	return NULL;
}

static bool is_one_of(struct str text, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (str_equal(text, str_from(words[i])))
			return true;
	return false;
}

bool yaml_is_null(const struct yaml_node *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};

	return node->kind == YAML_SCALAR && !node->quoted && is_one_of(node->text, words);
}

static bool fail_node(struct error *err, const char *file, const struct yaml_node *node,
	const struct buffer *text)
{
	if (!node)
		return error_set(err, ERROR_INVALID, "%s: %s", file, text->data);
	return error_set(
		err, ERROR_INVALID, "%s:%zu:%zu: %s", file, node->line, node->column, text->data);
}

bool yaml_error(
	struct error *err, const char *file, const struct yaml_node *node, const char *format, ...)
{
	struct buffer text = {0};
	va_list args;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	fail_node(err, file, node, &text);
	buffer_finish(&text);
	return false;
}

static bool fail_key(const struct yaml_node *key, const char *file, const char *what,
	const char *const *allowed, struct error *err)
{
	const char *guess = spelling_nearest(key->text, allowed);
	struct buffer text = {0};

	buffer_printf(&text, "\"%.*s\" is no field of %s", STR_ARG(key->text), what);
	if (guess)
		buffer_printf(&text, "; did you mean \"%s\"?", guess);
	buffer_append_text(&text, guess ? " It has: " : "; it has: ");
	for (size_t i = 0; allowed[i]; i++)
		buffer_printf(&text, "%s%s", i ? ", " : "", allowed[i]);
	fail_node(err, file, key, &text);
	buffer_finish(&text);
	return false;
}

static const char *kind_name(const struct yaml_node *node)
{
	if (node->kind == YAML_SEQUENCE)
		return "a list";
	if (node->kind == YAML_MAPPING)
		return "a mapping";
	return yaml_is_null(node) ? "nothing" : "text";
}

bool yaml_check_keys(const struct yaml_node *node, const char *file, const char *what,
	const char *const *allowed, struct error *err)
{
	if (!node)
		return yaml_error(err, file, node, "%s is missing", what);
	if (node->kind != YAML_MAPPING)
		return yaml_error(err, file, node,
			"%s must be a mapping (fields `name: value`), but here is %s", what,
			kind_name(node));
	for (size_t i = 0; i < node->count; i++)
		if (!is_one_of(node->pairs[i].key->text, allowed))
			return fail_key(node->pairs[i].key, file, what, allowed, err);
	return true;
}

// The scalar's text is shown whole up to a length that still fits in a line of a terminal.
static bool fail_type(const struct yaml_node *node, const char *file, const char *what,
	const char *wanted, struct error *err)
{
	if (!node)
		return yaml_error(err, file, node, "%s is missing; it must be %s", what, wanted);
	if (node->kind != YAML_SCALAR || yaml_is_null(node))
		return yaml_error(err, file, node, "%s must be %s, but here is %s", what, wanted,
			kind_name(node));
	bool is_long = node->text.len > 60;

	return yaml_error(err, file, node, "%s must be %s, not \"%.*s%s\"%s", what, wanted,
		is_long ? 57 : (int)node->text.len, node->text.data, is_long ? "…" : "",
		node->quoted ? " in quotes" : "");
}

static bool is_text(const struct yaml_node *node)
{
	return node && node->kind == YAML_SCALAR && !yaml_is_null(node);
}

bool yaml_string(const struct yaml_node *node, const char *file, const char *what, struct str *out,
	struct error *err)
{
	if (!is_text(node))
		return fail_type(node, file, what, "text", err);
	*out = node->text;
	return true;
}

bool yaml_number(const struct yaml_node *node, const char *file, const char *what, double *out,
	struct error *err)
{
	struct str text = is_text(node) && !node->quoted ? node->text : (struct str){0};
	struct str sign = text;

	// YAML's own spelling of infinities and NaN has a dot in front.
	if (sign.len && (sign.data[0] == '-' || sign.data[0] == '+')) {
		sign.data++;
		sign.len--;
	}
	static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
	static const char *const not_numbers[] = {".nan", ".NaN", ".NAN", NULL};

	if (text.len && is_one_of(sign, infinities))
		return number_parse(text.data[0] == '-' ? STR("-Inf") : STR("+Inf"), out);
	if (is_one_of(text, not_numbers))
		return number_parse(STR("NaN"), out);
	return (text.len && number_parse(text, out)) ||
	       fail_type(node, file, what, "a number", err);
}

bool yaml_int(const struct yaml_node *node, const char *file, const char *what, int64_t *out,
	struct error *err)
{
	struct str text = is_text(node) && !node->quoted ? node->text : (struct str){0};

	return (text.len && number_parse_int(text, out)) ||
	       fail_type(node, file, what, "a whole number", err);
}

bool yaml_bool(const struct yaml_node *node, const char *file, const char *what, bool *out,
	struct error *err)
{
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "on", NULL};
	static const char *const no[] = {"false", "False", "FALSE", "no", "off", NULL};

	if (is_text(node) && !node->quoted) {
		*out = is_one_of(node->text, yes);
		if (*out || is_one_of(node->text, no))
			return true;
	}
	return fail_type(node, file, what, "true or false", err);
}
