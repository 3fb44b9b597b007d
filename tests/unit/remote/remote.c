/* The client's half of the protocol is spoken here with the same messages, and with bytes made by
 * hand. */
#include "engine/remote/remote.h"

#include "engine/remote/remote.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <snappy-c.h>

static ProtobufCBinaryData bytes(const char *text)
{
	return (ProtobufCBinaryData){strlen(text), (unsigned char *)text};
}

static struct str pack(struct arena *arena, struct str bytes_to_pack)
{
	size_t len = snappy_max_compressed_length(bytes_to_pack.len);
	char *out = arena_alloc(arena, len);

	assert_int_equal(
		snappy_compress(bytes_to_pack.data, bytes_to_pack.len, out, &len), SNAPPY_OK);
	return (struct str){out, len};
}

static struct str pack_request(struct arena *arena, const Remote__ReadRequest *request)
{
	size_t len = remote__read_request__get_packed_size(request);
	unsigned char *out = arena_alloc(arena, len + 1);

	remote__read_request__pack(request, out);
	return pack(arena, (struct str){(char *)out, len});
}

static void assert_refused(struct str body, enum error_kind kind, const char *expected)
{
	struct arena arena = {0};
	struct remote_request request;
	struct error err = {0};

	assert_false(remote_request_read(body, &arena, &request, &err));
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, expected);
	remote_request_finish(&request);
	arena_finish(&arena);
}

/* --- requests --- */

/* One query for name=~value from 1 to 2. */
struct asked {
	Remote__ReadRequest request;
	Remote__Query query, *queries[1];
	Remote__LabelMatcher matcher, *matchers[1];
};

static void ask(struct asked *asked, const char *pattern)
{
	remote__read_request__init(&asked->request);
	remote__query__init(&asked->query);
	remote__label_matcher__init(&asked->matcher);
	asked->matcher.type = REMOTE__LABEL_MATCHER__TYPE__RE;
	asked->matcher.name = bytes("job");
	asked->matcher.value = bytes(pattern);
	asked->matchers[0] = &asked->matcher;
	asked->query.start_timestamp_ms = -1;
	asked->query.end_timestamp_ms = 2000;
	asked->query.matchers = asked->matchers;
	asked->query.n_matchers = 1;
	asked->queries[0] = &asked->query;
	asked->request.queries = asked->queries;
	asked->request.n_queries = 1;
}

static void a_request_is_read_with_its_matchers(void **state)
{
	struct arena arena = {0};
	struct remote_request request;
	struct error err = {0};
	struct asked asked;

	(void)state;
	ask(&asked, "a|b");
	assert_true(
		remote_request_read(pack_request(&arena, &asked.request), &arena, &request, &err));
	assert_int_equal(request.query_count, 1);
	assert_int_equal(request.queries[0].start_ms, -1);
	assert_int_equal(request.queries[0].end_ms, 2000);
	assert_int_equal(request.queries[0].matcher_count, 1);
	assert_true(matcher_matches(request.queries[0].matchers, STR("b")));
	assert_false(matcher_matches(request.queries[0].matchers, STR("ab")));
	remote_request_finish(&request);
	arena_finish(&arena);
}

static void what_is_wrong_with_a_request_is_said(void **state)
{
	struct arena arena = {0};
	struct asked asked;
	Remote__ReadRequest__ResponseType chunks[] = {
		REMOTE__READ_REQUEST__RESPONSE_TYPE__STREAMED_XOR_CHUNKS,
		REMOTE__READ_REQUEST__RESPONSE_TYPE__SAMPLES};

	(void)state;
	assert_refused(STR(""), ERROR_INVALID, "snappy: corrupt input");
	assert_refused(STR("abc"), ERROR_INVALID, "snappy: corrupt input");
	// A block that says it has a gigabyte is not unpacked to find out.
	assert_refused(STR("\x80\x80\x80\x80\x04\x00"), ERROR_LIMIT,
		"the request has 1073741824 bytes; 1048576 are the most that is taken");
	assert_refused(pack(&arena, STR("\x0a\x05zz")), ERROR_INVALID,
		"the body is no ReadRequest in protobuf");
	ask(&asked, "a");
	asked.request.accepted_response_types = chunks;
	asked.request.n_accepted_response_types = 1;
	assert_refused(pack_request(&arena, &asked.request), ERROR_INVALID,
		"server does not support any of the requested response types: "
		"[STREAMED_XOR_CHUNKS]; supported: map[SAMPLES:{}]");
	asked.request.n_accepted_response_types = 2;
	asked.matcher.type = (Remote__LabelMatcher__Type)7;
	assert_refused(pack_request(&arena, &asked.request), ERROR_INVALID, "invalid matcher type");
	arena_finish(&arena);
}

