/*
 * ruletest/bench.h — what run.c (files, samples, rules) and expressions.c share.
 */
#ifndef RULETEST_BENCH_H
#define RULETEST_BENCH_H

#include "engine/ruletest/ruletest.h"
#include "engine/ruletest/testfile.h"
#include "engine/tsdb/tsdb.h"

/* One test file. */
struct run {
	const struct ruletest_options *options;
	const struct ruletest_observer *observer;
	const struct test_file *file;
	struct arena *arena;
	struct rules_file *rule_files;
	size_t rule_file_count, rule_file_capacity;
	struct rules_group **groups; // in order of evaluation
	size_t group_count;
	size_t failure_count;
};

struct input;

/* One test group of it, in a store of its own. */
struct bench {
	struct run *run;
	const struct test_group *group;
	struct tsdb *db;
	struct arena arena;
	struct input *inputs;
};

void run_fail(struct run *run, struct str text);

struct promql_options run_query_options(const struct run *run);

/* Evaluates the group's promql_expr_test and reports what differs. */
void bench_run_cases(struct bench *bench);

#endif
