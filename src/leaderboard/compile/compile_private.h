/* compile/compile_private.h — private to compile: the rules before they are written. conditions.c
 * makes those of conditions, compile.c the others, print_rules.c YAML, dashboard.c Grafana's JSON.
 */
#ifndef COMPILE_PRIVATE_H
#define COMPILE_PRIVATE_H

#include "leaderboard/compile/compile.h"

struct compile_rule {
	struct str record, expr;
	struct str environment, exercise, condition; // labels; empty: none
	bool on_spoke;				     // in the allowlist: each cluster's own
};

struct compile_rules {
	struct arena *arena;
	const struct quest_file *file;
	const struct quest_counting *counting;
	bool has_spokes; // what is recorded there is used by its name here
	struct compile_rule *items;
	size_t count, capacity;
	struct str *forwarded; // metrics that are sent on as they are
	size_t forwarded_count, forwarded_capacity;
};

void compile_add(struct compile_rules *rules, struct compile_rule rule);
/* since when a condition has held, and when it was first seen to */
bool compile_conditions(struct compile_rules *rules, size_t environment, struct error *err);
/* {environment="prod",exercise="hero"}, without what is empty */
struct str compile_selector(struct compile_rules *rules, const char *name, struct str environment,
	struct str exercise, struct str condition);

/* What a selector gives that was recorded at this very instant, one series per player. */
struct str compile_fresh(struct compile_rules *rules, struct str selector);

void compile_print_rules(struct buffer *out, const struct compile_rules *rules, size_t indent);
void compile_print_thanos(struct buffer *out, const struct compile_rules *rules);
bool compile_print_allowlist(
	struct buffer *out, const struct compile_rules *rules, struct error *err);
void compile_print_dashboard(struct buffer *out, const struct compile_rules *rules);

#endif
