/* /api/v1/query and /api/v1/query_range, as Prometheus 3.5 answers them. */
#include "base/memory.h"
#include "leaderboard/server/parameters.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_json.h"
#include "leaderboard/server/server_private.h"

#include <malloc.h>

enum { MAX_POINTS = 11000, SAMPLES_AT_ONCE = 256 };
/* Samples one query may hold: a tenth of Prometheus's default, 80 MB at most. */
#define MAX_SAMPLES 5000000
// A few seconds of one core.
#define MAX_WORK UINT64_C(1000000000)
/* From so many samples on, memory is given back to the system after the answer. */
#define BIG_ANSWER 50000

static const char truncated[] = "results truncated due to limit";

/* --- the answer, produced as the client takes it --- */

struct answer {
	struct race *race; // labels of the result belong to its store
	struct arena arena;
	struct promql_expr *expr;
	struct promql_result result;
	int64_t t_ms; // of an instant query
	bool is_range;
	bool truncated;
	bool begun;
	size_t series, sample; // next to be written
	size_t sample_total;
};

static void release(void *state)
{
	struct answer *answer = state;
	bool big = answer->sample_total > BIG_ANSWER;

	if (answer->expr)
		promql_release(answer->expr);
	arena_finish(&answer->arena);
	race_drop(answer->race);
	free(answer);
	if (big)
		malloc_trim(0);
}

static bool is_matrix(const struct answer *answer)
{
	return answer->is_range || answer->result.type == PROMQL_MATRIX;
}

static const char *result_type(const struct answer *answer)
{
	if (is_matrix(answer))
		return "matrix";
	switch (answer->result.type) {
	case PROMQL_SCALAR:
		return "scalar";
	case PROMQL_STRING:
		return "string";
	case PROMQL_VECTOR:
	case PROMQL_MATRIX:
		break;
	}
	return "vector";
}

static bool write_end(const struct answer *answer, struct buffer *out)
{
	buffer_append_char(out, '}');
	prometheus_json_warning(out, answer->truncated ? truncated : NULL);
	buffer_append_char(out, '}');
	return false;
}

/* Scalars and strings are an answer of one part. */
static bool write_begin(struct answer *answer, struct buffer *out)
{
	const struct promql_result *result = &answer->result;

	answer->begun = true;
	buffer_printf(out, "{\"status\":\"success\",\"data\":{\"resultType\":\"%s\",\"result\":",
		result_type(answer));
	if (is_matrix(answer) || result->type == PROMQL_VECTOR) {
		buffer_append_char(out, '[');
		return true;
	}
	if (result->type == PROMQL_STRING)
		prometheus_json_string(out, answer->t_ms, result->text);
	else
		prometheus_json_scalar(out, answer->t_ms, result->series[0].samples[0].value);
	return write_end(answer, out);
}

static void write_matrix_part(struct answer *answer, struct buffer *out)
{
	const struct promql_result_series *series = &answer->result.series[answer->series];

	if (answer->sample == 0) {
		buffer_append_text(out, answer->series ? ",{\"metric\":" : "{\"metric\":");
		prometheus_json_labels(out, series->labels);
		buffer_append_text(out, ",\"values\":[");
	}
	for (int i = 0; i < SAMPLES_AT_ONCE && answer->sample < series->sample_count; i++) {
		const struct sample *sample = &series->samples[answer->sample];

		if (answer->sample++)
			buffer_append_char(out, ',');
		prometheus_json_sample(out, sample->t_ms, sample->value);
	}
	if (answer->sample == series->sample_count) {
		buffer_append_text(out, "]}");
		answer->series++;
		answer->sample = 0;
	}
}

static void write_vector_element(struct answer *answer, struct buffer *out)
{
	const struct promql_result_series *series = &answer->result.series[answer->series];

	buffer_append_text(out, answer->series++ ? ",{\"metric\":" : "{\"metric\":");
	prometheus_json_labels(out, series->labels);
	buffer_append_text(out, ",\"value\":");
	prometheus_json_sample(out, answer->t_ms, series->samples[0].value);
	buffer_append_char(out, '}');
}

