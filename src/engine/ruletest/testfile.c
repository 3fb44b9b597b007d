#include "engine/ruletest/testfile.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"

#include <stdlib.h>

struct reader {
	const char *path;
	struct arena *arena;
	struct error *err;
	struct map metrics; // text -> labels: tests name the same few series over and over
};

static bool is_missing(const struct yaml_node *node)
{
	return !node || yaml_is_null(node);
}

static bool read_duration(const struct reader *reader, const struct yaml_node *node,
	const char *what, int64_t *out_ms)
{
	struct error err = {0};
	struct str text;

	if (is_missing(node))
		return true;
	if (!yaml_string(node, reader->path, what, &text, reader->err))
		return false;
	return promql_parse_duration(text, out_ms, &err) ||
	       yaml_error(reader->err, reader->path, node,
		       "%s must be a duration such as 30s or 1h30m, not \"%.*s\"", what,
		       STR_ARG(text));
}

static bool read_text(const struct reader *reader, const struct yaml_node *node, const char *what,
	struct str *out)
{
	*out = (struct str){"", 0};
	return is_missing(node) || yaml_string(node, reader->path, what, out, reader->err);
}

// A list that may be missing; *count is 0 then.
static bool check_list(
	const struct reader *reader, const struct yaml_node *node, const char *what, size_t *count)
{
	*count = 0;
	if (is_missing(node))
		return true;
	*count = node->count;
	return node->kind == YAML_SEQUENCE ||
	       yaml_error(reader->err, reader->path, node, "%s must be a list", what);
}

static bool read_texts(const struct reader *reader, const struct yaml_node *node, const char *what,
	struct str **out, size_t *count)
{
	if (!check_list(reader, node, what, count))
		return false;
	*out = ARENA_ARRAY(reader->arena, struct str, *count);
	for (size_t i = 0; i < *count; i++)
		if (!yaml_string(node->items[i], reader->path, what, &(*out)[i], reader->err))
			return false;
	return true;
}

static bool fail_unsupported(
	const struct reader *reader, const struct yaml_node *node, const char *what)
{
	yaml_error(reader->err, reader->path, node, "not supported yet: %s", what);
	reader->err->kind = ERROR_UNSUPPORTED;
	return false;
}

static const struct labels *parse_metric(struct reader *reader, struct str text, struct error *err)
{
	const struct labels *labels = map_get(&reader->metrics, text);

	if (labels)
		return labels;
	labels = promql_parse_metric(text, reader->arena, err);
	if (labels)
		map_set(&reader->metrics, text, (void *)labels);
	return labels;
}

static int compare_samples(const void *a, const void *b)
{
	return labels_compare(
		((const struct test_sample *)a)->labels, ((const struct test_sample *)b)->labels);
}

/* A histogram as in input series: one item of the values notation. */
static bool read_histogram(struct reader *reader, struct str text, double *out, struct error *err)
{
	struct promql_value_run *runs;
	size_t count;

	if (!promql_parse_values(text, reader->arena, &runs, &count, err))
		return false;
	if (count != 1 || runs[0].count != 1)
		return error_set(err, ERROR_INVALID, "expected 1 value, got %zu",
			count ? runs[0].count + count - 1 : 0);
	if (runs[0].missing || !sample_is_histogram(runs[0].value))
		return error_set(err, ERROR_INVALID, "expected histogram, got %.*s", STR_ARG(text));
	*out = runs[0].value;
	return true;
}

static bool read_sample(struct reader *reader, const struct yaml_node *node, struct test_case *test,
	struct test_sample *out)
{
	static const char *const keys[] = {"labels", "value", "histogram", NULL};
	const struct yaml_node *value = yaml_get(node, "value"),
			       *histogram = yaml_get(node, "histogram");
	struct error err = {0};
	struct str text, literal;
	bool ok = true;

	if (!yaml_check_keys(node, reader->path, "an expected sample", keys, reader->err))
		return false;
	if (!read_text(reader, yaml_get(node, "labels"), "labels", &text))
		return false;
	if (!is_missing(value) &&
		!yaml_number(value, reader->path, "value", &out->value, reader->err))
		return false;
	if (!read_text(reader, histogram, "histogram", &literal))
		return false;
	out->labels = text.len ? parse_metric(reader, text, &err) : &labels_none;
	if (out->labels && literal.len)
		ok = read_histogram(reader, literal, &out->value, &err);
	if (!out->labels || !ok) {
		out->labels = &labels_none;
		if (!test->bad_labels.len) {
			test->bad_labels = text;
			test->bad_reason = str_copy(reader->arena, str_from(err.text));
		}
	}
	return true;
}

