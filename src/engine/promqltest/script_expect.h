/* promqltest/script_expect.h — the lines under an eval. Private. */
#ifndef PROMQLTEST_SCRIPT_EXPECT_H
#define PROMQLTEST_SCRIPT_EXPECT_H

#include "engine/promqltest/script.h"

enum { SCRIPT_MAX_STEPS = 1000000 };

/* Up to the empty line, or behind a bare number. Fails as script_read_eval. */
bool script_read_expectations(
	struct lines *lines, struct arena *arena, struct script_eval *out, struct error *err);

#endif
