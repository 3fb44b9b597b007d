#include "leaderboard/quest/quest_file_reader.h"

/*
 * Who takes part. The list is small (a workshop's seats), so it is searched from its beginning; who
 * looks often keeps what he found.
 */

/* --- reading --- */

static bool read_person(
	const struct quest_reader *reader, const struct yaml_node *node, struct quest_person *out)
{
	static const char *const allowed[] = {
		"user", "cluster", "name", "table", "team", "prize", NULL};
	const struct scenario_reader *own = &reader->scenario;
	bool may_win = true;

	if (node->kind == YAML_SCALAR) {
		bool ok = quest_read_player(reader, node, "a participant", &out->player);

		out->name = out->player.user;
		return ok;
	}
	if (!yaml_check_keys(node, own->file, "a participant", allowed, own->err) ||
		!quest_need(own, node, "user", "a participant") ||
		!quest_read_label(reader, yaml_get(node, "user"), "user", &out->player.user) ||
		!quest_read_optional(reader, node, "cluster", &out->player.cluster) ||
		!quest_read_optional(reader, node, "table", &out->table) ||
		!quest_read_optional(reader, node, "team", &out->team))
		return false;
	out->name = out->player.user;
	if (yaml_get(node, "name") &&
		!quest_read_label(reader, yaml_get(node, "name"), "name", &out->name))
		return false;
	if (yaml_get(node, "prize") &&
		!yaml_bool(yaml_get(node, "prize"), own->file, "prize", &may_win, own->err))
		return false;
	out->no_prize = !may_win;
	return true;
}

static bool read_list(const struct quest_reader *reader, const struct yaml_node *node)
{
	struct quest_participants *out = &reader->out->participants;

	if (!quest_check_list(reader, node, "list", QUEST_MAX_PLAYERS))
		return false;
	out->people =
		ARENA_ARRAY(reader->scenario.arena, struct quest_person, node ? node->count : 0);
	for (size_t i = 0; node && i < node->count; i++) {
		struct quest_person person = {0};

		if (!read_person(reader, node->items[i], &person))
			return false;
		if (quest_file_find(reader->out, &person.player))
			return yaml_error(reader->scenario.err, reader->scenario.file,
				node->items[i], "%.*s%s%.*s is on the list already",
				STR_ARG(person.player.user), person.player.cluster.len ? "@" : "",
				STR_ARG(person.player.cluster));
		out->people[out->person_count++] = person;
	}
	return true;
}

static bool read_aliases(const struct quest_reader *reader, const struct yaml_node *node)
{
	static const char *const allowed[] = {"from", "to", NULL};
	struct quest_participants *out = &reader->out->participants;

	if (!quest_check_list(reader, node, "aliases", QUEST_MAX_PLAYERS))
		return false;
	out->aliases =
		ARENA_ARRAY(reader->scenario.arena, struct quest_alias, node ? node->count : 0);
	for (size_t i = 0; node && i < node->count; i++) {
		const struct yaml_node *item = node->items[i];
		struct quest_alias *alias = &out->aliases[i];

		if (!yaml_check_keys(item, reader->scenario.file, "an alias", allowed,
			    reader->scenario.err) ||
			!quest_need(&reader->scenario, item, "from", "an alias") ||
			!quest_need(&reader->scenario, item, "to", "an alias") ||
			!quest_read_player(reader, yaml_get(item, "from"),
				"from (the name that metrics have)", &alias->from) ||
			!quest_read_player(reader, yaml_get(item, "to"),
				"to (the name on the board)", &alias->to))
			return false;
		out->alias_count++;
	}
	return true;
}

static bool read_patterns(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, struct quest_pattern **out, size_t *count)
{
	const struct yaml_node *only[] = {node};
	struct yaml_node *const *items =
		node && node->kind == YAML_SCALAR ? (struct yaml_node *const *)only : NULL;
	size_t item_count = 1;

	if (!items) {
		if (!quest_check_list(reader, node, what, 100))
			return false;
		items = node ? node->items : NULL;
		item_count = node ? node->count : 0;
	}
	*out = ARENA_ARRAY(reader->scenario.arena, struct quest_pattern, item_count);
	for (size_t i = 0; i < item_count; i++) {
		if (!quest_read_regex(&reader->scenario, items[i], what, "", "", &(*out)[i].text,
			    &(*out)[i].regex))
			return false;
		*count = i + 1;
	}
	return true;
}

