/*
 * Whatever a broker delivers: no crash, every refusal has a reason, and a message that was read is
 * written as one that reads the same. The first byte chooses the kind.
 */
#include "train/wire/wire.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void frame(struct str text, struct arena *arena, struct buffer *once, struct buffer *twice)
{
	struct wire_frame message;
	struct error err = {0};

	if (!wire_read_frame(text, arena, &message, &err)) {
		assert(err.kind != ERROR_NONE && err.text[0]);
		return;
	}
	wire_write_frame(once, &message);
	assert(wire_read_frame(buffer_str(once), arena, &message, &err));
	wire_write_frame(twice, &message);
}

static void result(struct str text, struct arena *arena, struct buffer *once, struct buffer *twice)
{
	struct wire_result message;
	struct error err = {0};

	if (!wire_read_result(text, arena, &message, &err)) {
		assert(err.kind != ERROR_NONE && err.text[0]);
		return;
	}
	wire_write_result(once, &message);
	assert(wire_read_result(buffer_str(once), arena, &message, &err));
	wire_write_result(twice, &message);
}

static void decision(
	struct str text, struct arena *arena, struct buffer *once, struct buffer *twice)
{
	struct wire_decision message;
	struct error err = {0};

	if (!wire_read_decision(text, arena, &message, &err)) {
		assert(err.kind != ERROR_NONE && err.text[0]);
		return;
	}
	wire_write_decision(once, &message);
	assert(wire_read_decision(buffer_str(once), arena, &message, &err));
	wire_write_decision(twice, &message);
}

static void order(struct str text, struct arena *arena, struct buffer *once, struct buffer *twice)
{
	struct wire_command message;
	struct error err = {0};

	if (!wire_read_command(text, arena, &message, &err)) {
		assert(err.kind != ERROR_NONE && err.text[0]);
		assert(message.verb <= WIRE_VERB_DISARM);
		return;
	}
	wire_write_command(once, &message);
	assert(wire_read_command(buffer_str(once), arena, &message, &err));
	wire_write_command(twice, &message);
}

static void answer(struct str text, struct arena *arena, struct buffer *once, struct buffer *twice)
{
	struct wire_answer message;
	struct error err = {0};

	if (!wire_read_answer(text, arena, &message, &err)) {
		assert(err.kind != ERROR_NONE && err.text[0]);
		return;
	}
	wire_write_answer(once, &message);
	assert(wire_read_answer(buffer_str(once), arena, &message, &err));
	wire_write_answer(twice, &message);
}

static void telemetry(
	struct str text, struct arena *arena, struct buffer *once, struct buffer *twice)
{
	struct wire_telemetry message;
	struct error err = {0};

	if (!wire_read_telemetry(text, arena, &message, &err)) {
		assert(err.kind != ERROR_NONE && err.text[0]);
		return;
	}
	wire_write_telemetry(once, &message);
	assert(wire_read_telemetry(buffer_str(once), arena, &message, &err));
	wire_write_telemetry(twice, &message);
}

static void compat_image(
	struct str text, struct arena *arena, struct buffer *once, struct buffer *twice)
{
	struct wire_compat_image message;
	struct error err = {0};

	if (!wire_compat_read_image(text, arena, &message, &err)) {
		assert(err.kind != ERROR_NONE && err.text[0]);
		return;
	}
	wire_compat_write_image(once, &message);
	assert(wire_compat_read_image(buffer_str(once), arena, &message, &err));
	wire_compat_write_image(twice, &message);
}

// Its numbers are rounded when written, so what is read back may differ; it must be readable.
static void compat_result(
	struct str text, struct arena *arena, struct buffer *once, struct buffer *twice)
{
	struct wire_compat_result message;
	struct error err = {0};

	if (!wire_compat_read_result(text, arena, &message, &err)) {
		assert(err.kind != ERROR_NONE && err.text[0]);
		return;
	}
	wire_compat_write_result(once, &message);
	assert(wire_compat_read_result(buffer_str(once), arena, &message, &err));
	wire_compat_write_monitoring(twice, &(struct wire_id){{1}}, 0, &message);
	buffer_clear(twice);
}

static void capture(struct str text)
{
	enum wire_capture verb;
	struct error err = {0};

	assert(wire_compat_read_capture(text, &verb, &err) ||
		(err.kind != ERROR_NONE && err.text[0]));
}

static void command(struct str text)
{
	enum wire_order order;
	struct error err = {0};

	assert(wire_compat_read_command(text, &order, &err) || err.kind == ERROR_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer once = {0}, twice = {0};
	struct arena arena = {0};

	if (size == 0)
		return 0;
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size);

	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	struct str text = {copy, size - 1};

	switch (data[0]) {
	case 'f':
		frame(text, &arena, &once, &twice);
		break;
	case 'r':
		result(text, &arena, &once, &twice);
		break;
	case 'd':
		decision(text, &arena, &once, &twice);
		break;
	case 'o':
		order(text, &arena, &once, &twice);
		break;
	case 'a':
		answer(text, &arena, &once, &twice);
		break;
	case 't':
		telemetry(text, &arena, &once, &twice);
		break;
	case 'i':
		compat_image(text, &arena, &once, &twice);
		break;
	case 'm':
		compat_result(text, &arena, &once, &twice);
		break;
	case 's':
		capture(text);
		break;
	case 'c':
		command(text);
		break;
	}
	if (twice.len)
		assert(str_equal(buffer_str(&once), buffer_str(&twice)));
	buffer_finish(&once);
	buffer_finish(&twice);
	arena_finish(&arena);
	free(copy);
	return 0;
}
