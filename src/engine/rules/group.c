/*
 * The fields of groups and rules, checked as Prometheus checks them.
 */
#include "engine/rules/reader.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/number.h"
#include "engine/rules/variables.h"

struct place {
	struct reader *reader;
	const struct source *source;
	struct str group;
	size_t rule; // from 1; 0: the group itself
	struct str name;
};

// group "base", rule 3, "x": — as promtool says it.
static struct str where(const struct place *place)
{
	struct buffer text = {0};

	buffer_append_text(&text, "group ");
	labels_quote(&text, place->group);
	if (place->rule) {
		buffer_printf(&text, ", rule %zu, ", place->rule);
		labels_quote(&text, place->name);
	}
	struct str copy = str_copy(place->reader->arena, buffer_str(&text));

	buffer_finish(&text);
	return copy;
}

static void problem(const struct place *place, const struct yaml_node *node, size_t offset,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

static void problem(const struct place *place, const struct yaml_node *node, size_t offset,
	const char *format, ...)
{
	struct buffer text = {0};
	va_list args;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	reader_problem(
		place->reader, place->source, node, offset, "%s: %s", where(place).data, text.data);
	buffer_finish(&text);
}

static bool fill(struct reader *reader, const struct source *source, const struct yaml_node *node,
	struct variables_result *out)
{
	*out = variables_fill(node->text, reader->options, reader->arena);
	if (out->missing_at == SIZE_MAX)
		return true;
	reader_problem(reader, source, node, out->missing_at,
		"${%.*s} has no value: give --set %.*s=VALUE or set it in the environment",
		STR_ARG(out->missing_name), STR_ARG(out->missing_name));
	return false;
}

bool reader_text(struct reader *reader, const struct source *source, const struct yaml_node *node,
	const char *what, struct str *out)
{
	struct variables_result filled;
	struct error err = {0};
	struct str text;

	*out = (struct str){"", 0};
	if (!node || yaml_is_null(node))
		return true;
	if (!yaml_string(node, "", what, &text, &err)) {
		reader_yaml_problem(reader, source, "", &err);
		return false;
	}
	if (!fill(reader, source, node, &filled))
		return false;
	*out = filled.text.text;
	return true;
}

static bool read_text(
	const struct place *place, const struct yaml_node *node, const char *what, struct str *out)
{
	return reader_text(place->reader, place->source, node, what, out);
}

static void read_duration(
	const struct place *place, const struct yaml_node *node, const char *what, int64_t *out_ms)
{
	struct variables_result filled;
	struct error err = {0};
	struct str text;

	if (!node || !read_text(place, node, what, &text) || text.len == 0)
		return;
	filled = variables_fill(node->text, place->reader->options, place->reader->arena);
	if (!promql_parse_duration(text, out_ms, &err) && !filled.has_unset)
		problem(place, node, 0, "%s must be a duration such as 30s or 1h30m, not \"%.*s\"",
			what, STR_ARG(text));
}

static void read_limit(const struct place *place, const struct yaml_node *node, size_t *out)
{
	struct str text;
	int64_t limit = 0;

	if (!node || !read_text(place, node, "limit", &text) || text.len == 0)
		return;
	if (!number_parse_int(text, &limit) || limit < 0)
		problem(place, node, 0, "limit must be a whole number from 0 on, not \"%.*s\"",
			STR_ARG(text));
	else
		*out = (size_t)limit;
}

static bool is_utf8(struct str text)
{
	for (size_t i = 0; i < text.len;) {
		size_t len = str_utf8_len(text.data + i, text.len - i);

		if (!len)
			return false;
		i += len;
	}
	return true;
}

struct pairs {
	struct label *items;
	size_t count, capacity;
};

static void add_pair(struct pairs *pairs, struct str name, struct str value)
{
	pairs->items =
		memory_grow(pairs->items, &pairs->capacity, pairs->count + 1, sizeof *pairs->items);
	pairs->items[pairs->count++] = (struct label){name, value};
}

// A mapping of names to texts: labels (kept in *pairs) or annotations (pairs NULL).
static void read_pairs(const struct place *place, const struct yaml_node *node, const char *what,
	struct pairs *pairs)
{
	if (!node || yaml_is_null(node))
		return;
	if (node->kind != YAML_MAPPING) {
		problem(place, node, 0, "%ss must be a mapping of names to texts", what);
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *key = node->pairs[i].key;
		struct str value;

		if (key->text.len == 0 || !is_utf8(key->text) ||
			(pairs && str_equal(key->text, SERIES_METRIC_NAME)))
			problem(place, key, 0, "invalid %s name: \"%.*s\"", what,
				STR_ARG(key->text));
		else if (read_text(place, node->pairs[i].value, what, &value) && pairs)
			add_pair(pairs, key->text, value);
	}
}

// Of a name given twice the last wins: a rule's own label over its group's.
static void take_labels(struct arena *arena, const struct pairs *pairs, struct rules_rule *rule)
{
	struct str *dropped = ARENA_ARRAY(arena, struct str, pairs->count);

	rule->labels = labels_make(arena, pairs->items, pairs->count, false);
	rule->dropped = dropped;
	for (size_t i = 0; i < pairs->count; i++)
		if (pairs->items[i].value.len == 0 &&
			labels_get(rule->labels, pairs->items[i].name).len == 0)
			dropped[rule->dropped_count++] = pairs->items[i].name;
}

// The parser's own "LINE:COLUMN: " counts in the expression; ours, in front, in the file.
static const char *without_place(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits && text[digits] == ':') {
		size_t more = strspn(text + digits + 1, "0123456789");
		const char *rest = text + digits + 1 + more;

		if (more && strncmp(rest, ": ", 2) == 0)
			return rest + 2;
	}
	return text;
}

