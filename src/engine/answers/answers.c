#include "engine/answers/answers.h"

#include "base/number.h"

#include <jansson.h>
#include <math.h>

/*
 * The servers agree on the shape {"status":…,"data":{"resultType":…,"result":[…]}} and differ in
 * what they add: Thanos and Prometheus warnings and infos, VictoriaMetrics isPartial and stats.
 * Whatever is not known is passed over.
 */

struct reading {
	struct arena *arena;
	struct answers_result *out;
	size_t max_samples;
	struct error *err;
};

static struct str text_of(const json_t *value)
{
	return (struct str){json_string_value(value), json_string_length(value)};
}

static bool fail_shape(const struct reading *reading, const char *what)
{
	return error_set(reading->err, ERROR_INVALID,
		"no answer of a Prometheus query API: %s is not what it should be", what);
}

/* --- labels and samples --- */

static const struct labels *read_labels(const struct reading *reading, const json_t *metric)
{
	size_t count = json_object_size(metric), used = 0;
	struct label *pairs = ARENA_ARRAY(reading->arena, struct label, count + 1);
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)metric, name, value)
	{
		if (!json_is_string(value))
			return NULL;
		pairs[used++] = (struct label){str_from(name), text_of(value)};
	}
	return labels_make(reading->arena, pairs, used, true);
}

// [1435781451.781, "1"]
static bool read_sample(const json_t *pair, struct sample *out)
{
	const json_t *time = json_array_get(pair, 0), *value = json_array_get(pair, 1);

	if (json_array_size(pair) != 2 || !json_is_number(time) || !json_is_string(value))
		return false;
	double t_s = json_number_value(time);

	if (!(fabs(t_s) < 1e12) || !number_parse(text_of(value), &out->value))
		return false;
	out->value = sample_from_outside(out->value);
	out->t_ms = llround(t_s * 1000);
	return true;
}

static bool count_samples(const struct reading *reading, size_t count)
{
	reading->out->sample_count += count;
	return reading->out->sample_count <= reading->max_samples ||
	       error_set(reading->err, ERROR_LIMIT,
		       "the answer has more than %zu samples; raise sample_limit, or ask for fewer "
		       "series",
		       reading->max_samples);
}

static bool read_values(
	const struct reading *reading, const json_t *values, struct answers_series *out)
{
	out->sample_count = json_array_size(values);
	if (!count_samples(reading, out->sample_count))
		return false;
	out->samples = ARENA_ARRAY(reading->arena, struct sample, out->sample_count);
	for (size_t i = 0; i < out->sample_count; i++)
		if (!read_sample(json_array_get(values, i), &out->samples[i]) ||
			(i && out->samples[i].t_ms <= out->samples[i - 1].t_ms))
			return fail_shape(reading, "a sample");
	return true;
}

// One series; *taken is false for one of histograms alone.
static bool read_series(
	const struct reading *reading, const json_t *item, struct answers_series *out, bool *taken)
{
	const json_t *metric = json_object_get(item, "metric");
	const json_t *value = json_object_get(item, "value");
	const json_t *values = json_object_get(item, "values");

	if (!json_is_object(metric) || !(out->labels = read_labels(reading, metric)))
		return fail_shape(reading, "the labels of a series");
	if (json_object_get(item, "histogram") || json_object_get(item, "histograms"))
		reading->out->histogram_count++;
	// Whoever reads a vector looks at its one sample and not at how many there are.
	if (reading->out->kind == ANSWERS_VECTOR ? !!values : !!value)
		return fail_shape(reading, "the kind of a series");
	*taken = value || values;
	if (values)
		return json_is_array(values) ? read_values(reading, values, out)
					     : fail_shape(reading, "\"values\"");
	if (!value)
		return true;
	out->samples = ARENA_NEW(reading->arena, struct sample);
	out->sample_count = 1;
	return count_samples(reading, 1) &&
	       (read_sample(value, out->samples) || fail_shape(reading, "a sample"));
}

static bool read_result(const struct reading *reading, const json_t *result)
{
	struct answers_result *out = reading->out;
	size_t count = json_array_size(result);

	if (!json_is_array(result))
		return fail_shape(reading, "\"result\"");
	if (count > reading->max_samples)
		return count_samples(reading, count);
	out->series = ARENA_ARRAY(reading->arena, struct answers_series, count);
	for (size_t i = 0; i < count; i++) {
		bool taken = false;

		if (!read_series(reading, json_array_get(result, i),
			    &out->series[out->series_count], &taken))
			return false;
		out->series_count += taken;
	}
	return true;
}

