/*
 * As much of cmocka as tests/unit/train/kernels needs, for a processor that Debian has no cmocka
 * for without a second architecture: scripts/check-neon builds that test for ARM and runs it in an
 * emulator. The first failure ends the run.
 */
#ifndef SUPPORT_NEON_CMOCKA_H
#define SUPPORT_NEON_CMOCKA_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
};

#define cmocka_unit_test(test) \
	{                      \
#test, test    \
	}
#define fail_msg(...) \
	(fprintf(stderr, __VA_ARGS__), fprintf(stderr, " (line %d)\n", __LINE__), exit(1))
#define assert_true(value) ((value) ? (void)0 : (void)fail_msg("not so: %s", #value))
#define assert_null(value) assert_true(!(value))
#define assert_non_null(value) assert_true(value)
#define assert_int_equal(a, b) assert_true((a) == (b))
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))
#define assert_string_equal(a, b) assert_true(strcmp(a, b) == 0)

#define cmocka_run_group_tests(tests, set_up, tear_down) \
	run_tests(tests, sizeof(tests) / sizeof((tests)[0]))

static inline int run_tests(const struct CMUnitTest *tests, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		tests[i].run(NULL);
		printf("ok %zu - %s\n", i + 1, tests[i].name);
	}
	return count ? 0 : 1;
}

#endif
