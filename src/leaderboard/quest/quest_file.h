/*
 * quest/quest_file.h — the quest file: everything that an organiser says about a race, as one
 * struct. Part of quest's front door (quest.h includes it). docs/quest.md says each field for
 * people, docs/quest.schema.json for editors.
 *
 * Nothing here is judged by the reader but its form: who takes part is decided by the log and the
 * sources, points by the scoring.
 */
#ifndef QUEST_QUEST_FILE_H
#define QUEST_QUEST_FILE_H

#include "base/yaml.h"
#include "leaderboard/quest/quest.h"

enum {
	QUEST_MAX_ENVIRONMENTS = 8,
	QUEST_MAX_SCORINGS = 16,
	QUEST_MAX_SOURCES = 64,
	QUEST_MAX_ENDPOINTS = 1000, // of one source
	QUEST_MAX_LABELS = 30,	    // of one endpoint
};

/* A text of the file and where it begins there (from 1), for those who read it further. */
struct quest_place {
	struct str text;
	size_t line, column;
};

/* --- who takes part --- */

/* Somebody on the list. `table` and `team` are empty where the file does not say. */
struct quest_person {
	struct quest_player player;
	struct str name; // as shown; the user where the file does not say
	struct str table, team;
	bool no_prize; // plays, but takes no place above the prize line
};

/*
 * Two names of one person: what is seen of `from` counts for `to`. Without a cluster in `from` it
 * is that user on whatever cluster, and stays there where `to` has none either.
 */
struct quest_alias {
	struct quest_player from, to;
};

/* A regular expression (RE2, whole name), compiled. */
struct quest_pattern {
	struct str text;
	struct regex *regex;
};

struct quest_participants {
	struct quest_query expr;   // a series for each; `expr` NULL: no discovery
	struct quest_query active; // > 0 for those who are there; `expr` NULL: whoever has a seat
	struct str user_label, cluster_label; // "user", "cluster" where the file does not say
	struct quest_person *people;
	size_t person_count;
	bool only_list; // others are no participants, whatever the metrics say
	struct quest_alias *aliases;
	size_t alias_count;
	struct quest_pattern *hide; // matched against USER and USER@CLUSTER
	size_t hide_count;
	struct quest_pattern *no_prize; // the same, for the prize line
	size_t no_prize_count;
	bool show_absent; // those never seen active have a row
};

/* Tables and teams: who belongs is on the list, or said here by cluster or by name. */
struct quest_group {
	struct str name;
	struct quest_title title;
	struct str *clusters; // everybody of these; tables only
	size_t cluster_count;
	struct quest_player *members;
	size_t member_count;
};

/* --- points --- */

/*
 * A way to count. Presets are quest_score's. Another has a formula (docs/scoring.md), summed over
 * the exercises that are done; its parameters are those of the exercise's `points`.
 */
struct quest_scoring_rule {
	struct str name;
	struct quest_title title;
	bool is_preset;
	enum quest_scoring preset;
	struct quest_place formula;	     // empty for a preset
	struct quest_parameters *parameters; // [exercise_count]; what no file says: weight 0, slope
					     // 1, ramp 1
};

/* What a formula may name of its exercise. */
struct quest_parameters {
	double weight, slope, ramp;
};

/* How many prizes one group takes: without a group there is no limit. */
enum quest_one_per { QUEST_PER_PLAYER, QUEST_PER_TEAM, QUEST_PER_TABLE };

/* A line under a place. Who may not win is skipped when counting to it. */
struct quest_prize {
	enum quest_one_per one_per; // of a team (a company, say) or a table the best alone
	size_t places;		    // 0: no line
	bool split_ties; // whoever shares the place on the line is above it too; else: jury decides
};

/* --- how long things take: for rehearsals in numbers (fairness) --- */

enum quest_distribution {
	QUEST_LOGNORMAL,  // median_ms, spread: standard deviation of the logarithm
	QUEST_NORMAL,	  // median_ms (the mean), spread_ms; cut off at 0
	QUEST_TRIANGULAR, // low_ms, median_ms (the mode), high_ms
	QUEST_UNIFORM,	  // low_ms, high_ms
	QUEST_OBSERVED,	  // one of values_ms, each as likely
};

/* Time that one exercise takes somebody, from the end of the one before. */
struct quest_durations {
	enum quest_distribution kind;
	double median_ms, low_ms, high_ms;
	double spread, spread_ms;
	int64_t *values_ms;
	size_t value_count;
	double finish; // share of those who begin it and end it, 0 to 1
};

struct quest_fairness {
	int64_t players;		   // who race in each run
	struct quest_durations *durations; // [exercise_count], or NULL: the file does not say
	/*
	 * [exercise_count][exercise_count]: how far being fast at one goes with being fast at
	 * another (of the normal variables behind the durations); 1 on the diagonal, symmetric,
	 * positive semi-definite.
	 */
	double *correlation;
	int64_t *sampling_ms; // intervals to compare
	size_t sampling_count;
};

