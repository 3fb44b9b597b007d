/*
 * A case is asked in up to twelve ways: as it stands, and with `@ T` at five other instants; each
 * of them also as the middle of a range query. All must give what is expected. The first way that
 * does not is told.
 */
#include "engine/promqltest/compare.h"
#include "engine/promqltest/store.h"
#include "engine/promqltest/vary.h"

#include "base/memory.h"
#include "engine/tsdb/tsdb.h"

enum { DEFAULT_MAX_SAMPLES = 10000, DEFAULT_MAX_LOADED = 200000000 };

struct run {
	const struct promqltest_options *options;
	const struct promqltest_observer *observer;
	struct promqltest_counts *counts;
	struct tsdb *db;
	uint64_t loaded;
	struct lines lines;
};

/* One way to ask: an expression at an instant. */
struct way {
	const struct promql_expr *expr;
	struct str text;
	int64_t t_ms;
};

static unsigned features_of(const struct run *run)
{
	const struct promqltest_options *options = run->options;
	unsigned usual = PROMQL_ALL_FEATURES & ~(unsigned)PROMQL_TYPE_AND_UNIT;

	return (usual | options->with_features) & ~options->without_features;
}

static struct promql_options query_options(
	const struct run *run, struct promql_annotations *annotations)
{
	const struct promqltest_options *options = run->options;

	return (struct promql_options){
		.lookback_ms = options->lookback_ms,
		.closed_ranges = options->closed_ranges,
		.max_samples = options->max_samples ? options->max_samples : DEFAULT_MAX_SAMPLES,
		.max_work = options->max_work,
		.features = features_of(run),
		.annotations = annotations,
	};
}

/* --- annotations and failures --- */

static bool matches_any(const struct script_patterns *patterns, struct str text)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (compare_pattern(&patterns->items[i], text))
			return true;
	return false;
}

static bool is_found(const struct script_pattern *pattern,
	const struct promql_annotations *annotations, bool warnings)
{
	for (size_t i = 0; i < annotations->count; i++)
		if (annotations->items[i].is_warning == warnings &&
			compare_pattern(pattern, annotations->items[i].text))
			return true;
	return false;
}

/* Where any are expected, each must come, and none that is not. */
static bool check_kind(const struct script_patterns *expected,
	const struct promql_annotations *annotations, bool warnings, bool none, bool some,
	struct buffer *why)
{
	const char *name = warnings ? "warning" : "info";
	size_t count = 0;

	for (size_t i = 0; i < annotations->count; i++) {
		struct str text = annotations->items[i].text;

		if (annotations->items[i].is_warning != warnings)
			continue;
		count++;
		if (none || (expected->count && !matches_any(expected, text))) {
			buffer_printf(why, "%s that is not expected: %.*s", name, STR_ARG(text));
			return false;
		}
	}
	for (size_t i = 0; i < expected->count; i++)
		if (!is_found(&expected->items[i], annotations, warnings)) {
			buffer_printf(why, "%s is missing%s%.*s", name,
				expected->items[i].text.len ? ": " : "",
				STR_ARG(expected->items[i].text));
			for (size_t k = 0; k < annotations->count; k++)
				buffer_printf(why, "\n  found: %.*s",
					STR_ARG(annotations->items[k].text));
			return false;
		}
	if (some && !count)
		buffer_printf(why, "%s is missing", name);
	return !some || count;
}

static bool check_annotations(const struct script_eval *eval,
	const struct promql_annotations *annotations, struct buffer *why)
{
	return check_kind(&eval->warnings, annotations, true, eval->no_warning, eval->some_warning,
		       why) &&
	       check_kind(&eval->infos, annotations, false, eval->no_info, eval->some_info, why);
}

static bool check_failure(
	const struct script_eval *eval, const struct error *err, struct buffer *why)
{
	if (!eval->fails) {
		buffer_printf(why, "failed: %s", err->text);
		return false;
	}
	if (!eval->failures.count || compare_pattern(&eval->failures.items[0], str_from(err->text)))
		return true;
	buffer_printf(why, "failed otherwise than expected\n  expected: %.*s\n  found: %s",
		STR_ARG(eval->failures.items[0].text), err->text);
	return false;
}

/* --- queries --- */

static enum compare_form form_of(const struct promql_result *result)
{
	switch (result->type) {
	case PROMQL_SCALAR:
		return COMPARE_SCALAR;
	case PROMQL_STRING:
		return COMPARE_STRING;
	case PROMQL_VECTOR:
		return COMPARE_VECTOR;
	case PROMQL_MATRIX:
		break;
	}
	return COMPARE_MATRIX;
}

