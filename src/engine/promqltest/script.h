/*
 * promqltest/script.h — commands of the test language, read one at a time. Private. Texts are
 * borrowed from the text that is read; the rest is the arena's.
 */
#ifndef PROMQLTEST_SCRIPT_H
#define PROMQLTEST_SCRIPT_H

#include "engine/promqltest/lines.h"
#include "engine/promqltest/promqltest.h"

/* Start timestamps, `metric@st -1m-1mx2 _`: offsets from their samples' times. */
struct script_start_run {
	int64_t offset_ms, increment_ms; // added once a sample
	size_t count;
	bool missing;
};

/* A line `metric{…} values`, with the @st line in front of it. */
struct script_series {
	size_t line;
	const struct labels *labels;
	struct promql_value_run *runs;
	size_t run_count;
	struct script_start_run *starts;
	size_t start_count;
	bool has_unknown_hint; // counter_reset_hint:unknown is written: it is expected, too
};

struct script_load {
	int64_t step_ms;
	bool with_custom_buckets; // load_with_nhcb
	struct script_series *series;
	size_t series_count;
	uint64_t sample_count;
};

/* What a text must be: equal to `text`, or match `regex`; anything where both are empty. */
struct script_pattern {
	struct str text;
	struct regex *regex;
};

struct script_patterns {
	struct script_pattern *items;
	size_t count;
};

struct script_eval {
	struct promqltest_case about;
	struct promql_expr *expr; // NULL: see parse_error
	struct str parse_error;
	bool is_range;
	int64_t start_ms, end_ms, step_ms; // start = end for an instant
	bool fails, is_ordered;
	bool some_warning, some_info; // of the old eval_warn, eval_info
	bool no_warning, no_info;
	struct script_patterns failures, warnings, infos;
	bool is_range_vector; // the grid below is that of the expected samples
	int64_t first_ms, grid_ms;
	bool has_scalar, has_text;
	double scalar;
	struct str string;
	struct script_series *series;
	size_t series_count;
};

/*
 * The commands that the line last taken begins, with the lines of their blocks. Fail:
 * ERROR_INVALID, ERROR_LIMIT, ERROR_UNSUPPORTED with "LINE: …". script_eval_release frees regular
 * expressions, also after a failure.
 */
bool script_read_load(struct lines *lines, struct str line, struct arena *arena,
	struct script_load *out, struct error *err);
bool script_read_eval(struct lines *lines, struct str line, unsigned features, struct arena *arena,
	struct script_eval *out, struct error *err);
void script_eval_release(struct script_eval *eval);

/* `metric{…} values`, the line last taken, but for @st lines. Fails as the above. */
bool script_read_series(struct lines *lines, struct str line, struct arena *arena,
	struct script_series *out, struct error *err);
/* The place behind a series at the front of a line: its last brace, or the first blank. */
size_t script_series_len(struct str line);

/* `_x2 -1m -59999ms-1mx2`. */
bool script_read_starts(struct str values, struct arena *arena, struct script_start_run **out,
	size_t *out_count, struct error *err);

/* Samples of all runs, gaps included. */
uint64_t script_count_values(const struct script_series *series);

/* Walks a series' values one by one. */
struct script_value {
	bool missing;
	double value; // may be a boxed histogram (series.h), the arena's
};
struct script_values {
	const struct script_series *series;
	size_t run, taken;
	double value;
};
bool script_next_value(struct script_values *values, struct script_value *out);

#endif
