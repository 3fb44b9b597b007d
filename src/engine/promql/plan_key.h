/*
 * promql/plan_key.h — the parts of an operator's key: equal keys, equal results. Private to
 * promql/.
 */
#ifndef PROMQL_PLAN_KEY_H
#define PROMQL_PLAN_KEY_H

#include "engine/promql/plan.h"

/* Children are in by address: they are unique by key themselves. */
static inline void plan_key_child(struct buffer *key, const struct plan_op *child)
{
	buffer_append(key, &child, sizeof child);
}

/* Length first, so that no two sequences of texts run into one. */
static inline void plan_key_text(struct buffer *key, struct str text)
{
	buffer_append(key, &text.len, sizeof text.len);
	buffer_append_str(key, text);
}

static inline void plan_key_number(struct buffer *key, int64_t number)
{
	buffer_append(key, &number, sizeof number);
}

static inline void plan_key_names(struct buffer *key, const struct str *names, size_t count)
{
	plan_key_number(key, (int64_t)count);
	for (size_t i = 0; i < count; i++)
		plan_key_text(key, names[i]);
}

static inline void plan_key_modifiers(struct buffer *key, const struct promql_modifiers *modifiers)
{
	plan_key_number(key, modifiers->offset_ms);
	plan_key_number(key, modifiers->at);
	plan_key_number(key, modifiers->at == PROMQL_AT_TIME ? modifiers->at_ms : 0);
}

/* `modifiers` are the selector's own, with a constant offset. */
static inline void plan_key_selector(struct buffer *key, const struct promql_expr *selector,
	const struct promql_modifiers *modifiers)
{
	plan_key_modifiers(key, modifiers);
	plan_key_number(key, selector->selector.extension);
	for (size_t i = 0; i < selector->selector.matcher_count; i++) {
		const struct matcher *matcher = &selector->selector.matchers[i];

		plan_key_number(key, matcher->kind);
		plan_key_text(key, matcher->name);
		plan_key_text(key, matcher->value);
	}
}

#endif
