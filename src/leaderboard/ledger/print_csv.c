/* Standings as a table: CSV (RFC 4180), a row for each player. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/memory.h"
#include "base/number.h"

static void print_cell(struct buffer *out, struct str text)
{
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++)
		quoted |= strchr(",\"\r\n", text.data[i]) != NULL;
	// A spreadsheet would take these for a formula.
	bool is_formula = text.len && strchr("=+-@", text.data[0]) != NULL;

	buffer_append_text(out, quoted ? "\"" : "");
	buffer_append_text(out, is_formula ? "'" : "");
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"')
			buffer_append_char(out, '"');
		buffer_append_char(out, text.data[i]);
	}
	buffer_append_text(out, quoted ? "\"" : "");
}

static void print_csv_row(struct buffer *out, const struct ledger *ledger,
	const struct ledger_row *row, int64_t now_ms)
{
	const struct ledger_player *player = &ledger->players[row->player];
	const struct quest_file *file = ledger->options.file;

	buffer_printf(out, "%zu,", row->rank);
	print_cell(out, player->player.user);
	buffer_append_char(out, ',');
	print_cell(out, player->player.cluster);
	buffer_append_char(out, ',');
	print_cell(out, player->name);
	buffer_append_char(out, ',');
	if (player->table != SIZE_MAX)
		print_cell(out, file->tables[player->table].name);
	buffer_append_char(out, ',');
	if (player->team != SIZE_MAX)
		print_cell(out, file->teams[player->team].name);
	buffer_append_char(out, ',');
	buffer_append_number(out, row->score);
	buffer_printf(out, ",%zu,%d,%d,%d,%d", row->done, !player->no_prize, row->prize,
		row->on_line, row->photo_finish);
	buffer_append_char(out, ',');
	if (row->skew_s != 0)
		buffer_append_number(out, row->skew_s);
	for (size_t i = 0; i < ledger->counting->exercise_count; i++) {
		const struct ledger_mark *mark = ledger_mark(ledger, row->player, i);

		buffer_append_char(out, ',');
		if (mark->event && mark->t_ms <= now_ms)
			buffer_append_number(
				out, (double)(mark->t_ms - ledger->counting->start_ms) / 1000);
	}
	buffer_append_text(out, "\r\n");
}

void ledger_print_csv(struct buffer *out, const struct ledger_print *print)
{
	struct ledger *ledger = print->ledger;
	struct ledger_row *rows = memory_alloc_array(ledger->player_count + 1, sizeof *rows);
	size_t count = ledger_standings(ledger, print->now_ms, rows);

	buffer_append_text(out, "rank,user,cluster,name,table,team,score,done,eligible,prize,"
				"on_line,photo_finish,skew_s");
	for (size_t i = 0; i < ledger->counting->exercise_count; i++) {
		buffer_append_char(out, ',');
		buffer_append_str(out, ledger_exercise_name(ledger, i));
		buffer_append_text(out, "_s");
	}
	buffer_append_text(out, "\r\n");
	for (size_t i = 0; i < count; i++)
		print_csv_row(out, ledger, &rows[i], print->now_ms);
	free(rows);
}
