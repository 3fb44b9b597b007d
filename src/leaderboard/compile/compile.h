/*
 * compile/compile.h — a quest as recording rules, for organisers who stay on Prometheus, Thanos or
 * Red Hat's ACM: instants of completion that are latched, and points as a function of them, instead
 * of windows that forget. Pure. docs/quest.md says what is the same there and what cannot be.
 */
#ifndef COMPILE_COMPILE_H
#define COMPILE_COMPILE_H

#include "leaderboard/quest/quest.h"

/* What is made; texts are the caller's to finish. */
struct compile_output {
	struct buffer prometheus; // prometheus-rules.yaml
	struct buffer thanos;	  // thanos-ruler-configmap.yaml
	struct buffer allowlist;  // acm-allowlist-configmap.yaml
	struct buffer dashboard;  // grafana-dashboard.json
};

/*
 * Compiles every environment and the scoring with this index. Fails: ERROR_UNSUPPORTED for what
 * rules cannot do, naming it: a formula that counts exercises done, conditions that no metric
 * knows.
 */
bool compile_quest(const struct quest_file *file, size_t scoring, struct compile_output *out,
	struct error *err);
void compile_output_finish(struct compile_output *output);

#endif
