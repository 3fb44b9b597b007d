/*
 * rules/variables.h — ${NAME} in the texts of a rule file.
 */
#ifndef RULES_VARIABLES_H
#define RULES_VARIABLES_H

#include "engine/rules/rules.h"
#include "engine/rules/source.h"

/* What became of a text: *missing_at is the offset of the first ${NAME} that has no value, else
 * SIZE_MAX. */
struct variables_result {
	struct source_text text;
	size_t missing_at;
	struct str missing_name;
	bool has_unset; // one without a value counted as a number
};

/*
 * Fills each ${NAME} (a letter or _, then letters, digits and _). "${1}" is label_replace's own,
 * and so is a name that a (?P<name>…) of the same text defines.
 */
struct variables_result variables_fill(
	struct str text, const struct rules_read_options *options, struct arena *arena);

#endif
