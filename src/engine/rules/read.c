/*
 * Which texts of a file hold rules: the file itself (`groups:` or a bare `rules:` list), or values
 * under a ConfigMap's `data:`. Problems are collected, not only the first.
 */
#include "engine/rules/reader.h"

#include "base/memory.h"
#include "base/number.h"

#include <stdio.h>

enum { MAX_PROBLEMS = 1000 };

static void add_problem(struct reader *reader, struct source_place place, struct str text)
{
	if (reader->problem_count >= MAX_PROBLEMS)
		return;
	reader->problems = memory_grow(reader->problems, &reader->problem_capacity,
		reader->problem_count + 1, sizeof *reader->problems);
	reader->problems[reader->problem_count++] =
		(struct rules_problem){reader->file, place.line, place.column, text};
}

void reader_problem(struct reader *reader, const struct source *source,
	const struct yaml_node *node, size_t offset, const char *format, ...)
{
	struct buffer text = {0};
	struct source_place place = {0};
	va_list args;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	if (node && node->kind == YAML_SCALAR && (offset || node->text_line != node->line))
		place = source_locate(source, node, offset);
	else if (node)
		place = source_place(source, node->line, node->column);
	add_problem(reader, place, str_copy(reader->arena, buffer_str(&text)));
	buffer_finish(&text);
}

// Takes ":12" off the front of *text.
static size_t take_number(const char **text)
{
	char *end;

	if (**text != ':')
		return 0;
	unsigned long number = strtoul(*text + 1, &end, 10);

	if (end == *text + 1 || (*end != ':'))
		return 0;
	*text = end;
	return number;
}

void reader_yaml_problem(struct reader *reader, const struct source *source, const char *where,
	const struct error *err)
{
	const char *text = err->text;
	size_t line = take_number(&text), column = take_number(&text);

	if (*text == ':')
		text++;
	while (*text == ' ')
		text++;
	add_problem(reader, source_place(source, line, line && !column ? 1 : column),
		str_format(reader->arena, "%s%s", where, text));
}

// "dir/name.tar.yaml" is "name.tar".
static struct str stem(struct str path)
{
	for (size_t i = path.len; i > 0; i--)
		if (path.data[i - 1] == '/') {
			path.data += i;
			path.len -= i;
			break;
		}
	for (size_t i = path.len; i > 1; i--)
		if (path.data[i - 1] == '.')
			return (struct str){path.data, i - 1};
	return path;
}

static void read_rule_document(
	struct reader *reader, const struct source *source, const struct yaml_node *root)
{
	static const char *const keys[] = {"groups", NULL};
	struct error err = {0};

	if (yaml_check_keys(root, "", "a rule file", keys, &err)) {
		const struct yaml_node *groups = yaml_get(root, "groups");

		if (groups)
			reader_groups(reader, source, groups);
	} else {
		reader_yaml_problem(reader, source, "", &err);
	}
}

static void read_bare_document(struct reader *reader, const struct source *source,
	const struct yaml_node *root, struct str name)
{
	// What stands beside `rules:` in the metrics list of an observability add-on is not ours to
	// check.
	static const char *const keys[] = {
		"rules", "names", "matches", "renames", "collect_rules", "recording_rules", NULL};
	struct error err = {0};

	if (!yaml_check_keys(root, "", "a list of rules", keys, &err))
		reader_yaml_problem(reader, source, "", &err);
	reader_bare_rules(reader, source, yaml_get(root, "rules"), name);
}

static bool has_line(struct str text, const char *key)
{
	size_t len = strlen(key);

	for (size_t at = 0; at + len <= text.len;) {
		if (memcmp(text.data + at, key, len) == 0)
			return true;
		const char *end = memchr(text.data + at, '\n', text.len - at);

		if (!end)
			return false;
		at = (size_t)(end - text.data) + 1;
	}
	return false;
}

/* Returns whether the text under a ConfigMap's key held rules. */
static bool read_config_value(struct reader *reader, const struct source *outer,
	const struct yaml_pair *pair, size_t *bare_count)
{
	struct str text = pair->value->text;
	struct error err = {0};
	struct yaml_node *root;

	if (pair->value->kind != YAML_SCALAR)
		return false;
	struct source *source = ARENA_NEW(reader->arena, struct source);

	*source = (struct source){text, outer->file, outer, pair->value};
	if (!yaml_read(text, "", reader->arena, &root, &err)) {
		bool meant = has_line(text, "groups:") || has_line(text, "rules:");

		if (meant)
			reader_yaml_problem(reader, source, "", &err);
		return meant;
	}
	if (yaml_get(root, "groups")) {
		read_rule_document(reader, source, root);
		return true;
	}
	if (!yaml_get(root, "rules"))
		return false;
	struct str name = stem(str_from(reader->file));

	if ((*bare_count)++)
		name = str_format(
			reader->arena, "%.*s/%.*s", STR_ARG(name), STR_ARG(stem(pair->key->text)));
	read_bare_document(reader, source, root, name);
	return true;
}

