/*
 * A formula as PromQL. Each operand of the postfix code becomes a text: a scalar, or a vector with
 * a series per player, since functions take vectors alone. What a function needs twice is written
 * twice, so the text is capped.
 */
#include "leaderboard/quest/formula.h"

#include "base/number.h"

enum { MAX_TEXT = 16384 };

struct operand {
	struct str text;
	bool is_vector;
};

struct writer {
	const struct quest_counting *counting;
	size_t exercise;
	struct str done; // the vector of completion instants
	struct arena *arena;
};

static struct operand scalar(struct writer *writer, double value)
{
	char text[NUMBER_TEXT_SIZE];

	number_print(text, value);
	return (struct operand){str_format(writer->arena, value < 0 ? "(%s)" : "%s", text), false};
}

static struct str as_vector(struct writer *writer, struct operand operand)
{
	if (operand.is_vector)
		return operand.text;
	return str_format(
		writer->arena, "(%.*s * 0 + %.*s)", STR_ARG(writer->done), STR_ARG(operand.text));
}

static struct operand name_of(struct writer *writer, enum quest_formula_name name)
{
	const struct quest_counting *counting = writer->counting;
	const struct quest_counted *own = &counting->exercises[writer->exercise];
	char start[NUMBER_TEXT_SIZE];

	number_print(start, (double)counting->start_ms / 1000);
	switch ((int)name) {
	case QUEST_FORMULA_T:
		return (struct operand){
			str_format(writer->arena, "(%.*s - %s)", STR_ARG(writer->done), start),
			true};
	case QUEST_FORMULA_NOW:
		return (struct operand){str_format(writer->arena, "(time() - %s)", start), false};
	case QUEST_FORMULA_NOMINAL:
		return scalar(writer, (double)own->nominal_end_ms / 1000);
	case QUEST_FORMULA_UNIT:
		return scalar(writer, (double)counting->unit_ms / 1000);
	case QUEST_FORMULA_DURATION:
		return scalar(writer, (double)counting->duration_ms / 1000);
	case QUEST_FORMULA_WEIGHT:
		return scalar(writer, own->parameters.weight);
	case QUEST_FORMULA_SLOPE:
		return scalar(writer, own->parameters.slope);
	case QUEST_FORMULA_RAMP:
		return scalar(writer, own->parameters.ramp);
	case QUEST_FORMULA_INDEX:
		return scalar(writer, (double)(writer->exercise + 1));
	default:
		return scalar(writer, (double)counting->exercise_count);
	}
}

/* left OP right, with `bool` for comparisons */
static struct operand join(
	struct writer *writer, const char *operator, struct operand left, struct operand right)
{
	return (struct operand){str_format(writer->arena, "(%.*s %s %.*s)",
					STR_ARG(left.text), operator, STR_ARG(right.text)),
		left.is_vector || right.is_vector};
}

static struct operand call(struct writer *writer, const char *function, struct operand operand)
{
	struct str vector = as_vector(writer, operand);

	return (struct operand){
		str_format(writer->arena, "%s(%.*s)", function, STR_ARG(vector)), true};
}

/* condition != 0 ? yes : no; both are evaluated, and a player has a number in each. */
static struct operand choose(
	struct writer *writer, struct operand condition, struct operand yes, struct operand no)
{
	struct operand zero = scalar(writer, 0);

	return join(writer, "+", join(writer, "*", join(writer, "!= bool", condition, zero), yes),
		join(writer, "*", join(writer, "== bool", condition, zero), no));
}

static struct operand unary(
	struct writer *writer, enum formula_operation operation, struct operand operand)
{
	switch ((int)operation) {
	case FORMULA_NEGATE:
		return join(writer, "*", scalar(writer, -1), operand);
	case FORMULA_ABS:
		return call(writer, "abs", operand);
	case FORMULA_CEIL:
		return call(writer, "ceil", operand);
	case FORMULA_EXP:
		return call(writer, "exp", operand);
	case FORMULA_FLOOR:
		return call(writer, "floor", operand);
	case FORMULA_LN:
		return call(writer, "ln", operand);
	case FORMULA_ROUND:
		return call(writer, "floor", join(writer, "+", operand, scalar(writer, 0.5)));
	default:
		return call(writer, "sqrt", operand);
	}
}

static struct operand binary(struct writer *writer, enum formula_operation operation,
	struct operand left, struct operand right)
{
	static const char *const operators[] = {
		[FORMULA_ADD] = "+",
		[FORMULA_SUBTRACT] = "-",
		[FORMULA_MULTIPLY] = "*",
		[FORMULA_DIVIDE] = "/",
		[FORMULA_MODULO] = "%",
		[FORMULA_POWER] = "^",
		[FORMULA_LESS] = "< bool",
		[FORMULA_LESS_EQUAL] = "<= bool",
		[FORMULA_GREATER] = "> bool",
		[FORMULA_GREATER_EQUAL] = ">= bool",
		[FORMULA_EQUAL] = "== bool",
		[FORMULA_NOT_EQUAL] = "!= bool",
	};

	if (operation == FORMULA_MAX)
		return choose(writer, join(writer, ">= bool", left, right), left, right);
	if (operation == FORMULA_MIN)
		return choose(writer, join(writer, "<= bool", left, right), left, right);
	return join(writer, operators[operation], left, right);
}

static struct operand clamp(struct writer *writer, const struct operand *operands)
{
	struct operand low = binary(writer, FORMULA_MAX, operands[0], operands[1]);

	return binary(writer, FORMULA_MIN, low, operands[2]);
}

/* One step on the stack of texts; returns its new height. */
static size_t write_step(
	struct writer *writer, const struct formula_step *step, struct operand *stack, size_t top)
{
	size_t taken = formula_takes(step->operation);
	struct operand *at = stack + top - taken;

	if (step->operation == FORMULA_NUMBER)
		*at = scalar(writer, step->number);
	else if (step->operation == FORMULA_NAME)
		*at = name_of(writer, step->name);
	else if (step->operation == FORMULA_IF)
		*at = choose(writer, at[0], at[1], at[2]);
	else if (step->operation == FORMULA_CLAMP)
		*at = clamp(writer, at);
	else if (taken == 1)
		*at = unary(writer, step->operation, at[0]);
	else
		*at = binary(writer, step->operation, at[0], at[1]);
	return top - taken + 1;
}

bool quest_formula_promql(const struct quest_counting *counting, size_t exercise, struct str done,
	struct arena *arena, struct str *out, struct error *err)
{
	struct writer writer = {counting, exercise, done, arena};
	struct operand stack[FORMULA_MAX_DEPTH + 1];
	const struct quest_formula *formula = counting->formula;
	size_t top = 0;

	if (quest_formula_uses(formula, QUEST_FORMULA_DONE))
		return error_set(err, ERROR_UNSUPPORTED,
			"the formula of \"%.*s\" names done, the number of exercises done: rules "
			"know one exercise at a time",
			STR_ARG(counting->name));
	for (size_t i = 0; i < formula->count; i++) {
		top = write_step(&writer, &formula->steps[i], stack, top);
		if (stack[top - 1].text.len > MAX_TEXT)
			return error_set(err, ERROR_LIMIT,
				"the formula of \"%.*s\" grows past %d bytes of PromQL",
				STR_ARG(counting->name), MAX_TEXT);
	}
	*out = as_vector(&writer, stack[0]);
	return true;
}
