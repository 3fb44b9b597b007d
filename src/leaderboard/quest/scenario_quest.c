#include "leaderboard/quest/scenario.h"

#include "base/number.h"
#include "base/spelling.h"

#include <stdlib.h>

/* Filled-in queries are capped: a variable may be used often. */
enum { MAX_QUERY_BYTES = 65536 };

/* --- ${NAME} --- */

static bool fail_variable(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, struct str name)
{
	const struct quest_scenario *out = reader->out;
	const char **names = ARENA_ARRAY(reader->arena, const char *, out->variable_count + 1);

	for (size_t i = 0; i < out->variable_count; i++)
		names[i] = arena_copy(
			reader->arena, out->variables[i].name.data, out->variables[i].name.len);
	const char *near = spelling_nearest(name, names);

	return yaml_error(reader->err, reader->file, node,
		"%s uses ${%.*s}, which is not set; name it under variables or give --set "
		"%.*s=VALUE%s%s%s",
		what, STR_ARG(name), STR_ARG(name), near ? "; did you mean ${" : "",
		near ? near : "", near ? "}?" : "");
}

static const struct quest_variable *find_variable(
	const struct scenario_reader *reader, struct str name)
{
	for (size_t i = 0; i < reader->out->variable_count; i++)
		if (str_equal(reader->out->variables[i].name, name))
			return &reader->out->variables[i];
	return NULL;
}

// One pass, and a second for variables inside variables; deeper ones stay as they are and fail to
// parse.
static bool fill_in(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, struct str text, struct buffer *out)
{
	for (size_t i = 0; i < text.len; i++) {
		const char *end = NULL;

		if (text.data[i] == '$' && i + 1 < text.len && text.data[i + 1] == '{')
			end = memchr(text.data + i, '}', text.len - i);
		if (!end) {
			buffer_append_char(out, text.data[i]);
			continue;
		}
		struct str name = {text.data + i + 2, (size_t)(end - text.data) - i - 2};
		const struct quest_variable *variable = find_variable(reader, name);

		if (!variable)
			return fail_variable(reader, node, what, name);
		buffer_append_str(out, variable->value);
		if (out->len > MAX_QUERY_BYTES)
			return yaml_error(reader->err, reader->file, node,
				"%s grows past %d bytes with its variables", what, MAX_QUERY_BYTES);
		i = (size_t)(end - text.data);
	}
	return true;
}

/* --- queries --- */

// "LINE:COLUMN: " at the front of a parser's message; false where it has none.
static bool split_place(const char **text, size_t *line, size_t *column)
{
	char *end;
	unsigned long first = strtoul(*text, &end, 10);

	if (end == *text || *end != ':')
		return false;
	const char *second = end + 1;
	unsigned long last = strtoul(second, &end, 10);

	if (end == second || strncmp(end, ": ", 2) != 0)
		return false;
	*line = first;
	*column = last;
	*text = end + 2;
	return true;
}

// The parser counts inside the query; people look at the file.
static bool fail_parse(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, struct str query, bool is_as_written)
{
	struct error cause = *reader->err;
	const char *text = cause.text;
	size_t line = 1, column = 1;
	struct yaml_node place = *node;

	if (is_as_written && split_place(&text, &line, &column)) {
		bool is_block = node->text_line != node->line;

		place.line = node->text_line + line - 1;
		if (is_block)
			place.column = node->text_indent + column;
		else if (line == 1)
			place.column = node->column + column - (node->quoted ? 0 : 1);
	}
	return yaml_error(reader->err, reader->file, &place, "%s: %s (in: %.*s%s)", what, text,
		(int)(query.len > 200 ? 200 : query.len), query.data, query.len > 200 ? "…" : "");
}

bool scenario_read_text(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, struct str *out)
{
	struct buffer once = {0}, twice = {0};
	struct str text;

	if (!yaml_string(node, reader->file, what, &text, reader->err))
		return false;
	bool ok = fill_in(reader, node, what, text, &once) &&
		  fill_in(reader, node, what, buffer_str(&once), &twice);

	*out = str_copy(reader->arena, buffer_str(&twice));
	buffer_finish(&once);
	buffer_finish(&twice);
	return ok;
}

