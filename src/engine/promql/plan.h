/*
 * promql/plan.h — what the evaluator's files share; private to promql/.
 *
 * A plan is an array of operators, children before parents, so that a block of instants is
 * evaluated by walking the array once: no recursion, however deep the tree. An operator's result is
 * a column of doubles per output series; a missing value is the stale marker, a NaN that no
 * arithmetic produces.
 *
 * Two phases. `prepare` maps labels: which series come in, which go out, who meets whom in a join.
 * It runs when the plan starts and when the source has new series that matter. `eval` fills columns
 * and looks at no label.
 */
#ifndef PROMQL_PLAN_H
#define PROMQL_PLAN_H

#include "engine/promql/promql.h"

#include "base/map.h"

/* Instants evaluated together: long enough to forget the overhead, short enough to stay in the
 * cache. */
enum { PLAN_BLOCK_STEPS = 128 };

struct plan_op;

struct plan_op_ops {
	bool (*prepare)(struct plan_op *op, struct error *err);
	bool (*eval)(struct plan_op *op, struct error *err);
	void (*finish)(struct plan_op *op); // may be NULL
};

struct plan_op {
	const struct plan_op_ops *ops;
	struct promql_plan *plan;
	const struct promql_expr *expr;
	struct plan_op **children;
	size_t child_count, index; // index: in plan->ops
	bool is_scalar;		   // one column with labels_none, always present
	unsigned uses;		   // equal expressions that it stands for

	// Set by prepare; all in plan->prepared.
	size_t series_count;
	const struct labels **labels;
	bool *drops; // per output: its name goes at the end (delayed names); NULL: none does
	const double **columns;
	uint64_t *seen; // per step: samples looked at; NULL: it looks at none, or nobody asks

	// Set by eval, for the block in work.
	bool has_histograms; // false: all values are floats, loops need not look
	/*
	 * Of a single instant: output numbers in the order of the answer, present or not. NULL: as
	 * they are numbered. What is not in it comes behind.
	 */
	const size_t *order;
	size_t order_count;
};

/* A selection from the source, and how many series it had when the plan was prepared. */
struct plan_leaf {
	const struct promql_expr *selector;
	size_t known_count;
};

struct promql_plan {
	struct series_source *source;
	struct promql_options options;
	struct arena arena;    // operators; as long as the plan
	struct arena prepared; // labels, mappings, columns; until the next prepare
	struct arena values;   // histograms and orders that the block in work makes
	uint64_t values_held;  // of them, as counted with plan_hold
	struct plan_op **ops;
	size_t op_count, op_capacity;
	struct plan_leaf *leaves; // what the plan reads from the source
	size_t leaf_count, leaf_capacity;
	struct promql_plan **inners; // of sub-queries, owned by their operators
	size_t inner_count, inner_capacity;
	struct map known; // operator's key → struct plan_op *: equal sub-expressions are evaluated
			  // once
	struct plan_op *root;
	// While building: how deep inside what only asks for histograms' counts and sums, and
	// inside what needs their buckets, or picks samples.
	unsigned statistics_depth, buckets_depth;
	bool is_prepared;
	size_t stride; // instants that a column has room for
	uint64_t seen_series;
	uint64_t run_count; // calls of promql_plan_run; of the outermost
	uint64_t generation;
	uint64_t held_samples; // in windows and sub-queries; an inner plan counts in its outermost
	uint64_t work;	       // values computed so far; an inner plan counts in its outermost
	uint64_t asked_at;     // work at which plan_may_go_on was asked last; of the outermost
	struct promql_plan *outermost;
	bool counts;		// what its operators look at, for options.stats
	size_t counted_steps;	// so far
	uint64_t label_bytes;	// made by label_replace and label_join since prepare
	uint64_t pattern_bytes; // that label_replace compiled in this run; of the outermost

	// The block in work.
	const int64_t *times_ms;
	size_t step_count;
	int64_t start_ms, end_ms; // @ start(), @ end()
	// Inside a sub-query of a rule: the rule's instant, which bounds what is visible.
	bool has_horizon;
	int64_t horizon_ms;
};