static void read_config_map(
	struct reader *reader, const struct source *source, const struct yaml_node *root)
{
	const struct yaml_node *data = yaml_get(root, "data");
	size_t bare_count = 0, found = 0;

	if (!data || data->kind != YAML_MAPPING) {
		reader_problem(reader, source, data ? data : root, 0,
			"this ConfigMap has no `data:` with texts in it, so no rules");
		return;
	}
	for (size_t i = 0; i < data->count; i++)
		found += read_config_value(reader, source, &data->pairs[i], &bare_count);
	if (!found)
		reader_problem(reader, source, data, 0,
			"none of the texts in this ConfigMap holds rules: a YAML with `groups:` or "
			"`rules:`");
}

static bool is_config_map(const struct yaml_node *root)
{
	const struct yaml_node *kind = yaml_get(root, "kind");

	if (kind && kind->kind == YAML_SCALAR && str_equal(kind->text, STR("ConfigMap")))
		return true;
	return yaml_get(root, "data") && !yaml_get(root, "groups") && !yaml_get(root, "rules");
}

static void read_document(struct reader *reader, const struct source *source)
{
	struct error err = {0};
	struct yaml_node *root;

	if (!yaml_read(source->text, "", reader->arena, &root, &err)) {
		reader_yaml_problem(reader, source, "", &err);
		return;
	}
	if (!root)
		return;
	if (is_config_map(root))
		read_config_map(reader, source, root);
	else if (yaml_get(root, "rules") && !yaml_get(root, "groups"))
		read_bare_document(reader, source, root, stem(str_from(reader->file)));
	else
		read_rule_document(reader, source, root);
}

bool rules_read(struct str text, const char *file, const struct rules_read_options *options,
	struct arena *arena, struct rules_file *out, struct rules_problem **problems,
	size_t *problem_count)
{
	struct reader reader = {.file = file, .options = options, .arena = arena};
	struct source *source = ARENA_NEW(arena, struct source);

	*source = (struct source){.text = text, .file = file};
	read_document(&reader, source);
	out->groups = ARENA_ARRAY(arena, struct rules_group, reader.group_count);
	out->group_count = reader.group_count;
	*problems = ARENA_ARRAY(arena, struct rules_problem, reader.problem_count);
	*problem_count = reader.problem_count;
	if (reader.group_count)
		memcpy(out->groups, reader.groups, reader.group_count * sizeof *out->groups);
	if (reader.problem_count)
		memcpy(*problems, reader.problems, reader.problem_count * sizeof **problems);
	free(reader.groups);
	free(reader.problems);
	return *problem_count == 0;
}

void rules_file_release(struct rules_file *file)
{
	for (size_t i = 0; i < file->group_count; i++)
		for (size_t j = 0; j < file->groups[i].rule_count; j++)
			if (file->groups[i].rules[j].expr)
				promql_release(file->groups[i].rules[j].expr);
	*file = (struct rules_file){0};
}

static int compare_rules(const void *a, const void *b)
{
	const struct rules_rule *left = *(const struct rules_rule *const *)a;
	const struct rules_rule *right = *(const struct rules_rule *const *)b;
	int order = str_compare(left->name, right->name);

	return order ? order : labels_compare(left->labels, right->labels);
}

size_t rules_duplicates(
	const struct rules_file *file, struct arena *arena, const struct rules_rule ***out)
{
	size_t total = 0, count = 0, found = 0;

	for (size_t i = 0; i < file->group_count; i++)
		total += file->groups[i].rule_count;
	const struct rules_rule **rules = ARENA_ARRAY(arena, const struct rules_rule *, total);

	for (size_t i = 0; i < file->group_count; i++)
		for (size_t j = 0; j < file->groups[i].rule_count; j++)
			rules[count++] = &file->groups[i].rules[j];
	if (total)
		qsort(rules, total, sizeof *rules, compare_rules);
	*out = ARENA_ARRAY(arena, const struct rules_rule *, total);
	for (size_t i = 1; i < total; i++) {
		bool same = compare_rules(&rules[i - 1], &rules[i]) == 0;

		if (same && (!found || compare_rules(&(*out)[found - 1], &rules[i]) != 0))
			(*out)[found++] = rules[i];
	}
	return found;
}