static void expression_problem(const struct place *place, const struct yaml_node *node,
	const struct source_text *filled, const struct source_text *unescaped,
	struct promql_position where_bytes, const struct error *err)
{
	size_t start = where_bytes.start < filled->text.len ? where_bytes.start : filled->text.len;
	size_t end = where_bytes.end < filled->text.len ? where_bytes.end : filled->text.len;
	struct buffer text = {0};

	// Where the end was not expected: behind the last word, not on the empty line under it.
	while (start == end && start > 0 && strchr(" \t\r\n", filled->text.data[start - 1]))
		start = --end;
	buffer_printf(&text, "could not parse expression: %s", without_place(err->text));
	if (end > start) {
		size_t len = end - start;

		while (len > 60 ||
			(len > 0 &&
				((unsigned char)filled->text.data[start + len] & 0xC0) == 0x80 &&
				start + len < filled->text.len))
			len--;
		buffer_append_text(&text, "; it says ");
		labels_quote(&text, (struct str){filled->text.data + start, len});
	}
	size_t offset = source_text_origin(unescaped, source_text_origin(filled, start));

	problem(place, node, offset, "%s", text.data);
	buffer_finish(&text);
}

static void read_expression(
	const struct place *place, const struct yaml_node *node, struct rules_rule *rule)
{
	struct arena *arena = place->reader->arena;
	struct promql_position bytes = {0};
	struct source_text plain;
	struct error err = {0};
	struct str text;

	if (!yaml_string(node, "", "expr", &text, &err)) {
		reader_yaml_problem(place->reader, place->source, "", &err);
		return;
	}
	plain = place->source->outer ? source_unescape(text, arena)
				     : (struct source_text){.text = text};
	struct variables_result filled = variables_fill(plain.text, place->reader->options, arena);

	if (filled.missing_at != SIZE_MAX) {
		problem(place, node, source_text_origin(&plain, filled.missing_at),
			"${%.*s} has no value: give --set %.*s=VALUE or set it in the environment",
			STR_ARG(filled.missing_name), STR_ARG(filled.missing_name));
		return;
	}
	rule->text = filled.text.text;
	rule->expr =
		promql_parse(rule->text, place->reader->options->features, arena, &bytes, &err);
	if (!rule->expr)
		expression_problem(place, node, &filled.text, &plain, bytes, &err);
}

static void check_record(
	const struct place *place, const struct yaml_node *node, const struct rules_rule *rule)
{
	static const struct {
		const char *key;
	} of_alerts[] = {{"for"}, {"keep_firing_for"}, {"annotations"}};
	const bool given[] = {rule->for_ms != 0, rule->keep_firing_for_ms != 0,
		yaml_get(node, "annotations") != NULL};
	const struct yaml_node *record = yaml_get(node, "record");

	for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
		if (given[i])
			problem(place, yaml_get(node, of_alerts[i].key), 0,
				"invalid field '%s' in recording rule; it belongs to alerts",
				of_alerts[i].key);
	if (!is_utf8(rule->name))
		problem(place, record, 0, "invalid recording rule name: %.*s", STR_ARG(rule->name));
	else if (memchr(rule->name.data, '{', rule->name.len) ||
		 memchr(rule->name.data, '}', rule->name.len))
		problem(place, record, 0,
			"braces present in the recording rule name; should it be in expr?: %.*s",
			STR_ARG(rule->name));
}

static void read_kind(struct place *place, const struct yaml_node *node, struct rules_rule *rule)
{
	const struct yaml_node *record = yaml_get(node, "record"), *alert = yaml_get(node, "alert");
	struct str record_name, alert_name;
	bool read = read_text(place, record, "record", &record_name);

	read = read_text(place, alert, "alert", &alert_name) && read;
	rule->kind = alert_name.len && !record_name.len ? RULES_ALERT : RULES_RECORD;
	rule->name = place->name = rule->kind == RULES_ALERT ? alert_name : record_name;
	if (record_name.len && alert_name.len)
		problem(place, alert, 0, "only one of 'record' and 'alert' must be set");
	else if (read && !rule->name.len)
		problem(place, node, 0, "one of 'record' or 'alert' must be set");
}

