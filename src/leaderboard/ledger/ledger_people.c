/* Who has a row: those the file lists, those that were seen, and whoever an event names, but for
 * the hidden. A rank is one among these: whoever is hidden moves nobody. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/memory.h"

static struct quest_player follow_alias(
	const struct ledger *ledger, struct str cluster, struct str user)
{
	struct quest_player player = {cluster, user};

	return ledger->options.file ? quest_file_person(ledger->options.file, player) : player;
}

static bool is_hidden(const struct ledger *ledger, const struct quest_player *player)
{
	return ledger->options.file && quest_file_hides(ledger->options.file, player);
}

static size_t add_player(struct ledger *ledger, struct quest_player player)
{
	const struct quest_file *file = ledger->options.file;
	const struct quest_person *person = file ? quest_file_find(file, &player) : NULL;

	for (size_t i = 0; i < ledger->player_count; i++)
		if (str_equal(ledger->players[i].player.user, player.user) &&
			str_equal(ledger->players[i].player.cluster, player.cluster))
			return i;
	ledger->players = memory_grow(ledger->players, &ledger->player_capacity,
		ledger->player_count + 1, sizeof *ledger->players);
	ledger->players[ledger->player_count] = (struct ledger_player){
		.player = player,
		.name = person && person->name.len ? person->name : player.user,
		.table = file ? quest_file_table(file, &player) : SIZE_MAX,
		.team = file ? quest_file_team(file, &player) : SIZE_MAX,
		.no_prize = file && quest_file_no_prize(file, &player),
	};
	return ledger->player_count++;
}

size_t ledger_person(struct ledger *ledger, struct str cluster, struct str user)
{
	static const size_t hidden = SIZE_MAX - 1; // + 1 is not 0
	struct buffer key = {0};

	buffer_append_str(&key, cluster);
	buffer_append_char(&key, '\0');
	buffer_append_str(&key, user);
	size_t found = (size_t)(uintptr_t)map_get(&ledger->player_of, buffer_str(&key));

	if (!found) {
		struct quest_player player = follow_alias(ledger, cluster, user);

		found = is_hidden(ledger, &player) ? hidden + 1 : add_player(ledger, player) + 1;
		map_set(&ledger->player_of, str_copy(&ledger->arena, buffer_str(&key)),
			(void *)(uintptr_t)found);
	}
	buffer_finish(&key);
	return found == hidden + 1 ? SIZE_MAX : found - 1;
}

/* Somebody listed without a cluster is whoever has that name. */
static bool is_there(const struct ledger *ledger, const struct quest_player *listed)
{
	for (size_t i = 0; i < ledger->player_count && listed->cluster.len == 0; i++)
		if (str_equal(ledger->players[i].player.user, listed->user))
			return true;
	return false;
}

/* A seat where nobody was is none, where the race knows who was there at all. */
static bool has_row(const struct ledger *ledger, const struct event_log_entry *entry)
{
	const struct quest_file *file = ledger->options.file;

	if (entry->kind != EVENT_SEAT || entry->condition.len)
		return entry->user.len > 0;
	return !file || file->participants.show_absent || !file->participants.active.expr;
}

void ledger_add_people(struct ledger *ledger)
{
	const struct quest_file *file = ledger->options.file;

	for (size_t i = 0; i < ledger->options.seen_count; i++)
		ledger_person(
			ledger, ledger->options.seen[i].cluster, ledger->options.seen[i].user);
	for (size_t i = 0; i < ledger->entry_count; i++)
		if (has_row(ledger, &ledger->entries[i]))
			ledger_person(ledger, ledger->entries[i].cluster, ledger->entries[i].user);
	if (!file || !file->participants.show_absent)
		return;
	for (size_t i = 0; i < file->participants.person_count; i++) {
		const struct quest_player *listed = &file->participants.people[i].player;

		if (!is_there(ledger, listed))
			ledger_person(ledger, listed->cluster, listed->user);
	}
}

const struct ledger_player *ledger_players(const struct ledger *ledger, size_t *count)
{
	*count = ledger->player_count;
	return ledger->players;
}

/* --- by name --- */

static bool is_called(const struct quest_player *player, struct str name)
{
	struct buffer forms[2] = {{0}, {0}};
	bool same = str_equal(player->user, name);

	quest_player_print(&forms[0], player);
	buffer_append_str(&forms[1], player->cluster);
	buffer_append_char(&forms[1], '/');
	buffer_append_str(&forms[1], player->user);
	for (int i = 0; i < 2; i++) {
		same |= str_equal(buffer_str(&forms[i]), name);
		buffer_finish(&forms[i]);
	}
	return same;
}

size_t ledger_find(const struct ledger *ledger, struct str name, struct error *err)
{
	size_t found = SIZE_MAX, count = 0;
	struct buffer others = {0};

	for (size_t i = 0; i < ledger->player_count; i++) {
		if (!is_called(&ledger->players[i].player, name))
			continue;
		found = i;
		buffer_append_text(&others, count++ ? ", " : "");
		quest_player_print(&others, &ledger->players[i].player);
	}
	if (count == 0)
		error_set(err, ERROR_INVALID,
			"nobody of this race is called \"%.*s\"; players are CLUSTER/USER",
			STR_ARG(name));
	if (count > 1)
		error_set(err, ERROR_INVALID, "\"%.*s\" may be %s: say CLUSTER/USER", STR_ARG(name),
			others.data);
	buffer_finish(&others);
	return count == 1 ? found : SIZE_MAX;
}
