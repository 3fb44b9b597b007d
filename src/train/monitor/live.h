/*
 * train/monitor/live.h — what a viewer of live pictures is sent next, whatever carries it. Pure:
 * the time goes in. A viewer is a cursor: of news and of pictures it gets the newest there is when
 * it can take one, and what was newer meanwhile is counted as skipped, never queued.
 */
#ifndef TRAIN_MONITOR_LIVE_H
#define TRAIN_MONITOR_LIVE_H

#include "train/monitor/state.h"

/*
 * Pictures that a viewer of the WebSocket may have been sent without saying that it got them. One
 * could wait for a long way and back each time; with more, old ones would wait where nobody can
 * take them back: in the buffers of the kernels, of proxies, and of the browser.
 */
enum { LIVE_MAX_UNSAID = 2 };

/* Silence that is longer than this, and a way's delay, means that the way is broken. */
enum { LIVE_HEARTBEAT_US = 1000000 };

struct live {
	struct state *state;
	uint64_t seen[STATE_SECTION_COUNT];
	int64_t told_us;	// news; 0: it was not greeted
	int64_t sent, previous; // numbers of the last two pictures sent; 0: none
	int64_t sent_us, previous_us;
	int64_t got; // number of the last picture that it said it got
};

/*
 * {"now_us":…} and what changed, between `before` and `after`; NULL while there is nothing new, and
 * LIVE_HEARTBEAT_US have not passed. The block is the caller's.
 */
struct http_block *live_news(
	struct live *live, int64_t now_us, struct str before, struct str after);

/*
 * Is there a picture that this viewer has not been sent? Then it counts as sent from now on, and
 * *skipped is how many there were between the one before and this one.
 */
bool live_take_picture(struct live *live, int64_t now_us, int64_t *skipped);

/* May it be sent another, or has it not said yet that it got the ones before? */
bool live_is_ready(const struct live *live);
/* It says that it got this one; what is no number of a picture sent changes nothing. */
void live_hear_got(struct live *live, int64_t number);

/* --- how a picture looks on its way; made once, for all who get it --- */

/* Both: of the state's picture, which is there; they say the train's place in the fleet, too. */
/* A binary message, docs/monitor.md; the block is the picture's. */
struct http_block *live_packet(struct state *state);

/* A part of multipart/x-mixed-replace with the boundary after it, by which browsers know that it is
 * whole; the block is the picture's. live_boundary_line comes before the first. */
struct http_block *live_part(struct state *state);
extern const char live_multipart_type[];
extern const char live_boundary_line[];

/* "image/jpeg" */
const char *live_picture_type(enum wire_format format);

/* --- what viewers say --- */

enum live_verb { LIVE_GOT, LIVE_TOKEN };
struct live_said {
	enum live_verb verb;
	int64_t place;	  // got: of the train in the fleet; -1: it was not said
	int64_t number;	  // got
	struct str token; // token, borrowed; not empty
};

/* "got 17", "got 3 17" (the train's place first) or "token abc"; false for anything else. */
bool live_read(struct str text, struct live_said *out);

#endif
