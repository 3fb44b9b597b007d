#include "train/controller_service/cab.h"

#include "base/clock.h"
#include "base/log.h"

enum { TELL_AGAIN_US = 10000000 };

static bool read_decision(struct cab *cab, struct str payload, int64_t now_us, struct arena *arena,
	struct wire_decision *out, struct error *err)
{
	enum wire_order seen;

	if (!service_is_compat(cab->service))
		return wire_read_decision(payload, arena, out, err);
	if (!wire_compat_read_command(payload, &seen, err))
		return false;
	controller_compat_take(&cab->compat, seen, now_us, out);
	return true;
}

static bool same_id(const struct wire_id *a, const struct wire_id *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

// The hub has it when controller_decision returns: the clock is read again.
static void measure(struct cab *cab, const struct wire_step *before)
{
	struct wire_step acted = controller_status(cab->controller).acted;
	bool is_new = acted.received_monotonic_us != before->received_monotonic_us ||
		      !same_id(&acted.trace, &before->trace);
	int64_t took_us = clock_monotonic_us() - acted.captured_monotonic_us;

	if (is_new && same_id(&acted.clock, &cab->clock) && took_us >= 0)
		metric_observe(cab->metrics.latency, (double)took_us / 1e6);
}

void cab_take_decision(struct cab *cab, struct str payload, int64_t now_us)
{
	struct wire_step before = controller_status(cab->controller).acted;
	struct wire_decision decision;
	struct arena arena = {0};
	struct error err = {0};

	if (read_decision(cab, payload, now_us, &arena, &decision, &err)) {
		controller_decision(cab->controller, &decision, now_us);
		measure(cab, &before);
	} else {
		metric_add(cab->metrics.refused, 1);
		if (!cab->told_us || now_us - cab->told_us > TELL_AGAIN_US) {
			log_warn("a decision cannot be read, and counts for nothing: %s", err.text);
			cab->told_us = now_us;
		}
	}
	arena_finish(&arena);
}
