#include "train/monitor/clocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define S(seconds) ((int64_t)(seconds)*1000000)

static struct wire_id id_of(uint8_t n)
{
	struct wire_id id = {{0}};

	id.bytes[15] = n;
	return id;
}

static int64_t convert(const struct clocks *clocks, uint8_t n, int64_t at_us, int64_t now_us)
{
	struct wire_id id = id_of(n);

	return clocks_convert(clocks, &id, at_us, now_us);
}

static void learn(struct clocks *clocks, uint8_t n, int64_t wall_ms, int64_t monotonic_us)
{
	struct wire_id id = id_of(n);

	clocks_learn(clocks, &id, wall_ms, monotonic_us);
}

static void an_instant_of_another_machine_is_found_by_both_wall_clocks(void **state)
{
	struct clocks clocks = {0};

	(void)state;
	// Ours began 500 s before the instant 1,000,500; theirs 20 s before it.
	clocks_set_own(&clocks, S(500), 1000500000);
	learn(&clocks, 1, 1000500000, S(20));
	assert_int_equal(convert(&clocks, 1, S(21), S(600)), S(501));
	assert_int_equal(convert(&clocks, 1, S(5), S(600)), S(485));
}

static void a_clock_nobody_told_of_is_not_known(void **state)
{
	struct clocks clocks = {0};

	(void)state;
	learn(&clocks, 1, 1000500000, S(20));
	assert_int_equal(convert(&clocks, 1, S(21), S(600)), 0); // ours is not known
	clocks_set_own(&clocks, S(500), 1000500000);
	assert_true(convert(&clocks, 1, S(21), S(600)) > 0);
	assert_int_equal(convert(&clocks, 2, S(21), S(600)), 0);
	assert_int_equal(convert(&clocks, 0, S(21), S(600)), 0);
}

static void a_clock_that_is_ahead_makes_nothing_of_the_future(void **state)
{
	struct clocks clocks = {0};

	(void)state;
	clocks_set_own(&clocks, S(500), 1000500000);
	learn(&clocks, 1, 1000600000, S(20)); // 100 s ahead
	assert_int_equal(convert(&clocks, 1, S(21), S(510)), S(510));
	learn(&clocks, 1, 1000000, S(20)); // years behind
	assert_int_equal(convert(&clocks, 1, S(21), S(510)), 1);
}

static void the_last_word_of_a_clock_counts(void **state)
{
	struct clocks clocks = {0};

	(void)state;
	clocks_set_own(&clocks, S(500), 1000500000);
	learn(&clocks, 1, 1000400000, S(20));
	learn(&clocks, 1, 1000500000, S(20)); // somebody set it
	assert_int_equal(convert(&clocks, 1, S(21), S(600)), S(501));
}

static void the_oldest_of_many_clocks_is_forgotten(void **state)
{
	struct clocks clocks = {0};

	(void)state;
	clocks_set_own(&clocks, S(500), 1000500000);
	for (int n = 1; n <= CLOCKS_KEPT + 1; n++)
		learn(&clocks, (uint8_t)n, 1000500000, S(20));
	assert_int_equal(convert(&clocks, 1, S(21), S(600)), 0);
	for (int n = 2; n <= CLOCKS_KEPT + 1; n++)
		assert_int_equal(convert(&clocks, (uint8_t)n, S(21), S(600)), S(501));
}

static void nonsense_is_neither_learnt_nor_converted(void **state)
{
	struct clocks clocks = {0};

	(void)state;
	clocks_set_own(&clocks, S(500), 1000500000);
	learn(&clocks, 1, -5, S(20));
	learn(&clocks, 2, INT64_MAX, S(20));
	learn(&clocks, 3, 1000500000, INT64_MAX);
	learn(&clocks, 4, 1000500000, -1);
	for (uint8_t n = 1; n <= 4; n++)
		assert_int_equal(convert(&clocks, n, S(21), S(600)), 0);
	learn(&clocks, 5, 1000500000, S(20));
	assert_int_equal(convert(&clocks, 5, INT64_MAX, S(600)), 0);
	assert_int_equal(convert(&clocks, 5, INT64_MIN, S(600)), 0);
	assert_int_equal(convert(&clocks, 5, 0, S(600)), 0);
	clocks_set_own(&clocks, -1, 0);
	assert_int_equal(convert(&clocks, 5, S(21), S(600)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_instant_of_another_machine_is_found_by_both_wall_clocks),
		cmocka_unit_test(a_clock_nobody_told_of_is_not_known),
		cmocka_unit_test(a_clock_that_is_ahead_makes_nothing_of_the_future),
		cmocka_unit_test(the_last_word_of_a_clock_counts),
		cmocka_unit_test(the_oldest_of_many_clocks_is_forgotten),
		cmocka_unit_test(nonsense_is_neither_learnt_nor_converted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
