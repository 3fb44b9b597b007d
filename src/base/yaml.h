/*
 * base/yaml.h — a YAML document as a tree that remembers where everything stood, over libyaml.
 * Errors and readers can then say file, line and column. Capped: depth 100, 1 million nodes;
 * aliases are refused.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_pair;

struct yaml_node {
	enum yaml_kind kind;
	size_t line, column; // from 1
	size_t text_line;    // of a block scalar (| or >): the line its text begins on; else line
	size_t text_indent;  // of a block scalar: blanks taken off each line; else 0
	bool quoted;	     // '…' or "…": always a string
	bool literal;	     // | : lines of `text` are lines of the file
	struct str text;     // YAML_SCALAR
	struct yaml_node **items; // YAML_SEQUENCE
	struct yaml_pair *pairs;  // YAML_MAPPING
	size_t count;
};

struct yaml_pair {
	struct yaml_node *key; // always a scalar
	struct yaml_node *value;
};

/*
 * The document in `text` (the first and only one); NULL root with true for an empty one. `file` is
 * for messages. Fails: ERROR_INVALID "FILE:LINE:COLUMN: …"; a key given twice in one mapping is
 * one.
 */
bool yaml_read(struct str text, const char *file, struct arena *arena, struct yaml_node **root,
	struct error *err);

/* The value under a key of a mapping, NULL where it has none (or node is no mapping). */
struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);

/* A plain null: nothing, ~, null. */
bool yaml_is_null(const struct yaml_node *node);

/* "FILE:LINE:COLUMN: " then the text, ERROR_INVALID. Always false. */
bool yaml_error(struct error *err, const char *file, const struct yaml_node *node,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * ERROR_INVALID at the first key of `node` that `allowed` (NULL-ended) does not name, listing what
 * may stand there and the nearest spelling; also where `node` is no mapping. `what` names the
 * thing: "a rule".
 */
bool yaml_check_keys(const struct yaml_node *node, const char *file, const char *what,
	const char *const *allowed, struct error *err);

/* Typed reads. They fail with ERROR_INVALID, where it stood, what it was and what it should be. */
bool yaml_string(const struct yaml_node *node, const char *file, const char *what, struct str *out,
	struct error *err);
bool yaml_number(const struct yaml_node *node, const char *file, const char *what, double *out,
	struct error *err);
bool yaml_int(const struct yaml_node *node, const char *file, const char *what, int64_t *out,
	struct error *err);
bool yaml_bool(const struct yaml_node *node, const char *file, const char *what, bool *out,
	struct error *err);

#endif
