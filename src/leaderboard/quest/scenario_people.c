#include "leaderboard/quest/scenario.h"

#include "base/map.h"
#include "base/number.h"

/* --- timings --- */

// TS_USER_BATMAN_HERO, in Unix seconds; Inf where it never comes.
static void name_timing(
	const struct scenario_reader *reader, struct str user, struct str exercise, int64_t done_ms)
{
	char value[NUMBER_TEXT_SIZE] = "Inf";

	if (done_ms != QUEST_NEVER)
		number_print(value, (double)(reader->out->quest.start_ms + done_ms) / 1000);
	scenario_add_variable(reader, scenario_variable_name(reader->arena, user, exercise),
		str_copy(reader->arena, str_from(value)));
}

static bool read_done(const struct scenario_reader *reader, const struct yaml_node *node,
	struct quest_timing *out)
{
	const struct quest *quest = &reader->out->quest;
	const char *names[QUEST_MAX_EXERCISES + 1] = {0};

	for (size_t i = 0; i < quest->exercise_count; i++)
		names[i] = quest->exercises[i].name.data;
	if (!yaml_check_keys(node, reader->file, "done", names, reader->err))
		return false;
	for (size_t i = 0; i < quest->exercise_count; i++) {
		const struct yaml_node *own = yaml_get(node, names[i]);

		out->done_ms[i] = QUEST_NEVER;
		if (own && !yaml_is_null(own) &&
			!scenario_read_duration(reader, own, names[i], &out->done_ms[i]))
			return false;
		name_timing(reader, out->player.user, quest->exercises[i].name, out->done_ms[i]);
	}
	return true;
}

static bool read_player(const struct scenario_reader *reader, const struct yaml_node *node,
	struct quest_timing *out)
{
	static const char *const allowed[] = {"user", "cluster", "done", NULL};

	if (!yaml_check_keys(node, reader->file, "a player", allowed, reader->err) ||
		!scenario_read_name(reader, yaml_get(node, "user"), "user of a player", false,
			&out->player.user))
		return false;
	if (yaml_get(node, "cluster") &&
		!scenario_read_name(reader, yaml_get(node, "cluster"), "cluster of a player", false,
			&out->player.cluster))
		return false;
	if (!yaml_get(node, "done"))
		return yaml_error(reader->err, reader->file, node,
			"player \"%.*s\" has no done: {EXERCISE: time after the start, …}",
			STR_ARG(out->player.user));
	return read_done(reader, yaml_get(node, "done"), out);
}

// Players are called by what exports call them.
static bool check_unique(const struct scenario_reader *reader, const struct yaml_node *node)
{
	struct map seen = {0};
	bool ok = true;

	for (size_t i = 0; i < reader->out->timing_count && ok; i++) {
		struct quest_timing *timing = &reader->out->timings[i];
		struct buffer name = {0};

		quest_player_print(&name, &timing->player);
		if (map_get(&seen, buffer_str(&name)))
			ok = yaml_error(reader->err, reader->file, node->items[i],
				"player \"%s\" is there already", name.data);
		map_set(&seen, str_copy(reader->arena, buffer_str(&name)), timing);
		buffer_finish(&name);
	}
	map_finish(&seen);
	return ok;
}

bool scenario_read_players(const struct scenario_reader *reader, const struct yaml_node *node)
{
	struct quest_scenario *out = reader->out;

	if (!node || node->kind != YAML_SEQUENCE || node->count == 0 ||
		node->count > QUEST_MAX_PLAYERS)
		return yaml_error(reader->err, reader->file, node,
			"players must be a list of 1 to %d", QUEST_MAX_PLAYERS);
	out->timings = ARENA_ARRAY(reader->arena, struct quest_timing, node->count);
	for (size_t i = 0; i < node->count; i++) {
		struct quest_timing *timing = &out->timings[i];

		if (!read_player(reader, node->items[i], timing))
			return false;
		out->timing_count++;
	}
	return check_unique(reader, node);
}

/* --- workshop --- */

static const char *const persona_names[] = {
	"fast", "steady", "slow", "stuck", "flapping", "absent", NULL};

static bool read_personas(const struct scenario_reader *reader, const struct yaml_node *node,
	struct quest_workshop *out)
{
	int64_t sum = 0;

	if (!yaml_check_keys(node, reader->file, "personas", persona_names, reader->err))
		return false;
	for (size_t i = 0; i < QUEST_PERSONA_COUNT; i++) {
		const struct yaml_node *own = yaml_get(node, persona_names[i]);

		out->personas[i] = 0;
		if (own && !yaml_int(own, reader->file, persona_names[i], &out->personas[i],
				   reader->err))
			return false;
		if (out->personas[i] < 0 || out->personas[i] > 1000)
			return yaml_error(reader->err, reader->file, own,
				"a share must lie between 0 and 1000, not \"%.*s\"",
				STR_ARG(own->text));
		sum += out->personas[i];
	}
	return sum > 0 || yaml_error(reader->err, reader->file, node,
				  "personas are all 0: nobody would take part");
}

#define FIELD(name) offsetof(struct quest_workshop, name)

static const char *const workshop_keys[] = {"players", "clusters", "seed", "personas",
	"restarts_per_hour", "gaps", "gap_min", "gap_max", NULL};

static const struct scenario_field workshop_fields[] = {
	{"players", SCENARIO_INT, FIELD(players), 1, QUEST_MAX_PLAYERS, true},
	{"clusters", SCENARIO_INT, FIELD(clusters), 1, 64, true},
	{"seed", SCENARIO_INT, FIELD(seed), 0, 9007199254740991.0, true},
	{"restarts_per_hour", SCENARIO_NUMBER, FIELD(restarts_per_hour), 0, 60, true},
	{"gaps", SCENARIO_INT, FIELD(gaps), 0, 100, true},
	{"gap_min", SCENARIO_DURATION, FIELD(gap_min_ms), 1000, 86400000, true},
	{"gap_max", SCENARIO_DURATION, FIELD(gap_max_ms), 1000, 86400000, true},
	{0},
};

bool scenario_read_workshop(const struct scenario_reader *reader, const struct yaml_node *node)
{
	struct quest_workshop *out = &reader->out->workshop;
	const struct quest *quest = &reader->out->quest;
	static const char *const names[] = {"hero", "villain", "fight"};

	*out = (struct quest_workshop){
		.players = 96,
		.clusters = 6,
		.seed = 1,
		.personas = {18, 30, 18, 6, 8, 20},
		.restarts_per_hour = 4,
		.gaps = 2,
		.gap_min_ms = 20000,
		.gap_max_ms = 240000,
	};
	for (size_t i = 0; i < 3; i++)
		if (quest->exercise_count != 3 ||
			!str_equal(quest->exercises[i].name, str_from(names[i])))
			return yaml_error(reader->err, reader->file, node,
				"the simulated workshop has the exercises hero, villain and fight, "
				"in this order");
	if (!node)
		return true;
	if (!yaml_check_keys(node, reader->file, "workshop", workshop_keys, reader->err) ||
		!scenario_read_fields(reader, node, workshop_fields, out))
		return false;
	if (out->gap_min_ms > out->gap_max_ms)
		return yaml_error(reader->err, reader->file, yaml_get(node, "gap_max"),
			"gap_max must not be shorter than gap_min");
	return !yaml_get(node, "personas") ||
	       read_personas(reader, yaml_get(node, "personas"), out);
}
