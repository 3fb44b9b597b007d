/*
 * quest/quest.h — the race itself: exercises and their conditions in PromQL, completions as events,
 * score, rank, and worlds to rehearse in. Pure: no I/O, no clock, no globals.
 *
 * Three things follow each other and share nothing else. A tracker turns conditions into events,
 * each once and for good. A score is a function of (completion instants, scoring, time), a rank one
 * of scores. A simulation emits what a cluster would expose, and knows the truth that the tracker
 * has to find.
 *
 * Instants are Unix milliseconds, durations milliseconds. A player is the pair (cluster, user): the
 * same name on two clusters is two players. docs/scoring.md and docs/scenario.md say it for people.
 */
#ifndef QUEST_QUEST_H
#define QUEST_QUEST_H

#include "engine/promql/promql.h"

/* --- what is raced --- */

enum { QUEST_MAX_EXERCISES = 32, QUEST_MAX_CONDITIONS = 16, QUEST_MAX_PLAYERS = 10000 };

enum quest_scoring { QUEST_AUTHOR_2024, QUEST_OCTAVE_DESIGN, QUEST_ARRIVAL };
enum { QUEST_SCORING_COUNT = 3 };

/* "author-2024", "octave-design", "arrival", NULL: in the order of the enum, as an OPTION_CHOICE
 * wants them. */
extern const char *const quest_scoring_names[];
bool quest_scoring_parse(struct str name, enum quest_scoring *out);

/* A text in the two languages of the product. */
struct quest_title {
	struct str en, fr;
};

/* An expression as written and parsed; `expr` is NULL where there is none. */
struct quest_query {
	struct str text;
	struct promql_expr *expr;
};

/*
 * How it is known that a condition holds. By anything but metrics, `expr` and `instant` are written
 * by the reader: they select what whoever probes, or takes pushes and awards, records of it as
 * quest_condition{exercise,condition} and quest_condition_time_seconds.
 */
enum quest_condition_kind { QUEST_BY_METRICS, QUEST_BY_PROBE, QUEST_BY_PUSH, QUEST_BY_AWARD };

/* A request that must be answered. In texts {user} and {cluster} stand for the player's. */
struct quest_probe {
	struct str url, method, body, body_type;
	int64_t interval_ms, timeout_ms;
	int64_t status_low, status_high; // an answer in between is one
	struct regex *contains;		 // of the body, somewhere in it; NULL: any
	struct str contains_text;
	struct str ca_file, bearer_token_file; // empty: none
	bool follow_redirects;
};

/*
 * One thing that must hold. Each query gives series with the labels `cluster` and `user`; several
 * series of one player are allowed. A series without `user` speaks for its whole cluster, one
 * without either for everybody.
 *
 *   expr     true for a player where any of his series is > 0; false otherwise, also without any
 * series instant  since when it has held without a break, Unix seconds; the smallest that is > 0
 * counts seen     instant of the observation that `expr` rests on, Unix seconds; the largest
 * counts. No value: nothing was observed and nothing is learnt. Without this query each evaluation
 * is an observation. doubt    > 0: it may have held before without being seen (a pod that
 * restarted). Then `instant` is only when it began to hold again, and having been seen not to hold
 * does not prove that it never did counts   false: shown, but completion does not wait for it
 */
struct quest_condition {
	struct str name;
	struct quest_title title;
	struct quest_query expr, instant, seen, doubt;
	bool counts;
	enum quest_condition_kind kind;
	struct quest_probe *probe; // QUEST_BY_PROBE
};

/* What a preset needs to know of an exercise. */
struct quest_points {
	double weight;
	double slope; // points per unit of earliness
};

struct quest_exercise {
	struct str name; // [a-z][a-z0-9_-]*
	struct quest_title title;
	int64_t nominal_end_ms; // after the start
	struct quest_points points[QUEST_SCORING_COUNT];
	struct quest_condition *conditions;
	size_t condition_count; // at least one that counts
};

/* Borrowed from the arena of the scenario it was read from. */
struct quest {
	struct quest_title title;
	int64_t start_ms;
	int64_t unit_ms;
	struct quest_exercise *exercises; // in the order they are meant to be done
	size_t exercise_count;
};

struct quest_player {
	struct str cluster; // may be empty
	struct str user;
};

