#include "train/vision/vision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A grey picture of the given values. */
static struct picture grey(struct arena *arena, size_t width, size_t height, const uint8_t *values)
{
	struct picture picture = {arena_alloc(arena, width * height * 3), width, height};

	for (size_t i = 0; i < width * height * 3; i++)
		picture.pixels[i] = values[i / 3];
	return picture;
}

static void shrinking_takes_the_mean_of_the_area(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct picture out, in = grey(&arena, 3, 2, (uint8_t[]){0, 90, 180, 30, 60, 210});

	// 1.5 old columns for each new one: the middle column counts half on both sides.
	vision_resize(&in, 2, 1, &arena, &out);
	assert_int_equal(out.width_px, 2);
	assert_int_equal(out.height_px, 1);
	assert_int_equal(out.pixels[0], (0 + 30 + 0.5 * (90 + 60)) / 3 + 0.5);
	assert_int_equal(out.pixels[3], (int)((180 + 210 + 0.5 * (90 + 60)) / 3 + 0.5));
	arena_finish(&arena);
}

static void enlarging_is_linear_between_pixel_centres(void **state)
{
	(void)state;
	static const uint8_t expected[] = {0, 25, 75, 100};
	struct arena arena = {0};
	struct picture out, in = grey(&arena, 2, 1, (uint8_t[]){0, 100});

	vision_resize(&in, 4, 3, &arena, &out);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(out.pixels[i * 3], expected[i % 4]);
	arena_finish(&arena);
}

static void the_same_size_changes_nothing(void **state)
{
	(void)state;
	uint8_t values[35];
	struct arena arena = {0};

	for (size_t i = 0; i < 35; i++)
		values[i] = (uint8_t)(i * 7);
	struct picture out, in = grey(&arena, 7, 5, values);

	vision_resize(&in, 7, 5, &arena, &out);
	assert_memory_equal(out.pixels, in.pixels, 7 * 5 * 3);
	arena_finish(&arena);
}

static void a_white_picture_stays_white_at_any_size(void **state)
{
	(void)state;
	uint8_t values[77];

	memset(values, 255, sizeof(values));
	for (size_t width = 1; width < 30; width += 3)
		for (size_t height = 1; height < 30; height += 4) {
			struct arena arena = {0};
			struct picture out, in = grey(&arena, 11, 7, values);

			vision_resize(&in, width, height, &arena, &out);
			for (size_t i = 0; i < width * height * 3; i++)
				assert_int_equal(out.pixels[i], 255);
			arena_finish(&arena);
		}
}

static void stretching_fills_the_whole_input(void **state)
{
	(void)state;
	struct vision_placement placement;
	struct arena arena = {0};
	float out[2][9 + 2];
	struct picture in = grey(&arena, 6, 1, (uint8_t[]){51, 51, 102, 102, 255, 255});

	out[0][9] = out[1][10] = -1;
	vision_to_floats(&in, VISION_STRETCH, 3, 2, out[0], 11, &arena, &placement);
	for (size_t y = 0; y < 2; y++)
		for (size_t c = 0; c < 3; c++) {
			assert_float_equal(out[y][c], 0.2, 1e-6);
			assert_float_equal(out[y][3 + c], 0.4, 1e-6);
			assert_float_equal(out[y][6 + c], 1.0, 1e-6);
		}
	assert_float_equal(out[0][9], -1, 0); // what lies between rows is the caller's
	assert_float_equal(out[1][10], -1, 0);
	assert_float_equal(placement.scale_x, 0.5, 1e-6);
	assert_float_equal(placement.scale_y, 2, 1e-6);
	arena_finish(&arena);
}

static void a_letterbox_keeps_the_shape_between_grey_bars(void **state)
{
	(void)state;
	struct vision_placement placement;
	struct arena arena = {0};
	float out[6][12];
	uint8_t values[32];

	memset(values, 255, sizeof(values));
	struct picture in = grey(&arena, 8, 4, values);

	vision_to_floats(&in, VISION_LETTERBOX, 4, 6, out[0], 12, &arena, &placement);
	for (size_t y = 0; y < 6; y++)
		for (size_t i = 0; i < 12; i++)
			assert_float_equal(out[y][i], y == 2 || y == 3 ? 1.0f : 114.0f / 255, 1e-6);
	assert_float_equal(placement.scale_x, 0.5, 1e-6);
	assert_float_equal(placement.scale_y, 0.5, 1e-6);
	assert_float_equal(placement.offset_x, 0, 0);
	assert_float_equal(placement.offset_y, 2, 0);
	arena_finish(&arena);
}

static void the_top_left_corner_leaves_black_to_the_right_and_below(void **state)
{
	(void)state;
	struct vision_placement placement;
	struct arena arena = {0};
	float out[6][12];
	uint8_t values[32];

	memset(values, 255, sizeof(values));
	struct picture in = grey(&arena, 8, 4, values);

	vision_to_floats(&in, VISION_TOP_LEFT, 4, 6, out[0], 12, &arena, &placement);
	for (size_t y = 0; y < 6; y++)
		for (size_t i = 0; i < 12; i++)
			assert_float_equal(out[y][i], y < 2 ? 1.0f : 0, 1e-6);
	assert_float_equal(placement.scale_x, 0.5, 1e-6);
	assert_float_equal(placement.offset_x, 0, 0);
	assert_float_equal(placement.offset_y, 0, 0);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shrinking_takes_the_mean_of_the_area),
		cmocka_unit_test(enlarging_is_linear_between_pixel_centres),
		cmocka_unit_test(the_same_size_changes_nothing),
		cmocka_unit_test(a_white_picture_stays_white_at_any_size),
		cmocka_unit_test(stretching_fills_the_whole_input),
		cmocka_unit_test(a_letterbox_keeps_the_shape_between_grey_bars),
		cmocka_unit_test(the_top_left_corner_leaves_black_to_the_right_and_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
