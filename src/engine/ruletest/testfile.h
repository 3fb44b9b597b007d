/*
 * ruletest/testfile.h — the file as read, before anything runs.
 */
#ifndef RULETEST_TESTFILE_H
#define RULETEST_TESTFILE_H

#include "base/yaml.h"
#include "engine/rules/rules.h"

struct test_series {
	const struct labels *labels;
	const struct promql_value_run *runs;
	size_t run_count;
};

struct test_sample {
	const struct labels *labels;
	double value; // a boxed histogram, perhaps
};

/* One item of promql_expr_test. */
struct test_case {
	struct str expr;
	const struct yaml_node *expr_node;
	int64_t eval_ms;	      // after the group's start
	struct test_sample *expected; // sorted by labels
	size_t expected_count;
	struct str bad_labels; // the first labels that are no metric, and why; empty: all are
	struct str bad_reason;
};

struct test_group {
	struct str name;
	int64_t interval_ms; // between input samples
	int64_t start_ms;
	struct test_series *series; // no label set twice
	size_t series_count;
	struct test_case *cases;
	size_t case_count;
};

struct test_file {
	const char *path;
	struct str *rule_files;
	size_t rule_file_count;
	struct str *group_order;
	size_t group_order_count;
	int64_t interval_ms; // between evaluations
	bool fuzzy;
	struct test_group *groups;
	size_t group_count;
};

/* Fails: ERROR_INVALID "FILE:LINE:COLUMN: …", ERROR_UNSUPPORTED. */
bool testfile_read(struct str text, const char *path, struct arena *arena, struct test_file *out,
	struct error *err);

#endif
