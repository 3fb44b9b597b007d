#include "engine/promqltest/script_expect.h"

#include "base/memory.h"
#include "engine/promqltest/number.h"

enum { MAX_SERIES = 20000, MAX_PATTERNS = 1000 };

/* --- expect fail|warn|no_warn|info|no_info|ordered [msg: TEXT|regex: TEXT] --- */

/* Searched for anywhere, and `.` is no newline: Go's MatchString. */
static struct regex *compile_search(struct str text, struct error *err)
{
	struct buffer pattern = {0};

	buffer_printf(&pattern, ".*(?-s:%.*s).*", STR_ARG(text));
	struct regex *regex = regex_create(buffer_str(&pattern), err);

	buffer_finish(&pattern);
	return regex;
}

static bool add_pattern(struct lines *lines, struct script_patterns *patterns, bool is_regex,
	struct str text, struct arena *arena, struct error *err)
{
	struct script_pattern *items =
		ARENA_ARRAY(arena, struct script_pattern, patterns->count + 1);
	struct script_pattern added = {.text = text};

	if (patterns->count >= MAX_PATTERNS)
		return lines_fail(lines, err, "more than %d expect lines", MAX_PATTERNS);
	if (is_regex && !(added.regex = compile_search(text, err)))
		return lines_blame(lines->number, err);
	if (patterns->count)
		memcpy(items, patterns->items, patterns->count * sizeof *items);
	items[patterns->count++] = added;
	patterns->items = items;
	return true;
}

/* What stands behind `expect KIND`: nothing, msg: TEXT or regex: TEXT. */
static bool read_pattern(struct lines *lines, struct str rest, struct script_patterns *patterns,
	struct arena *arena, struct error *err)
{
	bool is_regex = str_starts_with(rest, STR("regex:"));
	size_t prefix = is_regex ? 6 : 4;

	if (!rest.len)
		return add_pattern(lines, patterns, false, rest, arena, err);
	if (!is_regex && !str_starts_with(rest, STR("msg:")))
		return lines_fail(lines, err,
			"expected \"msg: TEXT\" or \"regex: TEXT\", got \"%.*s\"", STR_ARG(rest));
	struct str text = str_trim((struct str){rest.data + prefix, rest.len - prefix});

	if (!text.len)
		return lines_fail(lines, err, "expected a text behind the colon");
	return add_pattern(lines, patterns, is_regex, text, arena, err);
}

static bool expect_failure(struct lines *lines, struct str rest, struct script_eval *out,
	struct arena *arena, struct error *err)
{
	if (out->failures.count)
		return lines_fail(lines, err, "expect fail is there already");
	out->fails = true;
	return read_pattern(lines, rest, &out->failures, arena, err);
}

static bool expect_annotation(struct lines *lines, struct str kind, struct str rest,
	struct script_eval *out, struct arena *arena, struct error *err)
{
	bool ok = true;

	if (str_equal(kind, STR("warn")))
		ok = read_pattern(lines, rest, &out->warnings, arena, err);
	else if (str_equal(kind, STR("info")))
		ok = read_pattern(lines, rest, &out->infos, arena, err);
	else if (str_equal(kind, STR("no_warn")))
		out->no_warning = true;
	else if (str_equal(kind, STR("no_info")))
		out->no_info = true;
	else
		return lines_fail(lines, err,
			"expected fail, warn, no_warn, info, no_info, ordered, string or range "
			"vector "
			"behind expect, got \"%.*s\"",
			STR_ARG(kind));
	if ((out->no_warning && out->warnings.count) || (out->no_info && out->infos.count))
		return lines_fail(lines, err, "expected both %.*s and its opposite", STR_ARG(kind));
	return ok;
}

/* --- expect range vector from A to B step S --- */

static bool read_time(
	struct lines *lines, struct str *rest, const char *word, int64_t *out_ms, struct error *err)
{
	if (!str_equal(lines_take_word(rest), str_from(word)))
		return lines_fail(
			lines, err, "expected \"expect range vector from TIME to TIME step TIME\"");
	return promql_parse_duration(lines_take_word(rest), out_ms, err) ||
	       lines_blame(lines->number, err);
}

static bool expect_range_vector(
	struct lines *lines, struct str rest, struct script_eval *out, struct error *err)
{
	int64_t end_ms;

	if (out->is_range)
		return lines_fail(lines, err, "a range query has no range vector as its result");
	if (!str_equal(lines_take_word(&rest), STR("vector")))
		return lines_fail(lines, err, "expected \"expect range vector\"");
	if (!read_time(lines, &rest, "from", &out->first_ms, err) ||
		!read_time(lines, &rest, "to", &end_ms, err) ||
		!read_time(lines, &rest, "step", &out->grid_ms, err))
		return false;
	if (end_ms < out->first_ms || out->grid_ms <= 0)
		return lines_fail(lines, err,
			"expected a range that does not end before it starts, "
			"and a step above 0");
	out->is_range_vector = true;
	// The query is asked at the end of what it must answer.
	out->start_ms = out->end_ms = end_ms;
	return true;
}

