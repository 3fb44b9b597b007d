/*
 * Who leads is asked at every step, once. A completion that is found late (its instant lies before
 * steps that were asked already) redraws the leads from that instant on: `leads` is always what a
 * rehearsal from scratch would say with today's knowledge, while `events` is what was told at the
 * time and is never taken back.
 */
#include "leaderboard/server/race.h"

#include "base/memory.h"
#include "leaderboard/ledger/ledger.h"

static struct race *make_race(struct rehearsal *rehearsal, uint64_t number)
{
	if (!rehearsal)
		return NULL;
	struct race *race = memory_alloc(sizeof *race);

	race->references = 1;
	race->number = number;
	race->rehearsal = rehearsal;
	race->led_ms = race->told_ms = rehearsal_now_ms(rehearsal);
	race->told = QUEST_NOBODY;
	race->until_ms = QUEST_NEVER;
	race->clock_ms = rehearsal_now_ms(rehearsal);
	return race;
}

struct race *race_create(const struct rehearse_options *options, uint64_t number, struct error *err)
{
	return make_race(rehearsal_create(options, err), number);
}

struct race *race_create_live(struct live *live, uint64_t number, struct error *err)
{
	struct race *race =
		make_race(rehearsal_create_fed(live_file(live), live_series(live), err), number);
	bool redrawn;

	if (!race)
		return NULL;
	race->live = live;
	if (race_feed(race, &redrawn, err))
		return race;
	race_drop(race);
	return NULL;
}

bool race_feed(struct race *race, bool *redrawn, struct error *err)
{
	const struct quest_file *file = live_file(race->live);
	size_t count;
	const struct event_log_entry *events = live_events(race->live, &count);

	// A frozen board is one that is told no more: whatever is drawn from it stands still.
	if (count != race->fed || count == 0) {
		size_t shown = ledger_public_count(file, events, count);
		bool has_freeze =
			file->freeze_ms != QUEST_NEVER && !ledger_is_thawed(events, count);

		race->until_ms = has_freeze ? file->start_ms + file->freeze_ms : QUEST_NEVER;
		race->fed = count;
		*redrawn = shown < race->shown;
		race->shown = shown;
		if (*redrawn)
			return true;
	}
	return rehearsal_feed(race->rehearsal, events, race->shown, redrawn, err);
}

struct race *race_take(struct race *race)
{
	if (race)
		race->references++;
	return race;
}

void race_drop(struct race *race)
{
	if (!race || --race->references > 0)
		return;
	rehearsal_destroy(race->rehearsal);
	free(race->events);
	free(race->leads);
	free(race->standings);
	free(race);
}

static struct race_event *append_event(struct race *race, enum race_event_kind kind)
{
	race->events = memory_grow(
		race->events, &race->event_capacity, race->event_count + 1, sizeof *race->events);
	struct race_event *event = &race->events[race->event_count++];

	*event = (struct race_event){.kind = kind};
	return event;
}

static void append_completion(struct race *race, const struct quest_event *found)
{
	struct race_event *event = append_event(race, RACE_COMPLETION);

	event->player = found->player;
	event->exercise = found->exercise;
	event->at_ms = found->t_ms;
	event->seen_ms = found->observed_ms;
	event->earliest_ms = found->earliest_ms;
	event->latest_ms = found->latest_ms;
	event->nth = ++race->nth[found->exercise];
}

static size_t last_leader(const struct race *race)
{
	return race->lead_count ? race->leads[race->lead_count - 1].player : QUEST_NOBODY;
}

static void append_lead(struct race *race, int64_t t_ms, size_t player)
{
	race->leads = memory_grow(
		race->leads, &race->lead_capacity, race->lead_count + 1, sizeof *race->leads);
	race->leads[race->lead_count++] = (struct rehearsal_lead){t_ms, player};
	if (t_ms < race->told_ms || player == race->told)
		return; // a redrawn past, or the one who was told last
	struct race_event *event = append_event(race, RACE_LEAD);

	event->player = player;
	event->at_ms = event->seen_ms = t_ms;
	event->previous = race->told;
	race->told = player;
	race->told_ms = t_ms;
}

static void ask_leader(struct race *race, int64_t t_ms)
{
	size_t players;

	rehearsal_players(race->rehearsal, &players);
	race->standings = memory_grow(race->standings, &race->standing_capacity,
		players ? players : 1, sizeof *race->standings);
	size_t rows = rehearsal_standings(race->rehearsal, t_ms, race->standings);
	size_t leader = quest_leader(race->standings, rows);

	if (leader != QUEST_NOBODY && leader != last_leader(race))
		append_lead(race, t_ms, leader);
}

/* Completions before the last step asked make the steps since then worth asking again. */
static void rewind_leads(struct race *race)
{
	int64_t step_ms = rehearsal_step_ms(race->rehearsal);
	size_t count;
	const struct quest_event *found = rehearsal_events(race->rehearsal, &count);

	for (size_t i = race->taken; i < count; i++)
		while (race->led_ms >= found[i].t_ms)
			race->led_ms -= step_ms;
	while (race->lead_count && race->leads[race->lead_count - 1].t_ms > race->led_ms)
		race->lead_count--;
}

bool race_advance(struct race *race, int64_t to_ms, struct error *err)
{
	int64_t end_ms = rehearsal_end_ms(race->rehearsal);

	race->clock_ms = to_ms < end_ms ? to_ms : end_ms;
	if (to_ms > race->until_ms)
		to_ms = race->until_ms;
	if (!rehearsal_advance(race->rehearsal, to_ms, err))
		return false;
	int64_t now_ms = rehearsal_now_ms(race->rehearsal);
	int64_t step_ms = rehearsal_step_ms(race->rehearsal);
	size_t count;
	const struct quest_event *found = rehearsal_events(race->rehearsal, &count);

	rewind_leads(race);
	while (race->led_ms + step_ms <= now_ms) {
		race->led_ms += step_ms;
		while (race->taken < count && found[race->taken].observed_ms <= race->led_ms)
			append_completion(race, &found[race->taken++]);
		ask_leader(race, race->led_ms);
	}
	return true;
}

int64_t race_now_ms(const struct race *race)
{
	int64_t now_ms = rehearsal_now_ms(race->rehearsal);
	int64_t start_ms = rehearsal_start_ms(race->rehearsal);

	return now_ms > start_ms ? now_ms : start_ms;
}

bool race_is_over(const struct race *race)
{
	return rehearsal_now_ms(race->rehearsal) >= rehearsal_end_ms(race->rehearsal);
}

bool race_is_frozen(const struct race *race)
{
	return race->clock_ms > race->until_ms;
}

size_t race_events_at(const struct race *race, int64_t t_ms)
{
	size_t count = race->event_count;

	while (count && race->events[count - 1].seen_ms > t_ms)
		count--;
	return count;
}
