#include "leaderboard/quest/scenario.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/options.h"

/*
 * What a field means and may be: docs/scenario.md. Every key is checked, so that a misspelt one is
 * an error with its place and the right spelling, never ignored.
 */

enum { MAX_STEPS = 1000000, DAY_MS = 86400000 };

/* --- small reads --- */

bool scenario_read_duration(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, int64_t *out)
{
	struct str text;

	if (!yaml_string(node, reader->file, what, &text, reader->err))
		return false;
	if (options_parse_duration(text, out))
		return true;
	return yaml_error(reader->err, reader->file, node,
		"%s must be a duration such as 5s, 90m or 1h30m, not \"%.*s\"", what,
		STR_ARG(text));
}

static bool read_field(const struct scenario_reader *reader, const struct yaml_node *node,
	const struct scenario_field *field, void *value)
{
	double number = 0;
	int64_t *whole = value;

	switch (field->kind) {
	case SCENARIO_DURATION:
		if (!scenario_read_duration(reader, node, field->key, whole))
			return false;
		number = (double)*whole;
		break;
	case SCENARIO_INT:
		if (!yaml_int(node, reader->file, field->key, whole, reader->err))
			return false;
		number = (double)*whole;
		break;
	case SCENARIO_NUMBER:
		if (!yaml_number(node, reader->file, field->key, value, reader->err))
			return false;
		number = *(double *)value;
		break;
	}
	if (number >= field->min && number <= field->max)
		return true;
	double unit = field->kind == SCENARIO_DURATION ? 1000 : 1;

	return yaml_error(reader->err, reader->file, node,
		"%s must lie between %.15g and %.15g%s, not \"%.*s\"", field->key,
		field->min / unit, field->max / unit,
		field->kind == SCENARIO_DURATION ? " seconds" : "", STR_ARG(node->text));
}

bool scenario_read_fields(const struct scenario_reader *reader, const struct yaml_node *node,
	const struct scenario_field *fields, void *values)
{
	for (; fields->key; fields++) {
		const struct yaml_node *child = yaml_get(node, fields->key);

		if (!child && fields->is_optional)
			continue;
		if (!child)
			return yaml_error(
				reader->err, reader->file, node, "%s is missing", fields->key);
		if (!read_field(reader, child, fields, (char *)values + fields->offset))
			return false;
	}
	return true;
}

static bool is_name(struct str text, bool lower)
{
	if (text.len == 0 || text.len > 63)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (!lower && c >= 'A' && c <= 'Z');
		bool is_other =
			(c >= '0' && c <= '9') || c == '_' || c == '-' || (!lower && c == '.');

		if (!is_letter && !(is_other && (i > 0 || !lower)))
			return false;
	}
	return true;
}

bool scenario_read_name(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, bool lower, struct str *out)
{
	if (!yaml_string(node, reader->file, what, out, reader->err))
		return false;
	if (is_name(*out, lower))
		return true;
	return yaml_error(reader->err, reader->file, node, "%s must be 1 to 63 %s, not \"%.*s\"",
		what,
		lower ? "small letters, digits, _ and -, beginning with a letter"
		      : "letters, digits, dots, _ and -",
		(int)(out->len > 80 ? 80 : out->len), out->data);
}

bool scenario_read_title(const struct scenario_reader *reader, const struct yaml_node *node,
	struct str fallback, struct quest_title *out)
{
	static const char *const languages[] = {"en", "fr", NULL};

	*out = (struct quest_title){fallback, fallback};
	if (!node)
		return true;
	if (node->kind == YAML_SCALAR) {
		bool ok = yaml_string(node, reader->file, "title", &out->en, reader->err);

		out->fr = out->en;
		return ok;
	}
	return yaml_check_keys(node, reader->file, "a title", languages, reader->err) &&
	       yaml_string(yaml_get(node, "en"), reader->file, "the title in English (en)",
		       &out->en, reader->err) &&
	       yaml_string(yaml_get(node, "fr"), reader->file, "the title in French (fr)", &out->fr,
		       reader->err);
}

/* --- variables --- */

void scenario_add_variable(const struct scenario_reader *reader, struct str name, struct str value)
{
	struct quest_scenario *out = reader->out;

	for (size_t i = 0; i < out->variable_count; i++)
		if (str_equal(out->variables[i].name, name))
			return;
	assert_fits(out->variable_count + 1, reader->variable_capacity);
	out->variables[out->variable_count++] = (struct quest_variable){name, value};
}

struct str scenario_variable_name(struct arena *arena, struct str user, struct str exercise)
{
	struct str out =
		user.len ? str_format(arena, "TS_USER_%.*s_%.*s", STR_ARG(user), STR_ARG(exercise))
			 : str_format(arena, "TS_EXERCISE_%.*s", STR_ARG(exercise));

