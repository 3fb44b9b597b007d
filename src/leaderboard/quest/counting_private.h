/* quest/counting_private.h — private to quest: the parts of a score, for boards. Sums are of points
 * times the unit for presets, of points for formulas. */
#ifndef QUEST_COUNTING_PRIVATE_H
#define QUEST_COUNTING_PRIVATE_H

#include "leaderboard/quest/counting.h"

double counting_formula(const struct quest_counting *counting, size_t exercise, int64_t t_ms,
	size_t done, int64_t now_ms);
double counting_fixed(const struct quest_counting *counting, size_t exercise, int64_t t_ms);
double counting_ramp(const struct quest_counting *counting, int64_t t_ms, int64_t now_ms);
double counting_total(const struct quest_counting *counting, double sum, double extra);

#endif
