#include "train/model/model.h"
#include "train/model/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* A model under construction: a byte buffer, and where its parts begin. */
struct made {
	struct buffer bytes;
	size_t layers, heads, weights;
};

static void put(struct buffer *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buffer_append_char(out, (char)(value >> 8 * i));
}

static void put_float(struct buffer *out, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	put(out, bits, 4);
}

static void put_at(struct made *made, size_t at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		made->bytes.data[at + i] = (char)(value >> 8 * i);
}

static struct str finish(struct made *made)
{
	const unsigned char *bytes = (const unsigned char *)made->bytes.data;

	put_at(made, 12, model_file_checksum(bytes + 16, bytes + made->bytes.len), 4);
	return buffer_str(&made->bytes);
}

/*
 * One layer, one head of stride 2: sees class 0 where a pixel is red, class 1 where it is blue, and
 * says that it reaches one cell (2 pixels) in each direction.
 */
static void make(struct made *made, size_t width, size_t height, enum vision_fit fit)
{
	struct buffer *out = &made->bytes;

	*made = (struct made){0};
	buffer_append(out, "RQMODEL\n", 8);
	put(out, 1, 4);
	put(out, 0, 4);
	put(out, width, 2);
	put(out, height, 2);
	put(out, fit, 1);
	put(out, 0, 1);
	put(out, 2, 2);
	put_float(out, 0.5f);
	put_float(out, 0.3f);
	put(out, 1, 2);
	put(out, 1, 2);
	put(out, 6 * 27 + 6, 4);
	buffer_append(out, "\3red\4blue", 9);
	made->layers = out->len;
	put(out, 0, 2); // the picture
	put(out, 0, 2);
	put(out, 3, 2);
	put(out, 6, 2);
	put(out, 3, 1);
	put(out, 2, 1);
	put(out, 0, 2);
	made->heads = out->len;
	put(out, 1, 2);
	put(out, 2, 2);
	put(out, 0, (4 - out->len % 4) % 4);
	made->weights = out->len;
	for (size_t o = 0; o < 6; o++)
		for (size_t i = 0; i < 3; i++)
			for (size_t k = 0; k < 9; k++)
				// The middle of the kernel: +20 for its own colour, -20 for the
				// others.
				put_float(out, o < 2 && k == 4 ? (i == 2 * o ? 20 : -20) : 0);
	for (size_t o = 0; o < 6; o++)
		put_float(out, o < 2 ? -10 : 0);
}

static struct picture black(struct arena *arena, size_t width, size_t height)
{
	return (struct picture){arena_alloc(arena, width * height * 3), width, height};
}

static void paint(struct picture *picture, size_t left, size_t top, size_t size, size_t colour)
{
	for (size_t y = top; y < top + size; y++)
		for (size_t x = left; x < left + size; x++)
			picture->pixels[(y * picture->width_px + x) * 3 + colour] = 255;
}

static struct detections run(struct made *made, const struct picture *picture, struct arena *arena)
{
	struct detections found;
	struct error err = {0};
	struct model *model;

	if (!model_read(finish(made), kernels_choose(NULL, &err), &model, &err))
		fail_msg("%s", err.text);
	assert_true(model_run(model, picture, -1, arena, &found, &err));
	for (size_t i = 0; i < found.count; i++)
		assert_true(found.items[i].class_id < model->info.class_count);
	model_close(model);
	buffer_finish(&made->bytes);
	return found;
}

static void check_box(const struct detection *found, size_t class_id, double x, double y,
	double width, double height)
{
	assert_int_equal(found->class_id, class_id);
	assert_float_equal(found->confidence, 0.9999546f, 1e-4f);
	assert_float_equal(found->box.x, x, 1e-3);
	assert_float_equal(found->box.y, y, 1e-3);
	assert_float_equal(found->box.width, width, 1e-3);
	assert_float_equal(found->box.height, height, 1e-3);
}