/* USER@CLUSTER, or USER where the cluster is empty: how a player is called in exports. */
void quest_player_print(struct buffer *out, const struct quest_player *player);
/* Order of the bytes of what quest_player_print gives: the order of rows in exports, and of equal
 * ranks. */
int quest_player_compare(const struct quest_player *a, const struct quest_player *b);

/* --- score and rank: pure functions --- */

/* "Not completed", as an instant that never comes. */
#define QUEST_NEVER INT64_MAX

/*
 * Points at instant now_ms. `done_ms` holds one completion instant per exercise, QUEST_NEVER where
 * there is none; completions after now_ms do not count yet. Correctly rounded once: equal sums of
 * times give equal points.
 */
double quest_score(const struct quest *quest, enum quest_scoring scoring, const int64_t *done_ms,
	int64_t now_ms);

struct quest_standing {
	size_t player; // index
	size_t rank;   // from 1; equal keys share one, the next rank is skipped: 1 1 3
	double score;
	size_t done; // exercises
};

/*
 * Everybody's place at now_ms: by points, then exercises done, then the last completion (earlier
 * first), then the one before it, and so on. Whoever is still equal has the same rank and is listed
 * by name.
 *
 *   done_ms  [player_count][exercise_count]
 *   out      player_count rows, best first
 */
void quest_rank(const struct quest *quest, enum quest_scoring scoring,
	const struct quest_player *players, size_t player_count, const int64_t *done_ms,
	int64_t now_ms, struct quest_standing *out);

/*
 * The one who leads: alone on rank 1 with points above 0. QUEST_NOBODY where rank 1 is shared or
 * worth nothing. Whoever led before such an instant keeps the lead through it: no change of lead is
 * told until another leads alone.
 */
#define QUEST_NOBODY SIZE_MAX
size_t quest_leader(const struct quest_standing *standings, size_t count);

/* --- conditions to events --- */

/*
 * An exercise was completed: the first instant at which its counting conditions held together lies
 * in [earliest_ms, latest_ms], and is known where both are equal.
 *
 *   latest_ms    from the conditions' instants where all have one: the latest of them, since when
 * all have held. Else the observation that first saw all of them hold. earliest_ms  of the
 * conditions that are not in doubt: the last observation that saw one not hold (or the start), or
 * the latest of their instants, whichever is later t_ms         what is scored: latest_ms, the
 * first instant for which it is certain
 */
struct quest_event {
	size_t player, exercise;
	int64_t t_ms, earliest_ms, latest_ms;
	int64_t observed_ms; // the evaluation that found it
	struct str evidence; // condition that became true last, its series and value; the tracker's
};

struct quest_tracker;

/*
 * Watches the conditions of a quest on a source. Both are borrowed and outlive it. `options` as of
 * a query; no data is read yet. Fails: ERROR_UNSUPPORTED, ERROR_INVALID as promql_plan_create does,
 * with the condition's name.
 */
struct quest_tracker *quest_tracker_create(const struct quest *quest, struct series_source *source,
	const struct promql_options *options, struct error *err);
void quest_tracker_destroy(struct quest_tracker *tracker);

/*
 * How the series of the source name players, and how far its clock is ahead. Before the first run
 * for names; a new clock counts from the next run on. Without this call: `user`, `cluster`, 0.
 *
 *   ahead_ms  is taken off the instants that `instant` queries give
 */
void quest_tracker_names(
	struct quest_tracker *tracker, struct str user_label, struct str cluster_label);
void quest_tracker_clock(struct quest_tracker *tracker, int64_t ahead_ms);

/*
 * A series that stands for another has the other's name in this label: evidence names that one, and
 * not the labels that begin with two underscores.
 */
#define QUEST_SERIES_LABEL STR("__series__")

/*
 * Index of a player, who is added where unknown. Players that the conditions name are added as they
 * are met; those who should have a row before that are added here. Texts are copied. SIZE_MAX past
 * QUEST_MAX_PLAYERS.
 */
size_t quest_tracker_player(struct quest_tracker *tracker, struct str cluster, struct str user);
const struct quest_player *quest_tracker_players(
	const struct quest_tracker *tracker, size_t *count);

/* Takes an event as already told (a log read back): it will not be told again. */
void quest_tracker_latch(struct quest_tracker *tracker, size_t player, size_t exercise);

/* Gets each event once, in order of observation. False stops the run with *err as it left it. */
typedef bool quest_tell(void *context, const struct quest_event *event, struct error *err);