	for (size_t i = 0; i < out.len; i++) {
		char *c = (char *)out.data + i;

		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (*c == '-' || *c == '.')
			*c = '_';
	}
	return out;
}

static bool read_variables(const struct scenario_reader *reader, const struct yaml_node *node)
{
	if (!node)
		return true;
	if (node->kind != YAML_MAPPING)
		return yaml_error(reader->err, reader->file, node,
			"variables must be a mapping, NAME: value");
	for (size_t i = 0; i < node->count; i++) {
		struct str value;

		if (!yaml_string(
			    node->pairs[i].value, reader->file, "a variable", &value, reader->err))
			return false;
		scenario_add_variable(reader, node->pairs[i].key->text, value);
	}
	return true;
}

/* --- the whole --- */

static const char *const keys[] = {"kind", "title", "start", "duration", "step", "scrape_interval",
	"unit", "scoring", "exercises", "variables", "rules", "players", "workshop", NULL};

static const struct scenario_field times[] = {
	{"duration", SCENARIO_DURATION, offsetof(struct quest_scenario, duration_ms), 1000,
		31 * (double)DAY_MS, false},
	{"step", SCENARIO_DURATION, offsetof(struct quest_scenario, step_ms), 1000, DAY_MS, false},
	{"scrape_interval", SCENARIO_DURATION, offsetof(struct quest_scenario, scrape_interval_ms),
		1000, DAY_MS, true},
	{"unit", SCENARIO_DURATION, offsetof(struct quest_scenario, quest.unit_ms), 1, DAY_MS,
		false},
	{0},
};

static bool read_kind(const struct scenario_reader *reader, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "kind");
	struct str text;

	if (!yaml_string(node, reader->file, "kind (timings or workshop)", &text, reader->err))
		return false;
	if (str_equal(text, STR("timings")))
		reader->out->kind = QUEST_TIMINGS;
	else if (str_equal(text, STR("workshop")))
		reader->out->kind = QUEST_WORKSHOP;
	else
		return yaml_error(reader->err, reader->file, node,
			"kind must be timings or workshop, not \"%.*s\"", STR_ARG(text));
	return true;
}

static bool read_start(const struct scenario_reader *reader, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "start");
	struct str text;

	if (!yaml_string(
		    node, reader->file, "start (RFC 3339 or Unix seconds)", &text, reader->err))
		return false;
	if (clock_parse_instant(text.data, text.len, &reader->out->quest.start_ms) &&
		reader->out->quest.start_ms >= 0 &&
		reader->out->quest.start_ms <= INT64_C(253402300799000))
		return true;
	return yaml_error(reader->err, reader->file, node,
		"start must be an instant such as 2024-10-04T13:15:00Z or Unix seconds, not "
		"\"%.*s\"",
		STR_ARG(text));
}

static bool read_times(const struct scenario_reader *reader, const struct yaml_node *root)
{
	struct quest_scenario *out = reader->out;

	if (!read_start(reader, root) || !scenario_read_fields(reader, root, times, out))
		return false;
	if (out->step_ms % 1000)
		return yaml_error(reader->err, reader->file, yaml_get(root, "step"),
			"step must be whole seconds, not \"%.*s\"",
			STR_ARG(yaml_get(root, "step")->text));
	if (out->duration_ms / out->step_ms > MAX_STEPS)
		return yaml_error(reader->err, reader->file, yaml_get(root, "duration"),
			"%lld s in steps of %lld s are more than %d steps",
			(long long)out->duration_ms / 1000, (long long)out->step_ms / 1000,
			MAX_STEPS);
	if (!out->scrape_interval_ms)
		out->scrape_interval_ms = out->step_ms;
	out->rules_duration_ms = out->duration_ms;
	return true;
}

static bool read_scoring(const struct scenario_reader *reader, const struct yaml_node *node)
{
	struct str text;

	if (!node)
		return true;
	if (!yaml_string(node, reader->file, "scoring", &text, reader->err))
		return false;
	if (quest_scoring_parse(text, &reader->out->scoring))
		return true;
	return yaml_error(reader->err, reader->file, node,
		"scoring must be author-2024, octave-design or arrival, not \"%.*s\"",
		STR_ARG(text));
}

/* The author's dashboard: its query for every user. */
static bool make_dashboard_query(const struct scenario_reader *reader)
{
	struct quest_scenario *out = reader->out;
	struct buffer text = {0};

	for (size_t i = 0; i < out->quest.exercise_count; i++) {
		struct str name = out->quest.exercises[i].name;

		buffer_printf(&text,
			"%sopencodequest_leaderboard_%.*s_lifetime_bonus:prod\n"
			"+ sum_over_time(opencodequest_leaderboard_%.*s:prod[1h])",
			i ? "\n+ " : "", STR_ARG(name), STR_ARG(name));
	}
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '-')
			text.data[i] = '_';
	out->rules_score.text = str_copy(reader->arena, buffer_str(&text));
	buffer_finish(&text);
	out->rules_score.expr =
		promql_parse(out->rules_score.text, 0, reader->arena, NULL, reader->err);
	return out->rules_score.expr != NULL;
}

