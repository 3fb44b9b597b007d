#include "train/capture/prepare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { WIDTH = 64, HEIGHT = 32 };

struct fixture {
	struct arena arena;
	struct buffer jpeg, webp, encoded;
	struct camera_frame frame;
	struct wire_image image;
	bool untouched;
	struct error err;
};

static struct picture halves(struct arena *arena)
{
	struct picture picture = {arena_alloc(arena, WIDTH * HEIGHT * 3), WIDTH, HEIGHT};

	// White above, black below.
	memset(picture.pixels, 255, WIDTH * HEIGHT * 3 / 2);
	return picture;
}

static void set_up(struct fixture *fixture, enum picture_format format)
{
	*fixture = (struct fixture){0};
	struct picture picture = halves(&fixture->arena);

	assert_true(vision_encode_jpeg(&picture, 90, &fixture->jpeg, &fixture->err));
	assert_true(vision_encode_webp(&picture, 90, 0, &fixture->webp, &fixture->err));
	fixture->frame =
		(struct camera_frame){.format = format, .width_px = WIDTH, .height_px = HEIGHT};
	if (format == PICTURE_UNKNOWN)
		fixture->frame.pixels = picture;
	else
		fixture->frame.encoded =
			buffer_str(format == PICTURE_JPEG ? &fixture->jpeg : &fixture->webp);
}

static bool prepare(struct fixture *fixture, size_t width, size_t height, bool webp)
{
	const struct prepare_options options = {width, height, webp, 80};

	return prepare_picture(&fixture->frame, &options, &fixture->arena, &fixture->encoded,
		&fixture->image, &fixture->untouched, &fixture->err);
}

static void tear_down(struct fixture *fixture)
{
	arena_finish(&fixture->arena);
	buffer_finish(&fixture->jpeg);
	buffer_finish(&fixture->webp);
	buffer_finish(&fixture->encoded);
}

static void check_untouched(struct fixture *fixture)
{
	assert_true(fixture->untouched);
	assert_ptr_equal(fixture->image.data.data, fixture->frame.encoded.data);
	assert_int_equal(fixture->image.data.len, fixture->frame.encoded.len);
}

static void a_picture_that_fits_passes_through(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, PICTURE_JPEG);
	assert_true(prepare(&fixture, 0, 0, false));
	check_untouched(&fixture);
	assert_int_equal(fixture.image.format, WIRE_JPEG);
	assert_int_equal(fixture.image.width_px, WIDTH);
	assert_int_equal(fixture.image.height_px, HEIGHT);
	assert_true(prepare(&fixture, WIDTH, HEIGHT, false));
	check_untouched(&fixture);
	tear_down(&fixture);
	set_up(&fixture, PICTURE_WEBP);
	assert_true(prepare(&fixture, 0, 0, false));
	check_untouched(&fixture);
	assert_int_equal(fixture.image.format, WIRE_WEBP);
	assert_true(prepare(&fixture, 0, 0, true));
	check_untouched(&fixture);
	tear_down(&fixture);
}

static void check_encoded(
	struct fixture *fixture, enum wire_format format, size_t width, size_t height)
{
	struct picture seen;

	assert_false(fixture->untouched);
	assert_int_equal(fixture->image.format, format);
	assert_int_equal(fixture->image.width_px, width);
	assert_int_equal(fixture->image.height_px, height);
	assert_true(vision_decode(fixture->image.data, &fixture->arena, &seen, &fixture->err));
	assert_int_equal(seen.width_px, width);
	assert_int_equal(seen.height_px, height);
	assert_in_range(seen.pixels[0], 245, 255);
	assert_in_range(seen.pixels[width * height * 3 - 1], 0, 10);
}

static void another_size_or_format_is_encoded(void **state)
{
	struct fixture fixture;

	(void)state;
	for (int format = PICTURE_UNKNOWN; format <= PICTURE_WEBP; format++) {
		set_up(&fixture, (enum picture_format)format);
		assert_true(prepare(&fixture, 40, 50, false));
		check_encoded(&fixture, WIRE_JPEG, 40, 50);
		assert_true(prepare(&fixture, 100, 20, true));
		check_encoded(&fixture, WIRE_WEBP, 100, 20);
		tear_down(&fixture);
	}
	set_up(&fixture, PICTURE_JPEG);
	assert_true(prepare(&fixture, 0, 0, true));
	check_encoded(&fixture, WIRE_WEBP, WIDTH, HEIGHT);
	tear_down(&fixture);
	set_up(&fixture, PICTURE_UNKNOWN);
	assert_true(prepare(&fixture, 0, 0, false));
	check_encoded(&fixture, WIRE_JPEG, WIDTH, HEIGHT);
	tear_down(&fixture);
}

static void a_damaged_picture_is_an_error(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, PICTURE_JPEG);
	fixture.frame.encoded.len /= 2;
	assert_false(prepare(&fixture, 40, 40, false));
	assert_int_equal(fixture.err.kind, ERROR_INVALID);
	tear_down(&fixture);
}

static void check_size(const char *text, bool good, size_t width, size_t height)
{
	struct error err = {0};
	size_t found_width, found_height;

	assert_int_equal(prepare_parse_size(text, &found_width, &found_height, &err), good);
	if (!good) {
		assert_non_null(strstr(err.text, "600x400"));
		return;
	}
	assert_int_equal(found_width, width);
	assert_int_equal(found_height, height);
}

static void sizes_are_read(void **state)
{
	(void)state;
	check_size("600x400", true, 600, 400);
	check_size("source", true, 0, 0);
	check_size("16x16383", true, 16, 16383);
	check_size("", false, 0, 0);
	check_size("600", false, 0, 0);
	check_size("600x", false, 0, 0);
	check_size("600x400 ", false, 0, 0);
	check_size("-600x400", false, 0, 0);
	check_size("600x8", false, 0, 0);
	check_size("99999999999999999999x400", false, 0, 0);
	check_size("16000x16000", false, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_picture_that_fits_passes_through),
		cmocka_unit_test(another_size_or_format_is_encoded),
		cmocka_unit_test(a_damaged_picture_is_an_error),
		cmocka_unit_test(sizes_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
