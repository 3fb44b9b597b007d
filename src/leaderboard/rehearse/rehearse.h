/*
 * rehearse/rehearse.h — plays a scenario in virtual time: simulates, evaluates, logs, scores. One
 * thread. Time moves only by rehearsal_advance, so the command line plays a whole workshop at once
 * and a server plays it slice by slice; how it is sliced changes no event and no score.
 */
#ifndef REHEARSE_REHEARSE_H
#define REHEARSE_REHEARSE_H

#include "leaderboard/quest/quest.h"

struct rehearse_options {
	const char *scenario;			 // "bench", "workshop", or a file
	int64_t players, clusters, seed;	 // < 0: the scenario's
	int64_t duration_ms, scrape_interval_ms; // 0: the scenario's
	const char *scoring;			 // NULL: the scenario's
	const char *const *rule_files; // the score is then what they make of it; NULL: none
	size_t rule_file_count;
	const char *const *settings; // NAME=VALUE, for ${NAME} in scenario and rules
	size_t setting_count;
	bool closed_ranges;   // Prometheus 2.x
	unsigned features;    // enum promql_feature, of the rule files
	const char *log_path; // NULL: events are kept in memory only
	/* Told of every change of a condition; NULL: none. See quest_tracker_watch. */
	quest_watch *watch;
	void *watch_context;
};

struct rehearsal;

/*
 * A rehearsal at its start instant, nothing evaluated yet. Options are borrowed for the call only.
 * Fails: ERROR_INVALID for a bad scenario, rule file, setting or event log, with file, line and
 * column; ERROR_SYSTEM.
 */
struct rehearsal *rehearsal_create(const struct rehearse_options *options, struct error *err);
void rehearsal_destroy(struct rehearsal *rehearsal);

/* --- a real race, fed with what its log says --- */

struct event_log_entry;
struct ledger_row;
struct ledger_suspense;

/*
 * The same board without a scenario: what the log's entries make of the race, acts of people
 * included, and time come from outside. `file` and `source` are borrowed and outlive it; `source`
 * is what rehearsal_source gives.
 */
struct rehearsal *rehearsal_create_fed(
	const struct quest_file *file, struct series_source *source, struct error *err);
/*
 * Takes in the whole log, which has only grown since the last time; entries are borrowed until the
 * next call. *redrawn: something that was known before is not so any more (an act, an earlier
 * completion found later), and a new one must be made instead. Fails: as ledger_create.
 */
bool rehearsal_feed(struct rehearsal *rehearsal, const struct event_log_entry *entries,
	size_t count, bool *redrawn, struct error *err);
/* NULL where it is a scenario that is played. */
const struct quest_file *rehearsal_file(const struct rehearsal *rehearsal);

/* --- time --- */

/*
 * Plays every step up to to_ms (Unix ms; capped at the end). The last step is followed by an
 * after-play of one scrape interval and one gap: completions before the end that nobody had seen
 * yet become events, and time stays at the end. A race that is fed only moves its time on. Fails:
 * ERROR_EXECUTION, ERROR_LIMIT, ERROR_SYSTEM.
 */
bool rehearsal_advance(struct rehearsal *rehearsal, int64_t to_ms, struct error *err);

int64_t rehearsal_start_ms(const struct rehearsal *rehearsal);
int64_t rehearsal_end_ms(const struct rehearsal *rehearsal);
int64_t rehearsal_step_ms(const struct rehearsal *rehearsal);
/* Instant of the last step played; start - step before the first. */
int64_t rehearsal_now_ms(const struct rehearsal *rehearsal);

/* --- what is known --- */

const struct quest_scenario *rehearsal_scenario(const struct rehearsal *rehearsal);
const struct quest *rehearsal_quest(const struct rehearsal *rehearsal);
/* "author-2024", …, or "rules". */
const char *rehearsal_scoring(const struct rehearsal *rehearsal);
/* Of the scoring in force: 0 before the first, and where rules make the score. */
int64_t rehearsal_scoring_version(const struct rehearsal *rehearsal);

/* Players by index; the array may move and grow when time advances, indices stay. */
const struct quest_player *rehearsal_players(const struct rehearsal *rehearsal, size_t *count);

/* Events in the order they were found. The array may move when time advances, evidence texts stay.
 */
const struct quest_event *rehearsal_events(const struct rehearsal *rehearsal, size_t *count);
/* The completion of an exercise by a player, NULL where there is none so far. */
const struct quest_event *rehearsal_completion(
	const struct rehearsal *rehearsal, size_t player, size_t exercise);

/*
 * Places at an instant up to now, drawn from all events known by now whose instant is not after
 * t_ms. With rules: by the score the rules gave at the last step not after t_ms, ties share a rank;
 * players without one are left out. `out` has room for every player. Returns the number of rows.
 */
size_t rehearsal_standings(
	const struct rehearsal *rehearsal, int64_t t_ms, struct quest_standing *out);

/*
 * The same with what a ledger knows besides: prizes, ties on their line, photo finishes. Where
 * rules make the score, prizes alone.
 */
size_t rehearsal_rows(struct rehearsal *rehearsal, int64_t t_ms, struct ledger_row *out);
/* Who may still pass the prize line. False: there is none, or rules make the score. */
bool rehearsal_find_suspense(
	struct rehearsal *rehearsal, int64_t t_ms, struct ledger_suspense *out);
/* The quest file's prize; a scenario's: 30 places, or half the players where they are fewer
 * than 60.
 */
struct quest_prize rehearsal_prize(const struct rehearsal *rehearsal);

/* One player's score at an instant, as above; NaN where the rules give none. */
double rehearsal_score(const struct rehearsal *rehearsal, size_t player, int64_t t_ms);

struct rehearsal_lead {
	int64_t t_ms; // the step from which the player leads, alone
	size_t player;
};

/* Changes of lead at steps up to now, redrawn from what is known by now. `out` is the arena's. */
size_t rehearsal_leads(
	const struct rehearsal *rehearsal, struct arena *arena, struct rehearsal_lead **out);

/* The world's own truth, QUEST_NEVER where it did not happen before the end. */
int64_t rehearsal_truth(const struct rehearsal *rehearsal, size_t player, size_t exercise);

/* All series so far: the simulator's and, with rules, theirs. Borrowed, for the query API. */
struct series_source *rehearsal_source(struct rehearsal *rehearsal);

/* The rule groups in the order in which they are evaluated; count 0 without rules. Borrowed. */
struct rules_group;
struct rules_group *const *rehearsal_rules(const struct rehearsal *rehearsal, size_t *count);

/* Its event log, for proofs. Borrowed. */
struct event_log;
struct event_log *rehearsal_log(const struct rehearsal *rehearsal);

/* Bytes held by series and samples, and how many there are. */
struct rehearsal_stats {
	size_t series_count, bytes;
	uint64_t sample_count;
};
struct rehearsal_stats rehearsal_stats(const struct rehearsal *rehearsal);

#endif
