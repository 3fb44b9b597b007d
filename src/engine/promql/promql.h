/*
 * promql/promql.h — PromQL: text to tree, tree to plan, plan to columns. No I/O, no clock.
 *
 * Evaluation is columnar: a plan visits each node of the tree once for a whole block of instants,
 * and a node's result is a column of values per output series. A plan keeps its place between runs,
 * so that windows are computed incrementally, over a whole day at once or instant by instant as
 * time passes.
 */
#ifndef PROMQL_PROMQL_H
#define PROMQL_PROMQL_H

#include "engine/series/series.h"

/* --- the tree --- */

enum promql_type { PROMQL_SCALAR, PROMQL_STRING, PROMQL_VECTOR, PROMQL_MATRIX };

enum promql_kind {
	PROMQL_NUMBER,
	PROMQL_TEXT,
	PROMQL_SELECTOR, // instant vector selector
	PROMQL_RANGE,	 // selector[5m]
	PROMQL_SUBQUERY, // expr[5m:1m]
	PROMQL_CALL,
	PROMQL_AGGREGATE,
	PROMQL_BINARY,
	PROMQL_UNARY,
	PROMQL_PAREN,
	PROMQL_DURATION, // in a duration expression: step(), range(), min_of and max_of of
			 // durations
};

enum promql_operator {
	PROMQL_ADD,
	PROMQL_SUB,
	PROMQL_MUL,
	PROMQL_DIV,
	PROMQL_MOD,
	PROMQL_POW,
	PROMQL_ATAN2,
	PROMQL_EQL,
	PROMQL_NEQ,
	PROMQL_GTR,
	PROMQL_LSS,
	PROMQL_GTE,
	PROMQL_LTE,
	PROMQL_AND,
	PROMQL_OR,
	PROMQL_UNLESS,
	PROMQL_TRIM_UPPER, // </ on histograms
	PROMQL_TRIM_LOWER, // >/
};

enum promql_aggregator {
	PROMQL_SUM,
	PROMQL_AVG,
	PROMQL_MIN,
	PROMQL_MAX,
	PROMQL_COUNT,
	PROMQL_GROUP,
	PROMQL_STDDEV,
	PROMQL_STDVAR,
	PROMQL_TOPK,
	PROMQL_BOTTOMK,
	PROMQL_QUANTILE,
	PROMQL_COUNT_VALUES,
	PROMQL_LIMITK,
	PROMQL_LIMIT_RATIO,
};

enum promql_card { PROMQL_ONE_TO_ONE, PROMQL_MANY_TO_ONE, PROMQL_ONE_TO_MANY, PROMQL_MANY_TO_MANY };

/* What a duration expression may ask the query for, or choose between. */
enum promql_duration { PROMQL_STEP, PROMQL_QUERY_RANGE, PROMQL_MIN_OF, PROMQL_MAX_OF };

/* `offset` and `@` of a selector or sub-query. */
enum promql_at { PROMQL_AT_NONE, PROMQL_AT_TIME, PROMQL_AT_START, PROMQL_AT_END };

struct promql_modifiers {
	int64_t offset_ms;
	const struct promql_expr *offset; // not constant, [5m] offset step(); else NULL
	enum promql_at at;
	int64_t at_ms; // for PROMQL_AT_TIME
};

/* How the ends of a range (or an instant) are filled in: `metric[5m] anchored`, `metric smoothed`.
 */
enum promql_extension { PROMQL_PLAIN, PROMQL_ANCHORED, PROMQL_SMOOTHED };

struct promql_function; // a row of the function table, functions.h

/* As it is written in an expression. */
const char *promql_function_name(const struct promql_function *function);

/* Byte offsets into the text, end exclusive. */
struct promql_position {
	size_t start, end;
};

/*
 * A node. Owned by the arena given to promql_parse; texts too.
 *
 * A duration expression hangs beside the tree (range.duration, subquery.step, modifiers.offset):
 * promql_walk does not enter it. It is made of numbers (of seconds), binary, unary, parentheses and
 * PROMQL_DURATION; a constant duration is none, but a number of milliseconds.
 */
