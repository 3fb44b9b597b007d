/*
 * cli/quest_warnings.h — what is not wrong with a quest file, and would still spoil the day.
 */
#ifndef LEADERBOARD_CLI_QUEST_WARNINGS_H
#define LEADERBOARD_CLI_QUEST_WARNINGS_H

#include "leaderboard/quest/quest.h"

/* Sentences, in the order of the file; they and the list are the arena's. */
struct quest_warnings {
	struct str *items;
	size_t count;
};

/*
 * Files that the quest names and that cannot be read now, secrets that would go over the network
 * in clear (http:// to another machine), and a quest without sources.
 */
struct quest_warnings cli_quest_warnings(const struct quest_file *file, struct arena *arena);

#endif