bool scenario_read_query(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, struct quest_query *out)
{
	if (!node)
		return true;
	if (!scenario_read_text(reader, node, what, &out->text))
		return false;
	bool is_as_written = str_equal(out->text, node->text);

	out->text = str_trim(out->text);
	out->expr = promql_parse(out->text, 0, reader->arena, NULL, reader->err);
	if (!out->expr)
		return fail_parse(reader, node, what, out->text, is_as_written);
	if (out->expr->type == PROMQL_VECTOR)
		return true;
	promql_release(out->expr);
	out->expr = NULL;
	return yaml_error(reader->err, reader->file, node,
		"%s must be an instant vector, one series per player (in: %.*s)", what,
		STR_ARG(out->text));
}

bool scenario_make_query(
	const struct scenario_reader *reader, struct str text, struct quest_query *out)
{
	out->text = text;
	out->expr = promql_parse(text, 0, reader->arena, NULL, reader->err);
	return out->expr != NULL;
}

/* --- conditions --- */

static bool read_condition(const struct scenario_reader *reader, struct str exercise,
	const struct yaml_node *node, struct quest_condition *out)
{
	static const char *const allowed[] = {
		"name", "title", "expr", "instant", "seen", "doubt", "counts", NULL};
	static const char *const quest_allowed[] = {"name", "title", "expr", "instant", "seen",
		"doubt", "counts", "probe", "push", "award", NULL};

	out->counts = true;
	if (!yaml_check_keys(node, reader->file, "a condition",
		    reader->is_quest ? quest_allowed : allowed, reader->err) ||
		!scenario_read_name(
			reader, yaml_get(node, "name"), "name of a condition", true, &out->name) ||
		!scenario_read_title(reader, yaml_get(node, "title"), out->name, &out->title))
		return false;
	if (yaml_get(node, "counts") && !yaml_bool(yaml_get(node, "counts"), reader->file, "counts",
						&out->counts, reader->err))
		return false;
	if (yaml_get(node, "probe") || yaml_get(node, "push") || yaml_get(node, "award"))
		return quest_file_read_kind(reader, exercise, node, out);
	if (!yaml_get(node, "expr"))
		return yaml_error(reader->err, reader->file, node,
			"condition \"%.*s\" has no expr: PromQL that is above 0 for a player where "
			"it holds%s",
			STR_ARG(out->name),
			reader->is_quest ? "; or give it a probe, a push or an award" : "");
	return scenario_read_query(reader, yaml_get(node, "expr"), "expr", &out->expr) &&
	       scenario_read_query(reader, yaml_get(node, "instant"), "instant", &out->instant) &&
	       scenario_read_query(reader, yaml_get(node, "seen"), "seen", &out->seen) &&
	       scenario_read_query(reader, yaml_get(node, "doubt"), "doubt", &out->doubt);
}

/* Without conditions an exercise of kind timings is judged by what its simulator emits. */
static bool make_condition(const struct scenario_reader *reader, struct quest_exercise *exercise)
{
	struct quest_condition *out = ARENA_NEW(reader->arena, struct quest_condition);

	out->name = STR("done");
	out->title = (struct quest_title){STR("done"), STR("terminé")};
	out->counts = true;
	exercise->conditions = out;
	exercise->condition_count = 1;
	return scenario_make_query(reader,
		       str_format(reader->arena, "exercise_completed{exercise=\"%.*s\"}",
			       STR_ARG(exercise->name)),
		       &out->expr) &&
	       scenario_make_query(reader,
		       str_format(reader->arena, "exercise_completion_time{exercise=\"%.*s\"}",
			       STR_ARG(exercise->name)),
		       &out->instant);
}

static bool read_conditions(const struct scenario_reader *reader, const struct yaml_node *parent,
	struct quest_exercise *exercise)
{
	const struct yaml_node *node = yaml_get(parent, "conditions");
	bool any_counts = false;

	if (!node && reader->out->kind == QUEST_TIMINGS)
		return make_condition(reader, exercise);
	if (!node || node->kind != YAML_SEQUENCE || node->count == 0 ||
		node->count > QUEST_MAX_CONDITIONS)
		return yaml_error(reader->err, reader->file, node ? node : parent,
			"exercise \"%.*s\" needs conditions, a list of 1 to %d",
			STR_ARG(exercise->name), QUEST_MAX_CONDITIONS);
	exercise->conditions = ARENA_ARRAY(reader->arena, struct quest_condition, node->count);
	for (size_t i = 0; i < node->count; i++) {
		struct quest_condition *condition = &exercise->conditions[i];

		exercise->condition_count++;
		if (!read_condition(reader, exercise->name, node->items[i], condition))
			return false;
		for (size_t j = 0; j < i; j++)
			if (str_equal(exercise->conditions[j].name, condition->name))
				return yaml_error(reader->err, reader->file, node->items[i],
					"condition \"%.*s\" is there already",
					STR_ARG(condition->name));
		any_counts |= condition->counts;
	}
	return any_counts ||
	       yaml_error(reader->err, reader->file, node,
		       "at least one condition of \"%.*s\" must count", STR_ARG(exercise->name));
}

