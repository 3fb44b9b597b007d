/*
 * train/decision_service/relay.h — which commands from the cloud go on to the train's controller,
 * and as what. Pure: no I/O, no clock.
 *
 * A stop goes on however old it is: it may come late, never not at all. An arm goes on once, and
 * only while it is what its sender still means. The sender's machine has another monotonic clock,
 * so an arm's age is told by wall clocks, the CloudEvent's time and ours, and what goes on says the
 * rest of its time on our clock, which the controller shares.
 */
#ifndef TRAIN_DECISION_SERVICE_RELAY_H
#define TRAIN_DECISION_SERVICE_RELAY_H

#include "train/wire/wire.h"

enum {
	RELAY_KEPT = 256,	// ids of commands that were judged
	RELAY_AHEAD_MS = 500,	// the sender's clock may be ahead of ours by so much
	RELAY_MAX_BYTES = 8192, // of a record; its reader shares the loop with the motor's way
};

enum relay_verdict {
	RELAY_PASSED,
	RELAY_REFUSED,	  // an arm that does not hold any more, or never did
	RELAY_KNOWN,	  // judged before
	RELAY_OTHER,	  // another train's, or no command at all
	RELAY_UNREADABLE, // a command, perhaps; nobody knows
	RELAY_VERDICTS,
};

struct relay_judged {
	struct wire_id id;
	enum wire_verb verb;
};

/* A zeroed struct has judged nothing; the caller sets the first two. */
struct relay {
	struct str train;			// borrowed
	struct wire_id clock;			// ours; all 0: not known, and then no arm goes on
	struct relay_judged judged[RELAY_KEPT]; // a ring
	size_t next;
};

/* A record of the topic of commands; all borrowed. */
struct relay_record {
	const struct wire_cloud_header *headers;
	size_t header_count;
	struct str value;
	bool is_behind; // it was in the topic before we listened
};

/*
 * Judges a record that was read at `wall_ms` (Unix time) and `now_us` (our monotonic clock). Where
 * the verdict is RELAY_PASSED, RELAY_REFUSED or RELAY_KNOWN, *out is the command: passed, it is
 * what goes on to the controller. *err says why for RELAY_REFUSED and RELAY_UNREADABLE; of what is
 * unreadable out->id is the event's, which is the command's as our monitors send it, if it is a
 * command to this train and has one, else all 0.
 */
enum relay_verdict relay_judge(struct relay *relay, const struct relay_record *record,
	int64_t wall_ms, int64_t now_us, struct wire_command *out, struct error *err);

/* What relay_judge passed, or refused, is done with: the same again is known. */
void relay_remember(struct relay *relay, const struct wire_command *command);

#endif