static void what_the_network_sees_comes_back_in_pixels_of_the_picture(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct picture picture = black(&arena, 40, 20);
	struct made made;

	// The input is half as large: a red dot of 2x2 pixels there is one cell at (5, 3), whose
	// middle is (11, 7).
	paint(&picture, 20, 12, 2, 0);
	make(&made, 20, 10, VISION_STRETCH);
	struct detections found = run(&made, &picture, &arena);

	assert_int_equal(found.count, 1);
	check_box(&found.items[0], 0, (11 - 2) * 2, (7 - 2) * 2, 8, 8);
	arena_finish(&arena);
}

static void a_letterbox_is_undone(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct picture picture = black(&arena, 20, 10);
	struct made made;

	paint(&picture, 8, 4, 1, 2);
	// 5 grey rows above and below; grey is no colour's own.
	make(&made, 20, 20, VISION_LETTERBOX);
	paint(&picture, 8, 5, 1, 2);
	struct detections found = run(&made, &picture, &arena);

	// Row 5 is row 10 of the input: cell 5, whose middle is 11.
	assert_int_equal(found.count, 1);
	check_box(&found.items[0], 1, 9 - 2, 11 - 2 - 5, 4, 4);
	arena_finish(&arena);
}

static void boxes_end_at_the_edge_and_signs_apart_are_two(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct picture picture = black(&arena, 20, 10);
	struct made made;

	paint(&picture, 0, 0, 1, 0);
	paint(&picture, 18, 8, 1, 2);
	make(&made, 20, 10, VISION_STRETCH);
	struct detections found = run(&made, &picture, &arena);

	assert_int_equal(found.count, 2);
	check_box(&found.items[0], 0, 0, 0, 3, 3);
	check_box(&found.items[1], 1, 17, 7, 3, 3);
	arena_finish(&arena);
}

static void a_higher_threshold_leaves_the_uncertain_out(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct picture picture = black(&arena, 20, 10);
	struct detections found;
	struct error err = {0};
	struct model *model;
	struct made made;

	paint(&picture, 0, 0, 1, 0);
	picture.pixels[(4 * 20 + 10) * 3] = 140; // logit 0.98, confidence 0.727
	make(&made, 20, 10, VISION_STRETCH);
	assert_true(model_read(finish(&made), kernels_choose(NULL, &err), &model, &err));
	static const struct {
		float min_confidence;
		size_t count;
	} cases[] = {{-1, 2}, {0.7f, 2}, {0.75f, 1}, {1, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(
			model_run(model, &picture, cases[i].min_confidence, &arena, &found, &err));
		assert_int_equal(found.count, cases[i].count);
	}
	// Everything, at most once per place.
	assert_true(model_run(model, &picture, 0, &arena, &found, &err));
	assert_in_range(found.count, 3, VISION_MAX_BOXES);
	model_close(model);
	buffer_finish(&made.bytes);
	arena_finish(&arena);
}

static void check_refused(struct made *made, enum error_kind kind, const char *part)
{
	struct error err = {0};
	struct model *model;
	struct str data = finish(made);
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(data.len);

	assert_non_null(copy);
	memcpy(copy, data.data, data.len);
	assert_false(
		model_read((struct str){copy, data.len}, kernels_choose(NULL, &err), &model, &err));
	assert_null(model);
	if (err.kind != kind || !strstr(err.text, part))
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, part);
	free(copy);
	buffer_finish(&made->bytes);
}

