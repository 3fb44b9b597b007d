#include "engine/series/series.h"

bool matcher_init(struct matcher *out, enum matcher_kind kind, struct str name, struct str value,
	struct error *err)
{
	*out = (struct matcher){.kind = kind, .name = name, .value = value};
	if (kind == MATCHER_EQUAL || kind == MATCHER_NOT_EQUAL)
		return true;
	out->regex = regex_create(value, err);
	return out->regex != NULL;
}

void matcher_finish(struct matcher *matcher)
{
	if (!matcher)
		return;
	regex_destroy(matcher->regex);
	matcher->regex = NULL;
}

bool matcher_matches(const struct matcher *matcher, struct str value)
{
	switch (matcher->kind) {
	case MATCHER_EQUAL:
		return str_equal(matcher->value, value);
	case MATCHER_NOT_EQUAL:
		return !str_equal(matcher->value, value);
	case MATCHER_REGEX:
		return regex_matches(matcher->regex, value);
	case MATCHER_NOT_REGEX:
		return !regex_matches(matcher->regex, value);
	}
	return false;
}

bool matchers_match(const struct matcher *matchers, size_t count, const struct labels *labels)
{
	// Equalities first: they are cheap, and nearly always decide.
	for (size_t i = 0; i < count; i++)
		if (!matchers[i].regex &&
			!matcher_matches(&matchers[i], labels_get(labels, matchers[i].name)))
			return false;
	for (size_t i = 0; i < count; i++)
		if (matchers[i].regex &&
			!matcher_matches(&matchers[i], labels_get(labels, matchers[i].name)))
			return false;
	return true;
}

void matcher_print(struct buffer *out, const struct matcher *matcher)
{
	static const char *const operators[] = {"=", "!=", "=~", "!~"};

	buffer_append_str(out, matcher->name);
	buffer_append_text(out, operators[matcher->kind]);
	labels_quote(out, matcher->value);
}
