#include "train/vision/vision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct detection at(float x, float y, float size, float confidence, size_t class_id)
{
	return (struct detection){class_id, confidence, {x, y, size, size}};
}

static void overlap_is_the_share_of_what_both_cover(void **state)
{
	(void)state;
	struct box a = {0, 0, 10, 10}, half = {5, 0, 10, 10}, apart = {10, 0, 10, 10},
		   empty = {2, 2, 0, 5};

	assert_float_equal(vision_overlap(&a, &a), 1, 1e-6);
	assert_float_equal(vision_overlap(&a, &half), 50.0 / 150, 1e-6);
	assert_float_equal(vision_overlap(&a, &apart), 0, 0);
	assert_float_equal(vision_overlap(&a, &empty), 0, 0);
}

static void of_boxes_on_one_sign_the_best_stays(void **state)
{
	(void)state;
	struct detection items[] = {at(50, 50, 10, 0.4f, 0), at(0, 0, 10, 0.7f, 0),
		at(1, 0, 10, 0.9f, 0), at(0, 1, 10, 0.8f, 0)};

	assert_int_equal(vision_suppress(items, 4, 0.5f, false), 2);
	assert_float_equal(items[0].confidence, 0.9, 1e-6);
	assert_float_equal(items[1].confidence, 0.4, 1e-6);
}

static void other_classes_suppress_each_other_only_where_asked(void **state)
{
	(void)state;
	struct detection agnostic[] = {at(0, 0, 10, 0.9f, 0), at(0, 0, 10, 0.8f, 1)};
	struct detection per_class[] = {at(0, 0, 10, 0.9f, 0), at(0, 0, 10, 0.8f, 1)};

	assert_int_equal(vision_suppress(agnostic, 2, 0.5f, false), 1);
	assert_int_equal(vision_suppress(per_class, 2, 0.5f, true), 2);
}

static void equal_confidences_keep_their_order(void **state)
{
	(void)state;
	struct detection items[21];

	for (size_t i = 0; i < 21; i++)
		items[i] = at((float)i * 20, 0, 10, i % 3 == 0 ? 0.9f : 0.5f, i);
	assert_int_equal(vision_suppress(items, 21, 0.5f, false), 21);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(items[i].class_id, i * 3);
	for (size_t i = 7; i < 21; i++)
		assert_int_equal(items[i].class_id, (i - 7) / 2 * 3 + 1 + (i - 7) % 2);
}

static void nothing_stays_nothing(void **state)
{
	(void)state;
	assert_int_equal(vision_suppress(NULL, 0, 0.5f, false), 0);
}

static void boxes_come_back_to_the_picture_and_end_at_its_edges(void **state)
{
	(void)state;
	struct picture picture = {NULL, 640, 480};
	struct vision_placement stretch = {0.9f, 0.8f, 0, 0}, letterbox = {0.5f, 0.5f, 0, 40};
	struct box inside =
		vision_box_in_picture(&(struct box){90, 80, 45, 40}, &stretch, &picture);
	struct box outside =
		vision_box_in_picture(&(struct box){-10, 30, 1000, 100}, &letterbox, &picture);

	assert_float_equal(inside.x, 100, 1e-3);
	assert_float_equal(inside.y, 100, 1e-3);
	assert_float_equal(inside.width, 50, 1e-3);
	assert_float_equal(inside.height, 50, 1e-3);
	assert_float_equal(outside.x, 0, 0);
	assert_float_equal(outside.y, 0, 0);
	assert_float_equal(outside.width, 640, 1e-3);
	assert_float_equal(outside.height, 180, 1e-3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlap_is_the_share_of_what_both_cover),
		cmocka_unit_test(of_boxes_on_one_sign_the_best_stays),
		cmocka_unit_test(other_classes_suppress_each_other_only_where_asked),
		cmocka_unit_test(equal_confidences_keep_their_order),
		cmocka_unit_test(nothing_stays_nothing),
		cmocka_unit_test(boxes_come_back_to_the_picture_and_end_at_its_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
