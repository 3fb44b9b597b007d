/* promqltest/show.h — what was expected and what came, for people. Private. */
#ifndef PROMQLTEST_SHOW_H
#define PROMQLTEST_SHOW_H

#include "engine/promqltest/compare.h"

/* Both as lines of the test language, long ones cut. Begins with a newline, ends without. */
void show_difference(
	struct buffer *out, const struct script_eval *eval, const struct compare_found *found);

#endif