static bool read_case(struct reader *reader, const struct yaml_node *node, struct test_case *out)
{
	static const char *const keys[] = {"expr", "eval_time", "exp_samples", NULL};
	const struct yaml_node *samples = yaml_get(node, "exp_samples");

	if (!yaml_check_keys(node, reader->path, "an expression test", keys, reader->err))
		return false;
	out->expr_node = yaml_get(node, "expr");
	if (is_missing(out->expr_node))
		return yaml_error(
			reader->err, reader->path, node, "an expression test needs an `expr`");
	if (!read_text(reader, out->expr_node, "expr", &out->expr) ||
		!read_duration(reader, yaml_get(node, "eval_time"), "eval_time", &out->eval_ms) ||
		!check_list(reader, samples, "exp_samples", &out->expected_count))
		return false;
	out->expected = ARENA_ARRAY(reader->arena, struct test_sample, out->expected_count);
	for (size_t i = 0; i < out->expected_count; i++)
		if (!read_sample(reader, samples->items[i], out, &out->expected[i]))
			return false;
	if (out->expected_count > 1)
		qsort(out->expected, out->expected_count, sizeof *out->expected, compare_samples);
	return true;
}

static bool read_series(
	struct reader *reader, const struct yaml_node *node, struct test_series *out)
{
	static const char *const keys[] = {"series", "values", NULL};
	const struct yaml_node *series = yaml_get(node, "series"),
			       *values = yaml_get(node, "values");
	struct promql_value_run *runs = NULL;
	struct error err = {0};
	struct str name, text;

	if (!yaml_check_keys(node, reader->path, "an input series", keys, reader->err))
		return false;
	if (!yaml_string(series, reader->path, "series", &name, reader->err) ||
		!read_text(reader, values, "values", &text))
		return is_missing(series) ? yaml_error(reader->err, reader->path, node,
						    "an input series needs `series`")
					  : false;
	out->labels = promql_parse_metric(name, reader->arena, &err);
	if (!out->labels)
		return yaml_error(reader->err, reader->path, series, "series \"%.*s\": %s",
			STR_ARG(name), err.text);
	if (!promql_parse_values(text, reader->arena, &runs, &out->run_count, &err))
		return yaml_error(reader->err, reader->path, values, "values \"%.*s\": %s",
			STR_ARG(text), err.text);
	out->runs = runs;
	return true;
}

// Of a label set that is given twice the last definition holds, as in promtool.
static bool read_all_series(
	struct reader *reader, const struct yaml_node *node, struct test_group *group)
{
	struct buffer key = {0};
	struct map seen = {0};
	size_t count;
	bool ok = check_list(reader, node, "input_series", &count);

	group->series = ARENA_ARRAY(reader->arena, struct test_series, ok ? count : 0);
	for (size_t i = 0; ok && i < count; i++) {
		struct test_series series = {0};

		ok = read_series(reader, node->items[i], &series);
		if (!ok)
			break;
		buffer_clear(&key);
		labels_print(&key, series.labels);
		struct test_series *known = map_get(&seen, buffer_str(&key));

		if (known) {
			*known = series;
			continue;
		}
		group->series[group->series_count] = series;
		map_set(&seen, str_copy(reader->arena, buffer_str(&key)),
			&group->series[group->series_count++]);
	}
	map_finish(&seen);
	buffer_finish(&key);
	return ok;
}

static bool check_external(const struct reader *reader, const struct yaml_node *node)
{
	const struct yaml_node *labels = yaml_get(node, "external_labels");
	struct str text;

	if (!read_text(reader, yaml_get(node, "external_url"), "external_url", &text))
		return false;
	if (is_missing(labels))
		return true;
	if (labels->kind != YAML_MAPPING)
		return yaml_error(
			reader->err, reader->path, labels, "external_labels must be a mapping");
	for (size_t i = 0; i < labels->count; i++)
		if (!read_text(reader, labels->pairs[i].value, "an external label", &text))
			return false;
	return true;
}

