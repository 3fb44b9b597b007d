#include "leaderboard/quest/quest_file_reader.h"

#include <math.h>

/*
 * Scorings, the points of each exercise under them, and the prize line. What a formula means is
 * scoring's; here it is a text with its place.
 */

static const struct scenario_field parameter_fields[] = {
	{"weight", SCENARIO_NUMBER, offsetof(struct quest_parameters, weight), -1e6, 1e6, true},
	{"slope", SCENARIO_NUMBER, offsetof(struct quest_parameters, slope), -1e6, 1e6, true},
	{"ramp", SCENARIO_NUMBER, offsetof(struct quest_parameters, ramp), -1e6, 1e6, true},
	{0},
};

/* --- scorings --- */

static bool check_formula(const struct scenario_reader *own, const struct quest_place *formula)
{
	struct error cause = {0};

	return quest_formula_parse(formula, own->arena, &cause) ||
	       error_set(own->err, ERROR_INVALID, "%s:%s (in: %.*s)", own->file, cause.text,
		       (int)(formula->text.len > 200 ? 200 : formula->text.len),
		       formula->text.data);
}

static bool read_scoring(const struct quest_reader *reader, const struct yaml_node *node,
	struct quest_scoring_rule *out)
{
	static const char *const allowed[] = {"name", "title", "formula", NULL};
	const struct scenario_reader *own = &reader->scenario;
	const struct yaml_node *formula;

	if (!yaml_check_keys(node, own->file, "a scoring", allowed, own->err) ||
		!scenario_read_name(
			own, yaml_get(node, "name"), "name of a scoring", true, &out->name) ||
		!scenario_read_title(own, yaml_get(node, "title"), out->name, &out->title))
		return false;
	formula = yaml_get(node, "formula");
	if (!formula)
		return yaml_error(own->err, own->file, node,
			"scoring \"%.*s\" needs a formula, such as weight + slope * (nominal - "
			"t) / unit",
			STR_ARG(out->name));
	if (!yaml_string(formula, own->file, "formula", &out->formula.text, own->err))
		return false;
	bool is_block = formula->text_line != formula->line;

	out->formula.line = formula->text_line;
	out->formula.column =
		is_block ? formula->text_indent + 1 : formula->column + (formula->quoted ? 1 : 0);
	return check_formula(own, &out->formula);
}

static void add_presets(const struct quest_reader *reader)
{
	struct quest_file *out = reader->out;

	for (size_t i = 0; i < QUEST_SCORING_COUNT; i++) {
		struct str name = str_from(quest_scoring_names[i]);

		out->scorings[i] = (struct quest_scoring_rule){
			.name = name,
			.title = {name, name},
			.is_preset = true,
			.preset = (enum quest_scoring)i,
		};
	}
	out->scoring_count = QUEST_SCORING_COUNT;
}

size_t quest_file_scoring(const struct quest_file *file, struct str name)
{
	for (size_t i = 0; i < file->scoring_count; i++)
		if (str_equal(file->scorings[i].name, name))
			return i;
	return SIZE_MAX;
}

// Fails listing what there is.
static bool find_scoring(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, size_t *out)
{
	const struct quest_file *file = reader->out;
	const char *names[QUEST_MAX_SCORINGS + QUEST_SCORING_COUNT + 1] = {0};

	for (size_t i = 0; i < file->scoring_count; i++)
		names[i] = arena_copy(reader->scenario.arena, file->scorings[i].name.data,
			file->scorings[i].name.len);
	return quest_read_choice(reader, node, what, names, out);
}

/* --- points --- */

static void set_points(const struct quest_reader *reader, size_t scoring, size_t exercise,
	struct quest_parameters parameters)
{
	struct quest_file *out = reader->out;
	struct quest_scoring_rule *rule = &out->scorings[scoring];

	rule->parameters[exercise] = parameters;
	for (size_t i = 0; rule->is_preset && i < out->environment_count; i++)
		out->quests[i].exercises[exercise].points[rule->preset] =
			(struct quest_points){parameters.weight, parameters.slope};
}

static bool read_points_of(
	const struct quest_reader *reader, const struct yaml_pair *pair, size_t exercise)
{
	static const char *const allowed[] = {"weight", "slope", "ramp", NULL};
	static const char *const slopes[] = {"weight", "slope", NULL};
	static const char *const weights[] = {"weight", NULL};
	const struct scenario_reader *own = &reader->scenario;
	size_t scoring;

	if (!find_scoring(reader, pair->key, "the scoring that points are for", &scoring))
		return false;
	const struct quest_scoring_rule *rule = &reader->out->scorings[scoring];
	struct quest_parameters parameters = rule->parameters[exercise];
	const char *const *keys = !rule->is_preset			? allowed
				  : rule->preset == QUEST_OCTAVE_DESIGN ? slopes
									: weights;

	if (!yaml_check_keys(pair->value, own->file, "points", keys, own->err) ||
		!scenario_read_fields(own, pair->value, parameter_fields, &parameters))
		return false;
	set_points(reader, scoring, exercise, parameters);
	return true;
}

