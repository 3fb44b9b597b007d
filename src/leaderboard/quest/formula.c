/*
 * Formulas as postfix code for a small stack: written once, run often. What it costs is its length;
 * the parser's depth is capped, as the stack is.
 */
#include "leaderboard/quest/formula.h"

#include "base/number.h"
#include "base/spelling.h"

#include <math.h>
#include <stdio.h>

const char *const quest_formula_names[] = {"t", "nominal", "now", "unit", "duration", "weight",
	"slope", "ramp", "done", "index", "count", NULL};

static const struct {
	const char *name;
	enum formula_operation operation;
	int arguments;
} functions[] = {
	{"abs", FORMULA_ABS, 1},
	{"ceil", FORMULA_CEIL, 1},
	{"clamp", FORMULA_CLAMP, 3},
	{"exp", FORMULA_EXP, 1},
	{"floor", FORMULA_FLOOR, 1},
	{"if", FORMULA_IF, 3},
	{"ln", FORMULA_LN, 1},
	{"max", FORMULA_MAX, 2},
	{"min", FORMULA_MIN, 2},
	{"round", FORMULA_ROUND, 1},
	{"sqrt", FORMULA_SQRT, 1},
};
enum { FUNCTION_COUNT = sizeof functions / sizeof functions[0] };

/* --- reading --- */

struct reader {
	struct str text;
	size_t line, column; // where it begins
	size_t at;
	int depth;
	int on_stack;
	struct quest_formula *out;
	struct error *err;
};

static bool fail(const struct reader *reader, size_t at, const char *what)
{
	size_t line = reader->line, column = reader->column;

	// Of a block in YAML every line begins at the same column.
	for (size_t i = 0; i < at && i < reader->text.len; i++) {
		bool is_end = reader->text.data[i] == '\n';

		line += is_end;
		column = is_end ? reader->column : column + 1;
	}
	return error_set(reader->err, ERROR_INVALID, "%zu:%zu: %s", line, column, what);
}

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->text.len && strchr(" \t\r\n", reader->text.data[reader->at]) &&
		reader->text.data[reader->at])
		reader->at++;
}

static bool add_step(struct reader *reader, struct formula_step step, int takes)
{
	if (reader->out->count == FORMULA_MAX_OPERATIONS)
		return fail(reader, reader->at, "the formula is longer than 256 operations");
	reader->out->steps[reader->out->count++] = step;
	reader->on_stack += 1 - takes;
	if (reader->on_stack > FORMULA_MAX_DEPTH)
		return fail(reader, reader->at, "the formula is nested deeper than 64");
	return true;
}