static bool produce(void *state, struct buffer *out)
{
	struct answer *answer = state;

	if (!answer->begun)
		return write_begin(answer, out);
	if (answer->series == answer->result.series_count) {
		buffer_append_char(out, ']');
		return write_end(answer, out);
	}
	if (is_matrix(answer))
		write_matrix_part(answer, out);
	else
		write_vector_element(answer, out);
	return true;
}

/* --- evaluation --- */

static int compare_series(const void *a, const void *b)
{
	const struct promql_result_series *left = a, *right = b;

	return labels_compare(left->labels, right->labels);
}

static void cut(struct answer *answer, size_t limit)
{
	bool countable = is_matrix(answer) || answer->result.type == PROMQL_VECTOR;

	if (!limit || !countable || answer->result.series_count <= limit)
		return;
	answer->result.series_count = limit;
	answer->truncated = true;
}

/*
 * Evaluates and answers; takes `answer` with its expression. An error of evaluation is 422, a query
 * that nobody could evaluate 400.
 */
static void evaluate(struct http_request *request, struct series_source *source,
	struct answer *answer, const struct promql_options *options, const int64_t *times_ms,
	size_t count, size_t limit)
{
	struct http_producer producer = {produce, release, answer};
	struct error err = {0};

	if (!promql_query(answer->expr, source, options, times_ms, count, &answer->arena,
		    &answer->result, &err)) {
		if (err.kind == ERROR_EXECUTION || err.kind == ERROR_LIMIT)
			api_fail(
				request, "execution", str_copy(request->arena, str_from(err.text)));
		else
			prometheus_fail_parameter(request, "query", &err);
		release(answer);
		return;
	}
	if (answer->is_range && answer->result.series_count)
		qsort(answer->result.series, answer->result.series_count,
			sizeof *answer->result.series, compare_series);
	for (size_t i = 0; i < answer->result.series_count; i++)
		answer->sample_total += answer->result.series[i].sample_count;
	cut(answer, limit);
	http_answer_produced(request, 200, "application/json", &producer);
}

/* What both endpoints read after their times. False where it was answered. */
static bool read_options(
	struct http_request *request, const struct server *server, struct promql_options *options)
{
	struct str timeout = form_get(&request->form, "timeout");
	struct str lookback = form_get(&request->form, "lookback_delta");
	struct error err = {0};
	double seconds;

	if (timeout.len && !parameter_duration(timeout, &seconds, &err)) {
		prometheus_fail_parameter(request, "timeout", &err);
		return false;
	}
	*options = (struct promql_options){
		.features = server->options.features,
		.lookback_ms = server->options.lookback_ms,
		.closed_ranges = server->options.rehearsal.closed_ranges,
		.max_samples = server->options.query_max_samples ? server->options.query_max_samples
								 : MAX_SAMPLES,
		.max_work = MAX_WORK,
	};
	if (!lookback.len)
		return true;
	if (!parameter_duration(lookback, &seconds, &err)) {
		error_wrap(&err, "error parsing lookback delta duration");
		api_fail(request, "bad_data", str_copy(request->arena, str_from(err.text)));
		return false;
	}
	// As in Prometheus, none and a negative one mean the default.
	if (seconds > 0)
		options->lookback_ms = (int64_t)(seconds * 1000);
	return true;
}

/* An answer with the parsed query in it; NULL where it was answered with what is wrong. */
static struct answer *read_query(
	struct http_request *request, const struct server *server, bool is_range)
{
	struct answer *answer = memory_alloc(sizeof *answer);
	struct error err = {0};
	static const char *const types[] = {
		[PROMQL_SCALAR] = "scalar",
		[PROMQL_STRING] = "string",
		[PROMQL_VECTOR] = "instant vector",
		[PROMQL_MATRIX] = "range vector",
	};