/* --- expect string "…" --- */

/* Go's strconv.Unquote of a whole text in " or `, through PromQL's own reader of strings. */
static bool expect_string(struct lines *lines, struct str rest, struct script_eval *out,
	struct arena *arena, struct error *err)
{
	struct error ignored;

	if (rest.len < 2 || (rest.data[0] != '"' && rest.data[0] != '`') ||
		rest.data[rest.len - 1] != rest.data[0])
		return lines_fail(lines, err, "expected a text in \" or ` behind expect string");
	struct promql_expr *text = promql_parse(rest, 0, arena, NULL, &ignored);
	bool ok = text && text->kind == PROMQL_TEXT;

	if (ok)
		out->string = text->text;
	promql_release(text);
	out->has_text = true;
	return ok || lines_fail(lines, err, "no quoted text: %.*s", STR_ARG(rest));
}

/* --- all of them --- */

static bool read_expect(struct lines *lines, struct str rest, struct script_eval *out,
	struct arena *arena, struct error *err)
{
	struct str kind = lines_take_word(&rest);

	if (str_equal(kind, STR("fail")))
		return expect_failure(lines, rest, out, arena, err);
	if (str_equal(kind, STR("range")))
		return expect_range_vector(lines, rest, out, err);
	if (str_equal(kind, STR("string")))
		return expect_string(lines, rest, out, arena, err);
	if (!str_equal(kind, STR("ordered")))
		return expect_annotation(lines, kind, rest, out, arena, err);
	if (out->is_range)
		return lines_fail(lines, err, "a range query has no order to expect");
	out->is_ordered = true;
	return true;
}

/* expected_fail_message TEXT and expected_fail_regexp TEXT, of eval_fail. */
static bool read_old_failure(struct lines *lines, struct str line, struct script_eval *out,
	struct arena *arena, struct error *err)
{
	struct str word = lines_take_word(&line);
	bool is_regex = str_equal(word, STR("expected_fail_regexp"));

	if (!out->fails)
		return lines_fail(lines, err, "%.*s is for eval_fail", STR_ARG(word));
	if (out->failures.count || !line.len ||
		!(is_regex || str_equal(word, STR("expected_fail_message"))))
		return lines_fail(lines, err,
			"expected one expected_fail_message TEXT or expected_fail_regexp TEXT");
	return add_pattern(lines, &out->failures, is_regex, line, arena, err);
}

static bool read_expected_series(struct lines *lines, struct str line, size_t *capacity,
	struct arena *arena, struct script_eval *out, struct error *err)
{
	struct script_series series;

	if (!script_read_series(lines, line, arena, &series, err))
		return false;
	uint64_t count = script_count_values(&series);

	if (count == 0)
		return lines_fail(lines, err, "expected values behind the series");
	if (count > 1 && !out->is_range && !out->is_range_vector)
		return lines_fail(lines, err,
			"an instant query has one value a series, here are %llu",
			(unsigned long long)count);
	if (out->series_count >= MAX_SERIES)
		return lines_fail(lines, err, "more than %d series are expected", MAX_SERIES);
	out->series =
		memory_grow(out->series, capacity, out->series_count + 1, sizeof *out->series);
	out->series[out->series_count++] = series;
	return true;
}

/* Of a series that is given twice the last counts; it keeps its own place. */
static void drop_doubles(struct script_eval *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < out->series_count; i++) {
		bool again = false;

		for (size_t j = i + 1; j < out->series_count && !again; j++)
			again = labels_equal(out->series[i].labels, out->series[j].labels);
		if (!again)
			out->series[kept++] = out->series[i];
	}
	out->series_count = kept;
}

bool script_read_expectations(
	struct lines *lines, struct arena *arena, struct script_eval *out, struct error *err)
{
	struct script_series *kept;
	size_t capacity = 0;
	struct str line;
	bool ok = true;

	while (ok && !out->has_scalar && lines_peek(lines, &line)) {
		struct str rest = line;

		lines_take(lines, &line);
		if (str_starts_with(line, STR("expected_fail_")))
			ok = read_old_failure(lines, line, out, arena, err);
		else if (str_equal(lines_take_word(&rest), STR("expect")))
			ok = read_expect(lines, rest, out, arena, err);
		else if (number_of_line(line, &out->scalar))
			out->has_scalar = true;
		else
			ok = read_expected_series(lines, line, &capacity, arena, out, err);
	}
	drop_doubles(out);
	kept = ARENA_ARRAY(arena, struct script_series, out->series_count);
	if (out->series_count)
		memcpy(kept, out->series, out->series_count * sizeof *kept);
	free(out->series);
	out->series = kept;
	return ok;
}
