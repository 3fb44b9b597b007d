/* Standings and explanations for people, in English and French. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>

struct words {
	const char *rank, *player, *points, *prize_line, *on_line, *photo, *of, *at;
	const char *scoring, *version, *env, *events, *head, *tables, *teams, *members, *nothing;
	const char *lines[6];
	const char *event, *between, *and, *by_hand, *excluded, *ineligible, *clock;
	const char *contenders;
};

static const struct words english = {"rank", "player", "points", "prize line", "on the line",
	"photo finish", "of", "at", "scoring", "version", "environment", "events", "head", "Tables",
	"Teams", "members", "nothing complete yet",
	{"points", "early or late", "since then", "formula", "by hand", "award"}, "event",
	"between", "and", "by hand", "without the excluded time", "no prize",
	"by a clock that is off by", "below the line who can still pass it, until"};
static const struct words french = {"rang", "joueur", "points", "ligne des lots", "sur la ligne",
	"photo-finish", "sur", "à", "barème", "version", "environnement", "événements", "tête",
	"Tables", "Équipes", "membres", "rien de terminé pour l'instant",
	{"points", "avance ou retard", "depuis", "formule", "à la main", "prix"}, "événement",
	"entre", "et", "à la main", "sans le temps exclu", "hors prix", "à une horloge décalée de",
	"sous la ligne qui peuvent encore la passer, jusqu'à"};

static const struct words *words_of(enum ledger_language language)
{
	return language == LEDGER_FRENCH ? &french : &english;
}

static size_t width_of(struct str text)
{
	size_t width = 0;

	for (size_t i = 0; i < text.len; i++)
		width += ((unsigned char)text.data[i] & 0xC0) != 0x80;
	return width;
}

static void print_padded(struct buffer *out, struct str text, size_t width, bool right)
{
	size_t own = width_of(text), pad = own < width ? width - own : 0;

	if (!right)
		buffer_append_str(out, text);
	for (size_t i = 0; i < pad; i++)
		buffer_append_char(out, ' ');
	if (right)
		buffer_append_str(out, text);
}

static void print_name(struct buffer *out, const struct ledger *ledger, size_t player)
{
	const struct ledger_player *own = &ledger->players[player];

	quest_player_print(out, &own->player);
	if (!str_equal(own->name, own->player.user))
		buffer_printf(out, " (%.*s)", STR_ARG(own->name));
}

/* --- standings --- */

static void print_state(
	struct buffer *out, const struct ledger_print *print, const struct words *words)
{
	const struct ledger *ledger = print->ledger;
	char hex[EVENT_HEX_SIZE];

	buffer_append_str(out, ledger_title(ledger, print->language));
	buffer_printf(out, " %s ", words->at);
	ledger_print_offset(out, ledger, print->now_ms);
	buffer_printf(out, "\n%s %.*s", words->scoring, STR_ARG(ledger->counting->name));
	if (ledger->version)
		buffer_printf(out, ", %s %lld", words->version, (long long)ledger->version);
	if (ledger->env.len)
		buffer_printf(out, "; %s %.*s", words->env, STR_ARG(ledger->env));
	if (print->head) {
		event_hash_print(hex, print->head);
		buffer_printf(out, "; %lld %s, %s %.16s…", (long long)print->events, words->events,
			words->head, hex);
	}
	buffer_append_text(out, "\n\n");
}

static void print_cell(struct buffer *out, const struct ledger *ledger,
	const struct ledger_mark *mark, int64_t now_ms, size_t width)
{
	struct buffer cell = {0};

	if (mark->event && mark->t_ms <= now_ms) {
		buffer_append_text(&cell, mark->earliest_ms < mark->latest_ms ? "~" : "");
		ledger_print_offset(&cell, ledger, mark->t_ms);
	} else {
		buffer_append_char(&cell, '-');
	}
	print_padded(out, buffer_str(&cell), width, true);
	buffer_finish(&cell);
}

static void print_row(struct buffer *out, const struct ledger_print *print,
	const struct ledger_row *row, size_t width, const struct words *words)
{
	const struct ledger *ledger = print->ledger;
	struct buffer text = {0};
	char score[64];

	buffer_printf(out, "%5zu  ", row->rank);
	print_name(&text, ledger, row->player);
	print_padded(out, buffer_str(&text), width, false);
	snprintf(score, sizeof score, "%.1f", row->score);
	print_padded(out, str_from(score), 10, true);
	for (size_t i = 0; i < ledger->counting->exercise_count; i++)
		print_cell(out, ledger, ledger_mark(ledger, row->player, i), print->now_ms, 13);
	if (row->photo_finish) {
		buffer_printf(out, "  %s ", words->photo);
		ledger_print_photo(out, row, print->language);
	}
	if (row->on_line)
		buffer_printf(out, "  %s", words->on_line);
	if (ledger->players[row->player].no_prize)
		buffer_printf(out, "  %s", words->ineligible);
	buffer_append_char(out, '\n');
	buffer_finish(&text);
}