/* --- building (plan.c) --- */

/* The operator for an expression; NULL with *err. Recurses on right-hand sides and arguments only.
 */
struct plan_op *plan_build(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);

/*
 * A new operator of `size` bytes (struct plan_op first), appended to the plan; or the one that was
 * made under the same key, then *is_new is false.
 */
struct plan_op *plan_add(struct promql_plan *plan, size_t size, const struct plan_op_ops *ops,
	const struct promql_expr *expr, struct buffer *key, bool *is_new);
void plan_set_children(struct plan_op *op, struct plan_op *const *children, size_t count);

/* Whether it is the same at every instant of a query; of `first`, whatever the scalar does later:
 * its value at the query's first instant. plan_invariant.c. */
bool plan_is_invariant(const struct promql_expr *expr);
struct plan_op *plan_first(struct promql_plan *plan, struct plan_op *scalar);

/* One constructor per family of operators. `inner` expressions are built by them. */
enum plan_gives {
	PLAN_GIVE_VALUES,
	PLAN_GIVE_TIMESTAMPS,
	PLAN_GIVE_START_TIMESTAMPS,
	PLAN_GIVE_AGE, // timestamps with all labels on; of a histogram -Inf (info)
};
/* For timestamps `expr` need not be a selector: of anything else there are none. */
struct plan_op *plan_selector(struct promql_plan *plan, const struct promql_expr *expr,
	enum plan_gives gives, struct error *err);
/* `metric smoothed`. */
struct plan_op *plan_smoothed(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);
struct plan_op *plan_window(
	struct promql_plan *plan, const struct promql_expr *call, struct error *err);
struct plan_op *plan_absent_window(
	struct promql_plan *plan, const struct promql_expr *call, struct error *err);
struct plan_op *plan_info(
	struct promql_plan *plan, const struct promql_expr *call, struct error *err);
/* topk, bottomk, limitk, limit_ratio: `inner` and `parameter` are built. */
struct plan_op *plan_rank(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *inner, struct plan_op *parameter, struct error *err);
struct plan_op *plan_count_values(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);
struct plan_op *plan_call(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);
/* histogram_quantile(), histogram_quantiles(), histogram_fraction(). */
struct plan_op *plan_histogram(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);
struct plan_op *plan_number(struct promql_plan *plan, const struct promql_expr *expr, double value);
struct plan_op *plan_negate(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);
struct plan_op *plan_aggregate(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);
/* `lhs` is built; for PROMQL_OR `operands` are all of a left-nested chain with one matching. */
struct plan_op *plan_binary(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *lhs, struct plan_op *rhs, struct error *err);
struct plan_op *plan_set(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *const *operands, size_t count, struct error *err);

/* The parameter as a constant text: a string literal, in parentheses perhaps. */
struct str plan_text(const struct promql_expr *expr);
const struct promql_expr *plan_strip(const struct promql_expr *expr);

/*
 * Texts of labels can be joined with themselves, call inside call, and values can become labels:
 * without a cap a short query would make gigabytes of them. Counts `len` bytes more; false past the
 * cap.
 */
enum { PLAN_MAX_LABEL_BYTES = 64 * 1024, PLAN_MAX_LABELS_BYTES = 64 * 1024 * 1024 };
bool plan_count_label(struct promql_plan *plan, const char *what, size_t len, struct error *err);

/* Any UTF-8 names a label, but nothing does not. */
bool plan_is_label_name(struct str name);

/* `constant`, or what the duration expression comes to in this query where there is one. */
bool plan_duration(const struct promql_plan *plan, const struct promql_expr *duration,
	int64_t constant, int64_t *out_ms, struct error *err);
/* Modifiers with a constant offset. */
bool plan_modifiers(const struct promql_plan *plan, const struct promql_modifiers *modifiers,
	struct promql_modifiers *out, struct error *err);