static void read_rule(struct place *place, const struct yaml_node *node,
	const struct pairs *group_labels, struct rules_rule *rule)
{
	static const char *const keys[] = {
		"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations", NULL};
	struct reader *reader = place->reader;
	struct error err = {0};
	struct pairs pairs = {0};

	rule->labels = &labels_none;
	rule->line = source_line(place->source, node->line);
	if (!yaml_check_keys(node, "", "a rule", keys, &err)) {
		const char *in = str_format(reader->arena, "%s: ", where(place).data).data;

		reader_yaml_problem(reader, place->source, in, &err);
	}
	if (node->kind != YAML_MAPPING)
		return;
	read_kind(place, node, rule);
	const struct yaml_node *expr = yaml_get(node, "expr");

	if (expr && !yaml_is_null(expr) && (expr->kind != YAML_SCALAR || expr->text.len))
		read_expression(place, expr, rule);
	else
		problem(place, expr ? expr : node, 0, "field 'expr' must be set in rule");
	read_duration(place, yaml_get(node, "for"), "for", &rule->for_ms);
	read_duration(place, yaml_get(node, "keep_firing_for"), "keep_firing_for",
		&rule->keep_firing_for_ms);
	for (size_t i = 0; i < group_labels->count; i++)
		add_pair(&pairs, group_labels->items[i].name, group_labels->items[i].value);
	read_pairs(place, yaml_get(node, "labels"), "label", &pairs);
	read_pairs(place, yaml_get(node, "annotations"), "annotation", NULL);
	take_labels(reader->arena, &pairs, rule);
	free(pairs.items);
	if (rule->kind == RULES_RECORD && rule->name.len)
		check_record(place, node, rule);
}

static void read_rules(struct place *place, const struct yaml_node *node,
	const struct pairs *group_labels, struct rules_group *group)
{
	if (!node || yaml_is_null(node))
		return;
	if (node->kind != YAML_SEQUENCE) {
		problem(place, node, 0, "rules must be a list");
		return;
	}
	group->rules = ARENA_ARRAY(place->reader->arena, struct rules_rule, node->count);
	group->rule_count = node->count;
	for (size_t i = 0; i < node->count; i++) {
		place->rule = i + 1;
		place->name = (struct str){"", 0};
		read_rule(place, node->items[i], group_labels, &group->rules[i]);
	}
}

static struct rules_group *add_group(struct reader *reader, struct str name)
{
	reader->groups = memory_grow(reader->groups, &reader->group_capacity,
		reader->group_count + 1, sizeof *reader->groups);
	struct rules_group *group = &reader->groups[reader->group_count++];

	*group = (struct rules_group){.name = name, .file = reader->file, .labels = &labels_none};
	return group;
}

static void read_group(struct reader *reader, const struct source *source,
	const struct yaml_node *node, struct map *names)
{
	static const char *const keys[] = {
		"name", "interval", "query_offset", "limit", "labels", "rules", NULL};
	const struct yaml_node *name_node = yaml_get(node, "name");
	struct place place = {.reader = reader, .source = source, .group = {"", 0}};
	struct error err = {0};
	struct pairs pairs = {0};

	bool known = yaml_check_keys(node, "", "a group", keys, &err);
	bool named = reader_text(reader, source, name_node, "name", &place.group);

	if (!known) {
		const char *in = str_format(reader->arena, "%s: ", where(&place).data).data;

		reader_yaml_problem(reader, source, place.group.len ? in : "", &err);
	}
	if (node->kind != YAML_MAPPING)
		return;
	struct rules_group *group = add_group(reader, place.group);

	if (named && !place.group.len)
		reader_problem(reader, source, node, 0, "Groupname must not be empty");
	else if (named && map_get(names, place.group))
		reader_problem(reader, source, name_node, 0,
			"groupname: \"%.*s\" is repeated in the same file", STR_ARG(place.group));
	map_set(names, place.group, reader);
	read_duration(&place, yaml_get(node, "interval"), "interval", &group->interval_ms);
	read_duration(
		&place, yaml_get(node, "query_offset"), "query_offset", &group->query_offset_ms);
	read_limit(&place, yaml_get(node, "limit"), &group->limit);
	read_pairs(&place, yaml_get(node, "labels"), "label", &pairs);
	group->labels = labels_make(reader->arena, pairs.items, pairs.count, false);
	read_rules(&place, yaml_get(node, "rules"), &pairs, group);
	free(pairs.items);
}

void reader_groups(struct reader *reader, const struct source *source, const struct yaml_node *node)
{
	struct map names = {0};

	if (yaml_is_null(node))
		return;
	if (node->kind != YAML_SEQUENCE) {
		reader_problem(reader, source, node, 0, "groups must be a list (- name: …)");
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		read_group(reader, source, node->items[i], &names);
	map_finish(&names);
}

void reader_bare_rules(struct reader *reader, const struct source *source,
	const struct yaml_node *node, struct str group_name)
{
	struct place place = {.reader = reader, .source = source, .group = group_name};
	struct rules_group *group = add_group(reader, group_name);

	group->is_bare = true;
	read_rules(&place, node, &(struct pairs){0}, group);
}
