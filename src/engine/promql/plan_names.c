#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"

/*
 * When metric names go. By default an operator that changes what a value means takes the name off
 * its series. With delayed names (promql-delayed-name-removal) it only marks them, so that series
 * that differ by name stay apart until the query's end, where the marked names go.
 */

struct str plan_metric_name(const struct labels *labels)
{
	return labels_get(labels, SERIES_METRIC_NAME);
}

bool plan_count_label(struct promql_plan *plan, const char *what, size_t len, struct error *err)
{
	plan->label_bytes += len;
	if (len <= PLAN_MAX_LABEL_BYTES && plan->label_bytes <= PLAN_MAX_LABELS_BYTES)
		return true;
	return error_set(err, ERROR_LIMIT,
		"%s(): label values of %d bytes each and %d in all are the limit", what,
		PLAN_MAX_LABEL_BYTES, PLAN_MAX_LABELS_BYTES);
}

bool plan_is_label_name(struct str name)
{
	size_t at = 0, len = 1;

	for (; at < name.len && len; at += len)
		len = str_utf8_len(name.data + at, name.len - at);
	return name.len && len;
}

void plan_name_outputs(struct plan_op *op, const struct plan_op *child, bool drops,
	const struct labels ***labels, bool **marks)
{
	struct arena *arena = &op->plan->prepared;
	bool delays = plan_has(op->plan, PROMQL_DELAYED_NAMES);

	*labels = ARENA_ARRAY(arena, const struct labels *, child->series_count);
	*marks = delays ? ARENA_ARRAY(arena, bool, child->series_count) : NULL;
	for (size_t i = 0; i < child->series_count; i++) {
		(*labels)[i] = drops && !delays ? labels_drop_metadata(arena, child->labels[i])
						: child->labels[i];
		if (delays)
			(*marks)[i] = drops || plan_drops(child, i);
	}
}

/* --- at the root --- */

struct names_op {
	struct plan_op op;
	struct plan_merge merge;
};

static bool prepare(struct plan_op *op, struct error *err)
{
	struct names_op *self = (struct names_op *)op;
	const struct plan_op *child = op->children[0];
	struct arena *arena = &op->plan->prepared;
	const struct labels **labels =
		ARENA_ARRAY(arena, const struct labels *, child->series_count);

	(void)err;
	for (size_t i = 0; i < child->series_count; i++)
		labels[i] = plan_drops(child, i) ? labels_drop_metadata(arena, child->labels[i])
						 : child->labels[i];
	plan_merge_init(&self->merge, op, labels, NULL, child->series_count);
	return true;
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct names_op *self = (struct names_op *)op;

	plan_merge_follow(&self->merge, op, op->children[0]);
	return plan_merge_eval(&self->merge, op, op->children[0]->columns, err);
}

static const struct plan_op_ops names_ops = {prepare, eval, NULL};

struct plan_op *plan_names(struct promql_plan *plan, struct plan_op *root)
{
	struct buffer key = {0};
	bool is_new;

	if (root->is_scalar)
		return root;
	buffer_append_char(&key, 'N');
	plan_key_child(&key, root);
	struct plan_op *op =
		plan_add(plan, sizeof(struct names_op), &names_ops, root->expr, &key, &is_new);

	if (is_new)
		plan_set_children(op, &root, 1);
	return op;
}
