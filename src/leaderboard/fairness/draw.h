/* fairness/draw.h — private to fairness: durations by chance. */
#ifndef FAIRNESS_DRAW_H
#define FAIRNESS_DRAW_H

#include "leaderboard/fairness/fairness.h"

/* Durations of all exercises, correlated: a normal variable for each, made alike by the matrix's
 * root, then the quantile of each exercise's own distribution. */
struct draw {
	struct quest_durations durations[QUEST_MAX_EXERCISES];
	double root[QUEST_MAX_EXERCISES][QUEST_MAX_EXERCISES]; // lower triangle
	size_t count;
	uint64_t state[2];
};

/* From the file; where it says nothing: lognormal around the nominal ends, spread 0.3, correlation
 * 0.5. Returns whether it had to be made up. */
bool draw_init(struct draw *draw, const struct quest_file *file, uint64_t seed);

/* Instants of completion of one player, Unix ms, QUEST_NEVER from the exercise on that he does not
 * finish, or not by the end. */
void draw_player(struct draw *draw, const struct quest_counting *counting, int64_t *done_ms);

#endif
