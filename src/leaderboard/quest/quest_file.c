#include "leaderboard/quest/quest_file_reader.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/spelling.h"

/*
 * What a field means and may be: docs/quest.md. Every key is checked, so that a misspelt one is an
 * error with its place and the right spelling, never ignored.
 */

enum { MAX_STEPS = 1000000, DAY_MS = 86400000, DEFAULT_STEP_MS = 5000 };

/* --- small reads --- */

bool quest_read_optional(const struct quest_reader *reader, const struct yaml_node *node,
	const char *key, struct str *out)
{
	const struct yaml_node *child = yaml_get(node, key);

	return !child || yaml_string(child, reader->scenario.file, key, out, reader->scenario.err);
}

const struct yaml_node *quest_need(const struct scenario_reader *reader,
	const struct yaml_node *node, const char *key, const char *what)
{
	const struct yaml_node *child = yaml_get(node, key);

	if (!child)
		yaml_error(reader->err, reader->file, node, "%s needs %s", what, key);
	return child;
}

bool quest_check_list(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, size_t max)
{
	if (!node || (node->kind == YAML_SEQUENCE && node->count <= max))
		return true;
	if (node->kind == YAML_SEQUENCE)
		return yaml_error(reader->scenario.err, reader->scenario.file, node,
			"%s may have %zu items at most, not %zu", what, max, node->count);
	return yaml_error(reader->scenario.err, reader->scenario.file, node,
		"%s must be a list: write [a, b], or a line with a dash for each", what);
}

bool quest_read_texts(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, size_t max, struct str **out, size_t *count)
{
	*count = 0;
	if (!node)
		return true;
	if (node->kind == YAML_SCALAR) {
		*out = ARENA_NEW(reader->scenario.arena, struct str);
		*count = 1;
		return yaml_string(node, reader->scenario.file, what, *out, reader->scenario.err);
	}
	if (!quest_check_list(reader, node, what, max))
		return false;
	*out = ARENA_ARRAY(reader->scenario.arena, struct str, node->count);
	for (size_t i = 0; i < node->count; i++)
		if (!yaml_string(node->items[i], reader->scenario.file, what, &(*out)[i],
			    reader->scenario.err))
			return false;
	*count = node->count;
	return true;
}

bool quest_read_label(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, struct str *out)
{
	if (!yaml_string(node, reader->scenario.file, what, out, reader->scenario.err))
		return false;
	bool ok = out->len >= 1 && out->len <= 128;

	for (size_t i = 0; ok && i < out->len; i++)
		ok = (unsigned char)out->data[i] >= ' ' && out->data[i] != 0x7f;
	return ok || yaml_error(reader->scenario.err, reader->scenario.file, node,
			     "%s must be 1 to 128 bytes of printable text, not \"%.*s\"", what,
			     (int)(out->len > 80 ? 80 : out->len), out->data);
}

bool quest_read_player(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, struct quest_player *out)
{
	struct str text;

	if (!quest_read_label(reader, node, what, &text))
		return false;
	const char *at = memrchr(text.data, '@', text.len);

	*out = (struct quest_player){.user = text};
	if (at) {
		out->user.len = (size_t)(at - text.data);
		out->cluster = (struct str){at + 1, text.len - out->user.len - 1};
	}
	if (out->user.len && (!at || out->cluster.len))
		return true;
	return yaml_error(reader->scenario.err, reader->scenario.file, node,
		"%s must be USER@CLUSTER, such as batman@gotham, or USER, not \"%.*s\"", what,
		STR_ARG(text));
}

bool quest_read_choice(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, const char *const *names, size_t *out)
{
	struct buffer list = {0};
	struct str text;

	if (!yaml_string(node, reader->scenario.file, what, &text, reader->scenario.err))
		return false;
	for (size_t i = 0; names[i]; i++) {
		if (str_equal(text, str_from(names[i]))) {
			*out = i;
			buffer_finish(&list);
			return true;
		}
		buffer_printf(&list, "%s%s", i ? names[i + 1] ? ", " : " or " : "", names[i]);
	}
	const char *near = spelling_nearest(text, names);

	yaml_error(reader->scenario.err, reader->scenario.file, node,
		"%s must be %.*s, not \"%.*s\"%s%s%s", what, STR_ARG(buffer_str(&list)),
		(int)(text.len > 80 ? 80 : text.len), text.data, near ? "; did you mean " : "",
		near ? near : "", near ? "?" : "");
	buffer_finish(&list);
	return false;
}

