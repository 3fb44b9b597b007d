/*
 * rules/engine.h — what engine.c (time), graph.c (who reads whom) and recorder.c (columns to
 * samples) share.
 */
#ifndef RULES_ENGINE_H
#define RULES_ENGINE_H

#include "base/map.h"
#include "engine/rules/rules.h"

/* One series that a rule has recorded. */
struct recorded {
	struct series *series; // NULL until its first sample
	const struct labels *labels;
	bool present;	  // returned by the evaluation before
	uint64_t seen_in; // the generation of columns that it was last part of
	size_t column_count;
	size_t first_column; // its columns are chained through recorder.next_column
};

/* Turns columns of results into samples and stale markers of the rule's series. */
struct recorder {
	const struct rules_rule *rule;
	struct series_sink *sink;
	uint32_t rank;
	size_t limit;
	bool refusals_fail;
	struct arena arena;   // labels of recorded series
	struct map by_labels; // bytes of the labels as text -> struct recorded
	struct recorded **all;
	size_t count, capacity;
	// For the current generation of columns: distinct series, and the next column of the same
	// series.
	struct recorded **targets;
	size_t target_count, target_capacity;
	size_t *next_column;
	size_t next_capacity;
	uint64_t generation; // of the plan, as last seen
	uint64_t mapping;    // ours, grows with every new mapping
	size_t column_count;
	bool mapped;
	int64_t failed_ms;  // the instant of a failure
	int64_t refused_ms; // first refusal in the current block, INT64_MAX: none
};

void recorder_finish(struct recorder *recorder);

/* Forgets the mapping of columns: the next block comes from another plan. */
void recorder_reset_columns(struct recorder *recorder);

/*
 * Records a block; sample times are the block's. On failure everything before failed_ms is
 * recorded. Fails: ERROR_EXECUTION for two results with the same labels, or more than the group's
 * limit; ERROR_LIMIT.
 */
bool recorder_take(struct recorder *recorder, const struct promql_block *block, struct error *err);

struct state {
	const struct rules_rule *rule;
	const struct rules_group *group;
	size_t group_index;
	uint32_t rank;
	struct recorder recorder;
	struct promql_plan *plan;
	// What the graph says.
	size_t component;
	bool stepwise;	 // evaluated instant by instant
	bool fresh_plan; // its plan may not be carried from one instant to the next
	// This call's instants, and how many of them are done.
	const int64_t *times_ms;
	size_t time_count, done_count;
};

/*
 * Finds out who reads whom: fills component, stepwise, fresh_plan and recorder.rank of each state,
 * and `order` with indices of states, components in an order in which each comes after what it
 * reads, ranks ascending inside.
 */
void graph_order(struct state *states, size_t count, size_t *order);

#endif
