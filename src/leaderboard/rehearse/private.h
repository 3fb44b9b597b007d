/*
 * Private to rehearse: what a rehearsal holds. rehearse_setup.c makes it, rehearse.c moves time,
 * rehearse_rules.c plays rule files, standings.c draws boards.
 */
#ifndef REHEARSE_PRIVATE_H
#define REHEARSE_PRIVATE_H

#include "leaderboard/rehearse/rehearse.h"

#include "engine/rules/rules.h"
#include "engine/tsdb/tsdb.h"
#include "leaderboard/ledger/ledger.h"
#include "leaderboard/log/log.h"

/*
 * A cluster's own Prometheus: it sees its cluster's samples and what it recorded itself, and what
 * it records gets the cluster's label, as when it is sent on to the hub.
 */
struct spoke {
	struct series_source source;
	struct series_sink sink;
	struct series_source *hub_source;
	struct series_sink *hub_sink;
	struct matcher cluster;
	uint32_t last_rank; // of its rules
	struct rules_engine *engine;
};

/* What rule files make of the race. */
struct rehearse_rules {
	struct rules_file *files;
	size_t file_count;
	struct rules_group **groups; // of all files, in order, without those of spokes
	struct rules_group **spoke_groups;
	size_t group_count, spoke_group_count;
	struct spoke *spokes;
	size_t spoke_count;
	struct rules_engine *engine; // NULL: there are no rules
	struct promql_plan *score;
	double **scores; // [player]: one per step played, NaN where there is none
	size_t *score_counts, *score_capacities;
	size_t player_count, player_capacity; // of the three arrays above
	size_t *columns;		      // player of each column of the plan's result
	size_t column_capacity;
	uint64_t generation;
	size_t played; // steps with scores
};

struct rehearsal {
	struct arena arena;
	struct quest_scenario scenario;
	enum quest_scoring scoring;
	struct tsdb *db;
	struct quest_simulation *simulation;
	struct quest_tracker *tracker;
	struct event_log *log;
	struct rehearse_rules rules;
	int64_t now_ms, end_ms;
	bool is_over;
	struct quest_event *events;
	size_t event_count, event_capacity;
	int64_t *done_ms; // [player][exercise]
	size_t *found;	  // [player][exercise]: index of the event + 1
	size_t grid_capacity, found_capacity, grid_players;
	// Where it is fed: scenario holds what both have in common.
	const struct quest_file *file;
	struct series_source *source;
	struct quest empty_quest;	 // what its tracker watches
	struct ledger *ledger;		 // NULL: nothing was fed yet, or asked for
	struct quest_prize prize;	 // its
	struct event_log_entry *entries; // of a scenario's own log, for its ledger
	size_t entry_count, entry_capacity, drawn_players;
	size_t fed_count;	       // of entries
	size_t *of_ledger, *to_ledger; // players: by the ledger's index ours, and the other way
	size_t of_capacity, to_capacity;
	struct ledger_row *rows;
	size_t row_capacity;
};

/* Makes room in the grids for players met since. */
void rehearse_grow(struct rehearsal *rehearsal);
/* Takes an event that is new or was read back from the log. */
void rehearse_take(struct rehearsal *rehearsal, const struct quest_event *event);

/* Places, and points of one player, where the race is fed. */
size_t fed_standings(struct rehearsal *rehearsal, int64_t t_ms, struct quest_standing *out);
double fed_score(const struct rehearsal *rehearsal, size_t player, int64_t t_ms);
const char *fed_scoring(const struct rehearsal *rehearsal);
void fed_finish(struct rehearsal *rehearsal);

/* Reads rule files and makes an engine of them. */
bool rehearse_rules_open(
	struct rehearsal *rehearsal, const struct rehearse_options *options, struct error *err);
void rehearse_rules_close(struct rehearse_rules *rules);
/* Makes one engine per cluster for the lists without groups. */
bool spokes_open(
	struct rehearsal *rehearsal, const struct rules_engine_options *options, struct error *err);
bool spokes_run(struct rehearsal *rehearsal, int64_t end_ms, struct error *err);
void spokes_close(struct rehearse_rules *rules);

/* Records up to the last of `count` steps, then asks for the scores at each. */
bool rehearse_rules_play(
	struct rehearsal *rehearsal, const int64_t *times_ms, size_t count, struct error *err);

#endif