bool quest_read_regex(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, const char *prefix, const char *suffix, struct str *text,
	struct regex **out)
{
	struct error cause = {0};

	if (!yaml_string(node, reader->file, what, text, reader->err))
		return false;
	if (text->len > 1000)
		return yaml_error(reader->err, reader->file, node,
			"%s must be a regular expression of at most 1000 bytes, not %zu", what,
			text->len);
	*out = regex_create(
		str_format(reader->arena, "%s%.*s%s", prefix, STR_ARG(*text), suffix), &cause);
	return *out ||
	       yaml_error(reader->err, reader->file, node,
		       "%s must be a regular expression (RE2's syntax), not \"%.*s\": %s", what,
		       (int)(text->len > 80 ? 80 : text->len), text->data, cause.text);
}

bool quest_read_path(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *key, struct str *out)
{
	const struct yaml_node *child = yaml_get(node, key);
	struct str text;

	if (!child)
		return true;
	if (!yaml_string(child, reader->file, key, &text, reader->err))
		return false;
	if (text.len == 0 || memchr(text.data, '\0', text.len))
		return yaml_error(
			reader->err, reader->file, child, "%s must be the name of a file", key);
	*out = file_beside(reader->arena, reader->file, text);
	return true;
}

/* --- the race's frame --- */

static bool read_start(const struct quest_reader *reader, const struct yaml_node *root)
{
	const struct scenario_reader *own = &reader->scenario;
	const struct yaml_node *node = yaml_get(root, "start");
	struct str text;

	if (!yaml_string(node, own->file, "start (RFC 3339 with a zone, or Unix seconds)", &text,
		    own->err))
		return false;
	if (clock_parse_instant(text.data, text.len, &reader->out->start_ms) &&
		reader->out->start_ms >= 0 && reader->out->start_ms <= INT64_C(253402300799000))
		return true;
	return yaml_error(own->err, own->file, node,
		"start must be an instant with its zone, such as 2024-10-08T13:15:00+02:00, or "
		"Unix seconds, not \"%.*s\"",
		STR_ARG(text));
}

static const struct scenario_field times[] = {
	{"duration", SCENARIO_DURATION, offsetof(struct quest_file, duration_ms), 1000,
		31 * (double)DAY_MS, false},
	{"unit", SCENARIO_DURATION, offsetof(struct quest_file, unit_ms), 1, DAY_MS, false},
	{"step", SCENARIO_DURATION, offsetof(struct quest_file, step_ms), 1000, DAY_MS, true},
	{"freeze", SCENARIO_DURATION, offsetof(struct quest_file, freeze_ms), 0,
		31 * (double)DAY_MS, true},
	{0},
};

static bool read_times(const struct quest_reader *reader, const struct yaml_node *root)
{
	const struct scenario_reader *own = &reader->scenario;
	struct quest_file *out = reader->out;

	out->step_ms = DEFAULT_STEP_MS;
	out->freeze_ms = QUEST_NEVER;
	if (!read_start(reader, root) || !scenario_read_fields(own, root, times, out))
		return false;
	if (out->step_ms % 1000)
		return yaml_error(own->err, own->file, yaml_get(root, "step"),
			"step must be whole seconds, not \"%.*s\"",
			STR_ARG(yaml_get(root, "step")->text));
	if (out->duration_ms / out->step_ms > MAX_STEPS)
		return yaml_error(own->err, own->file, yaml_get(root, "duration"),
			"%lld s in steps of %lld s are more than %d steps; make step longer",
			(long long)out->duration_ms / 1000, (long long)out->step_ms / 1000,
			MAX_STEPS);
	if (out->freeze_ms != QUEST_NEVER && out->freeze_ms > out->duration_ms)
		return yaml_error(own->err, own->file, yaml_get(root, "freeze"),
			"freeze is counted from the start and may not come after the end (%lld s), "
			"not \"%.*s\"",
			(long long)out->duration_ms / 1000,
			STR_ARG(yaml_get(root, "freeze")->text));
	return true;
}

