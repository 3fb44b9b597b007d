/*
 * rules/source.h — the way back from a piece of text to the place in the file where it stood:
 * through block scalars, the YAML inside a ConfigMap, escaped quotes and ${NAME}.
 */
#ifndef RULES_SOURCE_H
#define RULES_SOURCE_H

#include "base/yaml.h"

/* A text that is read as YAML: the file, or a scalar of another source that holds YAML itself. */
struct source {
	struct str text;
	const char *file;
	const struct source *outer;   // NULL: the file
	const struct yaml_node *node; // the scalar of `outer`
};

struct source_place {
	size_t line, column; // from 1, in the file
};

/* Where line and column of a source are in the file. */
struct source_place source_place(const struct source *source, size_t line, size_t column);

/* The line alone, without looking at the text: of a quoted scalar with YAML inside the line where
 * it begins. */
size_t source_line(const struct source *source, size_t line);

/* Where byte `offset` of a scalar's text is in the file. */
struct source_place source_locate(
	const struct source *source, const struct yaml_node *node, size_t offset);

/* From `made` on, made text comes from the scalar's text from `from` on; all of it from there if
 * `whole`. */
struct source_splice {
	size_t made, from;
	bool whole;
};

/* A scalar's text with parts of it replaced. */
struct source_text {
	struct str text;
	const struct source_splice *splices;
	size_t splice_count;
};

/* Offset in the scalar's text of an offset in the made text. */
size_t source_text_origin(const struct source_text *text, size_t offset);

/* \" becomes " and \\ becomes \, where the text has a \" outside of quotes: no PromQL has. */
struct source_text source_unescape(struct str text, struct arena *arena);

#endif
