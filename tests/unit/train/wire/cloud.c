#include "train/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* STR, as a constant initializer. */
#define TEXT(literal)                           \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}

static const struct wire_cloud_event decision = {
	.id = TEXT("0011-7"),
	.source = TEXT("/railquest/train-1/decision"),
	.type = TEXT("railquest.decision"),
	.subject = TEXT("train-1"),
	.time_ms = 1720432800123,
	.content_type = TEXT("application/json"),
	.data = TEXT("{\"order\":\"stop\",\"reason\":\"a \\\"sign\\\"\"}"),
};

static const struct wire_cloud_event picture = {
	.id = TEXT("0011-8"),
	.source = TEXT("/railquest/train-1/inference"),
	.type = TEXT("railquest.picture"),
	.subject = TEXT("train-1"),
	.time_ms = 1720432800000,
	.backlog = true,
	.content_type = TEXT(WIRE_PICTURE_CONTENT_TYPE),
	.data = TEXT("{\"kind\":\"result\"}\n\xff\xd8\x00\x01"),
};

static void assert_text(struct str a, struct str b)
{
	if (!str_equal(a, b))
		fail_msg("\"%.*s\" is not \"%.*s\"", STR_ARG(a), STR_ARG(b));
}

static void assert_same(const struct wire_cloud_event *a, const struct wire_cloud_event *b)
{
	assert_text(a->id, b->id);
	assert_text(a->source, b->source);
	assert_text(a->type, b->type);
	assert_text(a->subject, b->subject);
	assert_text(a->content_type, b->content_type);
	assert_text(a->data, b->data);
	assert_int_equal(a->time_ms, b->time_ms);
	assert_int_equal(a->backlog, b->backlog);
}

static void a_decision_is_one_json_object_with_an_rfc_3339_time(void **state)
{
	struct buffer out = {0};

	(void)state;
	wire_cloud_write(&out, &decision);
	assert_text(buffer_str(&out),
		STR("{\"specversion\":\"1.0\",\"id\":\"0011-7\",\"source\":\"/railquest/train-1/"
		    "decision\",\"type\":\"railquest.decision\",\"subject\":\"train-1\",\"time\":"
		    "\"2024-07-08T10:00:00.123Z\",\"datacontenttype\":\"application/json\","
		    "\"data\":{\"order\":\"stop\",\"reason\":\"a \\\"sign\\\"\"}}"));
	buffer_finish(&out);
}

static void what_was_written_is_read_in_both_modes(void **state)
{
	const struct wire_cloud_event *const events[] = {&decision, &picture};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct wire_cloud_header headers[WIRE_CLOUD_HEADERS];
		struct wire_cloud_event back;
		struct arena arena = {0};
		struct buffer out = {0};
		struct error err = {0};

		wire_cloud_write(&out, events[i]);
		if (!wire_cloud_read(buffer_str(&out), &arena, &back, &err))
			fail_msg("%s", err.text);
		assert_same(&back, events[i]);
		size_t count = wire_cloud_headers(events[i], &arena, headers);

		assert_true(wire_cloud_read_headers(headers, count, events[i]->data, &back, &err));
		assert_same(&back, events[i]);
		buffer_finish(&out);
		arena_finish(&arena);
	}
}

static void refuse(const char *text, const char *why)
{
	struct wire_cloud_event event;
	struct arena arena = {0};
	struct error err = {0};

	assert_false(wire_cloud_read(str_from(text), &arena, &event, &err));
	if (!strstr(err.text, why))
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, why);
	arena_finish(&arena);
}

static void what_is_missing_or_wrong_is_named(void **state)
{
#define HEAD                                                                                 \
	"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"subject\":" \
	"\"x\",\"datacontenttype\":\"application/json\","
	(void)state;
	refuse("", "empty");
	refuse("[]", "object");
	refuse("{\"specversion\":\"0.3\"}", "1.0 is read");
	refuse("{\"specversion\":\"1.0\",\"id\":7}", "id");
	refuse(HEAD "\"time\":\"Mon Jul 08 10:00:00 UTC 2024\",\"data\":1}", "RFC 3339");
	refuse(HEAD "\"time\":\"2024-07-08T10:00:00Z\"}", "data");
	refuse(HEAD "\"time\":\"2024-07-08T10:00:00Z\",\"data_base64\":\"AA=\"}", "base64");
	refuse(HEAD "\"time\":\"2024-07-08T10:00:00Z\",\"data_base64\":\"AA==\",\"data\":1}",
		"either");
}

static void headers_that_are_missing_are_named(void **state)
{
	struct wire_cloud_header headers[WIRE_CLOUD_HEADERS];
	struct wire_cloud_event back;
	struct arena arena = {0};

	(void)state;
	size_t count = wire_cloud_headers(&decision, &arena, headers);

	for (size_t i = 0; i < count; i++) {
		struct wire_cloud_header kept = headers[i];
		struct error err = {0};

		headers[i].name = "other";
		assert_false(wire_cloud_read_headers(headers, count, STR("{}"), &back, &err));
		if (strncmp(kept.name, "ce_time", 7) != 0 && !strstr(err.text, kept.name))
			fail_msg("\"%s\" does not name %s", err.text, kept.name);
		headers[i] = kept;
	}
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decision_is_one_json_object_with_an_rfc_3339_time),
		cmocka_unit_test(what_was_written_is_read_in_both_modes),
		cmocka_unit_test(what_is_missing_or_wrong_is_named),
		cmocka_unit_test(headers_that_are_missing_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
