/*
 * train/monitor/state.h — what is known of the train now, and how pages are told. Pure: messages
 * and the time go in, JSON comes out. There is no past in here but the journeys of some pictures:
 * whoever asks gets the newest of everything.
 *
 * A page is told in sections, each the whole of one thing; a page that is late misses what was
 * replaced meanwhile, and nothing else. docs/monitor.md has their fields.
 */
#ifndef TRAIN_MONITOR_STATE_H
#define TRAIN_MONITOR_STATE_H

#include "net/http.h"
#include "train/monitor/clocks.h"
#include "train/monitor/commands.h"
#include "train/monitor/journeys.h"

enum state_section {
	STATE_HELLO,
	STATE_FRAME,
	STATE_RESULT,
	STATE_DECISION,
	STATE_TELEMETRY,
	STATE_HOPS,
	STATE_SERVICES,
	STATE_COMMANDS,
	STATE_SOURCE,
	STATE_SECTION_COUNT,
};

enum { STATE_MAX_SERVICES = 8, STATE_MAX_BOXES = 100 };

enum state_kind {
	STATE_OF_FRAME,
	STATE_OF_RESULT,
	STATE_OF_DECISION,
	STATE_OF_TELEMETRY,
	STATE_OF_PRESENCE,
	STATE_KIND_COUNT,
};

extern const char *const state_kind_names[STATE_KIND_COUNT]; // "frame"

struct state_setup {
	const char *train;
	unsigned place;	      // of the train in its fleet
	int64_t stale_ms;     // a picture that is older is told to be
	struct wire_id run;   // of this start: pictures are counted in it
	struct wire_id clock; // ours
	bool is_compat;	      // the messages are the original's
	bool is_remote;	      // they come over the cloud: ages by wall clock where clocks differ
	bool is_recorded;     // so the page has a past to show
	int64_t patience_us;  // with commands; 0: COMMANDS_PATIENCE_US
	/* A hop of a picture took so long; may be NULL. */
	void (*hop)(void *context, enum journey_hop hop, int64_t took_us);
	void *context;
};

struct service_presence {
	char name[24];
	bool is_heard; // anything at all
	bool is_up;
};

/* The newest picture. */
struct state_picture {
	int64_t number; // counts from 1; 0: there is none yet
	struct wire_id trace;
	enum wire_format format;
	int64_t width_px, height_px;	  // that boxes refer to; 0: the picture's own
	struct http_block *bytes;	  // as they came
	struct http_block *packet, *part; // live.h, once somebody was sent them; or NULL
	int64_t at_us;		// captured, on our clock; where that is not known, when it came
	enum clocks_kind clock; // how at_us is known
};

/* What is known in numbers, for whoever looks at many trains; the sections are for pages. */
struct state_facts {
	int64_t heard_us; // the last message that was no presence, 0: none
	int64_t order_us; // when the order was heard, 0: there is none
	enum wire_order order;
	int64_t telemetry_us; // 0: none; the rest is of it
	char mode[16];
	bool is_armed, is_battery_low;
	int64_t percent, battery_percent; // battery_percent 0: not known
};

struct state {
	struct state_setup setup;
	struct state_facts facts;
	struct state_picture picture;
	struct wire_id boot; // of the capture: `sequence` counts in it
	int64_t sequence;
	struct wire_id controller_boot;
	int64_t controller_sequence;
	bool broker_is_there;
	struct clocks clocks; // of the train's machines, where it is remote
	bool is_late; // what is taken now lay somewhere: it is shown with its age, and no news
	int64_t late, late_us; // such messages, and when the last one came
	int64_t duplicates;
	struct journeys journeys;
	struct commands commands;
	struct service_presence services[STATE_MAX_SERVICES];
	size_t service_count;
	int64_t taken[STATE_KIND_COUNT];   // messages
	int64_t refused[STATE_KIND_COUNT]; // that could not be read
	int64_t overtaken;		   // pictures and telemetry that came after newer ones
	// `"frame":{…}`, empty until there is something, and how often it changed.
	struct buffer sections[STATE_SECTION_COUNT];
	uint64_t generations[STATE_SECTION_COUNT];
};

/* Texts of `setup` are borrowed. */
void state_init(struct state *state, const struct state_setup *setup);
void state_finish(struct state *state);

/* Each: a message that came in, in the form of the setup. Fails as the readers of wire.h do, and
 * counts it. `now_us` monotonic, `wall_ms` Unix time. */
bool state_take_frame(struct state *state, struct str payload, int64_t now_us, int64_t wall_ms,
	struct error *err);
bool state_take_result(struct state *state, struct str payload, int64_t now_us, struct error *err);
bool state_take_decision(
	struct state *state, struct str payload, int64_t now_us, struct error *err);
bool state_take_telemetry(
	struct state *state, struct str payload, int64_t now_us, struct error *err);
/* `service` is one of those that state_expect named. */
bool state_take_presence(
	struct state *state, struct str service, struct str payload, struct error *err);

/* A service whose presence is shown; at most STATE_MAX_SERVICES. */
void state_expect(struct state *state, const char *service);
void state_set_broker(struct state *state, bool is_there);
void state_add_command(struct state *state, const struct wire_command *command,
	const struct command_giver *giver, bool is_sent, int64_t now_us);
/* An answer of the train's to a command, however late: it is about that command alone. Fails as
 * wire_read_answer; it is counted by nobody. */
bool state_take_answer(struct state *state, struct str payload, int64_t now_us, struct error *err);
/* The command went nowhere after all. */
void state_fail_command(
	struct state *state, const struct wire_id *id, const char *why, int64_t now_us);
/* `kafka`: a JSON value, what is known of the cluster. Says nothing where nothing changed. */
void state_set_source(struct state *state, struct str kafka);
/* Whatever the time alone changes. Returns whether it changed anything. */
bool state_tick(struct state *state, int64_t now_us);

/* How old the newest picture is; INT64_MAX where there is none. */
int64_t state_age_us(const struct state *state, int64_t now_us);

/*
 * Appends {"now_us":…, and the sections whose generation is above `seen`; brings `seen` up to date.
 */
void state_tell(const struct state *state, uint64_t seen[STATE_SECTION_COUNT], int64_t now_us,
	struct buffer *out);
bool state_has_news(const struct state *state, const uint64_t seen[STATE_SECTION_COUNT]);

#endif