static bool read_scalar(const struct reading *reading, const json_t *result)
{
	struct answers_result *out = reading->out;

	out->series = ARENA_NEW(reading->arena, struct answers_series);
	out->series->labels = &labels_none;
	out->series->samples = ARENA_NEW(reading->arena, struct sample);
	out->series->sample_count = out->series_count = out->sample_count = 1;
	return read_sample(result, out->series->samples) || fail_shape(reading, "the scalar");
}

/* --- the rest of it --- */

// A store that did not answer is among Thanos's warnings, in these words.
static bool says_partial(struct str warning)
{
	static const char *const words[] = {"partial response", "No StoreAPIs matched",
		"receive series from", "fetch series for"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (memmem(warning.data, warning.len, words[i], strlen(words[i])))
			return true;
	return false;
}

static void read_warnings(const struct reading *reading, const json_t *list)
{
	struct answers_result *out = reading->out;
	size_t count = json_array_size(list);

	if (count > 20)
		count = 20;
	out->warnings = ARENA_ARRAY(reading->arena, struct str, count);
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		struct str text;

		if (!json_is_string(item))
			continue;
		text = text_of(item);
		out->is_partial |= says_partial(text);
		if (text.len > 300)
			text.len = 300;
		out->warnings[out->warning_count++] = str_copy(reading->arena, text);
	}
}

static bool read_data(const struct reading *reading, const json_t *data)
{
	const json_t *type = json_object_get(data, "resultType"),
		     *result = json_object_get(data, "result");
	struct str name = json_is_string(type) ? text_of(type) : STR("");

	if (str_equal(name, STR("vector")))
		reading->out->kind = ANSWERS_VECTOR;
	else if (str_equal(name, STR("matrix")))
		reading->out->kind = ANSWERS_MATRIX;
	else if (str_equal(name, STR("scalar")))
		reading->out->kind = ANSWERS_SCALAR;
	else
		return fail_shape(reading, "\"resultType\"");
	return reading->out->kind == ANSWERS_SCALAR ? read_scalar(reading, result)
						    : read_result(reading, result);
}

static bool is_for_later(int status)
{
	return status == 401 || status == 403 || status == 404 || status == 408 || status == 429 ||
	       status >= 500;
}

// {"status":"error","errorType":…,"error":…}
static bool fail_as_told(const struct reading *reading, const json_t *root, int status)
{
	const json_t *type = json_object_get(root, "errorType"),
		     *text = json_object_get(root, "error");
	struct str kind = json_is_string(type) ? text_of(type) : STR("error");
	struct str words = json_is_string(text) ? text_of(text) : STR("no reason given");
	enum error_kind own = str_equal(kind, STR("timeout"))	      ? ERROR_TIMEOUT
			      : status != 422 && is_for_later(status) ? ERROR_SYSTEM
								      : ERROR_EXECUTION;

	return error_set(reading->err, own, "%.*s: %.*s", (int)(kind.len > 60 ? 60 : kind.len),
		kind.data, (int)(words.len > 600 ? 600 : words.len), words.data);
}

static bool fail_other(struct str body, int status, struct error *err)
{
	struct str begin = str_trim(body);
	size_t line = 0;

	while (line < begin.len && line < 100 && (unsigned char)begin.data[line] >= ' ')
		line++;
	if (status < 200 || status > 299)
		return error_set(err, is_for_later(status) ? ERROR_SYSTEM : ERROR_INVALID,
			"HTTP status %d, %.*s", status, (int)line, begin.data);
	return error_set(err, ERROR_INVALID,
		"no answer of a Prometheus query API, but \"%.*s\"; is the address that of its "
		"server, without /api/v1?",
		(int)line, begin.data);
}

bool answers_read(struct str body, int status, size_t max_samples, struct arena *arena,
	struct answers_result *out, struct error *err)
{
	const struct reading reading = {arena, out, max_samples, err};
	json_error_t problem;
	json_t *root = json_loadb(body.data ? body.data : "", body.len, JSON_ALLOW_NUL, &problem);
	const json_t *status_word = json_object_get(root, "status");
	bool ok = false;

	*out = (struct answers_result){0};
	if (!json_is_string(status_word)) {
		fail_other(body, status, err);
	} else if (str_equal(text_of(status_word), STR("success")) && status / 100 == 2) {
		out->is_partial = json_is_true(json_object_get(root, "isPartial"));
		read_warnings(&reading, json_object_get(root, "warnings"));
		ok = read_data(&reading, json_object_get(root, "data"));
	} else {
		fail_as_told(&reading, root, status);
	}
	json_decref(root);
	return ok;
}

bool answers_instant(const struct answers_result *answer, int64_t *out_ms)
{
	if (answer->kind == ANSWERS_MATRIX || answer->series_count != 1)
		return false;
	double t_s = answer->series[0].samples[0].value;

	if (!(fabs(t_s) < 1e12))
		return false;
	*out_ms = llround(t_s * 1000);
	return true;
}