static bool read_languages(const struct quest_reader *reader, const struct yaml_node *node)
{
	static const char *const names[] = {"en", "fr", NULL};
	struct quest_file *out = reader->out;

	out->languages[0] = QUEST_ENGLISH;
	out->languages[1] = QUEST_FRENCH;
	out->language_count = 2;
	if (!node)
		return true;
	if (node->kind != YAML_SEQUENCE || node->count < 1 || node->count > 2)
		return yaml_error(reader->scenario.err, reader->scenario.file, node,
			"languages must be a list of en and fr, the default first: [fr, en]");
	for (size_t i = 0; i < node->count; i++) {
		size_t choice = 0;

		if (!quest_read_choice(reader, node->items[i], "a language", names, &choice))
			return false;
		out->languages[i] = (enum quest_language)choice;
	}
	out->language_count = node->count;
	if (node->count == 2 && out->languages[0] == out->languages[1])
		return yaml_error(reader->scenario.err, reader->scenario.file, node->items[1],
			"language \"%s\" is there already", names[out->languages[0]]);
	return true;
}

static bool read_environments(const struct quest_reader *reader, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "environments"),
			       *first = yaml_get(root, "environment");
	const struct scenario_reader *own = &reader->scenario;
	struct quest_file *out = reader->out;
	struct str name;

	out->environment_count = 1;
	if (!node && first)
		return yaml_error(own->err, own->file, first,
			"environment says which one is scored at first; list them under "
			"environments");
	if (!node)
		return true;
	if (!quest_check_list(reader, node, "environments", QUEST_MAX_ENVIRONMENTS) ||
		(node->count == 0 && !yaml_error(own->err, own->file, node,
					     "environments must name one at least; leave it out "
					     "where there are none")))
		return false;
	out->environment_count = 0;
	for (size_t i = 0; i < node->count; i++) {
		if (!scenario_read_name(own, node->items[i], "an environment", true, &name))
			return false;
		if (quest_file_environment(out, name) != SIZE_MAX)
			return yaml_error(own->err, own->file, node->items[i],
				"environment \"%.*s\" is there already", STR_ARG(name));
		out->environments[out->environment_count++] = name;
	}
	if (!first)
		return true;
	if (!yaml_string(first, own->file, "environment", &name, own->err))
		return false;
	out->environment = quest_file_environment(out, name);
	return out->environment != SIZE_MAX ||
	       yaml_error(own->err, own->file, first,
		       "environment \"%.*s\" is none of those listed under environments",
		       STR_ARG(name));
}

/* --- exercises, once for each environment --- */

static bool read_quest(
	struct quest_reader *reader, const struct yaml_node *root, size_t environment)
{
	struct quest_file *out = reader->out;
	struct scenario_reader *own = &reader->scenario;
	size_t variables = reader->scratch.variable_count;

	own->environment = out->environments[environment];
	reader->scratch.quest = (struct quest){
		.title = out->title, .start_ms = out->start_ms, .unit_ms = out->unit_ms};
	if (own->environment.len)
		scenario_add_variable(own, STR("ENV"), own->environment);
	bool ok = scenario_read_exercises(own, yaml_get(root, "exercises"));

	// Also where it failed: its queries are to be released.
	out->quests[environment] = reader->scratch.quest;
	reader->scratch.variable_count = variables;
	return ok;
}

static bool read_variables(struct quest_reader *reader, const struct yaml_node *root,
	const struct quest_variable *given, size_t given_count)
{
	const struct yaml_node *node = yaml_get(root, "variables");
	struct scenario_reader *own = &reader->scenario;

	if (node && node->kind != YAML_MAPPING)
		return yaml_error(
			own->err, own->file, node, "variables must be a mapping, NAME: value");
	own->variable_capacity = given_count + (node ? node->count : 0) + 1 + QUEST_MAX_EXERCISES;
	reader->scratch.variables =
		ARENA_ARRAY(own->arena, struct quest_variable, own->variable_capacity);
	for (size_t i = 0; i < given_count; i++)
		scenario_add_variable(own, str_copy(own->arena, given[i].name),
			str_copy(own->arena, given[i].value));
	for (size_t i = 0; node && i < node->count; i++) {
		struct str value;

		if (str_equal(node->pairs[i].key->text, STR("ENV")) &&
			yaml_get(root, "environments"))
			return yaml_error(own->err, own->file, node->pairs[i].key,
				"${ENV} is each of the environments in turn; call this variable "
				"something else");
		if (!yaml_string(node->pairs[i].value, own->file, "a variable", &value, own->err))
			return false;
		scenario_add_variable(own, node->pairs[i].key->text, value);
	}
	reader->out->variables = reader->scratch.variables;
	reader->out->variable_count = reader->scratch.variable_count;
	return true;
}

