#include "train/vision/vision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { WIDTH = 48, HEIGHT = 32 };

/* Red at the left above, green at the right above, blue at the left below, white at the right
 * below. */
static struct picture quarters(struct arena *arena)
{
	static const uint8_t colours[4][3] = {
		{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
	struct picture picture = {arena_alloc(arena, WIDTH * HEIGHT * 3), WIDTH, HEIGHT};

	for (size_t y = 0; y < HEIGHT; y++)
		for (size_t x = 0; x < WIDTH; x++)
			memcpy(picture.pixels + (y * WIDTH + x) * 3,
				colours[(y >= HEIGHT / 2) * 2 + (x >= WIDTH / 2)], 3);
	return picture;
}

static struct str jpeg(struct buffer *buffer)
{
	struct arena arena = {0};
	struct error err = {0};
	struct picture picture = quarters(&arena);

	assert_true(vision_encode_jpeg(&picture, 90, buffer, &err));
	arena_finish(&arena);
	return buffer_str(buffer);
}

static struct str webp(struct buffer *buffer)
{
	struct arena arena = {0};
	struct error err = {0};
	struct picture picture = quarters(&arena);

	assert_true(vision_encode_webp(&picture, 90, 0, buffer, &err));
	arena_finish(&arena);
	return buffer_str(buffer);
}

/* R, G, B or W (or ? for a mixture), of the four quarters from the left above. */
static void check_quarters(const struct picture *picture, const char *expected)
{
	char seen[5] = "";

	for (size_t i = 0; i < 4; i++) {
		size_t x = picture->width_px * (i % 2 ? 3 : 1) / 4,
		       y = picture->height_px * (i / 2 ? 3 : 1) / 4;
		const uint8_t *pixel = picture->pixels + (y * picture->width_px + x) * 3;
		int bits = (pixel[0] > 200) | (pixel[1] > 200) << 1 | (pixel[2] > 200) << 2;

		seen[i] = "?RG?B??W"[bits];
	}
	assert_string_equal(seen, expected);
}

static void check_decodes(struct str data, size_t width, size_t height, const char *expected)
{
	struct arena arena = {0};
	struct error err = {0};
	struct picture out;

	if (!vision_decode(data, &arena, &out, &err))
		fail_msg("%s", err.text);
	assert_int_equal(out.width_px, width);
	assert_int_equal(out.height_px, height);
	check_quarters(&out, expected);
	arena_finish(&arena);
}

static void check_fails(struct str data, enum error_kind kind, const char *part)
{
	struct arena arena = {0};
	struct error err = {0};
	struct picture out;
	// A copy of the very size, so that a read past the end is seen.
	struct str copy = {malloc(data.len ? data.len : 1), data.len};

	assert_non_null(copy.data);
	if (data.len)
		memcpy((char *)copy.data, data.data, data.len);
	assert_false(vision_decode(copy, &arena, &out, &err));
	if (err.kind != kind)
		fail_msg("%zu bytes: %s", data.len, err.text);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, part);
	free((char *)copy.data);
	arena_finish(&arena);
}

static void what_was_encoded_is_seen_again(void **state)
{
	(void)state;
	struct buffer as_jpeg = {0}, as_webp = {0};

	check_decodes(jpeg(&as_jpeg), WIDTH, HEIGHT, "RGBW");
	check_decodes(webp(&as_webp), WIDTH, HEIGHT, "RGBW");
	assert_int_equal(vision_sniff(buffer_str(&as_jpeg)), PICTURE_JPEG);
	assert_int_equal(vision_sniff(buffer_str(&as_webp)), PICTURE_WEBP);
	buffer_finish(&as_jpeg);
	buffer_finish(&as_webp);
}

static const char *const upright[9] = {
	"RGBW", "RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"};

static struct str tiff(char *out, bool big_endian, int orientation)
{
	static const char intel[] = "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\0\0\0\0\0\0\0\0";
	static const char motorola[] = "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\0\0\0\0\0\0\0";