/* Told of every change of a condition, from false (the beginning) on: for audits and tests. */
typedef void quest_watch(
	void *context, size_t player, size_t exercise, size_t condition, int64_t t_ms, bool holds);
void quest_tracker_watch(struct quest_tracker *tracker, quest_watch *watch, void *context);

/*
 * Evaluates at `count` ascending instants, all after those of the run before. The cut into runs
 * changes no event. Fails: as promql_plan_run, with the condition's name; or as `tell` did.
 */
bool quest_tracker_run(struct quest_tracker *tracker, const int64_t *times_ms, size_t count,
	quest_tell *tell, void *context, struct error *err);

/* --- scenario files --- */

enum quest_scenario_kind {
	QUEST_TIMINGS,	// players with given completion times
	QUEST_WORKSHOP, // simulated people on simulated clusters
};

/* A value for ${NAME}. */
struct quest_variable {
	struct str name, value;
};

/* A player of a `timings` scenario; done_ms after the start, QUEST_NEVER where he never is. */
struct quest_timing {
	struct quest_player player;
	int64_t done_ms[QUEST_MAX_EXERCISES];
};

enum quest_persona {
	QUEST_FAST,
	QUEST_STEADY,
	QUEST_SLOW,
	QUEST_STUCK,	// never finishes an exercise
	QUEST_FLAPPING, // services crash and come back, before and after completion
	QUEST_ABSENT,	// a seat that nobody takes
};
enum { QUEST_PERSONA_COUNT = 6 };

/* Parameters of a simulated workshop; all may be set in the file, the first three by flags. */
struct quest_workshop {
	int64_t players;  // spread evenly over the clusters, at most QUEST_MAX_PLAYERS
	int64_t clusters; // at most 64
	int64_t seed;
	int64_t personas[QUEST_PERSONA_COUNT]; // relative shares
	double restarts_per_hour;	       // of one service of a flapping player
	int64_t gaps;			       // failed spans of scraping per cluster
	int64_t gap_min_ms, gap_max_ms;
};

struct quest_scenario {
	struct str name;
	enum quest_scenario_kind kind;
	struct quest quest;
	int64_t duration_ms; // from the start
	int64_t step_ms;     // between two evaluations
	int64_t scrape_interval_ms;
	enum quest_scoring scoring; // the default
	// With rule files instead of a scoring: how long to play, and what the score then is.
	int64_t rules_duration_ms;
	struct quest_query rules_score;
	struct quest_variable
		*variables; // for ${NAME} in rules: those of the file, then those of the timings
	size_t variable_count;
	struct quest_timing *timings; // QUEST_TIMINGS
	size_t timing_count;
	struct quest_workshop workshop; // QUEST_WORKSHOP
};

/*
 * Reads a scenario (docs/scenario.md). Variables given override those of the file. Everything is
 * the arena's but regular expressions: call quest_scenario_release before it goes.
 *
 * Fails: ERROR_INVALID "FILE:LINE:COLUMN: …" with the offending text and what would be right.
 */
bool quest_scenario_read(struct str text, const char *file, const struct quest_variable *variables,
	size_t variable_count, struct arena *arena, struct quest_scenario *out, struct error *err);
void quest_scenario_release(struct quest_scenario *scenario);

/* --- worlds to rehearse in --- */

struct quest_simulation;

/*
 * The world of a scenario: the same scenario gives the same bytes on every machine. Borrows the
 * scenario. The scrape interval changes what is sampled, never what happens. Fails: ERROR_INVALID
 * (asked for too much).
 */
struct quest_simulation *quest_simulation_create(
	const struct quest_scenario *scenario, struct error *err);
void quest_simulation_destroy(struct quest_simulation *simulation);

/* Seats in order of cluster, then user, absent people included. Borrowed. */
const struct quest_player *quest_simulation_players(
	const struct quest_simulation *simulation, size_t *count);

/* Emits every sample after the last call's instant and up to to_ms. Fails: as the sink does. */
bool quest_simulation_advance(struct quest_simulation *simulation, int64_t to_ms,
	struct series_sink *sink, struct error *err);

/*
 * The truth: the instant at which the counting conditions of the shipped quest first all held for a
 * player, from the world's state, not from samples. QUEST_NEVER where not before the end.
 */
int64_t quest_simulation_truth(
	const struct quest_simulation *simulation, size_t player, size_t exercise);

#include "leaderboard/quest/quest_file.h"

#endif