static bool read_rules(const struct scenario_reader *reader, const struct yaml_node *node)
{
	static const char *const allowed[] = {"duration", "score", NULL};
	static const struct scenario_field fields[] = {
		{"duration", SCENARIO_DURATION, offsetof(struct quest_scenario, rules_duration_ms),
			1000, 31 * (double)DAY_MS, true},
		{0},
	};

	if (node && !yaml_check_keys(node, reader->file, "rules", allowed, reader->err))
		return false;
	if (node && !scenario_read_fields(reader, node, fields, reader->out))
		return false;
	if (yaml_get(node, "score"))
		return scenario_read_query(
			reader, yaml_get(node, "score"), "score", &reader->out->rules_score);
	return make_dashboard_query(reader);
}

static bool read_people(const struct scenario_reader *reader, const struct yaml_node *root)
{
	bool is_timings = reader->out->kind == QUEST_TIMINGS;
	const struct yaml_node *other = yaml_get(root, is_timings ? "workshop" : "players");

	if (other)
		return yaml_error(reader->err, reader->file, other,
			is_timings ? "a scenario of kind timings has players, no workshop"
				   : "a scenario of kind workshop says under `workshop` who takes "
				     "part; "
				     "players belong to kind timings");
	return is_timings ? scenario_read_players(reader, yaml_get(root, "players"))
			  : scenario_read_workshop(reader, yaml_get(root, "workshop"));
}

// Room for every variable: those given, those of the file, and those that exercises and players
// make.
static void make_room(struct scenario_reader *reader, const struct yaml_node *root, size_t given)
{
	const struct yaml_node *variables = yaml_get(root, "variables");
	const struct yaml_node *players = yaml_get(root, "players");
	size_t rows = 1 + (players ? players->count : 0);

	reader->variable_capacity =
		given + (variables ? variables->count : 0) + rows * QUEST_MAX_EXERCISES;
	reader->out->variables =
		ARENA_ARRAY(reader->arena, struct quest_variable, reader->variable_capacity);
}

static bool read_all(struct scenario_reader *reader, const struct yaml_node *root,
	const struct quest_variable *variables, size_t variable_count)
{
	if (!yaml_check_keys(root, reader->file, "a scenario", keys, reader->err))
		return false;
	make_room(reader, root, variable_count);
	for (size_t i = 0; i < variable_count; i++)
		scenario_add_variable(reader, str_copy(reader->arena, variables[i].name),
			str_copy(reader->arena, variables[i].value));
	return read_kind(reader, root) && read_times(reader, root) &&
	       scenario_read_title(reader, yaml_get(root, "title"), reader->out->name,
		       &reader->out->quest.title) &&
	       read_scoring(reader, yaml_get(root, "scoring")) &&
	       read_variables(reader, yaml_get(root, "variables")) &&
	       scenario_read_exercises(reader, yaml_get(root, "exercises")) &&
	       read_people(reader, root) && read_rules(reader, yaml_get(root, "rules"));
}

bool quest_scenario_read(struct str text, const char *file, const struct quest_variable *variables,
	size_t variable_count, struct arena *arena, struct quest_scenario *out, struct error *err)
{
	struct scenario_reader reader = {.file = file, .arena = arena, .out = out, .err = err};
	struct yaml_node *root;
	const char *slash = strrchr(file, '/');
	struct str name = str_from(slash ? slash + 1 : file);

	*out = (struct quest_scenario){0};
	if (name.len > 5 && str_equal((struct str){name.data + name.len - 5, 5}, STR(".yaml")))
		name.len -= 5;
	out->name = str_copy(arena, name);
	if (!yaml_read(text, file, arena, &root, err))
		return false;
	if (!root)
		return error_set(err, ERROR_INVALID,
			"%s: the file is empty; a scenario begins with `kind: timings` or `kind: "
			"workshop`",
			file);
	if (read_all(&reader, root, variables, variable_count))
		return true;
	quest_scenario_release(out);
	return false;
}

static void release_query(struct quest_query *query)
{
	if (query->expr)
		promql_release(query->expr);
	query->expr = NULL;
}

void quest_scenario_release(struct quest_scenario *scenario)
{
	for (size_t i = 0; i < scenario->quest.exercise_count; i++) {
		struct quest_exercise *exercise = &scenario->quest.exercises[i];

		for (size_t j = 0; j < exercise->condition_count; j++) {
			release_query(&exercise->conditions[j].expr);
			release_query(&exercise->conditions[j].instant);
			release_query(&exercise->conditions[j].seen);
			release_query(&exercise->conditions[j].doubt);
		}
	}
	release_query(&scenario->rules_score);
}
