#include "train/decision/decision.h"

void decision_log_line(const struct wire_decision *decision, struct buffer *out)
{
	struct wire_decision logged = *decision;

	logged.decided_monotonic_us = 0;
	wire_write_decision(out, &logged);
	buffer_append_char(out, '\n');
}

bool decision_replay(
	struct decision *decision, struct str result, struct buffer *out, struct error *err)
{
	struct wire_decision made;
	struct wire_result read;
	struct arena arena = {0};
	bool ok = wire_read_result(result, &arena, &read, err);

	if (ok) {
		decision_step(decision, &read, &made);
		decision_log_line(&made, out);
	}
	arena_finish(&arena);
	return ok;
}