/* Range and modifiers of a range selector or a sub-query, all constant. */
bool plan_range(const struct promql_plan *plan, const struct promql_expr *range, int64_t *range_ms,
	struct promql_modifiers *modifiers, struct error *err);

static inline bool plan_has(const struct promql_plan *plan, enum promql_feature feature)
{
	return (plan->options.features & feature) != 0;
}

/* --- preparing (plan_prepare.c) --- */

/* Room for `count` output series; columns point nowhere yet. */
void plan_reserve(struct plan_op *op, size_t count);
/* Memory of its own for column i. */
double *plan_own_column(struct plan_op *op, size_t i);
/* Of a column of its own: nothing is present in the block. */
void plan_clear_column(struct plan_op *op, size_t i);

/*
 * Prepares what depends on an operator whose output series changed during eval: their labels depend
 * on values (count_values). Everything before it stays as it is.
 */
bool plan_renew(struct plan_op *op, struct error *err);

/* Numbers label sets by equality, in order of first sight. Lives in plan->prepared. */
struct plan_index {
	struct arena *arena;
	const struct labels **items;
	size_t count, capacity;
	size_t *slots; // position in items + 1, 0: empty
	size_t slot_count;
};
void plan_index_init(struct plan_index *index, struct arena *arena);
size_t plan_index_put(struct plan_index *index, const struct labels *labels);
/* SIZE_MAX where it is not there. */
size_t plan_index_find(const struct plan_index *index, const struct labels *labels);

/*
 * Output columns for inputs whose labels changed: inputs that end up with equal labels share one.
 * Most often none do, and `column_of` is the identity.
 */
struct plan_merge {
	size_t *column_of; // per input
	bool *is_shared;   // per output: several inputs, checked at each instant
	bool any_shared;
	size_t input_count;
};
/* Sets op's series, labels and drops (may be NULL) from the inputs'; columns still unset. */
void plan_merge_init(struct plan_merge *merge, struct plan_op *op,
	const struct labels *const *labels, const bool *drops, size_t count);
/*
 * Gives each output its column: the input's own where it is alone, else the one present value.
 * Fails: ERROR_EXECUTION where two inputs of an output are present at one instant.
 */
bool plan_merge_eval(const struct plan_merge *merge, struct plan_op *op,
	const double *const *inputs, struct error *err);
/* Has_histograms and order, as the child that the inputs came from has them. */
void plan_merge_follow(
	const struct plan_merge *merge, struct plan_op *op, const struct plan_op *child);

/* --- names (plan_names.c) --- */

/* The mark of an output, false where the operator has none. */
static inline bool plan_drops(const struct plan_op *op, size_t i)
{
	return op->drops && op->drops[i];
}

/*
 * What an operator that drops names (`drops`) makes of a child's series, in plan->prepared: labels
 * without names, or, with delayed names, the same labels and marks.
 */
void plan_name_outputs(struct plan_op *op, const struct plan_op *child, bool drops,
	const struct labels ***labels, bool **marks);

/* With delayed names, what stands around the root: takes marked names off. */
struct plan_op *plan_names(struct promql_plan *plan, struct plan_op *root);

/* Metric's name where the plan tells it in annotations: promql/engine.go, getMetricName. */
struct str plan_metric_name(const struct labels *labels);

/* --- histograms in columns --- */

/*
 * Whether what is built here sees resets as the store found them (histogram.compared): Prometheus
 * tells them to count and sum alone. Source: promql/engine.go, detectHistogramStatsDecoding.
 */
static inline bool plan_sees_compared(const struct promql_plan *plan)
{
	return plan->statistics_depth && !plan->buckets_depth;
}

/* A histogram as it is seen there. */
double plan_compared(struct promql_plan *plan, double value);

/* How many floats a value takes as much memory as. */
static inline int64_t plan_weight(double value)
{
	if (!sample_is_histogram(value))
		return 1;
	const struct histogram *histogram = sample_histogram(value);
	size_t bytes = sizeof *histogram +
		       (histogram->positive.span_count + histogram->negative.span_count) *
			       sizeof(struct histogram_span) +
		       (histogram->positive.bucket_count + histogram->negative.bucket_count +
			       histogram->custom_count) *
			       sizeof(double);

	return (int64_t)(bytes / sizeof(struct sample)) + 1;
}

