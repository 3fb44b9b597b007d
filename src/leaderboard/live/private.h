/*
 * Private to live: what a live race holds. live.c moves time, people.c keeps people and events,
 * told.c pushes and awards, feeder.c evaluates, remote.c asks servers, scrape.c scrapes, probe.c
 * probes, lower.c makes of a quest what its source can be asked.
 */
#ifndef LIVE_PRIVATE_H
#define LIVE_PRIVATE_H

#include "leaderboard/live/live.h"

#include "base/map.h"
#include "engine/promql/promql.h"
#include "engine/answers/answers.h"
#include "engine/scrape/scrape.h"
#include "engine/tsdb/tsdb.h"
#include "leaderboard/live/skew.h"

struct feeder;

/* --- the store as one cluster sees it --- */

/* Reads only series with this cluster; without one, everything. */
struct view {
	struct series_source source; // first
	struct series_source *all;
	struct matcher cluster;
	bool has_cluster;
};
bool view_init(struct view *view, struct series_source *all, const struct label *cluster,
	struct error *err);
void view_finish(struct view *view);

/* --- questions to a server --- */

/* A series that answers put into the store. */
struct answered {
	struct series *series;
	int64_t last_ms;
	bool is_live;
};

/* One distinct expression that the server is asked. */
struct question {
	struct feeder *feeder;
	struct str text;
	struct str metric; // what its answers are stored as
	bool is_instant;   // its values are instants of the server's clock: `seen`
	struct map by_key; // of answered series
	struct answered **known;
	size_t known_count, known_capacity;
	struct error problem; // of the last answer: the server does not like the expression
	// Of the round that is under way:
	struct arena arena; // the answer
	struct answers_result *answer;
};

/* --- a source --- */

struct endpoint {
	struct feeder *feeder;
	const struct quest_endpoint *def;
	struct scrape_target *target;
	int64_t due_ms, begun_ms; // begun_ms: of the scrape under way
	bool is_busy;
	int64_t good_ms; // begin of the last scrape, where it was good; else QUEST_NEVER
	struct error problem;
};

struct feeder {
	struct live *live;
	size_t index;			// of the source; source_count: the one without
	const struct quest_source *def; // NULL: without
	struct str seen_metric;		// when all of it was observed
	struct series *seen_series;
	struct view view;
	struct quest quests[QUEST_MAX_ENVIRONMENTS]; // as lowered
	struct quest_tracker *trackers[QUEST_MAX_ENVIRONMENTS];
	struct quest_query seats_query, active_query; // as lowered; expr NULL: none
	struct promql_plan *seats, *active;
	size_t named[QUEST_MAX_ENVIRONMENTS]; // players of the trackers that have a seat
	struct skew skew;
	int64_t told_skew_ms; // what the log says of it, 0: nothing
	int64_t tracked_ms;   // evaluated up to here, QUEST_NEVER: nothing yet
	struct error problem;
	bool was_up, is_up;
	int64_t down_since_ms;
	uint64_t rounds, failures;
	size_t samples;
	// QUEST_REMOTE
	struct question **questions;
	size_t question_count, question_capacity;
	int64_t next_ms;  // instant to ask for next, our clock
	int64_t retry_ms; // not before
	int64_t timed_ms; // when its clock was asked last, 0: not yet
	bool is_timing;
	int64_t round_from_ms, round_ahead_ms; // first instant; what is added for its clock
	size_t round_steps, round_left;	       // left: answers that have not come
	bool round_failed, is_partial;
	struct error round_problem;
	unsigned failures_running;
	// QUEST_SCRAPE
	struct endpoint *endpoints;
};

/* --- conditions that are told --- */

/* A push or an award: holds for a player from the instant at which it was taken. */
struct told {
	int64_t id; // of its event
	struct series *holds, *since;
	int64_t t_ms;
	int64_t next_ms; // when it is stored next
	bool is_dropped, was_ended;
};

/* --- a probe --- */

struct probed {
	struct live *live;
	size_t person, environment, exercise, condition;
	int64_t due_ms;
	bool is_busy, is_over;
	struct series *series;
};