/* --- the whole --- */

static const char *const keys[] = {"quest", "title", "start", "duration", "unit", "step", "freeze",
	"languages", "environments", "environment", "variables", "scoring", "scorings",
	"participants", "tables", "teams", "prize", "exercises", "fairness", "sources", "clocks",
	"push", "admin", NULL};

static bool read_all(struct quest_reader *reader, const struct yaml_node *root,
	const struct quest_variable *variables, size_t variable_count)
{
	const struct scenario_reader *own = &reader->scenario;
	struct quest_file *out = reader->out;

	if (!yaml_check_keys(root, own->file, "a quest file", keys, own->err) ||
		!quest_need(own, root, "quest", "a quest file") ||
		!quest_need(own, root, "start", "a quest file") ||
		!quest_need(own, root, "exercises", "a quest file") ||
		!scenario_read_name(own, yaml_get(root, "quest"), "quest (the race's name)", true,
			&out->name) ||
		!scenario_read_title(own, yaml_get(root, "title"), out->name, &out->title) ||
		!read_times(reader, root) || !read_languages(reader, yaml_get(root, "languages")) ||
		!read_environments(reader, root) ||
		!read_variables(reader, root, variables, variable_count))
		return false;
	for (size_t i = 0; i < out->environment_count; i++)
		if (!read_quest(reader, root, i))
			return false;
	return quest_read_scorings(reader, root) && quest_read_people(reader, root) &&
	       quest_read_fairness(reader, root) && quest_read_sources(reader, root);
}

bool quest_file_read(struct str text, const char *path, const struct quest_variable *variables,
	size_t variable_count, struct arena *arena, struct quest_file *out, struct error *err)
{
	struct quest_reader reader = {
		.scenario = {.file = path, .arena = arena, .err = err, .is_quest = true},
		.scratch = {.kind = QUEST_WORKSHOP},
		.out = out,
	};
	struct yaml_node *root;

	*out = (struct quest_file){.path = str_copy(arena, str_from(path))};
	reader.scenario.out = &reader.scratch;
	if (!yaml_read(text, path, arena, &root, err))
		return false;
	if (!root)
		return error_set(err, ERROR_INVALID,
			"%s: the file is empty; a quest file begins with `quest: NAME`", path);
	if (read_all(&reader, root, variables, variable_count))
		return true;
	quest_file_release(out);
	return false;
}

static void release_query(struct quest_query *query)
{
	promql_release(query->expr);
	query->expr = NULL;
}

static void release_patterns(struct quest_pattern *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		regex_destroy(patterns[i].regex);
		patterns[i].regex = NULL;
	}
}

static void release_condition(struct quest_condition *condition)
{
	release_query(&condition->expr);
	release_query(&condition->instant);
	release_query(&condition->seen);
	release_query(&condition->doubt);
	if (condition->probe) {
		regex_destroy(condition->probe->contains);
		condition->probe->contains = NULL;
	}
}

void quest_file_release(struct quest_file *file)
{
	for (size_t i = 0; i < file->environment_count; i++)
		for (size_t j = 0; j < file->quests[i].exercise_count; j++) {
			struct quest_exercise *exercise = &file->quests[i].exercises[j];

			for (size_t k = 0; k < exercise->condition_count; k++)
				release_condition(&exercise->conditions[k]);
		}
	release_query(&file->participants.expr);
	release_query(&file->participants.active);
	release_patterns(file->participants.hide, file->participants.hide_count);
	release_patterns(file->participants.no_prize, file->participants.no_prize_count);
}

size_t quest_file_environment(const struct quest_file *file, struct str name)
{
	for (size_t i = 0; i < file->environment_count; i++)
		if (str_equal(file->environments[i], name))
			return i;
	return SIZE_MAX;
}
