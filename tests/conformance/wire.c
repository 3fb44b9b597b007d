/*
 * The contract as data: every message of wire/cases.json is read, and fails with the error that
 * stands beside it or is written and read again. tests/e2e/test_wire_schemas.py holds the same
 * messages against docs/wire/NAME.schema.json, so that the program and the schemas cannot differ.
 */
#include "train/wire/wire.h"

#include <jansson.h>
#include <stdio.h>

static bool read_and_write(struct str kind, struct str payload, struct arena *arena,
	struct buffer *out, struct error *err)
{
	if (str_equal(kind, STR("frame"))) {
		struct wire_frame frame;

		if (!wire_read_frame(payload, arena, &frame, err))
			return false;
		wire_write_frame(out, &frame);
	} else if (str_equal(kind, STR("result"))) {
		struct wire_result result;

		if (!wire_read_result(payload, arena, &result, err))
			return false;
		wire_write_result(out, &result);
	} else if (str_equal(kind, STR("decision"))) {
		struct wire_decision decision;

		if (!wire_read_decision(payload, arena, &decision, err))
			return false;
		wire_write_decision(out, &decision);
	} else if (str_equal(kind, STR("command"))) {
		struct wire_command command;

		if (!wire_read_command(payload, arena, &command, err))
			return false;
		wire_write_command(out, &command);
	} else if (str_equal(kind, STR("answer"))) {
		struct wire_answer answer;

		if (!wire_read_answer(payload, arena, &answer, err))
			return false;
		wire_write_answer(out, &answer);
	} else if (str_equal(kind, STR("telemetry"))) {
		struct wire_telemetry telemetry;

		if (!wire_read_telemetry(payload, arena, &telemetry, err))
			return false;
		wire_write_telemetry(out, &telemetry);
	} else if (str_equal(kind, STR("train-image"))) {
		struct wire_compat_image image;

		if (!wire_compat_read_image(payload, arena, &image, err))
			return false;
		wire_compat_write_image(out, &image);
	} else if (str_equal(kind, STR("train-model-result"))) {
		struct wire_compat_result result;

		if (!wire_compat_read_result(payload, arena, &result, err))
			return false;
		wire_compat_write_result(out, &result);
	} else {
		enum wire_order order;

		if (!wire_compat_read_command(payload, &order, err))
			return false;
		buffer_append_text(out, wire_compat_command(order));
	}
	return true;
}

// The payload of a case: its text as it is, or its message as JSON, then the picture.
static void compose(const json_t *one, struct buffer *payload)
{
	const json_t *text = json_object_get(one, "text");
	const json_t *message = json_object_get(one, "message");

	if (text) {
		buffer_append_text(payload, json_string_value(text));
		return;
	}
	if (json_is_string(message)) {
		buffer_append_text(payload, json_string_value(message));
		return;
	}
	char *dump = json_dumps(message, JSON_ENCODE_ANY | JSON_COMPACT);

	buffer_append_text(payload, dump);
	free(dump);
	// The one picture that the cases have, "/9j/2Q==".
	if (json_object_get(one, "picture"))
		buffer_append(payload, "\n\xff\xd8\xff\xd9", 5);
}

// Reads what `payload` became after being written once: it must be written the same again.
static bool is_stable(struct str kind, struct str payload, struct arena *arena)
{
	struct buffer again = {0};
	struct error err = {0};
	bool ok = read_and_write(kind, payload, arena, &again, &err) &&
		  str_equal(payload, buffer_str(&again));

	buffer_finish(&again);
	return ok;
}

static bool run_case(const json_t *one, const char **why)
{
	struct str kind = str_from(json_string_value(json_object_get(one, "kind")));
	const char *wanted = json_string_value(json_object_get(one, "error"));
	struct buffer payload = {0}, written = {0};
	struct arena arena = {0};
	static struct error err;

	err = (struct error){0};
	*why = err.text;
	compose(one, &payload);
	bool ok = read_and_write(kind, buffer_str(&payload), &arena, &written, &err);

	if (wanted) {
		ok = !ok && strstr(err.text, wanted);
	} else if (ok && !is_stable(kind, buffer_str(&written), &arena)) {
		*why = "what was written reads back differently";
		ok = false;
	}
	buffer_finish(&payload);
	buffer_finish(&written);
	arena_finish(&arena);
	return ok;
}

int main(int argc, char **argv)
{
	json_error_t problem;
	json_t *cases = argc == 2 ? json_load_file(argv[1], 0, &problem) : NULL;
	size_t failed = 0, count = json_array_size(cases);

	if (!count) {
		fprintf(stderr, "usage: conformance_wire CASES.json, with at least one case\n");
		return 2;
	}
	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(cases, i);
		const char *why;
		bool ok = run_case(one, &why);

		failed += !ok;
		printf("%sok %zu %s: %s\n", ok ? "" : "not ", i + 1,
			json_string_value(json_object_get(one, "kind")),
			json_string_value(json_object_get(one, "name")));
		if (!ok)
			printf("# got: %s\n", why);
	}
	json_decref(cases);
	return failed ? 1 : 0;
}