/* `points: 55` is the weight under every scoring; a mapping says it for each. */
static bool read_points(
	const struct quest_reader *reader, const struct yaml_node *node, size_t exercise)
{
	struct quest_parameters parameters = {.slope = 1, .ramp = 1};

	if (node && node->kind == YAML_SCALAR &&
		!yaml_number(node, reader->scenario.file, "points", &parameters.weight,
			reader->scenario.err))
		return false;
	if (!(fabs(parameters.weight) <= 1e6))
		return yaml_error(reader->scenario.err, reader->scenario.file, node,
			"points must lie between -1000000 and 1000000, not \"%.*s\"",
			STR_ARG(node->text));
	for (size_t i = 0; i < reader->out->scoring_count; i++)
		set_points(reader, i, exercise, parameters);
	if (!node || node->kind == YAML_SCALAR)
		return true;
	if (node->kind != YAML_MAPPING)
		return yaml_error(reader->scenario.err, reader->scenario.file, node,
			"points must be a number, or a mapping of scorings: {author-2024: "
			"{weight: 55}}");
	for (size_t i = 0; i < node->count; i++)
		if (!read_points_of(reader, &node->pairs[i], exercise))
			return false;
	return true;
}

static bool read_prize(const struct quest_reader *reader, const struct yaml_node *node)
{
	static const char *const allowed[] = {"places", "ties", "one_per", NULL};
	static const char *const ties[] = {"split", "jury", NULL};
	static const char *const groups[] = {"player", "team", "table", NULL};
	const struct scenario_reader *own = &reader->scenario;
	int64_t places = 0;
	size_t choice = 0, group = QUEST_PER_PLAYER;

	if (!node)
		return true;
	if (node->kind == YAML_SCALAR) {
		if (!yaml_int(node, own->file, "prize", &places, own->err))
			return false;
	} else if (!yaml_check_keys(node, own->file, "prize", allowed, own->err) ||
		   !yaml_int(yaml_get(node, "places"), own->file, "places", &places, own->err) ||
		   (yaml_get(node, "ties") && !quest_read_choice(reader, yaml_get(node, "ties"),
						      "ties", ties, &choice)) ||
		   (yaml_get(node, "one_per") &&
			   !quest_read_choice(
				   reader, yaml_get(node, "one_per"), "one_per", groups, &group))) {
		return false;
	}
	if (places < 0 || places > QUEST_MAX_PLAYERS)
		return yaml_error(own->err, own->file, node, "a prize has 0 to %d places, not %lld",
			QUEST_MAX_PLAYERS, (long long)places);
	reader->out->prize = (struct quest_prize){.places = (size_t)places,
		.split_ties = choice == 0,
		.one_per = (enum quest_one_per)group};
	return true;
}

bool quest_read_scorings(const struct quest_reader *reader, const struct yaml_node *root)
{
	const struct scenario_reader *own = &reader->scenario;
	const struct yaml_node *list = yaml_get(root, "scorings");
	const struct yaml_node *exercises = yaml_get(root, "exercises");
	struct quest_file *out = reader->out;
	size_t count = list ? list->count : 0;

	if (!quest_check_list(reader, list, "scorings", QUEST_MAX_SCORINGS))
		return false;
	out->scorings =
		ARENA_ARRAY(own->arena, struct quest_scoring_rule, count + QUEST_SCORING_COUNT);
	add_presets(reader);
	for (size_t i = 0; i < count; i++) {
		struct quest_scoring_rule rule = {0};

		if (!read_scoring(reader, list->items[i], &rule))
			return false;
		if (quest_file_scoring(out, rule.name) != SIZE_MAX)
			return yaml_error(own->err, own->file, list->items[i],
				"scoring \"%.*s\" is there already", STR_ARG(rule.name));
		out->scorings[out->scoring_count++] = rule;
	}
	for (size_t i = 0; i < out->scoring_count; i++)
		out->scorings[i].parameters =
			ARENA_ARRAY(own->arena, struct quest_parameters, exercises->count);
	for (size_t i = 0; i < exercises->count; i++)
		if (!read_points(reader, yaml_get(exercises->items[i], "points"), i))
			return false;
	return (!yaml_get(root, "scoring") ||
		       find_scoring(reader, yaml_get(root, "scoring"), "scoring", &out->scoring)) &&
	       read_prize(reader, yaml_get(root, "prize"));
}
