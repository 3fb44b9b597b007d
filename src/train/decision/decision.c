/*
 * The state that the train shall be in is one of go, slow and stop. A confirmed sign in the region
 * begins an order; the order holds until its release says otherwise. A stop beats all, and a slow
 * sign cannot shorten it. Each picture's decision repeats the state, so that a message that is lost
 * on the way costs one picture and not the train.
 */
#include "train/decision/decision.h"

#include "base/memory.h"
#include "train/decision/tracks.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

struct decision {
	const struct decision_rules *rules;
	struct tracks tracks;
	int64_t last_id;
	struct wire_origin
		last; // of the newest picture; sequence 0: none yet (`source` is not kept)
	enum wire_order order;
	int64_t since_us;    // of the order's last sign
	int64_t in_sight_us; // when a sign of this order was last in sight
	struct track cause;  // as it was last seen; id 0: none
	char reason[WIRE_MAX_TEXT_BYTES];
	char class_name[WIRE_MAX_TEXT_BYTES]; // of the cause: it outlives its rules, and so its
					      // sign
	size_t class_name_len;
};

struct decision *decision_create(const struct decision_rules *rules)
{
	struct decision *decision = memory_alloc(sizeof *decision);

	decision->rules = rules;
	decision->order = WIRE_ORDER_GO;
	return decision;
}

void decision_destroy(struct decision *decision)
{
	free(decision);
}

void decision_set_rules(struct decision *decision, const struct decision_rules *rules)
{
	tracks_set_rules(&decision->tracks, rules);
	decision->rules = rules;
}

