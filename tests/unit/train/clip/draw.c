#include "train/clip/clip.h"

#include "base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 160, HEIGHT = 120 };

struct sheet {
	uint8_t *pixels; // as many as there are, so that one beside them is seen
	struct picture picture;
};

static struct sheet sheet_create(void)
{
	struct sheet sheet = {.pixels = memory_alloc(WIDTH * HEIGHT * 3)};

	memset(sheet.pixels, 77, WIDTH * HEIGHT * 3);
	sheet.picture = (struct picture){sheet.pixels, WIDTH, HEIGHT};
	return sheet;
}

static bool is_grey(const struct sheet *sheet, int x, int y)
{
	const uint8_t *pixel = sheet->pixels + (y * WIDTH + x) * 3;

	return pixel[0] == 77 && pixel[1] == 77 && pixel[2] == 77;
}

static bool is_amber(const struct sheet *sheet, int x, int y)
{
	const uint8_t *pixel = sheet->pixels + (y * WIDTH + x) * 3;

	return pixel[0] == 255 && pixel[1] == 193 && pixel[2] == 7;
}

static struct wire_detection found(double x, double y, double width, double height)
{
	return (struct wire_detection){
		.class_name = STR("DangerAhead"), .confidence = 0.97, .box = {x, y, width, height}};
}

static void a_box_is_a_frame_with_its_name_above(void **state)
{
	struct sheet sheet = sheet_create();
	struct wire_detection detection = found(20, 40, 60, 50);

	(void)state;
	clip_draw(&sheet.picture, &detection, 1, 0, 0);
	assert_true(is_amber(&sheet, 20, 60) && is_amber(&sheet, 79, 60));
	assert_true(is_amber(&sheet, 50, 40) && is_amber(&sheet, 50, 89));
	assert_true(is_grey(&sheet, 19, 60) && is_grey(&sheet, 80, 60));
	assert_true(is_grey(&sheet, 50, 60) && is_grey(&sheet, 50, 90));
	// The label: nine rows above the frame, and letters in it.
	assert_true(is_amber(&sheet, 20, 31) && is_grey(&sheet, 20, 30));
	size_t black = 0;

	for (int y = 32; y < 39; y++)
		for (int x = 20; x < 100; x++)
			black += sheet.pixels[(y * WIDTH + x) * 3] == 0;
	assert_in_range(black, 100, 400);
	free(sheet.pixels);
}

static void a_box_of_another_size_of_picture_is_scaled(void **state)
{
	struct sheet sheet = sheet_create();
	struct wire_detection detection = found(40, 80, 120, 100);

	(void)state;
	clip_draw(&sheet.picture, &detection, 1, WIDTH * 2, HEIGHT * 2);
	assert_true(is_amber(&sheet, 20, 60) && is_amber(&sheet, 79, 60));
	assert_true(is_grey(&sheet, 19, 60) && is_grey(&sheet, 80, 60));
	free(sheet.pixels);
}

static void a_name_without_room_above_is_inside(void **state)
{
	struct sheet sheet = sheet_create();
	struct wire_detection detection = found(20, 3, 60, 50);

	(void)state;
	clip_draw(&sheet.picture, &detection, 1, 0, 0);
	assert_true(is_grey(&sheet, 21, 2) && is_amber(&sheet, 20, 3));
	free(sheet.pixels);
}

static void whatever_the_numbers_are_no_pixel_beside_the_picture_is_touched(void **state)
{
	static const double numbers[] = {
		-1e300, -INFINITY, -5, 0, 0.5, 150, 1e9, 1e300, INFINITY, NAN};
	enum { COUNT = sizeof numbers / sizeof *numbers };
	struct sheet sheet = sheet_create();

	(void)state;
	for (size_t i = 0; i < COUNT * COUNT * COUNT; i++) {
		struct wire_detection detection =
			found(numbers[i % COUNT], numbers[i / COUNT % COUNT],
				numbers[i / COUNT / COUNT], numbers[(i * 7 + 3) % COUNT]);

		detection.confidence = numbers[i % COUNT];
		clip_draw(&sheet.picture, &detection, 1, 640, 480);
	}
	free(sheet.pixels);
}

static void a_name_may_be_long_empty_or_in_any_letters(void **state)
{
	struct sheet sheet = sheet_create();
	struct wire_detection detections[] = {
		found(20, 40, 60, 50), found(20, 40, 60, 50), found(20, 40, 60, 50)};

	(void)state;
	detections[0].class_name = STR("");
	detections[1].class_name = (struct str){0};
	detections[2].class_name = STR("Stra\xc3\x9f"
				       "e, a name that is longer than any sign's is");
	clip_draw(&sheet.picture, detections, 3, 0, 0);
	assert_true(is_amber(&sheet, 20, 60));
	free(sheet.pixels);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_box_is_a_frame_with_its_name_above),
		cmocka_unit_test(a_box_of_another_size_of_picture_is_scaled),
		cmocka_unit_test(a_name_without_room_above_is_inside),
		cmocka_unit_test(whatever_the_numbers_are_no_pixel_beside_the_picture_is_touched),
		cmocka_unit_test(a_name_may_be_long_empty_or_in_any_letters),
	};

	return cmocka_run_group_tests_name("draw", tests, NULL, NULL);
}
