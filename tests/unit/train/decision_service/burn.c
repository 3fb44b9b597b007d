/* Boxes and their words, in the picture. */
#include "train/decision_service/burn.h"

#include "train/vision/vision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { WIDTH = 320, HEIGHT = 240 };

static struct arena arena;
static struct buffer source, out;
static struct error err;
static struct wire_detection found;
static struct wire_compat_result result;

/* A black picture, and a box in it. */
static int setup(void **state)
{
	(void)state;
	struct picture picture = {arena_alloc(&arena, WIDTH * HEIGHT * 3), WIDTH, HEIGHT};

	memset(picture.pixels, 0, WIDTH * HEIGHT * 3);
	found = (struct wire_detection){1, STR("DangerAhead"), 0.9, {100, 120, 80, 60}};
	result = (struct wire_compat_result){
		.id = {true, STR("1")}, .scale = 0.5, .detections = &found, .detection_count = 1};
	buffer_clear(&source);
	buffer_clear(&out);
	err = (struct error){0};
	bool ok = vision_encode_webp(&picture, 90, 0, &source, &err);

	result.picture = buffer_str(&source);
	return ok ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	buffer_finish(&source);
	buffer_finish(&out);
	arena_finish(&arena);
	return 0;
}

static const uint8_t *pixel(const struct picture *picture, size_t x, size_t y)
{
	return picture->pixels + (y * picture->width_px + x) * 3;
}

static bool is_red(const uint8_t *pixel)
{
	return pixel[0] > 120 && pixel[1] < 100 && pixel[2] < 100;
}

static size_t reds(const struct picture *picture, size_t x, size_t y, size_t width, size_t height)
{
	size_t count = 0;

	for (size_t row = y; row < y + height; row++)
		for (size_t column = x; column < x + width; column++)
			count += is_red(pixel(picture, column, row));
	return count;
}

static void check_frame(void)
{
	struct picture drawn;

	assert_true(burn_boxes(&result, &arena, &out, &err));
	assert_true(vision_decode(buffer_str(&out), &arena, &drawn, &err));
	assert_int_equal(drawn.width_px, WIDTH);
	// The frame's four sides, nothing in its middle, words above it.
	assert_true(is_red(pixel(&drawn, 100, 150)) && is_red(pixel(&drawn, 179, 150)));
	assert_true(is_red(pixel(&drawn, 140, 120)) && is_red(pixel(&drawn, 140, 179)));
	assert_int_equal(reds(&drawn, 110, 130, 60, 40), 0);
	assert_true(reds(&drawn, 100, 100, 100, 19) > 100);
	assert_int_equal(reds(&drawn, 0, 0, WIDTH, 95), 0);
}

static void a_webp_stays_one_and_has_a_red_frame_and_words(void **state)
{
	(void)state;
	check_frame();
	assert_int_equal(vision_sniff(buffer_str(&out)), PICTURE_WEBP);
}

static void a_picture_without_detections_is_not_encoded_again(void **state)
{
	(void)state;
	result.detection_count = 0;
	assert_true(burn_boxes(&result, &arena, &out, &err));
	assert_int_equal(out.len, 0);
}

static void boxes_beyond_the_picture_are_cut_off(void **state)
{
	static const struct wire_box boxes[] = {{-50, -50, 1000, 1000},
		{1e300, 1e300, 1e300, 1e300}, {-1e300, 0, 2e300, 5}, {310, 230, 40, 40},
		{5, 5, 0, 0}, {20, 20, -30, -30}};

	(void)state;
	for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
		found.box = boxes[i];
		buffer_clear(&out);
		assert_true(burn_boxes(&result, &arena, &out, &err));
		assert_true(out.len > 0);
	}
}

static void what_is_no_picture_says_so(void **state)
{
	(void)state;
	result.picture = STR("GIF89a");
	assert_false(burn_boxes(&result, &arena, &out, &err));
	assert_non_null(strstr(err.text, "boxes cannot be drawn"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_webp_stays_one_and_has_a_red_frame_and_words, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_picture_without_detections_is_not_encoded_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			boxes_beyond_the_picture_are_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_picture_says_so, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
