/* quest/formula.h — private to quest: a formula's postfix code. */
#ifndef QUEST_FORMULA_H
#define QUEST_FORMULA_H

#include "leaderboard/quest/counting.h"

enum { FORMULA_MAX_OPERATIONS = 256, FORMULA_MAX_DEPTH = 64 };

enum formula_operation {
	FORMULA_NUMBER,
	FORMULA_NAME,
	FORMULA_NEGATE,
	FORMULA_ADD,
	FORMULA_SUBTRACT,
	FORMULA_MULTIPLY,
	FORMULA_DIVIDE,
	FORMULA_MODULO,
	FORMULA_POWER,
	FORMULA_LESS,
	FORMULA_LESS_EQUAL,
	FORMULA_GREATER,
	FORMULA_GREATER_EQUAL,
	FORMULA_EQUAL,
	FORMULA_NOT_EQUAL,
	FORMULA_ABS,
	FORMULA_CEIL,
	FORMULA_CLAMP,
	FORMULA_EXP,
	FORMULA_FLOOR,
	FORMULA_IF,
	FORMULA_LN,
	FORMULA_MAX,
	FORMULA_MIN,
	FORMULA_ROUND,
	FORMULA_SQRT,
};

struct formula_step {
	enum formula_operation operation;
	enum quest_formula_name name;
	double number;
};

struct quest_formula {
	size_t count;
	struct formula_step steps[FORMULA_MAX_OPERATIONS];
};

/* How many operands an operation takes from the stack; it leaves one. */
size_t formula_takes(enum formula_operation operation);

#endif