struct promql_expr {
	enum promql_kind kind;
	enum promql_type type;
	struct promql_position position;
	bool is_offset; // a duration expression behind `offset`, which may be negative
	union {
		struct {
			double number;
			bool is_duration; // written as one, 5m; `number` is in seconds
		};
		struct str text;
		struct {
			struct str name; // empty where the selector has no metric name in front
			struct matcher *matchers; // the name is among them
			size_t matcher_count;
			struct promql_modifiers modifiers;
			enum promql_extension extension;
		} selector;
		struct {
			struct promql_expr *selector; // PROMQL_SELECTOR; the modifiers are in it
			int64_t range_ms;
			const struct promql_expr *duration; // not constant; else NULL
		} range;
		struct {
			struct promql_expr *inner;
			int64_t range_ms;
			int64_t step_ms;			   // 0: the default
			const struct promql_expr *duration, *step; // not constant; else NULL
			struct promql_modifiers modifiers;
		} subquery;
		struct {
			const struct promql_function *function;
			struct promql_expr **args;
			size_t arg_count;
		} call;
		struct {
			enum promql_aggregator aggregator;
			struct promql_expr *inner;
			struct promql_expr
				*parameter; // of topk, bottomk, quantile, count_values; else NULL
			struct str *names;
			size_t name_count;
			bool without;
		} aggregate;
		struct {
			enum promql_operator op;
			struct promql_expr *lhs, *rhs;
			bool return_bool;
			bool is_on;	       // on(names); else ignoring(names)
			enum promql_card card; // many-to-many for and, or, unless
			struct str *names;
			size_t name_count;
			struct str *include; // of group_left and group_right
			size_t include_count;
			// `fill`, fill_left, fill_right: what stands in for a side without a match.
			bool has_fill_left, has_fill_right;
			double fill_left, fill_right;
		} binary;
		struct {
			struct promql_expr *inner;
			bool negate;
		} unary;
		struct promql_expr *paren;
		struct {
			enum promql_duration what;
			struct promql_expr *lhs, *rhs; // of min_of and max_of; else NULL
		} duration;
	};
};

/*
 * What Prometheus allows behind --enable-feature: experiments of the language (the first four,
 * which the parser asks for), and of what it means.
 */
enum promql_feature {
	PROMQL_EXPERIMENTAL_FUNCTIONS = 1, // promql-experimental-functions
	PROMQL_DURATION_EXPRESSIONS = 2,   // promql-duration-expr
	PROMQL_EXTENDED_SELECTORS = 4,	   // promql-extended-range-selectors
	PROMQL_FILL_MODIFIERS = 8,	   // promql-binop-fill-modifiers
	PROMQL_DELAYED_NAMES = 16,	   // promql-delayed-name-removal
	PROMQL_START_TIMESTAMPS = 32,	   // use-start-timestamps
	PROMQL_TYPE_AND_UNIT = 64,	   // type-and-unit-labels
	PROMQL_PER_STEP_STATS = 128, // promql-per-step-stats: not the engine's, see promql_stats
	PROMQL_ALL_FEATURES = 255,
};

/*
 * Text to a type-checked tree, as Prometheus 3.14's parser; `features` is a sum of enum
 * promql_feature, 0 what Prometheus takes by default. Text is capped at 1 MiB, depth at 200,
 * where a chain of left-associative operators (`a or b or c …`) is one level: its left spine may be
 * half a million nodes long, so whoever recurses must loop along `binary.lhs`. Any other child is
 * deeper by one.
 *
 * Fails: ERROR_INVALID with Prometheus's wording, "LINE:COLUMN: parse error: …", and *where (may be
 * NULL) set to the offending bytes; ERROR_UNSUPPORTED for what the language has and we do not yet;
 * ERROR_LIMIT. A tree holds compiled regular expressions: call promql_release (takes NULL) before
 * the arena goes.
 */
struct promql_expr *promql_parse(struct str text, unsigned features, struct arena *arena,
	struct promql_position *where, struct error *err);
void promql_release(struct promql_expr *expr);

/*
 * A selector and nothing else, as the HTTP API's match[] takes it: PROMQL_SELECTOR without
 * modifiers. What it matches is not looked at, {} passes. Fails as promql_parse.
 */
struct promql_expr *promql_parse_selector(struct str text, struct arena *arena, struct error *err);