/* --- where metrics come from --- */

/* How to reach a server. File names are absolute or relative to the current folder. */
struct quest_access {
	struct str ca_file, certificate_file, key_file;
	struct str bearer_token_file;
	struct str user, password_file; // HTTP basic authentication
	struct label *headers;		// such as X-Scope-OrgID; nothing secret
	size_t header_count;
	int64_t timeout_ms;
	size_t max_bytes; // of an answer
};

struct quest_endpoint {
	struct str url;
	struct label *labels; // job and instance first, then those of the file
	size_t label_count;
};

enum quest_source_kind {
	QUEST_REMOTE, // a Prometheus-compatible server that is asked
	QUEST_SCRAPE, // endpoints that we scrape ourselves
};

struct quest_source {
	struct str name;
	struct quest_title title;
	enum quest_source_kind kind;
	struct str cluster; // given to every series; empty: series have their own label
	struct str url;	    // QUEST_REMOTE: in front of /api/v1
	struct quest_access access;
	struct quest_endpoint *endpoints; // QUEST_SCRAPE
	size_t endpoint_count;
	int64_t interval_ms; // between two questions, or two scrapes
	size_t sample_limit; // of one scrape, or of one answer
	int64_t delay_ms;    // QUEST_REMOTE: how far behind now it is asked (Thanos, remote write)
};

/* --- the whole --- */

/* Clocks of sources that are off: shown alone, or also taken off their instants. */
enum quest_clocks { QUEST_CLOCKS_CORRECT, QUEST_CLOCKS_SHOW };

enum quest_language { QUEST_ENGLISH, QUEST_FRENCH };

struct quest_file {
	struct str name; // of the race: [a-z][a-z0-9_-]*
	struct str path;
	struct quest_title title;
	int64_t start_ms, duration_ms, unit_ms, step_ms;
	int64_t freeze_ms;		  // after the start, QUEST_NEVER: no freeze
	enum quest_language languages[2]; // the first is the default
	size_t language_count;

	/*
	 * One quest per environment, alike in all but their queries (${ENV} stands for its name).
	 * A file without environments has one whose name is empty.
	 */
	struct str environments[QUEST_MAX_ENVIRONMENTS];
	struct quest quests[QUEST_MAX_ENVIRONMENTS];
	size_t environment_count;
	size_t environment; // which one is scored at first

	struct quest_scoring_rule *scorings; // the presets, in the enum's order, then the file's
	size_t scoring_count;
	size_t scoring; // the one to begin with

	struct quest_participants participants;
	struct quest_group *tables, *teams;
	size_t table_count, team_count;
	struct quest_prize prize;
	struct quest_fairness fairness;

	struct quest_source *sources;
	size_t source_count;
	enum quest_clocks clocks;
	struct str push_token_file;  // empty: nothing may be pushed
	struct str admin_token_file; // empty: only from this machine

	struct quest_variable *variables;
	size_t variable_count;
};

/*
 * Reads a quest file. Variables given override those of the file. Everything is the arena's but
 * regular expressions: call quest_file_release before it goes.
 *
 * Fails: ERROR_INVALID "FILE:LINE:COLUMN: …" with the offending text and what would be right.
 */
bool quest_file_read(struct str text, const char *path, const struct quest_variable *variables,
	size_t variable_count, struct arena *arena, struct quest_file *out, struct error *err);
void quest_file_release(struct quest_file *file);

/* Index of an environment or a scoring by its name, SIZE_MAX where there is none. */
size_t quest_file_environment(const struct quest_file *file, struct str name);
size_t quest_file_scoring(const struct quest_file *file, struct str name);

/* Whether a pattern matches USER or USER@CLUSTER. */
bool quest_patterns_match(
	const struct quest_pattern *patterns, size_t count, const struct quest_player *player);

/*
 * Who a player of the metrics is, once aliases are followed. The same texts where no alias says
 * otherwise. A player on two clusters is two players unless an alias joins them.
 */
struct quest_player quest_file_person(const struct quest_file *file, struct quest_player player);

/* What the file says of a player; NULL where he is not on the list. */
const struct quest_person *quest_file_find(
	const struct quest_file *file, const struct quest_player *player);

/* Table or team of a player, SIZE_MAX where he has none. */
size_t quest_file_table(const struct quest_file *file, const struct quest_player *player);
size_t quest_file_team(const struct quest_file *file, const struct quest_player *player);

/* Hidden: matches `hide`, or is not on a list that is closed. */
bool quest_file_hides(const struct quest_file *file, const struct quest_player *player);
/* Plays without taking a place above the prize line. */
bool quest_file_no_prize(const struct quest_file *file, const struct quest_player *player);

#include "leaderboard/quest/counting.h"

#endif