static bool read_label_name(const struct quest_reader *reader, const struct yaml_node *node,
	const char *key, struct str fallback, struct str *out)
{
	*out = fallback;
	return quest_read_optional(reader, node, key, out) &&
	       (labels_is_plain_name(*out, false) ||
		       yaml_error(reader->scenario.err, reader->scenario.file, yaml_get(node, key),
			       "%s must be the name of a label, not \"%.*s\"", key, STR_ARG(*out)));
}

static bool read_flag(
	const struct quest_reader *reader, const struct yaml_node *node, const char *key, bool *out)
{
	return !yaml_get(node, key) || yaml_bool(yaml_get(node, key), reader->scenario.file, key,
					       out, reader->scenario.err);
}

static bool read_participants(const struct quest_reader *reader, const struct yaml_node *node)
{
	static const char *const allowed[] = {"expr", "active", "user_label", "cluster_label",
		"list", "only_list", "aliases", "hide", "no_prize", "show_absent", NULL};
	const struct scenario_reader *own = &reader->scenario;
	struct quest_participants *out = &reader->out->participants;

	if (node && !yaml_check_keys(node, own->file, "participants", allowed, own->err))
		return false;
	return scenario_read_query(own, yaml_get(node, "expr"), "expr", &out->expr) &&
	       scenario_read_query(own, yaml_get(node, "active"), "active", &out->active) &&
	       read_label_name(reader, node, "user_label", STR("user"), &out->user_label) &&
	       read_label_name(
		       reader, node, "cluster_label", STR("cluster"), &out->cluster_label) &&
	       read_list(reader, yaml_get(node, "list")) &&
	       read_flag(reader, node, "only_list", &out->only_list) &&
	       read_aliases(reader, yaml_get(node, "aliases")) &&
	       read_patterns(
		       reader, yaml_get(node, "hide"), "hide", &out->hide, &out->hide_count) &&
	       read_patterns(reader, yaml_get(node, "no_prize"), "no_prize", &out->no_prize,
		       &out->no_prize_count) &&
	       read_flag(reader, node, "show_absent", &out->show_absent);
}

static bool read_members(
	const struct quest_reader *reader, const struct yaml_node *node, struct quest_group *out)
{
	if (!quest_check_list(reader, node, "players", QUEST_MAX_PLAYERS))
		return false;
	out->members =
		ARENA_ARRAY(reader->scenario.arena, struct quest_player, node ? node->count : 0);
	out->member_count = node ? node->count : 0;
	for (size_t i = 0; i < out->member_count; i++)
		if (!quest_read_player(reader, node->items[i], "a player", &out->members[i]))
			return false;
	return true;
}

static bool read_groups(const struct quest_reader *reader, const struct yaml_node *node,
	const char *what, bool by_cluster, struct quest_group **out, size_t *count)
{
	static const char *const table_keys[] = {"name", "title", "clusters", "players", NULL};
	static const char *const team_keys[] = {"name", "title", "players", NULL};
	const struct scenario_reader *own = &reader->scenario;

	if (!quest_check_list(reader, node, what, QUEST_MAX_PLAYERS))
		return false;
	*out = ARENA_ARRAY(own->arena, struct quest_group, node ? node->count : 0);
	for (size_t i = 0; node && i < node->count; i++) {
		const struct yaml_node *item = node->items[i];
		struct quest_group *group = &(*out)[i];

		if (!yaml_check_keys(item, own->file, by_cluster ? "a table" : "a team",
			    by_cluster ? table_keys : team_keys, own->err) ||
			!quest_need(own, item, "name", by_cluster ? "a table" : "a team") ||
			!quest_read_label(reader, yaml_get(item, "name"), "name", &group->name) ||
			!scenario_read_title(
				own, yaml_get(item, "title"), group->name, &group->title) ||
			!quest_read_texts(reader, yaml_get(item, "clusters"), "clusters",
				QUEST_MAX_SOURCES, &group->clusters, &group->cluster_count) ||
			!read_members(reader, yaml_get(item, "players"), group))
			return false;
		for (size_t j = 0; j < i; j++)
			if (str_equal((*out)[j].name, group->name))
				return yaml_error(own->err, own->file, item,
					"\"%.*s\" is there already", STR_ARG(group->name));
		*count = i + 1;
	}
	return true;
}

static size_t find_group(const struct quest_group *groups, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(groups[i].name, name))
			return i;
	return SIZE_MAX;
}

