#include "train/onnx/output.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { CELLS = 5, CLASSES = 2, CHANNELS = CLASSES + 4 };

/* Cell by cell: centre, size, confidences. */
static const float cells[CELLS][CHANNELS] = {
	{10, 20, 4, 8, 0.1f, 0.9f},
	{30, 40, 10, 10, 0.6f, 0.5f},
	{50, 50, 10, 10, 0.2f, 0.3f},
	{INFINITY, 50, 10, 10, 0.9f, 0.3f},
	{50, 50, -3, 10, 0.9f, NAN},
};

static struct detections collect(bool transposed, float min_confidence, struct arena *arena)
{
	const int64_t first[3] = {1, CHANNELS, CELLS}, second[3] = {1, CELLS, CHANNELS};
	struct onnx_output output;
	struct error err = {0};
	float values[CELLS * CHANNELS];

	assert_true(onnx_output_shape(transposed ? second : first, 3, CLASSES, &output, &err));
	assert_int_equal(output.cells, CELLS);
	for (size_t i = 0; i < CELLS; i++)
		for (size_t c = 0; c < CHANNELS; c++)
			values[transposed ? i * CHANNELS + c : c * CELLS + i] = cells[i][c];
	return onnx_output_collect(&output, values, min_confidence, arena);
}

static void both_layouts_give_the_boxes_that_reach_the_threshold(void **state)
{
	struct arena arena = {0};

	(void)state;
	for (int transposed = 0; transposed < 2; transposed++) {
		struct detections found = collect(transposed, 0.6f, &arena);

		assert_int_equal(found.count, 2);
		assert_int_equal(found.items[0].class_id, 1);
		assert_float_equal(found.items[0].confidence, 0.9, 1e-6);
		assert_float_equal(found.items[0].box.x, 8, 1e-6);
		assert_float_equal(found.items[0].box.y, 16, 1e-6);
		assert_float_equal(found.items[0].box.width, 4, 1e-6);
		assert_float_equal(found.items[0].box.height, 8, 1e-6);
		assert_int_equal(found.items[1].class_id, 0);
		assert_int_equal(collect(transposed, 0.2f, &arena).count, 3);
		assert_int_equal(collect(transposed, 0.95f, &arena).count, 0);
	}
	arena_finish(&arena);
}

static void no_threshold_lets_what_is_no_box_through(void **state)
{
	struct arena arena = {0};

	(void)state;
	assert_int_equal(collect(false, 0, &arena).count, 3);
	arena_finish(&arena);
}

static void a_shape_that_does_not_fit_the_classes_is_told_with_the_right_one(void **state)
{
	static const int64_t wrong[][4] = {{1, 7, 8400}, {2, 6, 8400}, {1, 6, 0}, {1, 6, -1},
		{1, 8400, 85}, {0, 6, 10}, {1, -6, 6}};
	const int64_t four[4] = {1, 6, 10, 10}, huge[3] = {1, 6, INT64_C(1) << 40};
	struct onnx_output output;
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		bool fine = onnx_output_shape(wrong[i], 3, 2, &output, &err);

		assert_false(fine);
		assert_int_equal(err.kind, ERROR_INVALID);
		assert_non_null(strstr(err.text, "1x6xN or 1xNx6"));
	}
	assert_false(onnx_output_shape(four, 4, 2, &output, &err));
	assert_non_null(strstr(err.text, "1x6x10x10"));
	assert_false(onnx_output_shape(four, 0, 2, &output, &err));
	assert_false(onnx_output_shape(huge, 3, 2, &output, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_layouts_give_the_boxes_that_reach_the_threshold),
		cmocka_unit_test(no_threshold_lets_what_is_no_box_through),
		cmocka_unit_test(a_shape_that_does_not_fit_the_classes_is_told_with_the_right_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