static bool ask_range(const struct run *run, const struct script_eval *eval, struct arena *arena,
	struct buffer *why)
{
	size_t count = (size_t)((eval->end_ms - eval->start_ms) / eval->step_ms) + 1;
	int64_t *times_ms = ARENA_ARRAY(arena, int64_t, count);
	struct promql_annotations annotations;
	struct promql_result result = {0};
	struct error err = {0};

	for (size_t i = 0; i < count; i++)
		times_ms[i] = eval->start_ms + (int64_t)i * eval->step_ms;
	promql_annotations_init(&annotations, arena, eval->about.expression);
	struct promql_options options = query_options(run, &annotations);

	options.start_ms = eval->start_ms;
	options.end_ms = eval->end_ms;
	options.step_ms = eval->step_ms;
	if (!promql_query(eval->expr, tsdb_source(run->db), &options, times_ms, count, arena,
		    &result, &err))
		return check_failure(eval, &err, why);
	if (eval->fails) {
		buffer_append_text(why, "expected to fail, but did not");
		return false;
	}
	return check_annotations(eval, &annotations, why) &&
	       compare_result(eval, &(struct compare_found){COMPARE_MATRIX, &result}, why);
}

/* The samples at the middle, as the instant query would have them. */
static void keep_middle(struct promql_result *range, int64_t t_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < range->series_count; i++) {
		struct promql_result_series series = range->series[i];

		for (size_t k = 0; k < series.sample_count; k++)
			if (series.samples[k].t_ms == t_ms) {
				series.samples += k;
				series.sample_count = 1;
				range->series[kept++] = series;
				break;
			}
	}
	range->series_count = kept;
}

static bool ask_middle(const struct run *run, const struct script_eval *eval, const struct way *way,
	struct arena *arena, struct buffer *why)
{
	const int64_t times_ms[] = {way->t_ms - 60000, way->t_ms, way->t_ms + 60000};
	struct promql_options options = query_options(run, NULL);
	struct promql_result range = {0};
	struct error err = {0};

	if (eval->is_ordered || vary_asks_for_range(way->text) ||
		way->expr->type == PROMQL_MATRIX || way->expr->type == PROMQL_STRING)
		return true;
	options.start_ms = times_ms[0];
	options.end_ms = times_ms[2];
	options.step_ms = 60000;
	if (!promql_query(
		    way->expr, tsdb_source(run->db), &options, times_ms, 3, arena, &range, &err)) {
		buffer_printf(why, "failed: %s", err.text);
		return false;
	}
	keep_middle(&range, way->t_ms);
	return compare_result(eval, &(struct compare_found){form_of(&range), &range}, why);
}

static bool ask_instant(const struct run *run, const struct script_eval *eval,
	const struct way *way, bool *as_range, struct arena *arena, struct buffer *why)
{
	struct promql_annotations annotations;
	struct promql_result result = {0};
	struct error err = {0};

	promql_annotations_init(&annotations, arena, way->text);
	struct promql_options options = query_options(run, &annotations);

	options.start_ms = options.end_ms = way->t_ms;
	if (!promql_query(
		    way->expr, tsdb_source(run->db), &options, &way->t_ms, 1, arena, &result, &err))
		return check_failure(eval, &err, why);
	if (eval->fails) {
		buffer_append_text(why, "expected to fail, but did not");
		return false;
	}
	if (!check_annotations(eval, &annotations, why) ||
		!compare_result(eval, &(struct compare_found){form_of(&result), &result}, why))
		return false;
	*as_range = !run->options->plain;
	return run->options->plain || ask_middle(run, eval, way, arena, why);
}

/* --- ways --- */

static void tell_way(const struct way *way, bool pinned, bool as_range, struct buffer *why)
{
	if (!pinned && !as_range)
		return;
	buffer_append_text(why, "\n  when asked as ");
	if (pinned)
		buffer_printf(why, "%.*s ", STR_ARG(way->text));
	buffer_printf(why, "%s %.9g s", as_range ? "in the middle of a range, at" : "at",
		(double)way->t_ms / 1000);
}

static bool ask_one(const struct run *run, const struct script_eval *eval, const struct way *way,
	bool pinned, struct buffer *why)
{
	struct arena arena = {0};
	bool as_range = false;
	bool ok = ask_instant(run, eval, way, &as_range, &arena, why);

	if (!ok)
		tell_way(way, pinned, as_range, why);
	arena_finish(&arena);
	return ok;
}

/* The text with `@ T`, through the printer and the parser. False where the case has none. */
static bool pin_text(const struct run *run, const struct script_eval *eval, struct arena *arena,
	struct buffer *out)
{
	struct error err;
	struct promql_expr *expr =
		promql_parse(eval->about.expression, features_of(run), arena, NULL, &err);
	bool ok = expr && vary_pin(expr, eval->start_ms);

	if (ok)
		promql_print(out, expr);
	promql_release(expr);
	return ok;
}