static void numbers_that_do_not_fit_together_are_refused_by_layer(void **state)
{
	(void)state;
	static const struct {
		size_t part; // 0: the file, 1: its layer, 2: its head, 3: its weights
		size_t at, value, size;
		enum error_kind kind;
		const char *text;
	} cases[] = {
		{0, 0, 'X', 1, ERROR_INVALID, "not a Railquest model"},
		{0, 8, 2, 4, ERROR_UNSUPPORTED, "format 2"},
		{0, 16, 0, 2, ERROR_INVALID, "input of 0x10"},
		{0, 18, 5000, 2, ERROR_INVALID, "20x5000"},
		{0, 20, 2, 1, ERROR_INVALID, "fit 2"},
		{0, 22, 0, 2, ERROR_INVALID, "0 classes"},
		{0, 24, 0x7fc00000, 4, ERROR_INVALID, "confidence nan"},
		{0, 28, 0x40000000, 4, ERROR_INVALID, "overlap 2"},
		{0, 32, 0, 2, ERROR_INVALID, "0 layers"},
		{0, 34, 9, 2, ERROR_INVALID, "9 heads"},
		{0, 36, 1, 4, ERROR_INVALID, "says that it has 1 weights; its layers need 168"},
		{0, 40, 0, 1, ERROR_INVALID, "class 0 has a name of 0 bytes"},
		{1, 0, 1, 2, ERROR_INVALID, "layer 1: reads 1"},
		{1, 2, 1, 2, ERROR_INVALID, "adds 1"},
		{1, 4, 4, 2, ERROR_INVALID, "takes 3 channels"},
		{1, 6, 0, 2, ERROR_INVALID, "layer 1: 0 channels"},
		{1, 6, 7, 2, ERROR_INVALID,
			"head 1: stride 2 and 2 classes do not fit layer 1, which has 7"},
		{1, 8, 5, 1, ERROR_INVALID, "size 5"},
		{1, 9, 0, 1, ERROR_INVALID, "stride 0"},
		{1, 10, 4, 1, ERROR_INVALID, "flags 4"},
		{2, 0, 2, 2, ERROR_INVALID, "no layer 2"},
		{2, 2, 4, 2, ERROR_INVALID, "stride 4"},
		{3, 0, 0x7f800000, 4, ERROR_INVALID,
			"layer 1 has a weight that is no finite number"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct made made;

		make(&made, 20, 10, VISION_STRETCH);
		size_t begin[] = {0, made.layers, made.heads, made.weights};

		put_at(&made, begin[cases[i].part] + cases[i].at, cases[i].value, cases[i].size);
		check_refused(&made, cases[i].kind, cases[i].text);
	}
}

static void a_model_that_was_cut_off_or_changed_anywhere_is_refused(void **state)
{
	(void)state;
	struct error err = {0};
	struct model *model;
	struct made made;

	make(&made, 20, 10, VISION_STRETCH);
	struct str data = finish(&made);

	for (size_t len = 0; len < data.len; len++)
		assert_false(model_read(
			(struct str){data.data, len}, kernels_choose(NULL, &err), &model, &err));
	for (size_t at = 0; at < data.len; at += 3) {
		made.bytes.data[at] ^= 0x10;
		assert_false(model_read(data, kernels_choose(NULL, &err), &model, &err));
		made.bytes.data[at] ^= 0x10;
	}
	assert_true(model_read(data, kernels_choose(NULL, &err), &model, &err));
	model_close(model);
	model_close(NULL);
	buffer_finish(&made.bytes);
	// Cut in each part, with a checksum that fits.
	for (size_t len = 16; len < 60; len++) {
		make(&made, 20, 10, VISION_STRETCH);
		made.bytes.len = len;
		check_refused(&made, ERROR_INVALID, "");
	}
}

static void a_missing_file_is_named(void **state)
{
	(void)state;
	struct error err = {0};
	struct model *model;

	assert_false(
		model_open("/nonexistent/signs.model", kernels_choose(NULL, &err), &model, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "/nonexistent/signs.model"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_network_sees_comes_back_in_pixels_of_the_picture),
		cmocka_unit_test(a_letterbox_is_undone),
		cmocka_unit_test(boxes_end_at_the_edge_and_signs_apart_are_two),
		cmocka_unit_test(a_higher_threshold_leaves_the_uncertain_out),
		cmocka_unit_test(numbers_that_do_not_fit_together_are_refused_by_layer),
		cmocka_unit_test(a_model_that_was_cut_off_or_changed_anywhere_is_refused),
		cmocka_unit_test(a_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
