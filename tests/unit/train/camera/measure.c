#include "train/camera/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { WIDTH = 48, HEIGHT = 32 };

static struct buffer encoded(bool webp)
{
	static uint8_t pixels[WIDTH * HEIGHT * 3];
	const struct picture picture = {pixels, WIDTH, HEIGHT};
	struct buffer out = {0};
	struct error err = {0};

	for (size_t i = 0; i < sizeof pixels; i++)
		pixels[i] = (uint8_t)(i * i >> 3);
	assert_true(webp ? vision_encode_webp(&picture, 80, 0, &out, &err)
			 : vision_encode_jpeg(&picture, 80, &out, &err));
	return out;
}

static void check(struct str data, enum picture_format format, size_t width, size_t height)
{
	struct error err = {0};
	enum picture_format found;
	size_t found_width, found_height;

	if (!camera_measure(data, &found, &found_width, &found_height, &err))
		fail_msg("%s", err.text);
	assert_int_equal(found, format);
	assert_int_equal(found_width, width);
	assert_int_equal(found_height, height);
}

static void check_refused(struct str data, const char *why)
{
	struct error err = {0};
	enum picture_format format;
	size_t width, height;

	assert_false(camera_measure(data, &format, &width, &height, &err));
	assert_non_null(strstr(err.text, why));
}

static void both_formats_are_measured_without_decoding(void **state)
{
	struct buffer jpeg = encoded(false), webp = encoded(true);

	(void)state;
	check(buffer_str(&jpeg), PICTURE_JPEG, WIDTH, HEIGHT);
	check(buffer_str(&webp), PICTURE_WEBP, WIDTH, HEIGHT);
	buffer_finish(&jpeg);
	buffer_finish(&webp);
}

static void a_picture_that_was_cut_off_is_refused_at_any_length(void **state)
{
	(void)state;
	for (int webp = 0; webp < 2; webp++) {
		struct buffer picture = encoded(webp);

		for (size_t len = 1; len < picture.len - 1; len++) {
			// A copy of its own size, so that sanitizers see a byte too far.
			char *part = malloc(len);
			enum picture_format format;
			size_t width, height;
			struct error err = {0};

			memcpy(part, picture.data, len);
			assert_false(camera_measure(
				(struct str){part, len}, &format, &width, &height, &err));
			free(part);
		}
		buffer_finish(&picture);
	}
}

static void zeros_behind_the_end_are_a_cameras_packet(void **state)
{
	static const char zeros[3000];
	struct buffer picture = encoded(false);

	(void)state;
	buffer_append(&picture, zeros, sizeof zeros);
	check(buffer_str(&picture), PICTURE_JPEG, WIDTH, HEIGHT);
	buffer_finish(&picture);
}

/* EXIF that says: turn by 90°. */
static struct str turned(const struct buffer *jpeg, struct buffer *out)
{
	static const char exif[] = "\xff\xe1\0\x22"
				   "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06"
				   "\0\0\0\0\0\0";

	buffer_append(out, jpeg->data, 2);
	buffer_append(out, exif, 0x24);
	buffer_append(out, jpeg->data + 2, jpeg->len - 2);
	return buffer_str(out);
}

static void the_size_is_that_of_the_upright_picture(void **state)
{
	struct buffer jpeg = encoded(false), with_exif = {0};
	struct arena arena = {0};
	struct picture picture;
	struct error err = {0};

	(void)state;
	check(turned(&jpeg, &with_exif), PICTURE_JPEG, HEIGHT, WIDTH);
	// As the decoder has it.
	assert_true(vision_decode(buffer_str(&with_exif), &arena, &picture, &err));
	assert_int_equal(picture.width_px, HEIGHT);
	arena_finish(&arena);
	buffer_finish(&jpeg);
	buffer_finish(&with_exif);
}

static void what_is_no_picture_is_refused(void **state)
{
	(void)state;
	check_refused(STR(""), "empty");
	check_refused(STR("\x89PNG\r\n\x1a\n................"), "neither a JPEG nor a WebP");
	check_refused(STR("\xff\xd8\xff\xd9"), "cut off");
	check_refused(STR("\xff\xd8\xff\xda\0\x02\xff\xd9"), "no size");
}

static void yuyv_becomes_the_colours_it_means(void **state)
{
	// Black, white; BT.601's red twice.
	static const uint8_t yuyv[] = {16, 128, 235, 128, 81, 90, 81, 240};
	uint8_t pixels[4 * 3];
	const struct picture picture = {pixels, 4, 1};

	(void)state;
	camera_yuyv_to_rgb(yuyv, sizeof yuyv, &picture);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pixels[i], 0);
		assert_int_equal(pixels[3 + i], 255);
	}
	assert_in_range(pixels[6], 253, 255);
	assert_in_range(pixels[7], 0, 2);
	assert_in_range(pixels[8], 0, 2);
	assert_memory_equal(pixels + 6, pixels + 9, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_formats_are_measured_without_decoding),
		cmocka_unit_test(a_picture_that_was_cut_off_is_refused_at_any_length),
		cmocka_unit_test(zeros_behind_the_end_are_a_cameras_packet),
		cmocka_unit_test(the_size_is_that_of_the_upright_picture),
		cmocka_unit_test(what_is_no_picture_is_refused),
		cmocka_unit_test(yuyv_becomes_the_colours_it_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
