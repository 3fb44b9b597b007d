/*
 * Private to quest: a simulated world. world_*.c writes down once what will happen, as changes of
 * series and of targets; simulate.c samples it. Nothing here is a floating-point decision, so every
 * machine sees the same world.
 */
#ifndef QUEST_SIMULATE_H
#define QUEST_SIMULATE_H

#include "leaderboard/quest/quest.h"

/* --- chance --- */

struct dice {
	uint64_t state;
};

/* Independent dice for each (seed, stream). */
struct dice dice_make(uint64_t seed, uint64_t stream);
uint64_t dice_next(struct dice *dice);
/* Any whole number from low to high, both included. */
int64_t dice_between(struct dice *dice, int64_t low, int64_t high);
bool dice_chance(struct dice *dice, int64_t permille);
/* Around `mean`, 60 % to 140 % of it, the middle more often. */
int64_t dice_spread(struct dice *dice, int64_t mean);

/* --- series and targets --- */

/* What is exposed under one name: the label that names the object, and up to two labels that never
 * change. */
struct sim_metric {
	const char *name;
	const char *object_label; // "pod", "deployment"; NULL: none
	struct {
		const char *name, *value;
	} fixed[2];
};

/* From t_ms on the value; the stale marker: the series is not exposed. */
struct sim_change {
	int64_t t_ms;
	double value;
};

/* A span of a target's life: up or failing from t_ms on. */
struct sim_status {
	int64_t t_ms;
	bool is_up;
};

/* Something that is scraped. Before its first status it does not exist. */
struct sim_target {
	int64_t phase_ms; // within the scrape interval
	const struct sim_status *statuses;
	size_t status_count;
};

struct sim_series {
	const struct sim_metric *metric;
	const struct label *common; // cluster, namespace, …
	uint32_t common_count;
	uint32_t target;
	struct str object;
	uint32_t first_change, change_count;
	bool is_up; // exposes the status itself: 1 and 0, never stale
	// Where sampling stands.
	bool is_exposed;
	uint32_t change, status;
	int64_t scrape; // next one
	struct series *out;
};

struct quest_simulation {
	const struct quest_scenario *scenario;
	struct arena arena;
	struct quest_player *players;
	size_t player_count;
	int64_t *truth_ms; // [player][exercise]
	struct sim_target *targets;
	size_t target_count, target_capacity;
	struct sim_series *series;
	size_t series_count, series_capacity;
	struct sim_change *changes;
	size_t change_count, change_capacity;
	int64_t first_scrape; // index of the first one
};

uint32_t sim_add_target(struct quest_simulation *sim, int64_t phase_ms,
	const struct sim_status *statuses, size_t count);
/* A series without changes yet; its labels' texts are borrowed. Changes go to the series added
 * last. */
void sim_add_series(struct quest_simulation *sim, const struct sim_metric *metric,
	const struct label *common, size_t common_count, struct str object, uint32_t target);
/* In order of time; one at the same instant as the last replaces it. */
void sim_add_change(struct quest_simulation *sim, int64_t t_ms, double value);
/* The series `up` of a target. */
void sim_add_up(struct quest_simulation *sim, const struct label *common, size_t common_count,
	uint32_t target);

bool sim_build_timings(struct quest_simulation *sim, struct error *err);
bool sim_build_workshop(struct quest_simulation *sim, struct error *err);

#endif
