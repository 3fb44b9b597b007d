/*
 * A sign is the same sign when its box overlaps the box of the picture before. At ten pictures a
 * second a sign of 27 pixels moves by its own width between two of them, so boxes grow before they
 * are compared. Detections choose in their own order, the best first: nothing here depends on
 * anything but its input.
 */
#include "train/decision/tracks.h"

double tracks_overlap(struct wire_box a, struct wire_box b, double grow)
{
	double a_x = grow * a.width, a_y = grow * a.height;
	double b_x = grow * b.width, b_y = grow * b.height;
	double left = a.x - a_x > b.x - b_x ? a.x - a_x : b.x - b_x;
	double top = a.y - a_y > b.y - b_y ? a.y - a_y : b.y - b_y;
	double a_right = a.x + a.width + a_x, b_right = b.x + b.width + b_x;
	double a_bottom = a.y + a.height + a_y, b_bottom = b.y + b.height + b_y;
	double width = (a_right < b_right ? a_right : b_right) - left;
	double height = (a_bottom < b_bottom ? a_bottom : b_bottom) - top;

	if (!(width > 0 && height > 0))
		return 0;
	double both = width * height;
	double factor = (1 + 2 * grow) * (1 + 2 * grow);
	double all = factor * (a.width * a.height + b.width * b.height) - both;

	return all > 0 ? both / all : 0;
}

static const struct decision_sign *find_sign(
	const struct decision_rules *rules, struct str class_name)
{
	for (size_t i = 0; i < rules->sign_count; i++)
		if (str_equal(rules->signs[i].class_name, class_name))
			return &rules->signs[i];
	return NULL;
}

// The track that overlaps most, of those that no detection of this picture has chosen yet.
static struct track *choose(struct tracks *tracks, const struct decision_rules *rules,
	const struct decision_sign *sign, struct wire_box box, size_t old_count)
{
	struct track *best = NULL;
	double most = 0;

	for (size_t i = 0; i < old_count; i++) {
		struct track *track = &tracks->items[i];

		if (track->sign != sign || (track->seen_bits & 1))
			continue;
		double overlap = tracks_overlap(track->box, box, rules->grow);

		if (overlap >= rules->min_overlap && overlap > most) {
			most = overlap;
			best = track;
		}
	}
	return best;
}

static void see(struct track *track, struct wire_box box, int64_t now_us)
{
	uint64_t window = (UINT64_C(1) << track->sign->window) - 1;

	track->box = box;
	track->seen_us = now_us;
	track->seen_bits |= 1;
	if (__builtin_popcountll(track->seen_bits & window) >= track->sign->hits)
		track->is_confirmed = true;
}

static void forget(struct tracks *tracks, int64_t forget_us, int64_t now_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < tracks->count; i++)
		if (now_us - tracks->items[i].seen_us <= forget_us)
			tracks->items[kept++] = tracks->items[i];
	tracks->count = kept;
}

void tracks_update(struct tracks *tracks, const struct decision_rules *rules,
	const struct wire_result *result, int64_t now_us)
{
	size_t looked_at = 0;

	forget(tracks, rules->forget_us, now_us);
	size_t old_count = tracks->count;

	for (size_t i = 0; i < old_count; i++)
		tracks->items[i].seen_bits <<= 1;
	for (size_t i = 0; i < result->detection_count && looked_at < DECISION_MAX_DETECTIONS;
		i++) {
		const struct wire_detection *detection = &result->detections[i];
		const struct decision_sign *sign = find_sign(rules, detection->class_name);

		if (!sign || detection->confidence < sign->min_confidence)
			continue;
		looked_at++;
		struct track *track = choose(tracks, rules, sign, detection->box, old_count);

		if (!track) {
			if (tracks->count == DECISION_MAX_TRACKS)
				continue;
			track = &tracks->items[tracks->count++];
			*track = (struct track){.id = ++tracks->last_id, .sign = sign};
		}
		see(track, detection->box, now_us);
	}
}

void tracks_set_rules(struct tracks *tracks, const struct decision_rules *rules)
{
	size_t kept = 0;

	for (size_t i = 0; i < tracks->count; i++) {
		struct track track = tracks->items[i];

		track.sign = find_sign(rules, track.sign->class_name);
		if (track.sign)
			tracks->items[kept++] = track;
	}
	tracks->count = kept;
}
