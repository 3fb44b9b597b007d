#include "engine/promqltest/script.h"

#include "engine/promqltest/script_expect.h"

/*
 *   eval[_fail|_warn|_ordered|_info] instant at T EXPR
 *   eval[_fail|_warn|_info] range from A to B step S EXPR
 *
 * and the lines under it: what is expected.
 */

static bool read_kind(
	struct lines *lines, struct str word, struct script_eval *out, struct error *err)
{
	struct str kind = {word.data + 4, word.len - 4};

	if (!kind.len)
		return true;
	if (str_equal(kind, STR("_fail")))
		out->fails = true;
	else if (str_equal(kind, STR("_warn")))
		out->some_warning = true;
	else if (str_equal(kind, STR("_info")))
		out->some_info = true;
	else if (str_equal(kind, STR("_ordered")))
		out->is_ordered = true;
	else
		return lines_fail(lines, err,
			"expected eval, eval_fail, eval_warn, eval_info or eval_ordered, got "
			"\"%.*s\"",
			STR_ARG(word));
	return true;
}

/* `WORD DURATION` at the front of the rest. */
static bool read_time(
	struct lines *lines, struct str *rest, const char *word, int64_t *out_ms, struct error *err)
{
	struct str got = lines_take_word(rest);

	if (!str_equal(got, str_from(word)))
		return lines_fail(lines, err, "expected \"%s\", got \"%.*s\"", word, STR_ARG(got));
	got = lines_take_word(rest);
	return promql_parse_duration(got, out_ms, err) || lines_blame(lines->number, err);
}

static bool read_range(
	struct lines *lines, struct str *rest, struct script_eval *out, struct error *err)
{
	if (!read_time(lines, rest, "from", &out->start_ms, err) ||
		!read_time(lines, rest, "to", &out->end_ms, err) ||
		!read_time(lines, rest, "step", &out->step_ms, err))
		return false;
	if (out->end_ms < out->start_ms)
		return lines_fail(lines, err, "the range ends before it starts");
	if (out->step_ms <= 0)
		return lines_fail(lines, err, "expected a step above 0");
	// As the query API has it.
	if ((out->end_ms - out->start_ms) / out->step_ms > SCRIPT_MAX_STEPS)
		return lines_fail(lines, err, "the range has more than %d steps", SCRIPT_MAX_STEPS);
	return true;
}

static bool read_head(
	struct lines *lines, struct str line, struct script_eval *out, struct error *err)
{
	struct str rest = line, word = lines_take_word(&rest);

	if (!str_starts_with(word, STR("eval")))
		return lines_fail(lines, err, "commands are written in lower case");
	if (!read_kind(lines, word, out, err))
		return false;
	word = lines_take_word(&rest);
	if (str_equal(word, STR("range"))) {
		out->is_range = true;
		if (out->is_ordered)
			return lines_fail(lines, err, "a range query has no order to expect");
		if (!read_range(lines, &rest, out, err))
			return false;
	} else if (str_equal(word, STR("instant"))) {
		if (!read_time(lines, &rest, "at", &out->start_ms, err))
			return false;
		out->end_ms = out->start_ms;
	} else {
		return lines_fail(lines, err,
			"expected \"instant at TIME\" or \"range from TIME to "
			"TIME step TIME\", got \"%.*s\"",
			STR_ARG(word));
	}
	out->first_ms = out->start_ms;
	out->grid_ms = out->step_ms;
	out->about.expression = rest;
	return rest.len || lines_fail(lines, err, "expected an expression at the end of the line");
}

static void read_expression(unsigned features, struct arena *arena, struct script_eval *out)
{
	struct error err = {0};

	out->expr = promql_parse(out->about.expression, features, arena, NULL, &err);
	if (!out->expr)
		out->parse_error = str_copy(arena, str_from(err.text));
}

bool script_read_eval(struct lines *lines, struct str line, unsigned features, struct arena *arena,
	struct script_eval *out, struct error *err)
{
	*out = (struct script_eval){.about = {.line = lines->number, .text = line}};
	if (!read_head(lines, line, out, err))
		return false;
	read_expression(features, arena, out);
	return script_read_expectations(lines, arena, out, err);
}

static void release(struct script_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		regex_destroy(patterns->items[i].regex);
	patterns->count = 0;
}

void script_eval_release(struct script_eval *eval)
{
	promql_release(eval->expr);
	eval->expr = NULL;
	release(&eval->failures);
	release(&eval->warnings);
	release(&eval->infos);
}
