/*
 * train/decision/decision.h — from what was seen to what the train shall do. Pure: no I/O; the only
 * time is the capture time of the pictures, so that the same pictures give the same decisions, bit
 * for bit. docs/decision.md explains the rules file.
 */
#ifndef TRAIN_DECISION_DECISION_H
#define TRAIN_DECISION_DECISION_H

#include "base/arena.h"
#include "base/error.h"
#include "train/wire/wire.h"

enum {
	DECISION_MAX_SIGNS = 32,      // in a rules file
	DECISION_MAX_TRACKS = 64,     // followed at once; more are not begun
	DECISION_MAX_DETECTIONS = 64, // looked at per picture, the best ones
	DECISION_MAX_WINDOW = 32,     // pictures that a confirmation looks back
};

/* What one kind of sign means. */
struct decision_sign {
	struct str class_name;
	enum wire_order order; // WIRE_ORDER_STOP or WIRE_ORDER_SLOW
	double min_confidence; // 0 to 1; what is below is not seen at all
	double min_height;     // share of the picture's height; smaller ones are too far away
	int64_t hits, window;  // confirmed when seen in `hits` of the last `window` pictures
	int64_t cooldown_us;   // after its order ended, the same sign does not give it again
};

enum decision_resume {
	DECISION_WHEN_CLEAR, // no such sign was in sight for `clear_us`
	DECISION_AFTER_HOLD, // whatever is in sight
};

/* When an order ends, once `hold_us` have passed since the last sign that gave it. */
struct decision_release {
	enum decision_resume resume;
	int64_t hold_us;
	int64_t clear_us;
};

struct decision_rules {
	const struct decision_sign *signs;
	size_t sign_count;
	double left, top, right, bottom; // where a sign's centre must be, shares of the picture
	double min_overlap;		 // intersection over union of the same sign in two pictures
	double grow; // boxes are compared after growing by this share of their size on every side
	int64_t forget_us; // a sign not seen for so long is another one when it comes back
	struct decision_release stop, slow;
};

/*
 * Rules from YAML; names and signs are in the arena. `file` is for messages. Fails: ERROR_INVALID,
 * "FILE:LINE:COLUMN: …".
 */
bool decision_rules_read(struct str text, const char *file, struct arena *arena,
	struct decision_rules *out, struct error *err);

/* The file whose rules are used where none is named. */
extern const char decision_builtin_rules[];

struct decision;

/* `rules` are borrowed until decision_set_rules or decision_destroy. */
struct decision *decision_create(const struct decision_rules *rules);
void decision_destroy(struct decision *decision);

/*
 * From the next picture on. What is followed, and an order in force, stay; signs are found again
 * by their class's name, and those that the new rules do not name are forgotten.
 */
void decision_set_rules(struct decision *decision, const struct decision_rules *rules);

/*
 * The decision on one picture. `out` is whole but for `decided_monotonic_us`, which stays 0; its
 * texts are the picture's or the decision's own, until the next call. The picture's size must be
 * known: the reader of a message has seen to that.
 */
void decision_step(
	struct decision *decision, const struct wire_result *result, struct wire_decision *out);

/* How many signs are followed now. */
size_t decision_track_count(const struct decision *decision);

/*
 * Appends a line of a decision log, with its newline. The instant of deciding is left out, so that
 * the same pictures give the same lines.
 */
void decision_log_line(const struct wire_decision *decision, struct buffer *out);

/*
 * The decision on a recorded result, a result message of our form (its picture may be left out,
 * with `image.size` 0), as a line of a decision log. Fails as wire_read_result does; then nothing
 * was decided.
 */
bool decision_replay(
	struct decision *decision, struct str result, struct buffer *out, struct error *err);

#endif