static void a_regular_expression_that_is_none_is_an_error(void **state)
{
	struct arena arena = {0};
	struct remote_request request;
	struct error err = {0};
	struct asked asked;

	(void)state;
	ask(&asked, "(");
	assert_false(
		remote_request_read(pack_request(&arena, &asked.request), &arena, &request, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_non_null(strstr(err.text, "missing closing )"));
	remote_request_finish(&request);
	arena_finish(&arena);
}

static void a_thousand_queries_are_the_most(void **state)
{
	struct arena arena = {0};
	struct asked asked;
	Remote__Query *queries[REMOTE_MAX_QUERIES + 1];

	(void)state;
	ask(&asked, "a");
	for (size_t i = 0; i <= REMOTE_MAX_QUERIES; i++)
		queries[i] = &asked.query;
	asked.request.queries = queries;
	asked.request.n_queries = REMOTE_MAX_QUERIES + 1;
	assert_refused(pack_request(&arena, &asked.request), ERROR_LIMIT, "more than 1000 queries");
	arena_finish(&arena);
}

/* --- responses --- */

/* The one series of the one result of a response; frees it with its own function. */
static Remote__TimeSeries *unpack_series(const struct buffer *packed, struct arena *arena)
{
	size_t len;

	assert_int_equal(snappy_uncompressed_length(packed->data, packed->len, &len), SNAPPY_OK);
	unsigned char *data = arena_alloc(arena, len + 1);

	assert_int_equal(
		snappy_uncompress(packed->data, packed->len, (char *)data, &len), SNAPPY_OK);
	// ReadResponse.results, then QueryResult.timeseries; both lengths have two bytes here.
	assert_int_equal(data[0], 0x0a);
	assert_int_equal((data[1] & 0x7f) | data[2] << 7, len - 3);
	assert_int_equal(data[3], 0x0a);
	assert_int_equal((data[4] & 0x7f) | data[5] << 7, len - 6);
	return remote__time_series__unpack(NULL, len - 6, data + 6);
}

static void floats_and_histograms_are_written(void **state)
{
	struct histogram_span spans[] = {{-1, 2}, {3, 1}};
	double buckets[] = {1, 2, 0.5}, custom[] = {1, 5};
	struct histogram histogram = {.schema = 3,
		.hint = HISTOGRAM_HINT_GAUGE,
		.count = 4.5,
		.sum = -7,
		.zero_threshold = 0.001,
		.zero_count = 1,
		.positive = {spans, buckets, 2, 3},
		.negative = {spans, buckets, 1, 2},
		.custom_values = custom,
		.custom_count = 2};
	struct label pairs[] = {{STR("__name__"), STR("latency")}, {STR("job"), {"a\0b", 3}}};
	struct sample samples[] = {
		{1000, 1.5}, {2000, sample_of_histogram(&histogram)}, {3000, sample_stale()}};
	struct buffer result = {0}, response = {0}, packed = {0};
	struct arena arena = {0};

	(void)state;
	remote_write_series(&result, labels_make(&arena, pairs, 2, false), samples, 3);
	remote_write_result(&response, &result);
	assert_int_equal(result.len, 0);
	assert_true(remote_pack(buffer_str(&response), &packed));
	Remote__TimeSeries *series = unpack_series(&packed, &arena);

	assert_non_null(series);
	assert_int_equal(series->n_labels, 2);
	assert_int_equal(series->labels[1]->value.len, 3);
	assert_memory_equal(series->labels[1]->value.data, "a\0b", 3);
	assert_int_equal(series->n_samples, 2);
	assert_true(series->samples[0]->value == 1.5);
	assert_int_equal(series->samples[0]->timestamp, 1000);
	assert_true(sample_is_stale(series->samples[1]->value));
	assert_int_equal(series->n_histograms, 1);
	const Remote__Histogram *back = series->histograms[0];

	assert_int_equal(back->timestamp, 2000);
	assert_int_equal(back->schema, 3);
	assert_int_equal(back->reset_hint, REMOTE__HISTOGRAM__RESET_HINT__GAUGE);
	assert_true(back->count_float == 4.5 && back->sum == -7 && back->zero_count_float == 1);
	assert_true(back->zero_threshold == 0.001);
	assert_int_equal(back->n_positive_spans, 2);
	assert_int_equal(back->positive_spans[0]->offset, -1);
	assert_int_equal(back->positive_spans[1]->length, 1);
	assert_int_equal(back->n_positive_counts, 3);
	assert_true(back->positive_counts[2] == 0.5);
	assert_int_equal(back->n_negative_spans, 1);
	assert_int_equal(back->n_custom_values, 2);
	remote__time_series__free_unpacked(series, NULL);
	buffer_finish(&result);
	buffer_finish(&response);
	buffer_finish(&packed);
	arena_finish(&arena);
}

static void no_results_are_a_response_too(void **state)
{
	struct buffer packed = {0};
	size_t len;

	(void)state;
	assert_true(remote_pack(STR(""), &packed));
	assert_int_equal(snappy_uncompressed_length(packed.data, packed.len, &len), SNAPPY_OK);
	assert_int_equal(len, 0);
	buffer_finish(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_with_its_matchers),
		cmocka_unit_test(what_is_wrong_with_a_request_is_said),
		cmocka_unit_test(a_regular_expression_that_is_none_is_an_error),
		cmocka_unit_test(a_thousand_queries_are_the_most),
		cmocka_unit_test(floats_and_histograms_are_written),
		cmocka_unit_test(no_results_are_a_response_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
