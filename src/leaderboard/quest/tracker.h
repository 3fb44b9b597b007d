/*
 * Private to quest: what a tracker holds. tracker.c decides, feed.c reads columns, evidence.c looks
 * closer at the instants of completion.
 */
#ifndef QUEST_TRACKER_H
#define QUEST_TRACKER_H

#include "leaderboard/quest/quest.h"

#include "base/map.h"

/* Steps are worked off in chunks: a condition's truth for a player is a few words of bits. */
enum { CHUNK_STEPS = 128, CHUNK_WORDS = CHUNK_STEPS / 64 };

struct bits {
	uint64_t words[CHUNK_WORDS];
};

/*
 * Whom a series speaks for. Subject 0 is everybody; each cluster and each player is one. What holds
 * for a player is what holds for him, his cluster or everybody.
 */
struct subjects {
	struct arena arena;
	struct str user_label, cluster_label; // empty: user, cluster
	struct map by_key;		      // "CLUSTER\0USER" or "CLUSTER" → index + 1
	size_t count;
	size_t *player_of; // by subject, QUEST_NOBODY for a cluster
	size_t capacity;
	struct quest_player *players;
	size_t *player_subject, *player_cluster; // by player: the subjects that speak for him
	size_t player_count, player_capacity;
};

size_t subjects_player(struct subjects *subjects, struct str cluster, struct str user);
/* The subject of a series; SIZE_MAX past the cap on players. */
size_t subjects_of(struct subjects *subjects, const struct labels *labels);
void subjects_finish(struct subjects *subjects);

/* Values above 0 as bits, or instants. */
enum feed_kind { FEED_TRUTH, FEED_INSTANT };

/* One distinct expression, evaluated at every step; rows hold the chunk at hand, by subject. */
struct feed {
	struct str text;
	enum feed_kind kind;
	struct promql_plan *plan;
	struct subjects *subjects;
	size_t filled;	     // steps received of this chunk
	uint64_t generation; // of the columns' subjects below; 0: none yet
	size_t *columns;     // subject of each column
	size_t column_capacity;
	struct bits *rows;		     // > 0, or known
	int64_t (*instants_ms)[CHUNK_STEPS]; // FEED_INSTANT
	size_t row_capacity, instant_capacity;
};

bool feed_run(struct feed *feed, const int64_t *times_ms, size_t count, struct error *err);
void feed_finish(struct feed *feed);
struct bits feed_bits(const struct feed *feed, size_t player);
/* The latest instant known at a step, INT64_MIN where there is none. */
int64_t feed_instant(const struct feed *feed, size_t player, size_t step);

/* What was found at the instant of a completion, for one condition. */
struct proof {
	const struct labels *labels; // of the first series that is > 0, until the plan's next run
	double value;
	int64_t rose_ms,
		false_ms; // the trace's; in doubt it rose no earlier than its last observation
	int64_t since_ms; // INT64_MIN: the metrics do not say
	const struct labels *since_labels;
};

/* A completion whose evidence is still to be looked at. */
struct finding {
	size_t player, exercise, step;
	struct proof proofs[QUEST_MAX_CONDITIONS];
};

struct condition {
	const struct quest_condition *def;
	struct feed *holds, *seen, *doubt; // the last two may be NULL
	struct promql_plan *proof, *since; // run at completions alone; `since` may be NULL
	size_t index;			   // over all exercises
};

struct exercise {
	const struct quest_exercise *def;
	struct condition *conditions;
};

/* What is remembered of a condition for a player, as of the last step. */
struct trace {
	bool holds;
	int64_t rose_ms;  // first observation of the span in which it holds
	int64_t false_ms; // last observation of the opposite that doubt left standing, INT64_MIN:
			  // none
};

struct quest_tracker {
	const struct quest *quest;
	struct arena arena; // evidence, exercises, conditions
	struct subjects subjects;
	struct feed **feeds;
	size_t feed_count, feed_capacity;
	struct exercise *exercises;
	size_t condition_count; // over all exercises
	bool *latched;		// [player][exercise]
	struct trace *traces;	// [player][condition]
	size_t latched_capacity, trace_capacity, prepared_players;
	struct finding *findings; // of the chunk at hand
	size_t finding_count, finding_capacity;
	quest_watch *watch;
	void *watch_context;
	int64_t ahead_ms; // of the watched clock
};

/* Fills the proofs of all findings of one exercise; `times_ms` are the chunk's. */
bool evidence_collect(
	struct quest_tracker *tracker, size_t exercise, const int64_t *times_ms, struct error *err);
/* The event of a finding: its interval and the text of its evidence. */
void evidence_judge(struct quest_tracker *tracker, const struct finding *finding,
	const int64_t *times_ms, struct quest_event *out);

bool condition_in_doubt(const struct condition *condition, size_t player, size_t step);

/* Instant of the observation that a condition rests on at a step; the step's own where nothing else
 * says. */
int64_t condition_seen_ms(
	const struct condition *condition, size_t player, size_t step, const int64_t *times_ms);

#endif
