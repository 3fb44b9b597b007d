/*
 * Private to quest: reading a scenario file. scenario.c has the whole, scenario_quest.c exercises
 * and conditions, scenario_people.c who takes part.
 */
#ifndef QUEST_SCENARIO_H
#define QUEST_SCENARIO_H

#include "leaderboard/quest/quest.h"

#include "base/yaml.h"

struct scenario_reader {
	const char *file;
	struct arena *arena;
	struct quest_scenario *out;
	struct error *err;
	size_t variable_capacity; // of out->variables: an upper bound, known from the start
	bool is_quest;		  // a quest file: its exercises have more keys
	struct str environment;	  // of a quest file, empty where it has none
};

enum scenario_kind_of_value { SCENARIO_DURATION, SCENARIO_INT, SCENARIO_NUMBER };

/* A number of the file: where it goes and what it may be. */
struct scenario_field {
	const char *key;
	enum scenario_kind_of_value kind;
	size_t offset;
	double min, max;  // ms for a duration
	bool is_optional; // what is there stays
};

/* Reads fields of a mapping into the struct at `values`; a row without key ends the table. */
bool scenario_read_fields(const struct scenario_reader *reader, const struct yaml_node *node,
	const struct scenario_field *fields, void *values);

bool scenario_read_duration(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, int64_t *out);

/* letters, digits and - _ . (`lower`: [a-z][a-z0-9_-]*), at most 63 bytes */
bool scenario_read_name(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, bool lower, struct str *out);

/* {en: …, fr: …}, a text for both, or nothing: then `fallback` */
bool scenario_read_title(const struct scenario_reader *reader, const struct yaml_node *node,
	struct str fallback, struct quest_title *out);

/* A query with its ${NAME} filled in; an absent node leaves *out empty. */
bool scenario_read_query(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, struct quest_query *out);

/* A text with its ${NAME} filled in. */
bool scenario_read_text(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, struct str *out);

/* Parses a query that the reader wrote itself. */
bool scenario_make_query(
	const struct scenario_reader *reader, struct str text, struct quest_query *out);

/* Of a quest file: a condition that is probed, pushed or awarded. quest_file_probe.c. */
bool quest_file_read_kind(const struct scenario_reader *reader, struct str exercise,
	const struct yaml_node *node, struct quest_condition *out);

/* Adds a variable unless it is there already: the first wins. */
void scenario_add_variable(const struct scenario_reader *reader, struct str name, struct str value);

/* TS_USER_BATMAN_HERO, or TS_EXERCISE_HERO without a user: in capitals, with _ for - and dots. */
struct str scenario_variable_name(struct arena *arena, struct str user, struct str exercise);

bool scenario_read_exercises(const struct scenario_reader *reader, const struct yaml_node *node);
bool scenario_read_players(const struct scenario_reader *reader, const struct yaml_node *node);
bool scenario_read_workshop(const struct scenario_reader *reader, const struct yaml_node *node);

#endif