/*
 * The tree as text again, Prometheus's form (Expr.String()), but for the few trees whose text
 * Prometheus could not read again: those are quoted or spelt so that they can be.
 */
void promql_print(struct buffer *out, const struct promql_expr *expr);

/*
 * The same laid out in lines of at most 100 columns where it can be, as Prometheus's Prettify
 * (/api/v1/format_query). A deep expression indents far: fails with ERROR_LIMIT, and *out as far as
 * it came, past about `max_bytes`.
 */
bool promql_format(
	struct buffer *out, const struct promql_expr *expr, size_t max_bytes, struct error *err);

/* The tree as JSON, in the shape of Prometheus's /api/v1/parse_query. */
void promql_print_tree(struct buffer *out, const struct promql_expr *expr);

/* Calls `visit` for every node, parents first; false at once where `visit` returns false. */
bool promql_walk(const struct promql_expr *expr,
	bool (*visit)(const struct promql_expr *expr, void *context), void *context);

/*
 * A series in exposition-like notation, name{a="b"} — as exp_samples' labels and API texts write
 * it. Fails: ERROR_INVALID with "LINE:COLUMN: parse error: …".
 */
const struct labels *promql_parse_metric(struct str text, struct arena *arena, struct error *err);

/* `1h30m`, `5s`, `100ms`, `1d`, as Prometheus's model.ParseDuration. Fails: ERROR_INVALID. */
bool promql_parse_duration(struct str text, int64_t *out_ms, struct error *err);
/* model.Duration.String(): 1h30m, 5s, 0s. */
void promql_print_duration(struct buffer *out, int64_t ms);

/*
 * A line of promtool's input_series: the values notation (`0x5 1+2x3 _ stale {{count:1}}x2 …`,
 * promqltest), as runs of samples. Fails: ERROR_INVALID with "1:COLUMN: parse error: …";
 * ERROR_LIMIT past 100 million samples, or 4 million buckets.
 */
struct promql_value_run {
	double value; // first value; the stale marker for `stale`; a histogram in the arena, boxed
	double increment; // added once a sample
	size_t count;	  // samples
	bool missing;	  // `_`: count instants without a sample
};
bool promql_parse_values(struct str text, struct arena *arena, struct promql_value_run **out,
	size_t *out_count, struct error *err);

/* --- annotations --- */

/* What an evaluation has to say beside its result, "PromQL warning: … (1:5)". */
struct promql_annotation {
	bool is_warning; // else an info
	struct str text; // as the API and the test language render it
	size_t said_len; // of the text, before its details and its position
};

/*
 * All of one query, in order of first appearance. What was said once is not said again of another
 * position, as in Prometheus. Owned by the arena.
 */
struct promql_annotations {
	struct arena *arena;
	struct str query; // positions are told as line and column of this text
	struct promql_annotation *items;
	size_t count, capacity;
	size_t *slots;	// hash table: position in items + 1
	size_t omitted; // past PROMQL_MAX_ANNOTATIONS, counted only
};

enum { PROMQL_MAX_ANNOTATIONS = 10000 };

/* `query` is the text that was parsed; both are borrowed. */
void promql_annotations_init(
	struct promql_annotations *annotations, struct arena *arena, struct str query);

/*
 * Adds "PromQL warning: TEXT (LINE:COLUMN)" (or info) about the byte at `position`; no change where
 * the same was said already. Takes NULL.
 */