/* --- exercises --- */

static bool read_points(const struct scenario_reader *reader, const struct yaml_node *node,
	struct quest_exercise *exercise)
{
	static const char *const allowed[] = {"author-2024", "octave-design", NULL};
	static const char *const both[] = {"weight", "slope", NULL};
	static const struct scenario_field fields[] = {
		{"weight", SCENARIO_NUMBER, offsetof(struct quest_points, weight), -1e6, 1e6,
			false},
		{"slope", SCENARIO_NUMBER, offsetof(struct quest_points, slope), -1e6, 1e6, true},
		{0},
	};

	for (size_t i = 0; i < QUEST_SCORING_COUNT; i++)
		exercise->points[i].slope = 1;
	if (!node)
		return true;
	if (!yaml_check_keys(node, reader->file, "points", allowed, reader->err))
		return false;
	for (size_t i = 0; allowed[i]; i++) {
		const struct yaml_node *own = yaml_get(node, allowed[i]);

		if (own &&
			(!yaml_check_keys(own, reader->file, allowed[i],
				 i == QUEST_AUTHOR_2024 ? (const char *const[]){"weight", NULL}
							: both,
				 reader->err) ||
				!scenario_read_fields(reader, own, fields, &exercise->points[i])))
			return false;
	}
	return true;
}

static bool read_exercise(const struct scenario_reader *reader, const struct yaml_node *node,
	struct quest_exercise *out)
{
	// A quest file says its points for any scoring, which quest_file_points.c reads.
	static const char *const quest_allowed[] = {
		"name", "title", "nominal_end", "points", "conditions", "duration", NULL};
	static const char *const allowed[] = {
		"name", "title", "nominal_end", "points", "conditions", NULL};
	static const struct scenario_field fields[] = {
		{"nominal_end", SCENARIO_DURATION, offsetof(struct quest_exercise, nominal_end_ms),
			0, 31.0 * 86400000, false},
		{0},
	};

	if (!yaml_check_keys(node, reader->file, "an exercise",
		    reader->is_quest ? quest_allowed : allowed, reader->err) ||
		!scenario_read_name(
			reader, yaml_get(node, "name"), "name of an exercise", true, &out->name) ||
		!scenario_read_title(reader, yaml_get(node, "title"), out->name, &out->title) ||
		!scenario_read_fields(reader, node, fields, out) ||
		(!reader->is_quest && !read_points(reader, yaml_get(node, "points"), out)) ||
		!read_conditions(reader, node, out))
		return false;
	char end[NUMBER_TEXT_SIZE];
	int64_t end_ms = reader->out->quest.start_ms + out->nominal_end_ms;

	number_print(end, (double)end_ms / 1000);
	scenario_add_variable(reader, scenario_variable_name(reader->arena, STR(""), out->name),
		str_copy(reader->arena, str_from(end)));
	return true;
}

bool scenario_read_exercises(const struct scenario_reader *reader, const struct yaml_node *node)
{
	struct quest *quest = &reader->out->quest;

	if (!node || node->kind != YAML_SEQUENCE || node->count == 0 ||
		node->count > QUEST_MAX_EXERCISES)
		return yaml_error(reader->err, reader->file, node,
			"exercises must be a list of 1 to %d", QUEST_MAX_EXERCISES);
	quest->exercises = ARENA_ARRAY(reader->arena, struct quest_exercise, node->count);
	for (size_t i = 0; i < node->count; i++) {
		quest->exercise_count++;
		if (!read_exercise(reader, node->items[i], &quest->exercises[i]))
			return false;
		for (size_t j = 0; j < i; j++)
			if (str_equal(quest->exercises[j].name, quest->exercises[i].name))
				return yaml_error(reader->err, reader->file, node->items[i],
					"exercise \"%.*s\" is there already",
					STR_ARG(quest->exercises[i].name));
	}
	return true;
}
