#include "train/decision/decision.h"

#include "train/decision/tracks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct arena arena;

static int teardown(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

static void the_built_in_rules_stop_at_danger(void **state)
{
	struct decision_rules rules;
	struct error err = {0};

	(void)state;
	if (!decision_rules_read(
		    str_from(decision_builtin_rules), "built in", &arena, &rules, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rules.sign_count, 2);
	assert_string_equal(rules.signs[0].class_name.data, "DangerAhead");
	assert_int_equal(rules.signs[0].order, WIRE_ORDER_STOP);
	assert_int_equal(rules.signs[0].hits, 1);
	assert_string_equal(rules.signs[1].class_name.data, "SpeedLimit");
	assert_int_equal(rules.signs[1].order, WIRE_ORDER_SLOW);
}

static void a_short_file_gets_safe_defaults(void **state)
{
	struct decision_rules rules;
	struct error err = {0};

	(void)state;
	if (!decision_rules_read(STR("version: 1\n"
				     "signs:\n"
				     "  - class: DangerAhead\n"
				     "    order: stop\n"
				     "  - class: SpeedLimit\n"
				     "    order: slow\n"
				     "    confirm: 3 of 32\n"
				     "    min_confidence_percent: 62.5\n"
				     "    cooldown: 250ms\n"),
		    "f", &arena, &rules, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rules.sign_count, 2);
	assert_int_equal(rules.signs[0].order, WIRE_ORDER_STOP);
	assert_int_equal(rules.signs[0].hits, 1);
	assert_int_equal(rules.signs[0].window, 1);
	assert_int_equal(rules.signs[1].order, WIRE_ORDER_SLOW);
	assert_int_equal(rules.signs[1].hits, 3);
	assert_int_equal(rules.signs[1].window, 32);
	assert_true(rules.signs[1].min_confidence == 0.625);
	assert_int_equal(rules.signs[1].cooldown_us, 250000);
	assert_int_equal(rules.stop.resume, DECISION_WHEN_CLEAR);
	assert_int_equal(rules.slow.resume, DECISION_AFTER_HOLD);
	assert_true(rules.left == 0 && rules.right == 1 && rules.top == 0 && rules.bottom == 1);
}

static void every_mistake_says_where_it_stands_and_what_would_be_right(void **state)
{
#define SIGNS "version: 1\nsigns: [{class: A, order: stop}]\n"
	static const char *const cases[][2] = {
		{"", "a rules file is missing"},
		{"signs: []\n", "version is missing"},
		{"version: 2\n", "f:1:10: version must be 1, not 2"},
		{"version: 1\n", "f:1:1: signs must be a list of 1 to 32 signs"},
		{"version: 1\nsigns: []\n", "f:2:8: signs must be a list"},
		{"version: 1\nsigns: [{order: stop}]\n", "f:2:9: a sign needs a class"},
		{"version: 1\nsigns: [{class: A}]\n", "f:2:9: a sign needs an order: stop or slow"},
		{"version: 1\nsigns: [{class: A, order: halt}]\n",
			"f:2:27: order must be stop or slow, not \"halt\""},
		{"version: 1\nsigns: [{class: A, order: go}]\n", "must be stop or slow"},
		{"version: 1\nsigns: [{class: A, oder: stop}]\n", "did you mean \"order\"?"},
		{"version: 1\nsigns: [{class: '', order: stop}]\n", "f:2:17: class must have"},
		{"version: 1\nsigns: [{class: A, order: stop}, {class: A, order: slow}]\n",
			"f:2:34: class A stands in an earlier sign already"},
		{"version: 1\nsigns: [{class: A, order: stop, confirm: 3 of 2}]\n",
			"f:2:42: confirm must be N of M pictures, at most 32, like 2 of 3, not \"3 "
			"of 2\""},
		{"version: 1\nsigns: [{class: A, order: stop, confirm: 1 of 33}]\n", "at most 32"},
		{"version: 1\nsigns: [{class: A, order: stop, confirm: 2}]\n", "N of M"},
		{"version: 1\nsigns: [{class: A, order: stop, min_height_percent: 101}]\n",
			"min_height_percent must be from 0 to 100 (percent), not 101"},
		{"version: 1\nsigns: [{class: A, order: stop, min_height_percent: .nan}]\n",
			"from 0 to 100"},
		{"version: 1\nsigns: [{class: A, order: stop, cooldown: soon}]\n",
			"cooldown must be a duration of at most a day, like 300ms or 2s, not "
			"\"soon\""},
		{"version: 1\nsigns: [{class: A, order: stop, cooldown: 2d}]\n", "at most a day"},
		{SIGNS "region_percent: {left: 60, right: 40}\n",
			"f:3:17: region_percent is empty"},
		{SIGNS "region_percent: {lft: 60}\n", "did you mean \"left\"?"},
		{SIGNS "tracking: {min_overlap_percent: 0}\n", "must be from 1 to 100"},
		{SIGNS "stop: {resume: never}\n",
			"f:3:16: resume must be clear or after_hold, not \"never\""},
		{SIGNS "slow: 5s\n", "slow must be a mapping"},
	};
	struct decision_rules rules;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = {0};

		assert_false(decision_rules_read(str_from(cases[i][0]), "f", &arena, &rules, &err));
		if (!strstr(err.text, cases[i][1]))
			fail_msg("got: %s\nwanted: %s", err.text, cases[i][1]);
	}
}

static void overlap_is_what_is_common_over_what_is_covered(void **state)
{
	struct wire_box a = {0, 0, 10, 10};

	(void)state;
	assert_true(tracks_overlap(a, a, 0) == 1);
	assert_true(tracks_overlap(a, a, 0.5) == 1);
	assert_true(tracks_overlap(a, (struct wire_box){5, 0, 10, 10}, 0) == 50.0 / 150);
	assert_true(tracks_overlap(a, (struct wire_box){10, 0, 10, 10}, 0) == 0);
	// Grown by half on every side both are 20 wide and 10 apart.
	assert_true(tracks_overlap(a, (struct wire_box){10, 0, 10, 10}, 0.5) == 200.0 / 600);
	assert_true(tracks_overlap(a, (struct wire_box){0, 0, 0, 0}, 0) == 0);
	assert_true(tracks_overlap((struct wire_box){0}, (struct wire_box){0}, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_short_file_gets_safe_defaults, teardown),
		cmocka_unit_test_teardown(the_built_in_rules_stop_at_danger, teardown),
		cmocka_unit_test_teardown(
			every_mistake_says_where_it_stands_and_what_would_be_right, teardown),
		cmocka_unit_test(overlap_is_what_is_common_over_what_is_covered),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