static bool take(struct reader *reader, const char *text)
{
	size_t len = strlen(text);

	skip_blanks(reader);
	if (reader->text.len - reader->at < len ||
		memcmp(reader->text.data + reader->at, text, len) != 0)
		return false;
	reader->at += len;
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool read_number(struct reader *reader)
{
	struct str text = {reader->text.data + reader->at, 0};
	struct formula_step step = {.operation = FORMULA_NUMBER};

	while (reader->at + text.len < reader->text.len) {
		char c = text.data[text.len];
		bool is_sign = (c == '+' || c == '-') && text.len &&
			       (text.data[text.len - 1] == 'e' || text.data[text.len - 1] == 'E');

		if (!is_digit(c) && c != '.' && c != 'e' && c != 'E' && !is_sign)
			break;
		text.len++;
	}
	if (!number_parse(text, &step.number) || !isfinite(step.number))
		return fail(reader, reader->at, "that is not a number");
	reader->at += text.len;
	return add_step(reader, step, 0);
}

static bool read_expression(struct reader *reader);

static bool read_call(struct reader *reader, size_t function, size_t at)
{
	for (int i = 0; i < functions[function].arguments; i++) {
		if (i && !take(reader, ","))
			return fail(reader, at, "this function takes more arguments");
		if (!read_expression(reader))
			return false;
	}
	if (!take(reader, ")"))
		return fail(reader, reader->at, "a ) is missing here");
	return add_step(reader, (struct formula_step){.operation = functions[function].operation},
		functions[function].arguments);
}

static bool fail_word(const struct reader *reader, size_t at, struct str word, bool is_call)
{
	const char *known[FUNCTION_COUNT + QUEST_FORMULA_NAMES + 2] = {0};
	char text[256];
	size_t count = 0;

	if (is_call)
		for (; count < FUNCTION_COUNT; count++)
			known[count] = functions[count].name;
	else
		for (; count < QUEST_FORMULA_NAMES; count++)
			known[count] = quest_formula_names[count];
	const char *near = spelling_nearest(word, known);

	snprintf(text, sizeof text, "there is no %s \"%.*s\"%s%s%s", is_call ? "function" : "name",
		(int)(word.len > 40 ? 40 : word.len), word.data, near ? "; did you mean " : "",
		near ? near : "", near ? "?" : "");
	return fail(reader, at, text);
}

static bool read_word(struct reader *reader)
{
	size_t at = reader->at;
	struct str word = {reader->text.data + at, 0};

	while (at + word.len < reader->text.len &&
		(is_letter(word.data[word.len]) || is_digit(word.data[word.len])))
		word.len++;
	reader->at += word.len;
	if (take(reader, "(")) {
		for (size_t i = 0; i < FUNCTION_COUNT; i++)
			if (str_equal(word, str_from(functions[i].name)))
				return read_call(reader, i, at);
		return fail_word(reader, at, word, true);
	}
	if (str_equal(word, STR("points")))
		word = STR("weight");
	for (size_t i = 0; i < QUEST_FORMULA_NAMES; i++)
		if (str_equal(word, str_from(quest_formula_names[i])))
			return add_step(reader,
				(struct formula_step){.operation = FORMULA_NAME,
					.name = (enum quest_formula_name)i},
				0);
	return fail_word(reader, at, word, false);
}

static bool read_primary(struct reader *reader)
{
	skip_blanks(reader);
	if (reader->at == reader->text.len)
		return fail(reader, reader->at, "something is missing here");
	char c = reader->text.data[reader->at];

	if (is_digit(c) || c == '.')
		return read_number(reader);
	if (is_letter(c))
		return read_word(reader);
	if (!take(reader, "("))
		return fail(reader, reader->at, "a number, a name, a function or ( is wanted here");
	if (!read_expression(reader))
		return false;
	return take(reader, ")") || fail(reader, reader->at, "a ) is missing here");
}

/* -2^2 is -4, as in mathematics and in PromQL; 2^-1 is 0.5. */
static bool read_unary(struct reader *reader)
{
	if (++reader->depth > FORMULA_MAX_DEPTH)
		return fail(reader, reader->at, "the formula is nested deeper than 64");
	bool ok;

	if (take(reader, "-"))
		ok = read_unary(reader) &&
		     add_step(reader, (struct formula_step){.operation = FORMULA_NEGATE}, 1);
	else if (take(reader, "+"))
		ok = read_unary(reader);
	else
		ok = read_primary(reader) &&
		     (!take(reader, "^") ||
			     (read_unary(reader) &&
				     add_step(reader,
					     (struct formula_step){.operation = FORMULA_POWER},
					     2)));
	reader->depth--;
	return ok;
}

struct binary {
	const char *text;
	enum formula_operation operation;
};

/* A level of operators that bind alike, from the left. */
static bool read_level(
	struct reader *reader, bool (*read_next)(struct reader *), const struct binary *operators)
{
	if (!read_next(reader))
		return false;
	for (;;) {
		const struct binary *found = operators;

		while (found->text && !take(reader, found->text))
			found++;
		if (!found->text)
			return true;
		if (!read_next(reader) ||
			!add_step(reader, (struct formula_step){.operation = found->operation}, 2))
			return false;
	}
}

static bool read_product(struct reader *reader)
{
	static const struct binary operators[] = {
		{"*", FORMULA_MULTIPLY}, {"/", FORMULA_DIVIDE}, {"%", FORMULA_MODULO}, {0}};

	return read_level(reader, read_unary, operators);
}

static bool read_sum(struct reader *reader)
{
	static const struct binary operators[] = {{"+", FORMULA_ADD}, {"-", FORMULA_SUBTRACT}, {0}};

	return read_level(reader, read_product, operators);
}

static bool read_expression(struct reader *reader)
{
	static const struct binary operators[] = {{"<=", FORMULA_LESS_EQUAL}, {"<", FORMULA_LESS},
		{">=", FORMULA_GREATER_EQUAL}, {">", FORMULA_GREATER}, {"==", FORMULA_EQUAL},
		{"!=", FORMULA_NOT_EQUAL}, {0}};

	if (++reader->depth > FORMULA_MAX_DEPTH)
		return fail(reader, reader->at, "the formula is nested deeper than 64");
	bool ok = read_level(reader, read_sum, operators);

	reader->depth--;
	return ok;
}

struct quest_formula *quest_formula_parse(
	const struct quest_place *formula, struct arena *arena, struct error *err)
{
	struct reader reader = {
		.text = formula->text,
		.line = formula->line,
		.column = formula->column,
		.out = ARENA_NEW(arena, struct quest_formula),
		.err = err,
	};

	if (!read_expression(&reader))
		return NULL;
	skip_blanks(&reader);
	if (reader.at < reader.text.len) {
		fail(&reader, reader.at, "an operator or the end is wanted here");
		return NULL;
	}
	return reader.out;
}

bool quest_formula_uses(const struct quest_formula *formula, enum quest_formula_name name)
{
	for (size_t i = 0; i < formula->count; i++)
		if (formula->steps[i].operation == FORMULA_NAME && formula->steps[i].name == name)
			return true;
	return false;
}

/* --- running --- */

/* Of one operand, left in place. */
static double unary(enum formula_operation operation, double value)
{
	switch ((int)operation) {
	case FORMULA_NEGATE:
		return -value;
	case FORMULA_ABS:
		return fabs(value);
	case FORMULA_CEIL:
		return ceil(value);
	case FORMULA_EXP:
		return exp(value);
	case FORMULA_FLOOR:
		return floor(value);
	case FORMULA_LN:
		return log(value);
	case FORMULA_ROUND:
		return floor(value + 0.5);
	default:
		return sqrt(value);
	}
}

static double binary(enum formula_operation operation, double left, double right)
{
	switch ((int)operation) {
	case FORMULA_ADD:
		return left + right;
	case FORMULA_SUBTRACT:
		return left - right;
	case FORMULA_MULTIPLY:
		return left * right;
	case FORMULA_DIVIDE:
		return left / right;
	case FORMULA_MODULO:
		return fmod(left, right);
	case FORMULA_POWER:
		return pow(left, right);
	case FORMULA_LESS:
		return left < right;
	case FORMULA_LESS_EQUAL:
		return left <= right;
	case FORMULA_GREATER:
		return left > right;
	case FORMULA_GREATER_EQUAL:
		return left >= right;
	case FORMULA_EQUAL:
		return left == right;
	case FORMULA_NOT_EQUAL:
		return left != right;
	case FORMULA_MAX:
		return left > right ? left : right;
	default:
		return left < right ? left : right;
	}
}

static bool is_unary(enum formula_operation operation)
{
	return operation == FORMULA_NEGATE || operation == FORMULA_ABS ||
	       operation == FORMULA_CEIL || operation == FORMULA_EXP ||
	       operation == FORMULA_FLOOR || operation == FORMULA_LN ||
	       operation == FORMULA_ROUND || operation == FORMULA_SQRT;
}

size_t formula_takes(enum formula_operation operation)
{
	if (operation == FORMULA_NUMBER || operation == FORMULA_NAME)
		return 0;
	if (operation == FORMULA_IF || operation == FORMULA_CLAMP)
		return 3;
	return is_unary(operation) ? 1 : 2;
}

double quest_formula_run(
	const struct quest_formula *formula, const double values[QUEST_FORMULA_NAMES])
{
	double stack[FORMULA_MAX_DEPTH + 1];
	size_t top = 0;

	for (size_t i = 0; i < formula->count; i++) {
		const struct formula_step *step = &formula->steps[i];

		if (step->operation == FORMULA_NUMBER) {
			stack[top++] = step->number;
		} else if (step->operation == FORMULA_NAME) {
			stack[top++] = values[step->name];
		} else if (is_unary(step->operation)) {
			stack[top - 1] = unary(step->operation, stack[top - 1]);
		} else if (step->operation == FORMULA_IF) {
			top -= 2;
			stack[top - 1] = stack[top - 1] != 0 ? stack[top] : stack[top + 1];
		} else if (step->operation == FORMULA_CLAMP) {
			top -= 2;
			stack[top - 1] = fmin(fmax(stack[top - 1], stack[top]), stack[top + 1]);
		} else {
			top--;
			stack[top - 1] = binary(step->operation, stack[top - 1], stack[top]);
		}
	}
	return isfinite(stack[0]) ? stack[0] : 0;
}
