/*
 * The rules file. Everything has a default but `signs`; docs/decision.md lists them.
 */
#include "train/decision/decision.h"

#include "base/number.h"
#include "base/options.h"
#include "base/yaml.h"

struct reader {
	const char *file;
	struct arena *arena;
	struct error *err;
};

static bool read_share(const struct reader *reader, const struct yaml_node *node, const char *name,
	double min, double *out)
{
	const struct yaml_node *value = yaml_get(node, name);
	double percent;

	if (!value)
		return true;
	if (!yaml_number(value, reader->file, name, &percent, reader->err))
		return false;
	if (!(percent >= min && percent <= 100))
		return yaml_error(reader->err, reader->file, value,
			"%s must be from %g to 100 (percent), not %.*s", name, min,
			STR_ARG(value->text));
	*out = percent / 100;
	return true;
}

static bool read_duration(const struct reader *reader, const struct yaml_node *node,
	const char *name, int64_t *out_us)
{
	const struct yaml_node *value = yaml_get(node, name);
	struct str text;
	int64_t ms;

	if (!value)
		return true;
	if (!yaml_string(value, reader->file, name, &text, reader->err))
		return false;
	if (!options_parse_duration(text, &ms) || ms > 24 * 3600 * INT64_C(1000))
		return yaml_error(reader->err, reader->file, value,
			"%s must be a duration of at most a day, like 300ms or 2s, not \"%.*s\"",
			name, STR_ARG(text));
	*out_us = ms * 1000;
	return true;
}

static bool parse_confirm(struct str text, int64_t *hits, int64_t *window)
{
	static const char word[] = " of ";
	const char *of = memmem(text.data, text.len, word, sizeof word - 1);

	if (!of)
		return false;
	struct str first = {text.data, (size_t)(of - text.data)};
	struct str second = {of + sizeof word - 1, text.len - first.len - (sizeof word - 1)};

	return number_parse_int(first, hits) && number_parse_int(second, window) && *hits >= 1 &&
	       *hits <= *window && *window <= DECISION_MAX_WINDOW;
}

static bool read_confirm(
	const struct reader *reader, const struct yaml_node *node, struct decision_sign *out)
{
	const struct yaml_node *value = yaml_get(node, "confirm");
	struct str text;

	if (!value)
		return true;
	if (!yaml_string(value, reader->file, "confirm", &text, reader->err))
		return false;
	return parse_confirm(text, &out->hits, &out->window) ||
	       yaml_error(reader->err, reader->file, value,
		       "confirm must be N of M pictures, at most %d, like 2 of 3, not \"%.*s\"",
		       DECISION_MAX_WINDOW, STR_ARG(text));
}

static bool read_order(
	const struct reader *reader, const struct yaml_node *node, struct decision_sign *out)
{
	const struct yaml_node *value = yaml_get(node, "order");
	struct str text;

	if (!value)
		return yaml_error(
			reader->err, reader->file, node, "a sign needs an order: stop or slow");
	if (!yaml_string(value, reader->file, "order", &text, reader->err))
		return false;
	out->order = str_equal(text, STR("stop"))   ? WIRE_ORDER_STOP
		     : str_equal(text, STR("slow")) ? WIRE_ORDER_SLOW
						    : WIRE_ORDER_NONE;
	return out->order != WIRE_ORDER_NONE ||
	       yaml_error(reader->err, reader->file, value,
		       "order must be stop or slow, not \"%.*s\"", STR_ARG(text));
}

static bool read_class(
	const struct reader *reader, const struct yaml_node *node, struct decision_sign *out)
{
	const struct yaml_node *value = yaml_get(node, "class");

	if (!value)
		return yaml_error(reader->err, reader->file, node,
			"a sign needs a class: the model's name for it, like DangerAhead");
	if (!yaml_string(value, reader->file, "class", &out->class_name, reader->err))
		return false;
	if (!out->class_name.len || out->class_name.len >= WIRE_MAX_TEXT_BYTES)
		return yaml_error(reader->err, reader->file, value, "class must have 1 to %d bytes",
			WIRE_MAX_TEXT_BYTES - 1);
	out->class_name = str_copy(reader->arena, out->class_name);
	return true;
}

static bool read_sign(
	const struct reader *reader, const struct yaml_node *node, struct decision_sign *out)
{
	static const char *const allowed[] = {"class", "order", "min_confidence_percent",
		"min_height_percent", "confirm", "cooldown", NULL};

	if (!yaml_check_keys(node, reader->file, "a sign", allowed, reader->err) ||
		!read_class(reader, node, out) || !read_order(reader, node, out))
		return false;
	bool stops = out->order == WIRE_ORDER_STOP;

	// A train that stops for nothing is safe, one that slows for nothing is a nuisance.
	out->hits = stops ? 1 : 2;
	out->window = stops ? 1 : 3;
	out->min_confidence = 0.5;
	out->cooldown_us = 5000000;
	return read_share(reader, node, "min_confidence_percent", 0, &out->min_confidence) &&
	       read_share(reader, node, "min_height_percent", 0, &out->min_height) &&
	       read_confirm(reader, node, out) &&
	       read_duration(reader, node, "cooldown", &out->cooldown_us);
}

