#include "train/onnx/metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void check_names(const char *text, size_t expected, const char *last)
{
	struct arena arena = {0};
	struct error err = {0};
	struct str *names;
	size_t count;

	assert_true(onnx_read_names(str_from(text), &arena, &names, &count, &err));
	assert_int_equal(count, expected);
	assert_int_equal(names[count - 1].len, strlen(last));
	assert_memory_equal(names[count - 1].data, last, strlen(last));
	arena_finish(&arena);
}

static void check_names_refused(struct str text)
{
	struct arena arena = {0};
	struct error err = {0};
	struct str *names;
	size_t count;

	assert_false(onnx_read_names(text, &arena, &names, &count, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_non_null(strstr(err.text, "{0: 'SpeedLimit'"));
	arena_finish(&arena);
}

static void names_are_read_as_python_writes_them(void **state)
{
	(void)state;
	check_names("{0: 'SpeedLimit', 1: 'DangerAhead'}", 2, "DangerAhead");
	check_names(" { 0 : \"driver's cab\" } ", 1, "driver's cab");
	check_names("{0: 'a\\'b\\\"c\\\\'}", 1, "a'b\"c\\");
	check_names("{0: 'é, ok: yes}', 1: 'träge'}", 2, "träge");
}

static void names_that_are_not_numbered_from_nothing_up_are_refused(void **state)
{
	static const char *const wrong[] = {"", "{", "{}", "[]", "{1: 'a'}", "{0: 'a', 2: 'b'}",
		"{0: 'a', 0: 'b'}", "{0: 'a'", "{0: 'a}", "{0: ''}", "{0: a}", "{0 'a'}",
		"{0: 'a'} x", "{0: 'a' 1: 'b'}", "{0: 'a',}", "{-1: 'a'}", "{0: 'a\\n'}",
		"{0: 'a\\", "{0: '\x80'}", "{0: '\xc3'}", "['SpeedLimit', 'DangerAhead']",
		"{9999999999: 'a'}", "{0: 'a\nb'}", NULL};

	(void)state;
	for (size_t i = 0; wrong[i]; i++)
		check_names_refused(str_from(wrong[i]));
	check_names_refused((struct str){NULL, 0});
}

static void every_shorter_text_is_refused_without_a_look_behind_its_end(void **state)
{
	static const char whole[] = "{0: 'SpeedLimit', 1: \"Danger's \\\\ ahead é\"}";

	(void)state;
	check_names(whole, 2, "Danger's \\ ahead é");
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		struct arena arena = {0};
		char *copy = arena_alloc(&arena, len + 1); // no NUL behind it

		memcpy(copy, whole, len);
		copy[len] = '}';
		check_names_refused((struct str){copy, len});
		arena_finish(&arena);
	}
}

static void names_have_limits(void **state)
{
	struct buffer text = {0};

	(void)state;
	for (int more = 0; more < 2; more++) {
		buffer_clear(&text);
		buffer_append_text(&text, "{");
		for (int i = 0; i < ONNX_MAX_CLASSES + more; i++)
			buffer_printf(&text, "%s%d: 'n%d'", i ? ", " : "", i, i);
		buffer_append_text(&text, "}");
		if (more)
			check_names_refused(buffer_str(&text));
		else
			check_names(text.data, ONNX_MAX_CLASSES, "n999");
	}
	for (int more = 0; more < 2; more++) {
		buffer_clear(&text);
		buffer_printf(&text, "{0: '%0*d'}", ONNX_MAX_NAME_BYTES + more, 7);
		if (more)
			check_names_refused(buffer_str(&text));
		else
			check_names(text.data, 1,
				"0000000000000000000000000000000000000000000000000000000000000007");
	}
	buffer_finish(&text);
}

static void a_size_is_height_before_width_or_one_number(void **state)
{
	static const char *const wrong[] = {"", "[]", "[384]", "[384, 576, 3]", "384, 576",
		"[384 576]", "[384, 576] x", "(384, 576)", "-1", "[384, -1]", "640.0", NULL};
	struct error err = {0};
	size_t width, height;

	(void)state;
	assert_true(onnx_read_size(STR("[384, 576]"), &width, &height, &err));
	assert_int_equal(width, 576);
	assert_int_equal(height, 384);
	assert_true(onnx_read_size(STR("640"), &width, &height, &err));
	assert_int_equal(width, 640);
	assert_int_equal(height, 640);
	for (size_t i = 0; wrong[i]; i++) {
		assert_false(onnx_read_size(str_from(wrong[i]), &width, &height, &err));
		assert_non_null(strstr(err.text, "[384, 576]"));
	}
}

static void fits_shares_and_truths_are_exact_words(void **state)
{
	struct error err = {0};
	enum vision_fit fit;
	float share;
	bool truth;

	(void)state;
	assert_true(onnx_read_fit(STR("stretch"), &fit, &err) && fit == VISION_STRETCH);
	assert_true(onnx_read_fit(STR("letterbox"), &fit, &err) && fit == VISION_LETTERBOX);
	assert_true(onnx_read_fit(STR("top-left"), &fit, &err) && fit == VISION_TOP_LEFT);
	assert_false(onnx_read_fit(STR("Letterbox"), &fit, &err));
	assert_non_null(strstr(err.text, "top-left"));
	assert_true(onnx_read_share("k", STR("0.25"), &share, &err));
	assert_float_equal(share, 0.25, 1e-7);
	assert_false(onnx_read_share("k", STR("1.5"), &share, &err));
	assert_false(onnx_read_share("k", STR("NaN"), &share, &err));
	assert_false(onnx_read_share("k", STR(""), &share, &err));
	assert_true(onnx_read_truth("k", STR("True"), &truth, &err) && truth);
	assert_true(onnx_read_truth("k", STR("False"), &truth, &err) && !truth);
	assert_false(onnx_read_truth("k", STR("true"), &truth, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_read_as_python_writes_them),
		cmocka_unit_test(names_that_are_not_numbered_from_nothing_up_are_refused),
		cmocka_unit_test(every_shorter_text_is_refused_without_a_look_behind_its_end),
		cmocka_unit_test(names_have_limits),
		cmocka_unit_test(a_size_is_height_before_width_or_one_number),
		cmocka_unit_test(fits_shares_and_truths_are_exact_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