static bool ask_pinned(const struct run *run, const struct script_eval *eval, struct str text,
	struct arena *arena, struct buffer *why)
{
	int64_t instants_ms[VARY_INSTANTS];
	struct error err = {0};
	struct promql_expr *expr = promql_parse(text, features_of(run), arena, NULL, &err);
	bool ok = expr != NULL;

	if (!ok)
		buffer_printf(why, "as %.*s it does not parse: %s", STR_ARG(text), err.text);
	vary_instants(eval->start_ms, instants_ms);
	for (size_t i = 0; ok && i < VARY_INSTANTS; i++)
		ok = ask_one(run, eval, &(struct way){expr, text, instants_ms[i]}, true, why);
	promql_release(expr);
	return ok;
}

static bool ask_other_instants(
	const struct run *run, const struct script_eval *eval, struct buffer *why)
{
	struct arena arena = {0};
	struct buffer text = {0};
	bool ok = !pin_text(run, eval, &arena, &text) ||
		  ask_pinned(run, eval, buffer_str(&text), &arena, why);

	buffer_finish(&text);
	arena_finish(&arena);
	return ok;
}

static bool ask(const struct run *run, const struct script_eval *eval, struct buffer *why)
{
	const struct way way = {eval->expr, eval->about.expression, eval->start_ms};

	if (!eval->expr) {
		buffer_append_str(why, eval->parse_error);
		return false;
	}
	if (eval->is_range) {
		struct arena arena = {0};
		bool ok = ask_range(run, eval, &arena, why);

		arena_finish(&arena);
		return ok;
	}
	return ask_one(run, eval, &way, false, why) &&
	       (run->options->plain || ask_other_instants(run, eval, why));
}

/* --- commands --- */

static bool is_wanted(const void *context, struct str line)
{
	const struct promqltest_options *options = context;

	for (size_t i = 0; i < options->run_count; i++)
		if (regex_matches(options->run[i], line))
			return true;
	return options->run_count == 0;
}

static void judge(struct run *run, const struct script_eval *eval)
{
	const struct promqltest_observer *observer = run->observer;
	struct buffer why = {0};

	if (!is_wanted(run->options, eval->about.text))
		return;
	if (ask(run, eval, &why)) {
		run->counts->passed++;
		if (observer->passed)
			observer->passed(observer->context, &eval->about);
	} else {
		run->counts->failed++;
		if (observer->failed)
			observer->failed(observer->context, &eval->about, buffer_str(&why));
	}
	buffer_finish(&why);
}

static void clear(struct run *run)
{
	tsdb_destroy(run->db);
	run->db = tsdb_create(0);
	run->loaded = 0;
}

static bool run_load(struct run *run, struct str line, struct arena *arena, struct error *err)
{
	struct script_load load;

	if (!script_read_load(&run->lines, line, arena, &load, err))
		return false;
	uint64_t most = run->options->max_loaded ? run->options->max_loaded : DEFAULT_MAX_LOADED;

	run->loaded += load.sample_count;
	if (run->loaded > most)
		return lines_fail(&run->lines, err, "more than %llu samples are loaded",
			(unsigned long long)most);
	return store_load(&load, 0, tsdb_sink(run->db), err);
}

static bool run_eval(struct run *run, struct str line, struct arena *arena, struct error *err)
{
	struct script_eval eval;
	bool ok = script_read_eval(&run->lines, line, features_of(run), arena, &eval, err);

	if (ok)
		judge(run, &eval);
	script_eval_release(&eval);
	return ok;
}

static bool run_command(struct run *run, struct str line, struct error *err)
{
	struct arena arena = {0};
	bool ok = true;

	switch (lines_command_of(line)) {
	case LINES_CLEAR:
		clear(run);
		break;
	case LINES_LOAD:
		ok = run_load(run, line, &arena, err);
		break;
	case LINES_EVAL:
		ok = run_eval(run, line, &arena, err);
		break;
	case LINES_UNKNOWN:
		ok = lines_fail(&run->lines, err, "expected clear, load or eval, got \"%.*s\"",
			STR_ARG(line));
		break;
	}
	arena_finish(&arena);
	return ok;
}

bool promqltest_run(struct str text, const struct promqltest_options *options,
	const struct promqltest_observer *observer, struct promqltest_counts *counts,
	struct error *err)
{
	struct run run = {.options = options,
		.observer = observer,
		.counts = counts,
		.lines = {.rest = text}};
	struct lines here = run.lines;
	struct str line;
	bool ok = true;

	run.db = tsdb_create(0);
	while (ok && lines_take(&run.lines, &line)) {
		ok = !line.len || run_command(&run, line, err);
		if (ok)
			here = run.lines;
	}
	if (!ok)
		counts->failed += lines_count_cases(here, is_wanted, options);
	tsdb_destroy(run.db);
	return ok;
}
