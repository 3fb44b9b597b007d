#include "train/monitor/turns.h"

static bool take(struct turns *turns, size_t at, bool answers, int64_t now_us, int64_t *skipped)
{
	struct live *live = &turns->trains[at];

	live->state = &turns->fleet->trains[at]->state;
	return (!answers || live_is_ready(live)) && live_take_picture(live, now_us, skipped);
}

struct state *turns_take(struct turns *turns, bool answers, int64_t now_us, int64_t *skipped)
{
	size_t count = turns->fleet->count;

	if (answers && !window_is_open(&turns->window))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t at = (turns->next + i) % count;

		if (!take(turns, at, answers, now_us, skipped))
			continue;
		turns->next = at + 1;
		turns->sent_us = now_us;
		if (answers)
			window_send(&turns->window);
		return turns->last = turns->trains[at].state;
	}
	return NULL;
}

static size_t unsaid(const struct live *live)
{
	return (size_t)(live->sent > live->got) + (size_t)(live->previous > live->got);
}

void turns_hear_got(struct turns *turns, int64_t place, int64_t number, int64_t now_us)
{
	if (place < 0 || place >= (int64_t)turns->fleet->count)
		return;
	struct live *live = &turns->trains[place];
	size_t before = unsaid(live);

	live_hear_got(live, number);
	size_t came = before - unsaid(live);
	int64_t sent_us = live->got == live->sent ? live->sent_us : live->previous_us;

	if (came)
		window_hear(&turns->window, came, now_us - sent_us, now_us);
}