void promql_annotate(struct promql_annotations *annotations, bool is_warning, size_t position,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* --- evaluation --- */

/*
 * What a query looked at. `sample_count` is Prometheus's totalQueryableSamples: values of selectors
 * and samples in windows, at all instants together; a histogram is as many as its memory in Go is.
 * `peak_samples` are those held at once: columns of a block, windows, sub-queries, results. It is
 * less than Prometheus's, which holds whole ranges.
 */
struct promql_stats {
	uint64_t sample_count, peak_samples;
	uint64_t *per_instant; // sample_count of each instant; the arena's of promql_query
	size_t instant_count;
};

struct promql_options {
	int64_t lookback_ms;	  // 5 minutes where 0
	int64_t subquery_step_ms; // 1 minute where 0
	bool closed_ranges;	  // Prometheus 2.x: windows include their left edge
	uint64_t max_samples;	  // 50 million where 0: samples held at once (Prometheus's
				  // query.max-samples)
	/*
	 * Values computed, all operators and sub-queries together, before a run gives up with
	 * ERROR_LIMIT: a query's text can ask for years of work. 0: no bound.
	 */
	uint64_t max_work;
	/*
	 * As a recording rule sees its data: at instant t nothing younger than t, and of samples at
	 * t itself only those of series with rank < this. 0: a query, which sees everything.
	 */
	uint32_t rule_rank;
	// What @ start() and @ end() mean; both 0: first and last instant of each run.
	int64_t start_ms, end_ms;
	int64_t step_ms;   // what step() means; 0 for an instant query
	unsigned features; // enum promql_feature: delayed names, start timestamps, type and unit
	struct promql_annotations *annotations; // may be NULL: nobody wants them
	struct promql_stats *stats;		// the same; filled by promql_query
	/*
	 * When to give up, asked once a block and now and then inside long ones: ERROR_CANCELLED
	 * where `cancelled` says so, ERROR_TIMEOUT past `deadline_ms` on `clock_ms`. Both may be
	 * NULL.
	 */
	bool (*cancelled)(void *context);
	void *cancel_context;
	int64_t (*clock_ms)(void); // clock_monotonic_ms
	int64_t deadline_ms;
};

/*
 * What a duration expression of the tree (range.duration, subquery.step, modifiers.offset, …) comes
 * to in a query from options->start_ms to end_ms by step_ms: step(), range(), arithmetic, min_of(),
 * max_of(). Fails: ERROR_INVALID with Prometheus's words, "START:END: " before them (bytes of the
 * text): division by zero, not greater than 0 where it must be, out of range.
 */
bool promql_duration_ms(const struct promql_expr *duration, const struct promql_options *options,
	int64_t *out_ms, struct error *err);

/*
 * Result of a block of instants. A column holds step_count values, the stale marker where the
 * series has none at that instant; a value may be a boxed histogram (series.h), the plan's as well.
 * Labels and columns are valid until the next block, or the plan's end; labels of equal sets may be
 * different pointers. A scalar is one column with labels_none.
 */
struct promql_block {
	enum promql_type type; // PROMQL_VECTOR or PROMQL_SCALAR, PROMQL_STRING
	const int64_t *times_ms;
	size_t step_count;
	size_t series_count;
	const struct labels *const *labels;
	const double *const *columns;
	struct str text; // PROMQL_STRING
	/* Grows whenever labels[] changed its meaning: a receiver may cache per-column state until
	 * then. */
	uint64_t generation;
};

/* Receives blocks in order of time. Returning false stops the run with *err as it left it. */
typedef bool promql_receive(void *context, const struct promql_block *block, struct error *err);

struct promql_plan;

/*
 * A plan for an expression on a source; both are borrowed and outlive it. No data is read yet.
 * NULL with ERROR_UNSUPPORTED or ERROR_INVALID (a range vector is no result of a range query).
 */
struct promql_plan *promql_plan_create(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *options, struct error *err);
void promql_plan_destroy(struct promql_plan *plan);

/*
 * Evaluates at `count` ascending instants, all after those of the run before: windows go on where
 * they were. Fails: ERROR_EXECUTION (duplicate series, many-to-many matching), ERROR_LIMIT.
 */
bool promql_plan_run(struct promql_plan *plan, const int64_t *times_ms, size_t count,
	promql_receive *receive, void *context, struct error *err);

/*
 * A whole result, owned by the arena it was made in, histograms included. Series without any value
 * are left out.
 */
struct promql_result_series {
	const struct labels *labels;
	struct sample *samples;
	size_t sample_count;
};
struct promql_result {
	enum promql_type type; // an instant query of a range vector gives PROMQL_MATRIX
	struct promql_result_series *series;
	size_t series_count;
	struct str text;
};

/*
 * One query, parsed already, at `count` ascending instants. A range-vector expression is evaluated
 * when count is 1. Series are sorted by labels for count > 1 or with step_ms, else in the engine's
 * order.
 */
bool promql_query(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *options, const int64_t *times_ms, size_t count,
	struct arena *arena, struct promql_result *out, struct error *err);

#endif