static void give_reason(struct decision *decision, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void give_reason(struct decision *decision, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(decision->reason, sizeof decision->reason, format, args);
	va_end(args);
}

static bool same_id(const struct wire_id *a, const struct wire_id *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/*
 * Whether the picture is newer than the last one. A capture that started anew has a new count; what
 * was followed is forgotten, but an order in force stays in force.
 */
static bool is_news(struct decision *decision, const struct wire_origin *origin)
{
	const struct wire_origin *last = &decision->last;
	int64_t now_us = origin->captured_monotonic_us;

	if (last->sequence && same_id(&last->boot, &origin->boot)) {
		if (origin->sequence <= last->sequence) {
			give_reason(decision, "picture %" PRId64 " came after picture %" PRId64,
				origin->sequence, last->sequence);
			return false;
		}
		if (now_us < last->captured_monotonic_us) {
			give_reason(decision,
				"picture %" PRId64 " was taken before picture %" PRId64,
				origin->sequence, last->sequence);
			return false;
		}
	} else {
		decision->tracks.count = 0;
		// Durations do not survive a change of clocks; they begin again, on the safe side.
		if (!same_id(&last->clock, &origin->clock) || now_us < last->captured_monotonic_us)
			decision->since_us = decision->in_sight_us = now_us;
	}
	decision->last = *origin;
	decision->last.source = (struct str){0};
	return true;
}

static bool is_in_region(const struct decision_rules *rules, const struct track *track,
	const struct wire_image *image)
{
	double x = (track->box.x + track->box.width / 2) / (double)image->width_px;
	double y = (track->box.y + track->box.height / 2) / (double)image->height_px;

	return x >= rules->left && x <= rules->right && y >= rules->top && y <= rules->bottom &&
	       track->box.height >= track->sign->min_height * (double)image->height_px;
}

static bool is_in_sight(const struct decision *decision, const struct track *track,
	const struct wire_image *image, enum wire_order order)
{
	return track->sign->order == order && track->is_confirmed && (track->seen_bits & 1) &&
	       is_in_region(decision->rules, track, image);
}

// The nearest sign that may give `order` now: the one with the largest box.
static struct track *nearest(struct decision *decision, const struct wire_image *image,
	enum wire_order order, int64_t now_us)
{
	struct track *best = NULL;

	for (size_t i = 0; i < decision->tracks.count; i++) {
		struct track *track = &decision->tracks.items[i];

		if (!is_in_sight(decision, track, image, order) || now_us < track->quiet_until_us)
			continue;
		if (!best ||
			track->box.width * track->box.height > best->box.width * best->box.height)
			best = track;
	}
	return best;
}

static void begin(struct decision *decision, struct track *track, int64_t now_us)
{
	const struct decision_sign *sign = track->sign;
	uint64_t window = (UINT64_C(1) << sign->window) - 1;
	int name_len = sign->class_name.len < 100 ? (int)sign->class_name.len : 100;

	decision->order = sign->order;
	decision->since_us = decision->in_sight_us = now_us;
	// It has spoken: until its order ends, and for its cool-down after that, it is quiet.
	track->quiet_until_us = INT64_MAX;
	decision->cause = *track;
	decision->class_name_len = sign->class_name.len;
	memcpy(decision->class_name, sign->class_name.data, sign->class_name.len);
	give_reason(decision, "%.*s, %.0fx%.0f pixels, seen in %d of %" PRId64 " pictures",
		name_len, sign->class_name.data, track->box.width, track->box.height,
		__builtin_popcountll(track->seen_bits & window), sign->window);
}

static void end(struct decision *decision, int64_t now_us)
{
	for (size_t i = 0; i < decision->tracks.count; i++) {
		struct track *track = &decision->tracks.items[i];

		if (track->sign->order == decision->order)
			track->quiet_until_us = now_us + track->sign->cooldown_us;
	}
	decision->order = WIRE_ORDER_GO;
	decision->cause = (struct track){0};
}

// Ends the order in force where its time has come; else says what it waits for.
static void release(struct decision *decision, const struct wire_image *image, int64_t now_us)
{
	const struct decision_release *rule = decision->order == WIRE_ORDER_STOP
						      ? &decision->rules->stop
						      : &decision->rules->slow;
	const char *name = wire_order_name(decision->order);
	int64_t held_us = now_us - decision->since_us;

	for (size_t i = 0; i < decision->tracks.count; i++)
		if (is_in_sight(decision, &decision->tracks.items[i], image, decision->order))
			decision->in_sight_us = now_us;
	int64_t clear_us = now_us - decision->in_sight_us;

	if (rule->resume == DECISION_WHEN_CLEAR && clear_us == 0)
		give_reason(decision, "%s holds: the sign is in sight", name);
	else if (rule->resume == DECISION_WHEN_CLEAR && clear_us < rule->clear_us)
		give_reason(decision, "%s holds: clear for %" PRId64 " of %" PRId64 " ms", name,
			clear_us / 1000, rule->clear_us / 1000);
	else if (held_us < rule->hold_us)
		give_reason(decision, "%s holds: %" PRId64 " of %" PRId64 " ms", name,
			held_us / 1000, rule->hold_us / 1000);
	else {
		give_reason(decision, "%s ended after %" PRId64 " ms", name, held_us / 1000);
		end(decision, now_us);
	}
}

static void follow_cause(struct decision *decision)
{
	for (size_t i = 0; i < decision->tracks.count; i++)
		if (decision->tracks.items[i].id == decision->cause.id)
			decision->cause = decision->tracks.items[i];
}

static void decide(struct decision *decision, const struct wire_image *image, int64_t now_us)
{
	struct track *stop = nearest(decision, image, WIRE_ORDER_STOP, now_us);

	follow_cause(decision);
	if (stop) {
		begin(decision, stop, now_us);
		return;
	}
	if (decision->order == WIRE_ORDER_GO)
		give_reason(decision, "no sign");
	else
		release(decision, image, now_us);
	if (decision->order == WIRE_ORDER_STOP)
		return;
	struct track *slow = nearest(decision, image, WIRE_ORDER_SLOW, now_us);

	if (slow)
		begin(decision, slow, now_us);
}

size_t decision_track_count(const struct decision *decision)
{
	return decision->tracks.count;
}

void decision_step(
	struct decision *decision, const struct wire_result *result, struct wire_decision *out)
{
	const struct wire_origin *origin = &result->origin;

	assert(result->image.width_px > 0 && result->image.height_px > 0);
	*out = (struct wire_decision){.origin = *origin, .id = ++decision->last_id};
	if (is_news(decision, origin)) {
		tracks_update(
			&decision->tracks, decision->rules, result, origin->captured_monotonic_us);
		decide(decision, &result->image, origin->captured_monotonic_us);
		out->order = decision->order;
		out->track = decision->cause.id;
		out->box = decision->cause.box;
		if (out->track)
			out->class_name =
				(struct str){decision->class_name, decision->class_name_len};
	}
	out->reason = str_from(decision->reason);
}