static bool read_start(const struct reader *reader, const struct yaml_node *node, int64_t *out_ms)
{
	if (is_missing(node))
		return true;
	if (node->kind == YAML_SCALAR &&
		clock_parse_instant(node->text.data, node->text.len, out_ms))
		return true;
	return yaml_error(reader->err, reader->path, node,
		"start_timestamp must be Unix seconds (1728047700) or an RFC 3339 instant "
		"(2024-10-04T13:15:00Z)%s%.*s",
		node->kind == YAML_SCALAR ? ", not " : "",
		node->kind == YAML_SCALAR ? (int)node->text.len : 0, node->text.data);
}

static bool read_group(struct reader *reader, const struct yaml_node *node,
	const struct test_file *file, struct test_group *out)
{
	static const char *const keys[] = {"name", "interval", "start_timestamp", "input_series",
		"promql_expr_test", "alert_rule_test", "external_labels", "external_url", NULL};
	const struct yaml_node *alerts = yaml_get(node, "alert_rule_test");
	const struct yaml_node *interval = yaml_get(node, "interval");
	const struct yaml_node *cases = yaml_get(node, "promql_expr_test");

	if (!yaml_check_keys(node, reader->path, "a test group", keys, reader->err))
		return false;
	if (!is_missing(alerts) && (alerts->kind != YAML_SEQUENCE || alerts->count))
		return fail_unsupported(
			reader, alerts, "alert_rule_test (alerts are not evaluated)");
	out->interval_ms = 0;
	if (!read_text(reader, yaml_get(node, "name"), "name", &out->name) ||
		!read_duration(reader, interval, "interval", &out->interval_ms) ||
		!read_start(reader, yaml_get(node, "start_timestamp"), &out->start_ms) ||
		!check_external(reader, node) ||
		!read_all_series(reader, yaml_get(node, "input_series"), out) ||
		!check_list(reader, cases, "promql_expr_test", &out->case_count))
		return false;
	if (out->interval_ms == 0)
		out->interval_ms = file->interval_ms;
	out->cases = ARENA_ARRAY(reader->arena, struct test_case, out->case_count);
	for (size_t i = 0; i < out->case_count; i++)
		if (!read_case(reader, cases->items[i], &out->cases[i]))
			return false;
	return true;
}

static bool check_order(
	const struct reader *reader, const struct test_file *file, const struct yaml_node *node)
{
	for (size_t i = 0; i < file->group_order_count; i++)
		for (size_t j = 0; j < i; j++)
			if (str_equal(file->group_order[i], file->group_order[j]))
				return yaml_error(reader->err, reader->path, node->items[i],
					"group name repeated in evaluation order: %.*s",
					STR_ARG(file->group_order[i]));
	return true;
}

static bool read_file(struct reader *reader, const struct yaml_node *root, struct test_file *out)
{
	static const char *const keys[] = {"rule_files", "evaluation_interval", "fuzzy_compare",
		"group_eval_order", "tests", NULL};
	const struct yaml_node *fuzzy = yaml_get(root, "fuzzy_compare");
	const struct yaml_node *order = yaml_get(root, "group_eval_order");
	const struct yaml_node *tests = yaml_get(root, "tests");

	if (!yaml_check_keys(root, reader->path, "a rule test file", keys, reader->err))
		return false;
	if (!read_texts(reader, yaml_get(root, "rule_files"), "rule_files", &out->rule_files,
		    &out->rule_file_count) ||
		!read_duration(reader, yaml_get(root, "evaluation_interval"), "evaluation_interval",
			&out->interval_ms) ||
		(!is_missing(fuzzy) && !yaml_bool(fuzzy, reader->path, "fuzzy_compare", &out->fuzzy,
					       reader->err)) ||
		!read_texts(reader, order, "group_eval_order", &out->group_order,
			&out->group_order_count) ||
		!check_order(reader, out, order) ||
		!check_list(reader, tests, "tests", &out->group_count))
		return false;
	if (out->interval_ms == 0)
		out->interval_ms = 60000;
	out->groups = ARENA_ARRAY(reader->arena, struct test_group, out->group_count);
	for (size_t i = 0; i < out->group_count; i++)
		if (!read_group(reader, tests->items[i], out, &out->groups[i]))
			return false;
	return true;
}

bool testfile_read(struct str text, const char *path, struct arena *arena, struct test_file *out,
	struct error *err)
{
	struct reader reader = {.path = path, .arena = arena, .err = err};
	struct yaml_node *root;

	*out = (struct test_file){.path = path};
	if (!yaml_read(text, path, arena, &root, err))
		return false;
	out->interval_ms = 60000;
	bool ok = !root || read_file(&reader, root, out);

	map_finish(&reader.metrics);
	return ok;
}