static bool read_signs(
	const struct reader *reader, const struct yaml_node *root, struct decision_rules *out)
{
	const struct yaml_node *list = yaml_get(root, "signs");

	if (!list || list->kind != YAML_SEQUENCE || !list->count ||
		list->count > DECISION_MAX_SIGNS)
		return yaml_error(reader->err, reader->file, list ? list : root,
			"signs must be a list of 1 to %d signs, each with a class and an order",
			DECISION_MAX_SIGNS);
	struct decision_sign *signs = ARENA_ARRAY(reader->arena, struct decision_sign, list->count);

	for (size_t i = 0; i < list->count; i++) {
		if (!read_sign(reader, list->items[i], &signs[i]))
			return false;
		for (size_t j = 0; j < i; j++)
			if (str_equal(signs[i].class_name, signs[j].class_name))
				return yaml_error(reader->err, reader->file, list->items[i],
					"class %.*s stands in an earlier sign already",
					STR_ARG(signs[i].class_name));
	}
	out->signs = signs;
	out->sign_count = list->count;
	return true;
}

static bool read_region(
	const struct reader *reader, const struct yaml_node *node, struct decision_rules *out)
{
	static const char *const allowed[] = {"left", "top", "right", "bottom", NULL};

	if (!node)
		return true;
	if (!yaml_check_keys(node, reader->file, "region_percent", allowed, reader->err) ||
		!read_share(reader, node, "left", 0, &out->left) ||
		!read_share(reader, node, "top", 0, &out->top) ||
		!read_share(reader, node, "right", 0, &out->right) ||
		!read_share(reader, node, "bottom", 0, &out->bottom))
		return false;
	return (out->left < out->right && out->top < out->bottom) ||
	       yaml_error(reader->err, reader->file, node,
		       "region_percent is empty: left must be below right, and top below bottom");
}

static bool read_tracking(
	const struct reader *reader, const struct yaml_node *node, struct decision_rules *out)
{
	static const char *const allowed[] = {
		"min_overlap_percent", "grow_percent", "forget_after", NULL};

	if (!node)
		return true;
	return yaml_check_keys(node, reader->file, "tracking", allowed, reader->err) &&
	       read_share(reader, node, "min_overlap_percent", 1, &out->min_overlap) &&
	       read_share(reader, node, "grow_percent", 0, &out->grow) &&
	       read_duration(reader, node, "forget_after", &out->forget_us);
}

static bool read_release(const struct reader *reader, const struct yaml_node *root,
	const char *name, struct decision_release *out)
{
	static const char *const allowed[] = {"resume", "hold", "clear_for", NULL};
	const struct yaml_node *node = yaml_get(root, name), *resume;
	struct str text;

	if (!node)
		return true;
	if (!yaml_check_keys(node, reader->file, name, allowed, reader->err) ||
		!read_duration(reader, node, "hold", &out->hold_us) ||
		!read_duration(reader, node, "clear_for", &out->clear_us))
		return false;
	resume = yaml_get(node, "resume");
	if (!resume)
		return true;
	if (!yaml_string(resume, reader->file, "resume", &text, reader->err))
		return false;
	out->resume = str_equal(text, STR("clear")) ? DECISION_WHEN_CLEAR : DECISION_AFTER_HOLD;
	return str_equal(text, STR("clear")) || str_equal(text, STR("after_hold")) ||
	       yaml_error(reader->err, reader->file, resume,
		       "resume must be clear or after_hold, not \"%.*s\"", STR_ARG(text));
}

bool decision_rules_read(struct str text, const char *file, struct arena *arena,
	struct decision_rules *out, struct error *err)
{
	static const char *const allowed[] = {
		"version", "signs", "region_percent", "tracking", "stop", "slow", NULL};
	struct reader reader = {file, arena, err};
	struct yaml_node *root;
	int64_t version;

	*out = (struct decision_rules){
		.right = 1,
		.bottom = 1,
		.min_overlap = 0.2,
		.grow = 0.5,
		.forget_us = 500000,
		.stop = {DECISION_WHEN_CLEAR, 1000000, 2000000},
		.slow = {DECISION_AFTER_HOLD, 2000000, 1000000},
	};
	if (!yaml_read(text, file, arena, &root, err) ||
		!yaml_check_keys(root, file, "a rules file", allowed, err) ||
		!yaml_int(yaml_get(root, "version"), file, "version", &version, err))
		return false;
	if (version != 1)
		return yaml_error(err, file, yaml_get(root, "version"),
			"version must be 1, not %lld", (long long)version);
	return read_signs(&reader, root, out) &&
	       read_region(&reader, yaml_get(root, "region_percent"), out) &&
	       read_tracking(&reader, yaml_get(root, "tracking"), out) &&
	       read_release(&reader, root, "stop", &out->stop) &&
	       read_release(&reader, root, "slow", &out->slow);
}