// A table or a team that a participant names is one of those listed, where any are.
static bool check_groups(const struct quest_reader *reader, const struct yaml_node *list)
{
	const struct quest_file *out = reader->out;

	for (size_t i = 0; i < out->participants.person_count; i++) {
		const struct quest_person *person = &out->participants.people[i];

		if (person->table.len &&
			find_group(out->tables, out->table_count, person->table) == SIZE_MAX)
			return yaml_error(reader->scenario.err, reader->scenario.file,
				list->items[i], "table \"%.*s\" is not listed under tables",
				STR_ARG(person->table));
		if (person->team.len &&
			find_group(out->teams, out->team_count, person->team) == SIZE_MAX)
			return yaml_error(reader->scenario.err, reader->scenario.file,
				list->items[i], "team \"%.*s\" is not listed under teams",
				STR_ARG(person->team));
	}
	return true;
}

bool quest_read_people(const struct quest_reader *reader, const struct yaml_node *root)
{
	const struct yaml_node *participants = yaml_get(root, "participants");
	struct quest_file *out = reader->out;

	return read_participants(reader, participants) &&
	       read_groups(reader, yaml_get(root, "tables"), "tables", true, &out->tables,
		       &out->table_count) &&
	       read_groups(reader, yaml_get(root, "teams"), "teams", false, &out->teams,
		       &out->team_count) &&
	       check_groups(reader, yaml_get(participants, "list"));
}

/* --- asking --- */

// A name on a list stands for that user on any cluster where it names none.
static bool stands_for(const struct quest_player *listed, const struct quest_player *player)
{
	return str_equal(listed->user, player->user) &&
	       (listed->cluster.len == 0 || str_equal(listed->cluster, player->cluster));
}

bool quest_patterns_match(
	const struct quest_pattern *patterns, size_t count, const struct quest_player *player)
{
	struct buffer whole = {0};
	bool matches = false;

	if (count)
		quest_player_print(&whole, player);
	for (size_t i = 0; i < count && !matches; i++)
		matches = regex_matches(patterns[i].regex, player->user) ||
			  regex_matches(patterns[i].regex, buffer_str(&whole));
	buffer_finish(&whole);
	return matches;
}

struct quest_player quest_file_person(const struct quest_file *file, struct quest_player player)
{
	const struct quest_participants *participants = &file->participants;

	for (size_t i = 0; i < participants->alias_count; i++) {
		const struct quest_alias *alias = &participants->aliases[i];

		if (stands_for(&alias->from, &player))
			return (struct quest_player){
				.cluster =
					alias->to.cluster.len ? alias->to.cluster : player.cluster,
				.user = alias->to.user,
			};
	}
	return player;
}

const struct quest_person *quest_file_find(
	const struct quest_file *file, const struct quest_player *player)
{
	for (size_t i = 0; i < file->participants.person_count; i++)
		if (stands_for(&file->participants.people[i].player, player))
			return &file->participants.people[i];
	return NULL;
}

static size_t group_of(const struct quest_group *groups, size_t count, struct str said,
	const struct quest_player *player)
{
	if (said.len)
		return find_group(groups, count, said);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < groups[i].member_count; j++)
			if (stands_for(&groups[i].members[j], player))
				return i;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < groups[i].cluster_count; j++)
			if (str_equal(groups[i].clusters[j], player->cluster))
				return i;
	return SIZE_MAX;
}

size_t quest_file_table(const struct quest_file *file, const struct quest_player *player)
{
	const struct quest_person *person = quest_file_find(file, player);

	return group_of(file->tables, file->table_count, person ? person->table : STR(""), player);
}

size_t quest_file_team(const struct quest_file *file, const struct quest_player *player)
{
	const struct quest_person *person = quest_file_find(file, player);

	return group_of(file->teams, file->team_count, person ? person->team : STR(""), player);
}

bool quest_file_hides(const struct quest_file *file, const struct quest_player *player)
{
	const struct quest_participants *participants = &file->participants;

	return quest_patterns_match(participants->hide, participants->hide_count, player) ||
	       (participants->only_list && !quest_file_find(file, player));
}

bool quest_file_no_prize(const struct quest_file *file, const struct quest_player *player)
{
	const struct quest_person *person = quest_file_find(file, player);

	return (person && person->no_prize) || quest_patterns_match(file->participants.no_prize,
						       file->participants.no_prize_count, player);
}
