#include "train/monitor/seen.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static bool add(struct seen *seen, const char *source, int n)
{
	char id[48];

	snprintf(id, sizeof id, "%032x-result", n);
	return seen_add(seen, str_from(source), str_from(id));
}

static void an_id_is_new_once(void **state)
{
	struct seen seen = {0};

	(void)state;
	assert_true(add(&seen, "/railquest/red/decision", 1));
	assert_false(add(&seen, "/railquest/red/decision", 1));
	assert_true(add(&seen, "/railquest/red/decision", 2));
	assert_false(add(&seen, "/railquest/red/decision", 1));
	seen_finish(&seen);
}

static void an_id_belongs_to_its_source(void **state)
{
	struct seen seen = {0};

	(void)state;
	assert_true(add(&seen, "/railquest/red/decision", 1));
	assert_true(add(&seen, "/railquest/red/controller", 1));
	assert_false(add(&seen, "/railquest/red/controller", 1));
	seen_finish(&seen);
}

static void the_oldest_is_forgotten_first_and_nothing_else(void **state)
{
	enum { MORE = 3 * SEEN_KEPT + 77 };
	struct seen seen = {0};

	(void)state;
	for (int n = 0; n < MORE; n++)
		assert_true(add(&seen, "a", n));
	assert_int_equal(seen.count, SEEN_KEPT);
	// All of the last SEEN_KEPT are known; asking changes nothing.
	for (int n = MORE - SEEN_KEPT; n < MORE; n++)
		assert_false(add(&seen, "a", n));
	assert_true(add(&seen, "a", MORE - SEEN_KEPT - 1));
	// It took the place of the oldest.
	assert_false(add(&seen, "a", MORE - SEEN_KEPT + 1));
	assert_true(add(&seen, "a", MORE - SEEN_KEPT));
	assert_int_equal(seen.count, SEEN_KEPT);
	seen_finish(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_new_once),
		cmocka_unit_test(an_id_belongs_to_its_source),
		cmocka_unit_test(the_oldest_is_forgotten_first_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