static void print_groups(struct buffer *out, const char *title, const struct quest_group *groups,
	const struct ledger_group_row *rows, size_t count, const struct words *words)
{
	if (count)
		buffer_printf(out, "\n%s\n", title);
	for (size_t i = 0; i < count; i++)
		buffer_printf(out, "%5zu  %.*s  %.1f  (%zu %s)\n", rows[i].rank,
			STR_ARG(groups[rows[i].group].name), rows[i].score, rows[i].members,
			words->members);
}

/* "7 below the line who can still pass it, until 2:05:00" */
static void print_suspense(
	struct buffer *out, const struct ledger_print *print, const struct words *words)
{
	struct ledger_suspense suspense;

	if (!ledger_find_suspense(print->ledger, print->now_ms, &suspense) || !suspense.contenders)
		return;
	buffer_printf(out, "\n%zu %s ", suspense.contenders, words->contenders);
	ledger_print_offset(out, print->ledger, suspense.until_ms);
	buffer_append_char(out, '\n');
}

void ledger_print_text(struct buffer *out, const struct ledger_print *print)
{
	struct ledger *ledger = print->ledger;
	const struct words *words = words_of(print->language);
	const struct quest_file *file = ledger->options.file;
	struct ledger_row *rows = memory_alloc_array(ledger->player_count + 1, sizeof *rows);
	size_t count = ledger_standings(ledger, print->now_ms, rows), width = 8;
	struct buffer name = {0};

	for (size_t i = 0; i < count; i++) {
		buffer_clear(&name);
		print_name(&name, ledger, i);
		if (width_of(buffer_str(&name)) > width)
			width = width_of(buffer_str(&name));
	}
	print_state(out, print, words);
	print_padded(out, str_from(words->rank), 5, true);
	buffer_append_text(out, "  ");
	print_padded(out, str_from(words->player), width, false);
	print_padded(out, str_from(words->points), 10, true);
	for (size_t i = 0; i < ledger->counting->exercise_count; i++)
		print_padded(out, ledger_exercise_title(ledger, i, print->language), 13, true);
	buffer_append_char(out, '\n');
	for (size_t i = 0; i < count; i++) {
		print_row(out, print, &rows[i], width, words);
		if (rows[i].prize && (i + 1 == count || !rows[i + 1].prize))
			buffer_printf(out, "       ── %s ──\n", words->prize_line);
	}
	print_suspense(out, print, words);
	if (file) {
		size_t most =
			file->table_count > file->team_count ? file->table_count : file->team_count;
		struct ledger_group_row *groups = memory_alloc_array(most + 1, sizeof *groups);

		print_groups(out, words->tables, file->tables, groups,
			ledger_tables(ledger, print->now_ms, groups), words);
		print_groups(out, words->teams, file->teams, groups,
			ledger_teams(ledger, print->now_ms, groups), words);
		free(groups);
	}
	buffer_finish(&name);
	free(rows);
}

/* --- explanations --- */

static void print_completion(struct buffer *out, const struct ledger_print *print, size_t player,
	size_t exercise, const struct words *words)
{
	const struct ledger *ledger = print->ledger;
	const struct ledger_mark *mark = ledger_mark(ledger, player, exercise);

	buffer_append_str(out, ledger_exercise_title(ledger, exercise, print->language));
	buffer_append_char(out, ' ');
	ledger_print_offset(out, ledger, mark->t_ms);
	buffer_printf(out, "  (%s %lld", words->event, (long long)mark->event);
	if (mark->by_hand)
		buffer_printf(out, ", %s", words->by_hand);
	if (mark->earliest_ms < mark->latest_ms) {
		buffer_printf(out, ", %s ", words->between);
		ledger_print_offset(out, ledger, mark->earliest_ms);
		buffer_printf(out, " %s ", words->and);
		ledger_print_offset(out, ledger, mark->latest_ms);
	}
	if (mark->recorded_ms != mark->t_ms) {
		buffer_append_text(out, ", ");
		ledger_print_offset(out, ledger, mark->recorded_ms);
		buffer_printf(out, " %s", words->excluded);
	}
	if (llabs(mark->skew_ms) > LEDGER_SKEW_MS)
		buffer_printf(out, ", %s %+.1f s", words->clock, (double)mark->skew_ms / 1000);
	buffer_append_text(out, ")\n");
}

