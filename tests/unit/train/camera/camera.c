#include "train/camera/camera.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct camera *create(const char *source, bool loop)
{
	const struct camera_options options = {
		.source = source, .width_px = 64, .height_px = 48, .fps = 10, .loop = loop};
	struct error err = {0};
	struct camera *camera = camera_create(&options, &err);

	if (!camera)
		fail_msg("%s", err.text);
	return camera;
}

static void check_refused(const char *source, const char *why)
{
	struct error err = {0};

	assert_false(camera_check(source, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" lacks \"%s\"", err.text, why);
}

static void what_names_no_source_is_refused_with_what_would(void **state)
{
	(void)state;
	check_refused("", "v4l2:/dev/video0");
	check_refused("/dev/video0", "v4l2:/dev/video0");
	check_refused("http://camera/", "rtsp://");
	check_refused("v4l2:", "what follows \"v4l2:\"");
	check_refused("rtsp://", "what follows");
}

static void passwords_are_left_out_of_names(void **state)
{
	static const char *const cases[][2] = {
		{"rtsp://user:secret@host/path", "rtsp://host/path"},
		{"rtsps://user:sec@ret@host:1/a@b", "rtsps://host:1/a@b"},
		{"rtsp://host/path", "rtsp://host/path"},
		{"rtsp://u:p@host", "rtsp://host"},
		{"file:/a/b@c", "file:/a/b@c"},
	};
	struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(camera_public_name(cases[i][0], &arena).data, cases[i][1]);
	arena_finish(&arena);
}

static void the_card_has_another_picture_each_time(void **state)
{
	struct camera *camera = create("test:", false);
	struct arena arena = {0};
	struct camera_frame first, second;
	struct error err = {0};
	int64_t captured_us = 0;

	(void)state;
	assert_false(camera_is_live(camera));
	assert_false(camera_status(camera).is_up);
	assert_int_equal(camera_look(camera, 5, &captured_us, &err), CAMERA_NOTHING);
	camera_attend(camera, 5);
	assert_int_equal(camera_look(camera, 7, &captured_us, &err), CAMERA_PICTURE);
	assert_int_equal(captured_us, 7);
	assert_true(camera_take(camera, &arena, &first, &err));
	assert_int_equal(camera_look(camera, 8, &captured_us, &err), CAMERA_PICTURE);
	assert_true(camera_take(camera, &arena, &second, &err));
	assert_int_equal(first.encoded.len, 0);
	assert_int_equal(first.width_px, 64);
	assert_int_equal(first.height_px, 48);
	assert_memory_not_equal(first.pixels.pixels, second.pixels.pixels, 64 * 48 * 3);
	assert_true(camera_status(camera).is_up);
	assert_int_equal(camera_status(camera).openings, 1);
	camera_destroy(camera);
	arena_finish(&arena);
}

static void write_file(const char *folder, const char *name, struct str data)
{
	struct error err = {0};
	char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_true(file_write(path, data, &err));
}

static struct str jpeg(struct buffer *out, uint8_t grey)
{
	uint8_t pixels[16 * 16 * 3];
	const struct picture picture = {pixels, 16, 16};
	struct error err = {0};

	memset(pixels, grey, sizeof pixels);
	buffer_clear(out);
	assert_true(vision_encode_jpeg(&picture, 80, out, &err));
	return buffer_str(out);
}

/* Looks, and returns what was seen in one letter: b, c (a picture), X (damaged), "." over. */
static char look(struct camera *camera, const struct buffer *pictures)
{
	struct arena arena = {0};
	struct camera_frame frame;
	struct error err = {0};
	int64_t captured_us;
	char seen = '?';

	camera_attend(camera, 1);
	switch (camera_look(camera, 1, &captured_us, &err)) {
	case CAMERA_PICTURE:
		seen = 'X';
		if (camera_take(camera, &arena, &frame, &err))
			seen = str_equal(frame.encoded, buffer_str(&pictures[0])) ? 'b' : 'c';
		break;
	case CAMERA_ENDED:
		seen = '.';
		break;
	case CAMERA_NOTHING:
	case CAMERA_LATE:
	case CAMERA_DAMAGED:
		break;
	}
	arena_finish(&arena);
	return seen;
}

static void check_folder(const char *folder, bool loop, const char *expected)
{
	struct buffer pictures[2] = {0};
	struct buffer source = {0};
	char seen[16] = "";

	jpeg(&pictures[0], 10);
	jpeg(&pictures[1], 200);
	write_file(folder, "b.jpg", buffer_str(&pictures[0]));
	write_file(folder, "c.png", buffer_str(&pictures[1])); // a name that lies
	write_file(folder, "d.txt", STR("no picture"));
	write_file(folder, ".hidden", buffer_str(&pictures[0]));
	buffer_printf(&source, "dir:%s", folder);
	struct camera *camera = create(source.data, loop);

	for (size_t i = 0; i < strlen(expected); i++)
		seen[i] = look(camera, pictures);
	assert_string_equal(seen, expected);
	camera_destroy(camera);
	buffer_finish(&source);
	buffer_finish(&pictures[0]);
	buffer_finish(&pictures[1]);
}

static void remove_folder(const char *folder)
{
	static const char *const names[] = {"b.jpg", "c.png", "d.txt", ".hidden"};
	char path[256];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void a_folder_gives_its_files_by_name_and_untouched(void **state)
{
	char folder[] = "/tmp/railquest-folder-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	check_folder(folder, false, "bcX...");
	check_folder(folder, true, "bcXbcXb");
	remove_folder(folder);
}

static void a_folder_that_is_not_there_is_looked_for_again(void **state)
{
	char parent[] = "/tmp/railquest-folder-XXXXXX", folder[64];
	struct buffer source = {0}, picture = {0};
	struct error err = {0};
	int64_t captured_us;

	(void)state;
	assert_non_null(mkdtemp(parent));
	snprintf(folder, sizeof folder, "%s/later", parent);
	buffer_printf(&source, "dir:%s", folder);
	struct camera *camera = create(source.data, false);
	int64_t again_us = camera_attend(camera, 100);

	assert_in_range(again_us, 101, 5000100);
	assert_non_null(strstr(camera_status(camera).why, folder));
	assert_int_equal(camera_look(camera, 100, &captured_us, &err), CAMERA_NOTHING);

	assert_int_equal(mkdir(folder, 0700), 0);
	write_file(folder, "b.jpg", jpeg(&picture, 1));
	camera_attend(camera, again_us - 1);
	assert_int_equal(camera_look(camera, again_us - 1, &captured_us, &err), CAMERA_NOTHING);
	camera_attend(camera, again_us);
	assert_int_equal(camera_look(camera, again_us, &captured_us, &err), CAMERA_PICTURE);
	camera_destroy(camera);
	buffer_finish(&source);
	buffer_finish(&picture);
	remove_folder(folder);
	rmdir(parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_names_no_source_is_refused_with_what_would),
		cmocka_unit_test(passwords_are_left_out_of_names),
		cmocka_unit_test(the_card_has_another_picture_each_time),
		cmocka_unit_test(a_folder_gives_its_files_by_name_and_untouched),
		cmocka_unit_test(a_folder_that_is_not_there_is_looked_for_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
