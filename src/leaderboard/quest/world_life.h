/*
 * Private to quest: what one participant does and what his clusters' objects then go through.
 * Instants are Unix ms; what Kubernetes reports falls on whole seconds, as its timestamps do. A
 * call to a service may come at any ms.
 */
#ifndef QUEST_WORLD_LIFE_H
#define QUEST_WORLD_LIFE_H

#include "leaderboard/quest/simulate.h"

enum { ENV_DEV, ENV_PREPROD, ENV_PROD, ENV_COUNT };
enum { EXERCISE_HERO, EXERCISE_VILLAIN, EXERCISE_FIGHT, EXERCISE_COUNT };
enum { MAX_SPANS = 96, MAX_RUNS = 24, MAX_FIGHTS = 72 };

/* [from_ms, to_ms), ascending and apart. */
struct spans {
	size_t count;
	struct {
		int64_t from_ms, to_ms;
	} items[MAX_SPANS];
};

bool spans_contain(const struct spans *spans, int64_t t_ms);
/* Adds at the end; dropped when there is no room. */
void spans_add(struct spans *spans, int64_t from_ms, int64_t to_ms);

/* A deployment of one pod. */
struct service {
	int64_t deployed_ms; // QUEST_NEVER: not at all
	struct spans ready;
	int64_t restarts_ms[MAX_SPANS];
	size_t restart_count;
};

/* A run of a Tekton pipeline; a failed one stops before its last task. */
struct pipeline_run {
	int64_t begin_ms, end_ms, pruned_ms;
	bool succeeded;
	char name[8];
};

struct stage {
	int64_t database_ms, database_restart_ms; // QUEST_NEVER: not
	struct service services[ENV_COUNT];
	struct pipeline_run runs[MAX_RUNS];
	size_t run_count;
};

struct call {
	int64_t t_ms;
	bool villains_won;
};

struct life {
	int64_t workspace_ms;
	struct stage stages[EXERCISE_COUNT];
	struct call calls[ENV_COUNT][MAX_FIGHTS];
	size_t call_count[ENV_COUNT];
};

void life_live(struct life *life, enum quest_persona persona, double restarts_per_hour,
	int64_t start_ms, int64_t end_ms, struct dice *dice);

/* The first instant at which the counting conditions of the shipped quest hold together in an
 * environment. */
int64_t life_truth(const struct life *life, size_t exercise, size_t env);

/* Five letters and digits as Kubernetes makes them up. */
void life_name(char out[8], struct dice *dice);

#endif
