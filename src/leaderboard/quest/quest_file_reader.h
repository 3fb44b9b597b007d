/*
 * Private to quest: reading a quest file. quest_file.c has the whole, quest_file_probe.c conditions
 * that are no metrics, quest_file_points.c scorings and the prize line, quest_file_fairness.c what
 * rehearsals in numbers need, quest_file_people.c who takes part, quest_file_sources.c where
 * metrics come from.
 */
#ifndef QUEST_QUEST_FILE_READER_H
#define QUEST_QUEST_FILE_READER_H

#include "leaderboard/quest/quest_file.h"
#include "leaderboard/quest/scenario.h"

/* `scenario` reads what both kinds of files have: queries, titles, exercises. */
struct quest_reader {
	struct scenario_reader scenario;
	struct quest_scenario scratch; // what `scenario` reads into
	struct quest_file *out;
};

/* A mapping's child as a text, empty where it is missing. */
bool quest_read_optional(const struct quest_reader *reader, const struct yaml_node *node,
	const char *key, struct str *out);

/* The value under a key; where there is none, fails at the mapping: "WHAT needs KEY". */
const struct yaml_node *quest_need(const struct scenario_reader *reader,
	const struct yaml_node *node, const char *key, const char *what);

/* A list of at most `max` items; an absent node is an empty one. */
bool quest_check_list(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, size_t max);

/* A list of texts, or one text. */
bool quest_read_texts(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, size_t max, struct str **out, size_t *count);

/* "USER@CLUSTER" or "USER". */
bool quest_read_player(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, struct quest_player *out);

/* A name that a person, a table or a cluster has: 1 to 128 bytes, nothing unprintable. */
bool quest_read_label(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, struct str *out);

/* Index of a text among NULL-ended names. Fails where it is none of them, listing them. */
bool quest_read_choice(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, const char *const *names, size_t *out);

/* A regular expression that must match the whole. */
bool quest_read_regex(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, const char *prefix, const char *suffix, struct str *text,
	struct regex **out);

bool quest_read_people(const struct quest_reader *reader, const struct yaml_node *root);
bool quest_read_scorings(const struct quest_reader *reader, const struct yaml_node *root);
bool quest_read_fairness(const struct quest_reader *reader, const struct yaml_node *root);
bool quest_read_sources(const struct quest_reader *reader, const struct yaml_node *root);

/* http:// or https:// and a host; no user, no fragment. `what` names it in errors. */
bool quest_check_url(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, struct str url);

/* A file beside the quest file, or an absolute one. */
bool quest_read_path(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *key, struct str *out);

#endif
