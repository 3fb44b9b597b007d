#include "engine/promql/promql.h"

/*
 * A query over thousands of series says the same thing thousands of times: texts are kept once,
 * found by hash.
 */

void promql_annotations_init(
	struct promql_annotations *annotations, struct arena *arena, struct str query)
{
	*annotations = (struct promql_annotations){.arena = arena, .query = query};
}

static struct str said(const struct promql_annotation *annotation)
{
	return (struct str){annotation->text.data, annotation->said_len};
}

/* Where what is said stands, or would go. */
static size_t *slot_of(const struct promql_annotations *annotations, struct str text)
{
	size_t mask = annotations->capacity * 2 - 1, i = (size_t)str_hash(text) & mask;

	while (annotations->slots[i] &&
		!str_equal(said(&annotations->items[annotations->slots[i] - 1]), text))
		i = (i + 1) & mask;
	return &annotations->slots[i];
}

static void grow(struct promql_annotations *annotations)
{
	size_t capacity = annotations->capacity ? annotations->capacity * 2 : 8;
	struct promql_annotation *items =
		ARENA_ARRAY(annotations->arena, struct promql_annotation, capacity);

	if (annotations->count)
		memcpy(items, annotations->items, annotations->count * sizeof *items);
	annotations->items = items;
	annotations->capacity = capacity;
	annotations->slots = ARENA_ARRAY(annotations->arena, size_t, capacity * 2);
	for (size_t i = 0; i < annotations->count; i++)
		*slot_of(annotations, said(&items[i])) = i + 1;
}

/* " (LINE:COLUMN)"; columns count bytes. Source: promql/parser/posrange, StartPosInput. */
static void append_position(struct buffer *out, struct str query, size_t position)
{
	size_t line = 1, line_start = 0;

	if (position > query.len)
		position = query.len;
	for (size_t i = 0; i < position; i++)
		if (query.data[i] == '\n') {
			line++;
			line_start = i + 1;
		}
	buffer_printf(out, " (%zu:%zu)", line, position - line_start + 1);
}

static void add(struct promql_annotations *annotations, bool is_warning, size_t position,
	struct buffer *text)
{
	if (annotations->count == annotations->capacity)
		grow(annotations);
	size_t *slot = slot_of(annotations, buffer_str(text)), len = text->len;

	if (*slot)
		return;
	if (annotations->count == PROMQL_MAX_ANNOTATIONS) {
		annotations->omitted++;
		return;
	}
	append_position(text, annotations->query, position);
	annotations->items[annotations->count++] = (struct promql_annotation){
		is_warning, str_copy(annotations->arena, buffer_str(text)), len};
	*slot = annotations->count;
}

void promql_annotate(struct promql_annotations *annotations, bool is_warning, size_t position,
	const char *format, ...)
{
	struct buffer text = {0};
	va_list args;

	if (!annotations)
		return;
	buffer_append_text(&text, is_warning ? "PromQL warning: " : "PromQL info: ");
	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	add(annotations, is_warning, position, &text);
	buffer_finish(&text);
}
