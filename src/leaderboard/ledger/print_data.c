/* Standings for machines: JSON. print_csv.c and print_feeds.c have other forms. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"

struct str ledger_exercise_title(
	const struct ledger *ledger, size_t exercise, enum ledger_language language)
{
	const struct quest_file *file = ledger->options.file;
	struct str name = ledger_exercise_name(ledger, exercise);

	for (size_t i = 0; file && i < file->quests[0].exercise_count; i++) {
		const struct quest_exercise *own = &file->quests[0].exercises[i];

		if (str_equal(own->name, name))
			return language == LEDGER_FRENCH ? own->title.fr : own->title.en;
	}
	return name;
}

struct str ledger_title(const struct ledger *ledger, enum ledger_language language)
{
	const struct quest_file *file = ledger->options.file;

	if (!file)
		return ledger->counting->name;
	return language == LEDGER_FRENCH ? file->title.fr : file->title.en;
}

/* "NAME":"2024-10-08T13:15:00Z" */
void ledger_print_instant(struct buffer *out, const char *name, int64_t t_ms)
{
	char text[32];

	clock_print_instant(text, t_ms);
	buffer_printf(out, "\"%s\":\"%s\"", name, text);
}

static void print_seconds(
	struct buffer *out, const struct ledger *ledger, const char *name, int64_t t_ms)
{
	buffer_printf(out, ",\"%s\":", name);
	json_number(out, (double)(t_ms - ledger->counting->start_ms) / 1000);
}

static void print_player(struct buffer *out, const struct ledger *ledger, size_t player)
{
	const struct ledger_player *own = &ledger->players[player];
	struct buffer id = {0};

	quest_player_print(&id, &own->player);
	buffer_append_text(out, "\"id\":");
	json_string(out, buffer_str(&id));
	buffer_append_text(out, ",\"user\":");
	json_string(out, own->player.user);
	buffer_append_text(out, ",\"cluster\":");
	json_string(out, own->player.cluster);
	buffer_append_text(out, ",\"name\":");
	json_string(out, own->name);
	buffer_finish(&id);
}

/* --- JSON --- */

static void print_mark(struct buffer *out, const struct ledger *ledger, size_t player,
	size_t exercise, int64_t now_ms)
{
	const struct ledger_mark *mark = ledger_mark(ledger, player, exercise);

	if (!mark->event || mark->t_ms > now_ms) {
		buffer_append_text(out, "null");
		return;
	}
	buffer_append_char(out, '{');
	ledger_print_instant(out, "at", mark->recorded_ms);
	print_seconds(out, ledger, "at_s", mark->t_ms);
	print_seconds(out, ledger, "low_s", mark->earliest_ms);
	print_seconds(out, ledger, "high_s", mark->latest_ms);
	buffer_printf(out, ",\"event\":%lld,\"by_hand\":%s}", (long long)mark->event,
		mark->by_hand ? "true" : "false");
}

static void print_group_name(
	struct buffer *out, const char *name, const struct quest_group *groups, size_t group)
{
	buffer_printf(out, ",\"%s\":", name);
	if (group == SIZE_MAX)
		buffer_append_text(out, "null");
	else
		json_string(out, groups[group].name);
}

static void print_row(struct buffer *out, const struct ledger *ledger, const struct ledger_row *row,
	int64_t now_ms)
{
	const struct quest_file *file = ledger->options.file;
	const struct ledger_player *player = &ledger->players[row->player];

	buffer_printf(out, "{\"rank\":%zu,", row->rank);
	print_player(out, ledger, row->player);
	buffer_append_text(out, ",\"score\":");
	json_number(out, row->score);
	buffer_printf(out, ",\"done\":%zu,\"eligible\":%s,\"prize\":%s,\"on_line\":%s", row->done,
		player->no_prize ? "false" : "true", row->prize ? "true" : "false",
		row->on_line ? "true" : "false");
	print_group_name(out, "table", file ? file->tables : NULL, player->table);
	print_group_name(out, "team", file ? file->teams : NULL, player->team);
	buffer_append_text(out, ",\"photo_finish\":");
	ledger_print_photo_json(out, row);
	buffer_append_text(out, ",\"exercises\":[");
	for (size_t i = 0; i < ledger->counting->exercise_count; i++) {
		buffer_append_text(out, i ? "," : "");
		print_mark(out, ledger, row->player, i, now_ms);
	}
	buffer_append_text(out, "]}");
}

