/*
 * server/race.h — one run of a rehearsal, and what is told of it: completions and changes of lead
 * in the order in which the board learnt them. Counted, because a long answer may outlive the run
 * it is about (--loop).
 */
#ifndef SERVER_RACE_H
#define SERVER_RACE_H

#include "leaderboard/live/live.h"
#include "leaderboard/rehearse/rehearse.h"

enum race_event_kind { RACE_COMPLETION, RACE_LEAD };

struct race_event {
	enum race_event_kind kind;
	size_t player;
	int64_t at_ms;	 // the instant itself
	int64_t seen_ms; // the step at which it was learnt
	size_t exercise; // RACE_COMPLETION, as are the next three
	int64_t earliest_ms, latest_ms;
	size_t nth;	 // how many had this exercise by then
	size_t previous; // RACE_LEAD: who led before, or QUEST_NOBODY
};

/* Read only outside of race.c; events are only ever appended. */
struct race {
	size_t references;
	uint64_t number; // of the run, from 1
	struct rehearsal *rehearsal;
	struct race_event *events;
	size_t event_count, event_capacity;
	struct rehearsal_lead *leads; // as redrawn from what is known now
	size_t lead_count, lead_capacity;
	int64_t led_ms;	 // leads are known up to here
	int64_t told_ms; // instant of the last lead that was told
	size_t told;	 // who it was
	size_t taken;	 // completions of the rehearsal that are among the events
	struct quest_standing *standings;
	size_t standing_capacity;
	size_t nth[QUEST_MAX_EXERCISES];
	const struct live *live; // of a real race; NULL: a rehearsal
	size_t fed, shown; // events of the log: taken in, and of these what the public may see
	int64_t until_ms;  // its board stands still from here on; QUEST_NEVER: nowhere
	int64_t clock_ms;  // where the race itself is
};

/* At its start. One reference, the caller's. Fails: as rehearsal_create. */
struct race *race_create(
	const struct rehearse_options *options, uint64_t number, struct error *err);
struct race *race_take(struct race *race); // takes NULL
void race_drop(struct race *race);	   // takes NULL

/* A real race, drawn from what its log says so far. `live` is borrowed. Fails: as
 * rehearsal_feed. */
struct race *race_create_live(struct live *live, uint64_t number, struct error *err);
/* Takes in what the log says since. *redrawn: the board must be drawn anew, by another race. Fails:
 * as rehearsal_feed. */
bool race_feed(struct race *race, bool *redrawn, struct error *err);

/* Plays up to to_ms and appends what happened. Fails: as rehearsal_advance. */
bool race_advance(struct race *race, int64_t to_ms, struct error *err);

/* Instant of the last step played, the start before the first. */
int64_t race_now_ms(const struct race *race);
bool race_is_over(const struct race *race);
/* The board stands still: its freeze has come, and no thaw yet. */
bool race_is_frozen(const struct race *race);

/* How many events had been learnt at an instant. */
size_t race_events_at(const struct race *race, int64_t t_ms);

#endif