/* Whether a column holds one: a loop the compiler makes wide. */
static inline bool plan_any_histogram(const double *column, size_t count)
{
	bool any = false;

	for (size_t k = 0; k < count; k++)
		any |= sample_is_histogram(column[k]);
	return any;
}

/* --- what was looked at (plan_stats.c) --- */

/* To be called by `prepare` of what reads samples. */
void plan_reserve_seen(struct plan_op *op);
/* How many floats Prometheus counts a value as. */
uint64_t plan_seen_size(double value);
/* A series' values of the block, each looked at; no change where nobody asks. */
void plan_see_column(struct plan_op *op, const double *column);
/* After a block was evaluated, where options.stats asks. */
void plan_count_block(struct promql_plan *plan);

/* --- annotations --- */

/* About what stands at an expression; nothing where nobody listens. */
#define plan_warn(plan, expr, ...) \
	promql_annotate(           \
		(plan)->options.annotations, true, plan_strip(expr)->position.start, __VA_ARGS__)
#define plan_inform(plan, expr, ...) \
	promql_annotate(             \
		(plan)->options.annotations, false, plan_strip(expr)->position.start, __VA_ARGS__)

/* --- time (plan.c) --- */

/* The instant a selector looks at when evaluated at t_ms: offset and @ applied. */
int64_t plan_reference(
	const struct promql_plan *plan, const struct promql_modifiers *modifiers, int64_t t_ms);

/* The youngest sample of a series with this rank that is visible there. */
static inline int64_t plan_visible_until(
	const struct promql_plan *plan, uint32_t rank, int64_t reference_ms, int64_t t_ms)
{
	if (plan->options.rule_rank == 0)
		return reference_ms;
	int64_t visible_ms = plan->has_horizon ? plan->horizon_ms : t_ms;

	if (rank >= plan->options.rule_rank)
		visible_ms--;
	return reference_ms < visible_ms ? reference_ms : visible_ms;
}

static inline bool plan_is_missing(double value)
{
	return sample_is_stale(value);
}

/* --- sub-plans (plan.c) --- */

/* A plan without operators, defaults filled in. */
struct promql_plan *plan_create_empty(
	struct series_source *source, const struct promql_options *options);

struct promql_plan *plan_create_inner(
	struct promql_plan *outer, const struct promql_expr *expr, struct error *err);

/* Evaluates one block of at most PLAN_BLOCK_STEPS instants; the result is in plan->root. */
bool plan_run_block(
	struct promql_plan *plan, const int64_t *times_ms, size_t count, struct error *err);

/* False where the query is cancelled or out of time. Costs a call or two: ask once a block. */
bool plan_may_go_on(const struct promql_plan *plan, struct error *err);

/* Work after which it is time to ask whether to go on. */
enum { PLAN_WORK_BETWEEN_QUESTIONS = 1 << 20 };

/* Counts work beyond a value per series and instant; false past the limit, or as plan_may_go_on. */
bool plan_work(struct promql_plan *plan, uint64_t work, struct error *err);

/* Counts samples that a window or a sub-query holds now and did not before; false past the limit.
 */
bool plan_hold(struct promql_plan *plan, int64_t samples, struct error *err);

/* Counts what the block made in plan->values since; false past the limit. To be asked now and then
 * by operators that make histograms. */
bool plan_hold_values(struct promql_plan *plan, struct error *err);

/* Sees whether the source has new series for this plan, and prepares where needed. */
bool plan_refresh(struct promql_plan *plan, size_t stride, struct error *err);

/*
 * The series that a selector matches now, in order of creation; in plan->prepared. Notes them, so
 * that plan_refresh can tell whether there are more later.
 */
bool plan_select(struct promql_plan *plan, const struct promql_expr *selector,
	struct series_list *out, struct error *err);

#endif