	answer->race = race_take(server->race);
	answer->is_range = is_range;
	answer->expr = promql_parse(form_get(&request->form, "query"), server->options.features,
		&answer->arena, NULL, &err);
	if (answer->expr && is_range && answer->expr->type != PROMQL_SCALAR &&
		answer->expr->type != PROMQL_VECTOR)
		error_set(&err, ERROR_INVALID,
			"invalid expression type \"%s\" for range query, must be Scalar or "
			"instant Vector",
			types[answer->expr->type]);
	if (err.kind == ERROR_NONE)
		return answer;
	prometheus_fail_parameter(request, "query", &err);
	release(answer);
	return NULL;
}

void prometheus_query(struct http_request *request, void *context)
{
	struct server *server = context;
	struct promql_options options;
	struct error err = {0};
	size_t limit;
	int64_t t_ms;

	if (!parameter_limit(form_get(&request->form, "limit"), &limit, &err)) {
		prometheus_fail_parameter(request, "limit", &err);
		return;
	}
	if (!prometheus_read_time(request, "time", server_now_ms(server), &t_ms) ||
		!read_options(request, server, &options))
		return;
	struct answer *answer = read_query(request, server, false);

	if (!answer)
		return;
	answer->t_ms = t_ms;
	evaluate(request, server_source(server), answer, &options, &t_ms, 1, limit);
}

/* start, end and step in Prometheus's order of complaint. */
static bool read_range(
	struct http_request *request, int64_t *start_ms, int64_t *end_ms, int64_t *step_ms)
{
	struct error err = {0};
	const char *wrong = "start";
	double step_s = 0;

	if (!parameter_time(form_get(&request->form, "start"), start_ms, &err))
		goto fail;
	wrong = "end";
	if (!parameter_time(form_get(&request->form, "end"), end_ms, &err))
		goto fail;
	if (*end_ms < *start_ms) {
		error_set(&err, ERROR_INVALID, "end timestamp must not be before start time");
		goto fail;
	}
	wrong = "step";
	if (!parameter_duration(form_get(&request->form, "step"), &step_s, &err))
		goto fail;
	if (!(step_s * 1e9 >= 1)) {
		error_set(&err, ERROR_INVALID,
			"zero or negative query resolution step widths are not accepted. Try a "
			"positive integer");
		goto fail;
	}
	if ((double)(*end_ms - *start_ms) / 1000 >= (MAX_POINTS + 1) * step_s) {
		api_fail(request, "bad_data",
			STR("exceeded maximum resolution of 11,000 points per timeseries. Try "
			    "decreasing "
			    "the query resolution (?step=XX)"));
		return false;
	}
	*step_ms = step_s < 0.001 ? 1 : (int64_t)(step_s * 1000);
	return true;
fail:
	prometheus_fail_parameter(request, wrong, &err);
	return false;
}

void prometheus_query_range(struct http_request *request, void *context)
{
	struct server *server = context;
	struct promql_options options;
	struct error err = {0};
	int64_t start_ms, end_ms, step_ms;
	size_t limit, count = 0;

	if (!parameter_limit(form_get(&request->form, "limit"), &limit, &err)) {
		prometheus_fail_parameter(request, "limit", &err);
		return;
	}
	if (!read_range(request, &start_ms, &end_ms, &step_ms) ||
		!read_options(request, server, &options))
		return;
	struct answer *answer = read_query(request, server, true);

	if (!answer)
		return;
	int64_t *times_ms =
		ARENA_ARRAY(&answer->arena, int64_t, (size_t)((end_ms - start_ms) / step_ms) + 1);

	for (int64_t t_ms = start_ms; t_ms <= end_ms; t_ms += step_ms)
		times_ms[count++] = t_ms;
	options.start_ms = start_ms;
	options.end_ms = end_ms;
	evaluate(request, server_source(server), answer, &options, times_ms, count, limit);
}
