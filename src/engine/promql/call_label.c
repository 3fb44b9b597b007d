#include "engine/promql/call.h"
#include "engine/promql/plan_key.h"

/* label_replace() and label_join(): values pass, labels change. */

struct label_op {
	struct plan_op op; // expr: the call
	struct plan_merge merge;
};

/* `labels` with the destination set to what is in `value`, which is freed. NULL: too long. */
static const struct labels *set_destination(const struct plan_op *op, const struct labels *labels,
	struct buffer *value, struct arena *arena, struct error *err)
{
	struct str name = plan_text(op->expr->call.args[1]);

	if (plan_count_label(op->plan, op->expr->call.function->name, value->len, err))
		labels = labels_with(arena, labels, name, str_copy(arena, buffer_str(value)));
	else
		labels = NULL;
	buffer_finish(value);
	return labels;
}

static const struct labels *replace_label(const struct plan_op *op, const struct labels *labels,
	const struct regex *regex, struct arena *arena, struct error *err)
{
	struct promql_expr **args = op->expr->call.args;
	struct buffer value = {0};

	if (!regex_expand(
		    regex, labels_get(labels, plan_text(args[3])), plan_text(args[2]), &value))
		return labels;
	return set_destination(op, labels, &value, arena, err);
}

static const struct labels *join_labels(const struct plan_op *op, const struct labels *labels,
	struct arena *arena, struct error *err)
{
	struct promql_expr **args = op->expr->call.args;
	struct buffer value = {0};

	for (size_t i = 3; i < op->expr->call.arg_count; i++) {
		if (i > 3)
			buffer_append_str(&value, plan_text(args[2]));
		buffer_append_str(&value, labels_get(labels, plan_text(args[i])));
	}
	return set_destination(op, labels, &value, arena, err);
}

/* --- checks --- */

static bool check_name(const struct plan_op *op, size_t arg, const char *what, struct error *err)
{
	struct str name = plan_text(op->expr->call.args[arg]);

	if (plan_is_label_name(name))
		return true;
	return error_set(err, ERROR_EXECUTION, "invalid %s label name in %s(): %.*s", what,
		op->expr->call.function->name, STR_ARG(name));
}

static bool check_names(const struct plan_op *op, struct error *err)
{
	if (op->expr->call.function->id == PROMQL_FUNCTION_LABEL_JOIN)
		for (size_t i = 3; i < op->expr->call.arg_count; i++)
			if (!check_name(op, i, "source", err))
				return false;
	return check_name(op, 1, "destination", err);
}

// A text has room for thousands of patterns that take milliseconds each to compile.
enum { MAX_PATTERN_BYTES = 32 << 20, PATTERN_BYTES = 16 << 10 };

/* label_replace()'s; NULL with *err. */
static struct regex *compile(const struct plan_op *op, struct error *err)
{
	struct str text = plan_text(op->expr->call.args[4]);
	struct regex *regex = regex_create(text, err);

	if (!regex)
		error_set(err, ERROR_EXECUTION,
			"invalid regular expression in label_replace(): %.*s", STR_ARG(text));
	if (!regex)
		return NULL;
	uint64_t *bytes = &op->plan->outermost->pattern_bytes;

	*bytes += PATTERN_BYTES + regex_size(regex);
	if (*bytes <= MAX_PATTERN_BYTES)
		return regex;
	error_set(err, ERROR_LIMIT, "label_replace(): regular expressions take more than %d MiB",
		MAX_PATTERN_BYTES >> 20);
	regex_destroy(regex);
	return NULL;
}

/* --- the operator --- */

static bool change_labels(struct plan_op *op, const struct regex *regex,
	const struct labels **labels, bool *marks, struct error *err)
{
	const struct plan_op *child = op->children[0];
	struct arena *arena = &op->plan->prepared;
	bool renames = str_equal(plan_text(op->expr->call.args[1]), SERIES_METRIC_NAME);

	for (size_t i = 0; i < child->series_count; i++) {
		const struct labels *in = child->labels[i];

		labels[i] = regex ? replace_label(op, in, regex, arena, err)
				  : join_labels(op, in, arena, err);
		if (!labels[i])
			return false;
		// A name that was just given is not to go.
		if (marks && renames && (!regex || labels[i] != in))
			marks[i] = false;
	}
	return true;
}

static bool prepare(struct plan_op *op, struct error *err)
{
	struct label_op *self = (struct label_op *)op;
	bool replaces = op->expr->call.function->id == PROMQL_FUNCTION_LABEL_REPLACE;
	struct regex *regex = NULL;
	const struct labels **labels;
	bool *marks;

	if (replaces && !(regex = compile(op, err)))
		return false;
	plan_name_outputs(op, op->children[0], false, &labels, &marks);
	bool ok = check_names(op, err) && change_labels(op, regex, labels, marks, err);

	regex_destroy(regex);
	if (ok)
		plan_merge_init(&self->merge, op, labels, marks, op->children[0]->series_count);
	return ok;
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct label_op *self = (struct label_op *)op;

	plan_merge_follow(&self->merge, op, op->children[0]);
	return plan_merge_eval(&self->merge, op, op->children[0]->columns, err);
}

static const struct plan_op_ops label_ops = {prepare, eval, NULL};

struct plan_op *call_label(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	struct plan_op *child = plan_build(plan, expr->call.args[0], err);
	struct buffer key = {0};
	bool is_new;

	if (!child)
		return NULL;
	buffer_append_char(&key, 'l');
	plan_key_number(&key, expr->call.function->id);
	for (size_t i = 1; i < expr->call.arg_count; i++)
		plan_key_text(&key, plan_text(expr->call.args[i]));
	plan_key_child(&key, child);
	struct plan_op *op =
		plan_add(plan, sizeof(struct label_op), &label_ops, expr, &key, &is_new);

	if (is_new)
		plan_set_children(op, &child, 1);
	return op;
}

/* --- absent --- */

/*
 * As in Prometheus (createLabelsForAbsentFunction) a label's first equality counts, and any matcher
 * behind it undoes it.
 */
const struct labels *call_pinned_labels(const struct promql_expr *arg, struct arena *arena)
{
	const struct promql_expr *selector = plan_strip(arg);

	if (selector->kind == PROMQL_RANGE)
		selector = selector->range.selector;
	if (selector->kind != PROMQL_SELECTOR)
		return &labels_none;
	const struct matcher *matchers = selector->selector.matchers;
	size_t count = selector->selector.matcher_count, pair_count = 0;
	struct label *pairs = ARENA_ARRAY(arena, struct label, count);

	for (size_t i = 0; i < count; i++) {
		bool alone = matchers[i].kind == MATCHER_EQUAL &&
			     !str_equal(matchers[i].name, SERIES_METRIC_NAME);

		for (size_t j = 0; j < count && alone; j++)
			if (j != i && (j > i || matchers[j].kind == MATCHER_EQUAL))
				alone = !str_equal(matchers[i].name, matchers[j].name);
		if (alone)
			pairs[pair_count++] = (struct label){matchers[i].name, matchers[i].value};
	}
	return labels_make(arena, pairs, pair_count, false);
}