	memcpy(out, big_endian ? motorola : intel, 26);
	out[big_endian ? 19 : 18] = (char)orientation;
	return (struct str){out, 26};
}

static void exif_turns_a_jpeg_upright_whatever_its_orientation(void **state)
{
	(void)state;
	struct buffer plain = {0};
	struct str data = jpeg(&plain);

	for (int orientation = 0; orientation <= 8; orientation++) {
		struct buffer turned = {0};
		char exif[26];

		buffer_append(&turned, data.data, 2);
		buffer_append(&turned,
			"\xff\xe1\0\x22"
			"Exif\0",
			10);
		buffer_append_str(&turned, tiff(exif, orientation % 2, orientation));
		buffer_append(&turned, data.data + 2, data.len - 2);
		check_decodes(buffer_str(&turned), orientation >= 5 ? HEIGHT : WIDTH,
			orientation >= 5 ? WIDTH : HEIGHT, upright[orientation]);
		buffer_finish(&turned);
	}
	buffer_finish(&plain);
}

static void exif_turns_a_webp_upright_with_or_without_its_prefix(void **state)
{
	(void)state;
	struct buffer plain = {0};
	struct str data = webp(&plain);

	for (int prefix = 0; prefix <= 1; prefix++) {
		struct buffer turned = {0};
		char exif[26];

		// A file with further chunks has an extended header, which says that there is EXIF
		// (0x08).
		buffer_append(&turned, "RIFF\0\0\0\0WEBPVP8X\12\0\0\0\10\0\0\0\57\0\0\37\0\0", 30);
		buffer_append(&turned, data.data + 12, data.len - 12);
		buffer_append(
			&turned, prefix ? "EXIF\40\0\0\0Exif\0" : "EXIF\32\0\0\0", prefix ? 14 : 8);
		buffer_append_str(&turned, tiff(exif, false, 6));
		turned.data[4] = (char)((turned.len - 8) & 0xff);
		turned.data[5] = (char)((turned.len - 8) >> 8);
		check_decodes(buffer_str(&turned), HEIGHT, WIDTH, upright[6]);
		buffer_finish(&turned);
	}
	buffer_finish(&plain);
}

static void damaged_exif_leaves_the_picture_as_it_is(void **state)
{
	(void)state;
	char whole[26];
	struct str data = tiff(whole, false, 6);

	assert_int_equal(vision_exif_orientation(data), 6);
	for (size_t len = 0; len < 22; len++) {
		char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, whole, len);
		assert_int_equal(vision_exif_orientation((struct str){copy, len}), 1);
		free(copy);
	}
	whole[4] = 25; // the directory begins past the end
	assert_int_equal(vision_exif_orientation(data), 1);
	whole[4] = -1, whole[5] = -1, whole[6] = -1, whole[7] = -1;
	assert_int_equal(vision_exif_orientation(data), 1);
	data = tiff(whole, false, 9);
	assert_int_equal(vision_exif_orientation(data), 1);
}

static void a_picture_that_was_cut_off_anywhere_is_an_error(void **state)
{
	(void)state;
	struct buffer as_jpeg = {0}, as_webp = {0};
	struct str data = jpeg(&as_jpeg);

	for (size_t len = 3; len < data.len - 2; len += 7) // its last two bytes are the end marker
		check_fails((struct str){data.data, len}, ERROR_INVALID, "JPEG");
	data = webp(&as_webp);
	for (size_t len = 12; len + 1 < data.len; len += 5)
		check_fails((struct str){data.data, len}, ERROR_INVALID, "WebP: cut off");
	buffer_finish(&as_jpeg);
	buffer_finish(&as_webp);
}

static void a_file_that_is_no_picture_says_so(void **state)
{
	(void)state;
	check_fails(STR(""), ERROR_INVALID, "empty");
	check_fails(STR("\x89PNG\r\n\x1a\n"), ERROR_INVALID, "neither JPEG nor WebP");
	check_fails(STR("\xff\xd8\xff\xe0 what follows is none"), ERROR_INVALID, "JPEG");
	check_fails(STR("RIFF\0\0\0\0WEBPVP8 nothing that decodes"), ERROR_INVALID, "WebP");
}

static void sizes_past_the_caps_are_refused_before_anything_is_allocated(void **state)
{
	(void)state;
	struct buffer buffer = {0};
	struct str data = jpeg(&buffer);

	// The frame header: ff c0, length, precision, then height and width.
	for (size_t i = 0; i + 9 < data.len; i++)
		if (memcmp(data.data + i, "\xff\xc0\0\x11", 4) == 0) {
			memcpy(buffer.data + i + 5, "\x7f\xff\x7f\xff", 4);
			break;
		}
	check_fails(data, ERROR_LIMIT, "32767x32767");
	buffer_finish(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_encoded_is_seen_again),
		cmocka_unit_test(exif_turns_a_jpeg_upright_whatever_its_orientation),
		cmocka_unit_test(exif_turns_a_webp_upright_with_or_without_its_prefix),
		cmocka_unit_test(damaged_exif_leaves_the_picture_as_it_is),
		cmocka_unit_test(a_picture_that_was_cut_off_anywhere_is_an_error),
		cmocka_unit_test(a_file_that_is_no_picture_says_so),
		cmocka_unit_test(sizes_past_the_caps_are_refused_before_anything_is_allocated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
