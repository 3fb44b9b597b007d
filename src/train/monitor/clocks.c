#include "train/monitor/clocks.h"

const char *const clocks_kind_names[] = {"arrival", "wall", "monotonic"};

// Messages may say anything; sums of what is within these do not overflow.
static const int64_t MAX_WALL_MS = INT64_C(1) << 46, MAX_US = INT64_C(1) << 60;

static bool is_sound(int64_t wall_ms, int64_t monotonic_us)
{
	return wall_ms > 0 && wall_ms < MAX_WALL_MS && monotonic_us >= 0 && monotonic_us < MAX_US;
}

void clocks_set_own(struct clocks *clocks, int64_t monotonic_us, int64_t wall_ms)
{
	clocks->has_own = is_sound(wall_ms, monotonic_us);
	clocks->own_ahead_us = clocks->has_own ? wall_ms * 1000 - monotonic_us : 0;
}

static size_t find(const struct clocks *clocks, const struct wire_id *id)
{
	for (size_t i = 0; i < CLOCKS_KEPT; i++)
		if (memcmp(&clocks->kept[i].id, id, sizeof *id) == 0)
			return i;
	return CLOCKS_KEPT;
}

void clocks_learn(
	struct clocks *clocks, const struct wire_id *id, int64_t wall_ms, int64_t monotonic_us)
{
	size_t at = find(clocks, id);

	if (!is_sound(wall_ms, monotonic_us) || wire_id_is_zero(id))
		return;
	if (at == CLOCKS_KEPT) {
		at = clocks->next;
		clocks->next = (clocks->next + 1) % CLOCKS_KEPT;
	}
	clocks->kept[at].id = *id;
	clocks->kept[at].ahead_us = wall_ms * 1000 - monotonic_us;
}

int64_t clocks_convert(
	const struct clocks *clocks, const struct wire_id *id, int64_t at_us, int64_t now_us)
{
	size_t at = wire_id_is_zero(id) ? CLOCKS_KEPT : find(clocks, id);

	if (at == CLOCKS_KEPT || !clocks->has_own || at_us <= 0 || at_us >= MAX_US)
		return 0;
	int64_t ours_us = at_us + clocks->kept[at].ahead_us - clocks->own_ahead_us;

	return ours_us > now_us ? now_us : ours_us < 1 ? 1 : ours_us;
}
