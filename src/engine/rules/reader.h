/*
 * rules/reader.h — what read.c (which text of a file holds rules) and group.c (their fields) share.
 */
#ifndef RULES_READER_H
#define RULES_READER_H

#include "engine/rules/rules.h"
#include "engine/rules/source.h"

struct reader {
	const char *file;
	const struct rules_read_options *options;
	struct arena *arena;
	struct rules_problem *problems;
	size_t problem_count, problem_capacity;
	struct rules_group *groups;
	size_t group_count, group_capacity;
};

/* A problem at byte `offset` of a scalar (or where a list or mapping begins). */
void reader_problem(struct reader *reader, const struct source *source,
	const struct yaml_node *node, size_t offset, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The same from an error that yaml.h wrote with the empty file name: ":LINE:COLUMN: TEXT". */
void reader_yaml_problem(struct reader *reader, const struct source *source, const char *where,
	const struct error *err);

/* A scalar's text after ${NAME}; `what` is for the problem if it is no text. A null reads as empty
 * text. */
bool reader_text(struct reader *reader, const struct source *source, const struct yaml_node *node,
	const char *what, struct str *out);

/* Appends the groups of a `groups:` list; `node` is the list. */
void reader_groups(
	struct reader *reader, const struct source *source, const struct yaml_node *node);

/* Appends one group made of a bare `rules:` list. */
void reader_bare_rules(struct reader *reader, const struct source *source,
	const struct yaml_node *node, struct str group_name);

#endif
