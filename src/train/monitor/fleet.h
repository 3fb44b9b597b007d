/*
 * train/monitor/fleet.h — the trains that are known, by name, each with a state of its own. Pure.
 *
 * Every message of every train, from whatever source, goes through fleet_take: whoever wants all of
 * them (a recording, alerts) hears of each once, after its train's state has it.
 */
#ifndef TRAIN_MONITOR_FLEET_H
#define TRAIN_MONITOR_FLEET_H

#include "train/monitor/seen.h"
#include "train/monitor/state.h"

/*
 * Trains that were heard of, and as many that are known from recordings alone: however many of
 * these there are, each that speaks has its place.
 */
enum { FLEET_MAX_HEARD = 64, FLEET_MAX_TRAINS = 2 * FLEET_MAX_HEARD, FLEET_MAX_NAME_BYTES = 64 };

/* The last of what came late, until it is known whether something newer comes. */
struct fleet_held {
	struct buffer payload; // empty: nothing
	int64_t time_ms, held_us;
};

struct fleet_train {
	char name[FLEET_MAX_NAME_BYTES + 1];
	size_t index;  // in its fleet, in the order in which trains became known
	bool is_heard; // else it is known from a recording
	struct state state;
	struct seen seen; // ids, where messages have some
	struct fleet_held held[STATE_KIND_COUNT];
	int64_t time_ms[STATE_KIND_COUNT]; // of the last one that was shown; 0: not known
};

/* A message of a train, as it is on the bus. All texts are borrowed. */
struct fleet_message {
	enum state_kind kind;
	struct str service; // of a presence: whose
	struct str payload;
	int64_t now_us;	 // heard, monotonic
	int64_t wall_ms; // heard, Unix time
	/* In the cloud, else empty and 0. */
	struct str source, id; // of its CloudEvent: two of the same are one message
	int64_t time_ms;       // what it tells of, Unix time on the train
	/*
	 * It lay in a spool or a topic. It is heard like any other, but not shown as if it were
	 * live: the last one of a kind is, with its age, once no other came for a while.
	 */
	bool is_late;
};

struct fleet_setup {
	struct state_setup state; // of every train; its name is put in
	/*
	 * Called for each message, once, as it came: live ones that could be read, and late ones,
	 * which are not read yet. May be NULL.
	 */
	void (*heard)(
		void *context, struct fleet_train *train, const struct fleet_message *message);
	void *context;
};

/* Trains are never forgotten while it lasts, and never move. */
struct fleet {
	struct fleet_setup setup;
	struct fleet_train *trains[FLEET_MAX_TRAINS];
	size_t count, heard_count;
	bool broker_is_there;
};

/* Texts of `setup` are borrowed. */
void fleet_init(struct fleet *fleet, const struct fleet_setup *setup);
void fleet_finish(struct fleet *fleet); // a zeroed one, too

/* NULL where there is none. */
struct fleet_train *fleet_find(const struct fleet *fleet, struct str name);
/* The first one that was heard of; NULL: none was. */
struct fleet_train *fleet_first(const struct fleet *fleet);
/*
 * The train of that name, which is heard of now. Fails: ERROR_INVALID for what is no
 * train's name (1 to 64 bytes of UTF-8 without blanks, quotes and / + # \), ERROR_LIMIT where
 * FLEET_MAX_HEARD others were heard of already.
 */
struct fleet_train *fleet_get(struct fleet *fleet, struct str name, struct error *err);
/* A train that was recorded once: it has a page, and no alert. The same errors. */
struct fleet_train *fleet_know(struct fleet *fleet, struct str name, struct error *err);

/* Fails as the readers of wire.h do; it is counted then. */
bool fleet_take(struct fleet *fleet, struct fleet_train *train, const struct fleet_message *message,
	struct error *err);

/* Where messages come from is there, or not. */
void fleet_set_broker(struct fleet *fleet, bool is_there);
/* Whatever the time alone changes. */
void fleet_tick(struct fleet *fleet, int64_t now_us, int64_t wall_ms);

/* Sums over all trains. */
int64_t fleet_taken(const struct fleet *fleet, enum state_kind kind);
int64_t fleet_refused(const struct fleet *fleet, enum state_kind kind);
int64_t fleet_overtaken(const struct fleet *fleet);
int64_t fleet_late(const struct fleet *fleet);
int64_t fleet_duplicates(const struct fleet *fleet);
int64_t fleet_commands(
	const struct fleet *fleet, enum wire_verb verb, enum command_outcome outcome);
/* Of the newest picture of any train; INT64_MAX where there is none. */
int64_t fleet_age_us(const struct fleet *fleet, int64_t now_us);

#endif
