#include "train/controller/controller.h"

enum { CLEAR_US = 2000000, SLOW_US = 2000000 };

static void name_origin(
	const struct controller_compat *compat, int64_t now_us, struct wire_origin *out)
{
	*out = (struct wire_origin){
		.trace = compat->boot,
		.boot = compat->boot,
		.clock = compat->clock,
		.source = STR("train-command"),
		.sequence = compat->sequence,
		.captured_monotonic_us = now_us,
		.deadline_ms = compat->deadline_ms,
	};
	// The original names no picture: each command is its own.
	for (int i = 0; i < 8; i++)
		out->trace.bytes[8 + i] ^= (uint8_t)(compat->sequence >> (8 * (7 - i)));
}

void controller_compat_take(struct controller_compat *compat, enum wire_order seen, int64_t now_us,
	struct wire_decision *out)
{
	bool was_silent =
		!compat->heard_us || now_us - compat->heard_us > compat->deadline_ms * 1000;

	compat->heard_us = now_us;
	compat->sequence++;
	if (seen == WIRE_ORDER_STOP) {
		compat->stop_us = now_us;
		compat->is_stopped = true;
	} else if (now_us - compat->stop_us >= CLEAR_US) {
		compat->is_stopped = false;
	}
	if (seen == WIRE_ORDER_SLOW) {
		compat->slow_us = now_us;
		compat->is_slow = true;
	} else if (now_us - compat->slow_us >= SLOW_US) {
		compat->is_slow = false;
	}
	*out = (struct wire_decision){.id = compat->sequence, .order = WIRE_ORDER_GO};
	name_origin(compat, now_us, &out->origin);
	if (compat->is_stopped) {
		out->order = WIRE_ORDER_STOP;
		out->reason = seen == WIRE_ORDER_STOP ? STR("command 1")
						      : STR("command 1 less than 2 s ago");
	} else if (was_silent) {
		out->order = WIRE_ORDER_NONE;
		out->reason = STR("the first command after a silence");
	} else if (compat->is_slow) {
		out->order = WIRE_ORDER_SLOW;
		out->reason = seen == WIRE_ORDER_SLOW ? STR("command 0")
						      : STR("command 0 less than 2 s ago");
	} else {
		out->reason = STR("command -1");
	}
}