struct live {
	struct live_options options;
	const struct quest_file *file;
	struct arena arena;
	struct event_log *log;
	struct event_log_entry *events;
	size_t event_count, event_capacity;
	int64_t taken_id; // of the last event taken in
	struct live_person *people;
	size_t person_count, person_capacity;
	struct map by_name; // "CLUSTER\0USER" → index + 1
	bool *done;	    // [person][environment][exercise]
	size_t done_capacity, done_people;
	struct tsdb *db;
	struct feeder *feeders;
	size_t feeder_count;
	struct told *tolds;
	size_t told_count, told_capacity;
	struct probed **probes;
	size_t probe_count, probe_capacity, probed_people;
	int64_t now_ms, polled_ms;
	struct error failure; // of the log, from within an answer
};

/* people.c */
struct str live_race_name(const struct quest_file *file, struct arena *arena);
/* Index of a person, who is added where unknown. */
size_t live_person(struct live *live, struct quest_player player, size_t source);
/* Makes room in `done` for people met since. */
void live_grow(struct live *live);
bool *live_done(struct live *live, size_t person, size_t environment, size_t exercise);
/* Takes in what is in the log and was not yet. */
bool live_poll(struct live *live, struct error *err);
bool live_log_completion(struct live *live, const struct feeder *feeder, size_t environment,
	const struct quest_player *player, const struct quest_event *event, struct error *err);
bool live_log_seat(struct live *live, struct quest_player player, bool is_active, int64_t t_ms,
	struct error *err);
bool live_log_source(
	struct live *live, const struct feeder *feeder, int64_t t_ms, struct error *err);
bool live_log_skew(struct live *live, const struct feeder *feeder, struct error *err);
/* What the log says that a source's clock is ahead, 0: nothing. */
int64_t live_logged_skew(const struct live *live, struct str source);

/* told.c */
/* Stores up to now that told conditions hold. */
void live_tell(struct live *live, int64_t now_ms);
void live_take_told(struct live *live, const struct event_log_entry *entry);
/* One that was voided or undone, or comes back. */
void live_drop_told(struct live *live, const struct event_log_entry *entry);
/* quest_condition{…} of a player; NULL where the store is full. */
struct series *live_condition_series(struct live *live, const char *metric,
	const struct quest_player *player, size_t environment, struct str exercise,
	struct str condition);

/* lower.c */
bool lower_feeder(struct feeder *feeder, struct error *err);

/* feeder.c */
bool feeder_open(struct live *live, struct feeder *feeder, size_t index, struct error *err);
void feeder_close(struct feeder *feeder);
/* Evaluates people and conditions at ascending instants after tracked_ms. */
bool feeder_run(struct feeder *feeder, const int64_t *times_ms, size_t count, struct error *err);
/* Its state changed, or not: says so in the log of the program and of the race. */
bool feeder_note(struct feeder *feeder, int64_t now_ms, struct error *err);
/* All of the source was observed at an instant. */
void feeder_saw(struct feeder *feeder, int64_t t_ms, int64_t seen_ms);
/* The first instant that is evaluated, and the last. */
int64_t feeder_first_ms(const struct live *live, int64_t step_ms);
int64_t feeder_last_ms(const struct live *live);

/* remote.c, scrape.c, probe.c: begin what is due, say when more is. */
bool remote_turn(struct feeder *feeder, int64_t now_ms, int64_t *next_ms, struct error *err);
struct question *remote_question(struct feeder *feeder, struct str text, bool is_instant);
void remote_finish(struct feeder *feeder);
void scrape_open(struct feeder *feeder);
bool scrape_turn(struct feeder *feeder, int64_t now_ms, int64_t *next_ms, struct error *err);
void scrape_finish(struct feeder *feeder);
void probe_turn(struct live *live, int64_t now_ms, int64_t *next_ms);
void probe_finish(struct live *live);

/* Time went on while an answer was waited for. */
static inline void live_reach(struct live *live, int64_t now_ms)
{
	if (now_ms > live->now_ms)
		live->now_ms = now_ms;
}

/* How a source or a probe is reached. */
struct http_fetch live_fetch(const struct quest_access *access, struct arena *arena);

#endif
