/*
 * rules/rules.h — rule files in Prometheus's format, and recording rules in virtual time.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "engine/promql/promql.h"

/* --- rule files --- */

enum rules_kind { RULES_RECORD, RULES_ALERT };

struct rules_rule {
	enum rules_kind kind;
	struct str name; // the metric recorded, or the alert
	struct str text; // the expression as written, after ${NAME}
	struct promql_expr *expr;
	const struct labels *labels; // added to each sample, the group's among them
	const struct str *dropped;   // labels given as "": taken off each sample
	size_t dropped_count;
	size_t line;
	// Alerts are read and checked; evaluating them comes later.
	int64_t for_ms, keep_firing_for_ms;
};

struct rules_group {
	struct str name;
	const char *file;
	int64_t interval_ms; // 0: the default interval of whoever evaluates
	int64_t query_offset_ms;
	size_t limit; // 0: none
	const struct labels *labels;
	struct rules_rule *rules;
	size_t rule_count;
	bool is_bare; // was a list without groups, as add-ons evaluate on each cluster by itself
};

/* Groups of one or more files in file order. Everything is the arena's but regexes: call
 * rules_file_release. */
struct rules_file {
	struct rules_group *groups;
	size_t group_count;
};

/* A value for ${NAME}. */
struct rules_variable {
	struct str name, value;
};

struct rules_read_options {
	const struct rules_variable *variables;
	size_t variable_count;
	bool use_environment;
	bool unset_is_number; // `check`: an unset ${NAME} counts as a number instead of being an
			      // error
	unsigned features; // enum promql_feature, of the expressions
};

/* One problem found: where, what is wrong, what would be right. */
struct rules_problem {
	const char *file;
	size_t line, column; // 0: unknown
	struct str text;
};

/*
 * Reads groups from text: Prometheus's rule file, a Kubernetes ConfigMap that holds one (or
 * several) under data (escaped quotes too), or a bare `rules:` list (one group named after the
 * file). All problems are collected. Returns false where there is any.
 */
bool rules_read(struct str text, const char *file, const struct rules_read_options *options,
	struct arena *arena, struct rules_file *out, struct rules_problem **problems,
	size_t *problem_count);
void rules_file_release(struct rules_file *file);

/*
 * Rules that are there twice, same name and same labels (promtool's lint duplicate-rules): one of
 * each, in the arena; returns how many.
 */
size_t rules_duplicates(
	const struct rules_file *file, struct arena *arena, const struct rules_rule ***out);

/* --- virtual time --- */

/*
 * Recording rules over a source and a sink that are the same store. Groups are evaluated in the
 * order given, rules inside a group in theirs. Visibility is exactly Prometheus's: a rule at
 * instant t sees what was recorded before it at t, never what comes after it. Rules that do not
 * feed on themselves are evaluated column by column over the whole span; the others instant by
 * instant. Names of rules and metrics mean nothing to it.
 *
 * Borrows everything. Ranks are given in order from 1.
 */
struct rules_engine;

struct rules_engine_options {
	struct promql_options promql; // rule_rank is the engine's business
	int64_t interval_ms;	      // of groups that say none
	uint32_t first_rank; // ranks are given from here on + 1: an engine that reads another's
			     // series
	/*
	 * A sample whose instant is taken already by another value (two rules that record one
	 * series) is dropped and counted by the store, as Prometheus does. Set: it fails the rule,
	 * as in promtool.
	 */
	bool refusals_fail;
};

struct rules_engine *rules_engine_create(struct rules_group *const *groups, size_t group_count,
	struct series_source *source, struct series_sink *sink,
	const struct rules_engine_options *options, struct error *err);
void rules_engine_destroy(struct rules_engine *engine);

/*
 * Evaluates each group at start, start + its interval, … up to end (included); a later call goes on
 * from there. The first failing rule stops it: ERROR_EXECUTION "GROUP/RULE at T: …".
 */
bool rules_engine_run(
	struct rules_engine *engine, int64_t start_ms, int64_t end_ms, struct error *err);

/* The same with every group's own ascending instants, e.g. those of a recorded run. */
struct rules_instants {
	const int64_t *times_ms;
	size_t count;
};
bool rules_engine_run_at(
	struct rules_engine *engine, const struct rules_instants *per_group, struct error *err);

/* What a failed run says in its error, in parts. Borrowed from the engine. */
struct rules_failure {
	const struct rules_group *group;
	const struct rules_rule *rule;
	int64_t t_ms;
	const char *text;
};
/*
 * The i-th of the rules that failed at the instant that stopped a run, in order of evaluation; the
 * error tells of the first. False past the last.
 */
bool rules_engine_failure(const struct rules_engine *engine, size_t i, struct rules_failure *out);

#endif