static void print_groups(struct buffer *out, const char *name, const struct quest_group *groups,
	const struct ledger_group_row *rows, size_t count)
{
	buffer_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < count; i++) {
		buffer_printf(out, "%s{\"rank\":%zu,\"name\":", i ? "," : "", rows[i].rank);
		json_string(out, groups[rows[i].group].name);
		buffer_append_text(out, ",\"score\":");
		json_number(out, rows[i].score);
		buffer_printf(out, ",\"members\":%zu}", rows[i].members);
	}
	buffer_append_char(out, ']');
}

static void print_tables(struct buffer *out, const struct ledger_print *print)
{
	const struct quest_file *file = print->ledger->options.file;
	size_t most = !file				     ? 0
		      : file->table_count > file->team_count ? file->table_count
							     : file->team_count;
	struct ledger_group_row *rows = memory_alloc_array(most + 1, sizeof *rows);

	if (file) {
		size_t count = ledger_tables(print->ledger, print->now_ms, rows);

		print_groups(out, "tables", file->tables, rows, count);
		count = ledger_teams(print->ledger, print->now_ms, rows);
		print_groups(out, "teams", file->teams, rows, count);
	}
	free(rows);
}

static void print_suspense(struct buffer *out, const struct ledger_print *print)
{
	struct ledger_suspense suspense;

	buffer_append_text(out, ",\"suspense\":");
	if (!ledger_find_suspense(print->ledger, print->now_ms, &suspense)) {
		buffer_append_text(out, "null");
		return;
	}
	buffer_printf(out, "{\"contenders\":%zu", suspense.contenders);
	if (suspense.contenders) {
		buffer_append_char(out, ',');
		ledger_print_instant(out, "until", suspense.until_ms);
		print_seconds(out, print->ledger, "until_s", suspense.until_ms);
	}
	buffer_append_char(out, '}');
}

void ledger_print_json(struct buffer *out, const struct ledger_print *print)
{
	struct ledger *ledger = print->ledger;
	struct ledger_row *rows = memory_alloc_array(ledger->player_count + 1, sizeof *rows);
	size_t count = ledger_standings(ledger, print->now_ms, rows);
	char hex[EVENT_HEX_SIZE];

	buffer_append_text(out, "{\"title\":");
	json_string(out, ledger_title(ledger, print->language));
	buffer_append_char(out, ',');
	ledger_print_instant(out, "at", print->now_ms);
	print_seconds(out, ledger, "at_s", print->now_ms);
	buffer_append_text(out, ",\"env\":");
	json_string(out, ledger->env);
	buffer_append_text(out, ",\"scoring\":");
	json_string(out, ledger->counting->name);
	buffer_printf(out,
		",\"scoring_version\":%lld,\"events\":%lld,\"head\":", (long long)ledger->version,
		(long long)print->events);
	if (print->head) {
		event_hash_print(hex, print->head);
		buffer_printf(out, "\"%s\"", hex);
	} else {
		buffer_append_text(out, "null");
	}
	buffer_append_text(out, ",\"exercises\":[");
	for (size_t i = 0; i < ledger->counting->exercise_count; i++) {
		buffer_append_text(out, i ? "," : "");
		json_string(out, ledger_exercise_name(ledger, i));
	}
	buffer_append_text(out, "],\"rows\":[");
	for (size_t i = 0; i < count; i++) {
		buffer_append_text(out, i ? ",\n" : "\n");
		print_row(out, ledger, &rows[i], print->now_ms);
	}
	buffer_append_char(out, ']');
	print_suspense(out, print);
	print_tables(out, print);
	buffer_append_text(out, "}\n");
	free(rows);
}
