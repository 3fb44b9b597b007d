/*
 * ruletest/ruletest.h — promtool's unit-test files: rules over given series in virtual time,
 * expressions compared with expected samples. Texts are promtool's.
 */
#ifndef RULETEST_RULETEST_H
#define RULETEST_RULETEST_H

#include "engine/rules/rules.h"

struct ruletest_options {
	const struct rules_variable *variables; // for ${NAME} in rule files
	size_t variable_count;
	bool use_environment;
	bool closed_ranges;
	unsigned features; // enum promql_feature
	struct regex *const
		*run; // only test groups whose whole name one of these matches; count 0: all
	size_t run_count;
};

/* Told as things happen. Any of them may be NULL. Texts are valid during the call. */
struct ruletest_observer {
	void *context;
	void (*warning)(void *context, struct str text);
	/* A test group begins; failures up to the next are its own. Failures before the first are
	 * the file's. */
	void (*group)(void *context, struct str name);
	/* Several lines, as promtool prints them under FAILED. */
	void (*failure)(void *context, struct str text);
};

/*
 * Runs every test of a file; `text` is its contents, rule files are read relative to `path`. Rule
 * groups run in group_eval_order; those it does not name together with its first, all in file
 * order. Returns whether there was no failure.
 */
bool ruletest_run(struct str text, const char *path, const struct ruletest_options *options,
	const struct ruletest_observer *observer);

/* The reader alone: false with what is wrong in *err. For fuzzing. */
bool ruletest_check(struct str text, const char *path, struct error *err);

#endif