void ledger_print_explanation(struct buffer *out, const struct ledger_print *print,
	const struct ledger_explanation *explanation)
{
	const struct ledger *ledger = print->ledger;
	const struct words *words = words_of(print->language);
	size_t last = SIZE_MAX;

	print_name(out, ledger, explanation->player);
	buffer_printf(out, "  #%zu %s %zu  %.*s %s\n", explanation->rank, words->of,
		explanation->players, STR_ARG(explanation->score), words->points);
	print_state(out, print, words);
	if (explanation->row.photo_finish) {
		buffer_printf(out, "  %s ", words->photo);
		ledger_print_photo(out, &explanation->row, print->language);
		buffer_append_text(out, "\n\n");
	}
	if (explanation->line_count == 0)
		buffer_printf(out, "  %s\n", words->nothing);
	for (size_t i = 0; i < explanation->line_count; i++) {
		const struct ledger_line *line = &explanation->lines[i];

		if (line->exercise != last && line->exercise != SIZE_MAX)
			print_completion(out, print, explanation->player, line->exercise, words);
		last = line->exercise;
		buffer_append_text(out, "  ");
		print_padded(out, line->points, 20, true);
		buffer_append_text(out, "  ");
		print_padded(out, str_from(words->lines[line->kind]), 16, false);
		buffer_append_char(out, ' ');
		buffer_append_str(out, line->arithmetic);
		if (line->exercise == SIZE_MAX)
			buffer_printf(out, " (%s %lld)", words->event, (long long)line->event);
		buffer_append_char(out, '\n');
	}
	print_padded(out, STR("="), 2, true);
	print_padded(out, explanation->score, 20, true);
	buffer_append_char(out, '\n');
}

static const char *const line_names[] = {"weight", "bonus", "ramp", "formula", "adjust", "award"};

static void print_line(
	struct buffer *out, const struct ledger *ledger, const struct ledger_line *line)
{
	buffer_printf(out, "{\"rule\":\"%s\",\"exercise\":", line_names[line->kind]);
	if (line->exercise == SIZE_MAX)
		buffer_append_text(out, "null");
	else
		json_string(out, ledger->counting->exercises[line->exercise].name);
	buffer_append_text(out, ",\"arithmetic\":");
	json_string(out, line->arithmetic);
	// A number with the very digits that add up.
	buffer_printf(out, ",\"points\":%.*s,\"event\":%lld}", STR_ARG(line->points),
		(long long)line->event);
}

void ledger_print_explanation_json(struct buffer *out, const struct ledger_print *print,
	const struct ledger_explanation *explanation)
{
	const struct ledger *ledger = print->ledger;
	struct buffer id = {0};
	char at[32];

	quest_player_print(&id, &ledger->players[explanation->player].player);
	clock_print_instant(at, print->now_ms);
	buffer_append_text(out, "{\"id\":");
	json_string(out, buffer_str(&id));
	buffer_printf(out, ",\"at\":\"%s\",\"rank\":%zu,\"players\":%zu,\"score\":%.*s", at,
		explanation->rank, explanation->players, STR_ARG(explanation->score));
	buffer_append_text(out, ",\"scoring\":");
	json_string(out, ledger->counting->name);
	buffer_printf(out, ",\"scoring_version\":%lld,\"env\":", (long long)ledger->version);
	json_string(out, ledger->env);
	buffer_append_text(out, ",\"photo_finish\":");
	ledger_print_photo_json(out, &explanation->row);
	buffer_append_text(out, ",\"completions\":[");
	for (size_t i = 0, printed = 0; i < ledger->counting->exercise_count; i++) {
		const struct ledger_mark *mark = ledger_mark(ledger, explanation->player, i);
		const struct event_log_entry *entry = ledger_entry(ledger, mark->event);

		if (!mark->event || mark->t_ms > print->now_ms)
			continue;
		buffer_append_text(out, printed++ ? ",{\"exercise\":" : "{\"exercise\":");
		json_string(out, ledger->counting->exercises[i].name);
		buffer_printf(out,
			",\"event\":%lld,\"t_ms\":%lld,\"earliest_ms\":%lld,\"latest_ms\":%lld,"
			"\"recorded_ms\":%lld,\"by_hand\":%s,\"evidence\":",
			(long long)mark->event, (long long)mark->t_ms, (long long)mark->earliest_ms,
			(long long)mark->latest_ms, (long long)mark->recorded_ms,
			mark->by_hand ? "true" : "false");
		json_string(out, mark->by_hand ? entry->why : entry->evidence);
		buffer_append_text(out, ",\"skew_s\":");
		if (llabs(mark->skew_ms) > LEDGER_SKEW_MS)
			json_number(out, (double)mark->skew_ms / 1000);
		else
			buffer_append_text(out, "null");
		buffer_append_char(out, '}');
	}
	buffer_append_text(out, "],\"lines\":[");
	for (size_t i = 0; i < explanation->line_count; i++) {
		buffer_append_text(out, i ? "," : "");
		print_line(out, ledger, &explanation->lines[i]);
	}
	buffer_append_text(out, "]}\n");
	buffer_finish(&id);
}
