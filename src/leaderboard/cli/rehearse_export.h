/*
 * cli/rehearse_export.h — what `railquest rehearse` writes for machines.
 */
#ifndef LEADERBOARD_CLI_REHEARSE_EXPORT_H
#define LEADERBOARD_CLI_REHEARSE_EXPORT_H

#include "leaderboard/rehearse/rehearse.h"

/* time_offset_s,user,score: every step, by time, then user. */
void rehearse_print_csv(struct buffer *out, const struct rehearsal *rehearsal);

/* The whole rehearsal as one JSON object, described in docs/scenario.md. */
void rehearse_print_json(struct buffer *out, const struct rehearsal *rehearsal);

/* A change of a condition, as told by the tracker. */
struct rehearse_change {
	int64_t t_ms;
	uint32_t player;
	uint16_t exercise, condition;
	bool holds;
};

struct rehearse_changes {
	struct rehearse_change *items;
	size_t count, capacity;
};

/* A quest_watch; the context is a struct rehearse_changes. */
void rehearse_note_change(
	void *context, size_t player, size_t exercise, size_t condition, int64_t t_ms, bool holds);

/* time_offset_s,user,exercise,condition,holds: every change of every condition, by time. */
void rehearse_print_conditions(struct buffer *out, const struct rehearsal *rehearsal,
	const struct rehearse_changes *changes);

/*
 * Every sample that the simulator emitted, as OpenMetrics; written piece by piece, since it may be
 * large. Where a series ends stands NaN: the format has no stale marker, and no comparison holds
 * for NaN either, so conditions have the same truth.
 */
bool rehearse_write_openmetrics(struct rehearsal *rehearsal, const char *path, struct error *err);

#endif
