/*
 * Formulas of a scoring: whatever comes in, what is read runs within its stack and gives a number.
 */
#include "leaderboard/quest/quest.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct quest_place place = {{(const char *)data, size}, 1, 1};
	const double values[QUEST_FORMULA_NAMES] = {1, 2, 3, 5, 7, -1, 0, 1e300, 2, 1, 3};
	struct arena arena = {0};
	struct error err = {0};
	const struct quest_formula *formula = quest_formula_parse(&place, &arena, &err);

	if (formula && !isfinite(quest_formula_run(formula, values)))
		abort();
	if (!formula && err.kind != ERROR_INVALID)
		abort();
	arena_finish(&arena);
	return 0;
}
