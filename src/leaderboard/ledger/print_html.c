/*
 * The final board as one file: no script, nothing fetched, both languages in it (the choice is two
 * radio buttons and a style sheet). Whatever a name holds is text.
 */
#include "leaderboard/ledger/ledger_private.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdio.h>

static void print_escaped(struct buffer *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		switch (text.data[i]) {
		case '&':
			buffer_append_text(out, "&amp;");
			break;
		case '<':
			buffer_append_text(out, "&lt;");
			break;
		case '>':
			buffer_append_text(out, "&gt;");
			break;
		case '"':
			buffer_append_text(out, "&quot;");
			break;
		default:
			buffer_append_char(out, text.data[i]);
		}
}

static void print_both(struct buffer *out, struct str english, struct str french)
{
	buffer_append_text(out, "<span lang=\"en\">");
	print_escaped(out, english);
	buffer_append_text(out, "</span><span lang=\"fr\">");
	print_escaped(out, french);
	buffer_append_text(out, "</span>");
}

static const char style[] =
	"<style>:root{color-scheme:light dark;--line:#b8860b;--faint:#666;--rule:#ddd}"
	"@media(prefers-color-scheme:dark){:root{--line:#e6b422;--faint:#aaa;--rule:#444}}"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:1rem}"
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
	"th,td{padding:.25rem .5rem;text-align:right;border-bottom:1px solid var(--rule)}"
	"th:nth-child(2),td:nth-child(2){text-align:left}caption{text-align:left;font-weight:600;"
	"padding:1rem 0 .25rem}.prize td{border-bottom:3px solid var(--line)}small,.faint{color:"
	"var(--faint)}code{overflow-wrap:anywhere}svg{width:100%;height:auto}"
	"#fr:checked~main [lang=en],#en:checked~main [lang=fr]{display:none}</style>";

static void print_head(struct buffer *out, const struct ledger_print *print)
{
	const struct ledger *ledger = print->ledger;
	bool is_french = print->language == LEDGER_FRENCH;

	buffer_printf(out,
		"<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'unsafe-inline'\"><title>",
		is_french ? "fr" : "en");
	print_escaped(out, ledger_title(ledger, print->language));
	buffer_printf(out,
		"</title>%s</head><body>\n<input type=\"radio\" name=\"l\" id=\"en\"%s>"
		"<label for=\"en\">English</label> <input type=\"radio\" name=\"l\" id=\"fr\"%s>"
		"<label for=\"fr\">Français</label>\n<main><h1>",
		style, is_french ? "" : " checked", is_french ? " checked" : "");
	print_both(out, ledger_title(ledger, LEDGER_ENGLISH), ledger_title(ledger, LEDGER_FRENCH));
	buffer_append_text(out, "</h1>\n");
}

static void print_cell(struct buffer *out, const struct ledger *ledger,
	const struct ledger_mark *mark, int64_t now_ms)
{
	buffer_append_text(out, "<td>");
	if (mark->event && mark->t_ms <= now_ms) {
		buffer_append_text(out, mark->earliest_ms < mark->latest_ms ? "~" : "");
		ledger_print_offset(out, ledger, mark->t_ms);
	} else {
		buffer_append_text(out, "–");
	}
	buffer_append_text(out, "</td>");
}

static void print_photo(struct buffer *out, const struct ledger_row *row)
{
	struct buffer texts[2] = {{0}, {0}};

	ledger_print_photo(&texts[0], row, LEDGER_ENGLISH);
	ledger_print_photo(&texts[1], row, LEDGER_FRENCH);
	print_both(out, buffer_str(&texts[0]), buffer_str(&texts[1]));
	buffer_finish(&texts[0]);
	buffer_finish(&texts[1]);
}

static void print_row(struct buffer *out, const struct ledger *ledger, const struct ledger_row *row,
	bool is_line, int64_t now_ms)
{
	const struct ledger_player *player = &ledger->players[row->player];

	buffer_printf(out, "<tr%s><td>%zu</td><td>", is_line ? " class=\"prize\"" : "", row->rank);
	print_escaped(out, player->name);
	if (player->player.cluster.len) {
		buffer_append_text(out, " <small>");
		print_escaped(out, player->player.cluster);
		buffer_append_text(out, "</small>");
	}
	buffer_printf(out, "</td><td>%.1f", row->score);
	if (row->photo_finish) {
		buffer_append_text(out, " <small>");
		print_photo(out, row);
		buffer_append_text(out, "</small>");
	}
	buffer_append_text(out, "</td>");
	for (size_t i = 0; i < ledger->counting->exercise_count; i++)
		print_cell(out, ledger, ledger_mark(ledger, row->player, i), now_ms);
	buffer_append_text(out, "</tr>\n");
}

static void print_board(struct buffer *out, const struct ledger *ledger,
	const struct ledger_row *rows, size_t count, int64_t now_ms)
{
	buffer_append_text(out, "<table><thead><tr><th>#</th><th>");
	print_both(out, STR("player"), STR("joueur"));
	buffer_append_text(out, "</th><th>");
	print_both(out, STR("points"), STR("points"));
	buffer_append_text(out, "</th>");
	for (size_t i = 0; i < ledger->counting->exercise_count; i++) {
		buffer_append_text(out, "<th>");
		print_both(out, ledger_exercise_title(ledger, i, LEDGER_ENGLISH),
			ledger_exercise_title(ledger, i, LEDGER_FRENCH));
		buffer_append_text(out, "</th>");
	}
	buffer_append_text(out, "</tr></thead><tbody>\n");
	for (size_t i = 0; i < count; i++)
		print_row(out, ledger, &rows[i],
			rows[i].prize && (i + 1 == count || !rows[i + 1].prize), now_ms);
	buffer_append_text(out, "</tbody></table>\n");
}

static void print_groups(struct buffer *out, struct str english, struct str french,
	const struct quest_group *groups, const struct ledger_group_row *rows, size_t count)
{
	if (!count)
		return;
	buffer_append_text(out, "<table><caption>");
	print_both(out, english, french);
	buffer_append_text(out, "</caption><tbody>\n");
	for (size_t i = 0; i < count; i++) {
		const struct quest_group *group = &groups[rows[i].group];

		buffer_printf(out, "<tr><td>%zu</td><td>", rows[i].rank);
		print_both(out, group->title.en, group->title.fr);
		buffer_printf(out, "</td><td>%.1f</td><td>%zu</td></tr>\n", rows[i].score,
			rows[i].members);
	}
	buffer_append_text(out, "</tbody></table>\n");
}

/* --- curves --- */

enum { CURVES = 6, WIDTH = 900, HEIGHT = 320, LEFT = 40, RIGHT = 140, TOP = 10, BOTTOM = 30 };

static double curve_score(const struct ledger *ledger, size_t player, int64_t t_ms)
{
	return quest_counting_score(ledger->counting,
		ledger->done_ms + player * ledger->counting->exercise_count,
		ledger_extra(ledger, player, t_ms), t_ms);
}

static void print_curve(struct buffer *out, const struct ledger *ledger, size_t player,
	int64_t now_ms, double most, size_t number)
{
	// Told apart by hue and by dashes.
	static const char *const colours[CURVES] = {
		"#0b62a4", "#b35900", "#00704f", "#9b2d6f", "#5b3fa8", "#6b6b00"};
	static const char *const dashes[CURVES] = {"", "8 3", "2 2", "10 3 2 3", "5 5", "1 4"};
	enum { STEPS = 150 };
	int64_t start_ms = ledger->counting->start_ms;
	double y = 0;

	buffer_printf(out,
		"<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" "
		"stroke-dasharray=\"%s\" points=\"",
		colours[number], dashes[number]);
	for (int i = 0; i <= STEPS; i++) {
		double share =
			curve_score(ledger, player, start_ms + (now_ms - start_ms) * i / STEPS) /
			most;

		y = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
		buffer_printf(
			out, "%.1f,%.1f ", LEFT + (double)i / STEPS * (WIDTH - LEFT - RIGHT), y);
	}
	buffer_printf(out, "\"/><text x=\"%d\" y=\"%.1f\" fill=\"%s\" font-size=\"13\">",
		WIDTH - RIGHT + 6, y + 4, colours[number]);
	print_escaped(out, ledger->players[player].name);
	buffer_append_text(out, "</text>\n");
}

static void print_curves(struct buffer *out, const struct ledger *ledger,
	const struct ledger_row *rows, size_t count, int64_t now_ms)
{
	double most = count ? rows[0].score : 0;

	if (!(most > 0) || now_ms <= ledger->counting->start_ms)
		return;
	buffer_printf(out,
		"<svg viewBox=\"0 0 %d %d\" role=\"img\"><title>Points of the first six / Points "
		"des six premiers</title><path d=\"M%d %dV%dH%d\" fill=\"none\" "
		"stroke=\"currentColor\"/>\n",
		WIDTH, HEIGHT, LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT);
	for (size_t i = 0; i < count && i < CURVES; i++)
		print_curve(out, ledger, rows[i].player, now_ms, most, i);
	buffer_printf(out,
		"<g fill=\"currentColor\" font-size=\"12\"><text x=\"2\" y=\"%d\">%.0f</text>"
		"<text x=\"2\" y=\"%d\">0</text><text x=\"%d\" y=\"%d\">0:00</text>"
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\">",
		TOP + 10, most, HEIGHT - BOTTOM, LEFT, HEIGHT - 8, WIDTH - RIGHT, HEIGHT - 8);
	ledger_print_offset(out, ledger, now_ms);
	buffer_append_text(out, "</text></g></svg>\n");
}

/* --- the page --- */

static void print_foot(struct buffer *out, const struct ledger_print *print)
{
	const struct ledger *ledger = print->ledger;
	char at[32], hex[EVENT_HEX_SIZE];

	clock_print_instant(at, print->now_ms);
	buffer_append_text(out, "<p class=\"faint\">");
	print_both(out, STR("Scoring"), STR("Barème"));
	buffer_append_char(out, ' ');
	print_escaped(out, ledger->counting->name);
	if (ledger->version)
		buffer_printf(out, " v%lld", (long long)ledger->version);
	buffer_printf(out, " · %s", at);
	if (print->head) {
		event_hash_print(hex, print->head);
		buffer_printf(out, " · %lld ", (long long)print->events);
		print_both(
			out, STR("events; head of the log"), STR("événements ; tête du journal"));
		buffer_printf(out, "<br><code>%s</code>", hex);
	}
	buffer_append_text(out, "<br>~ ");
	print_both(out, STR("the instant lies between two observations"),
		STR("l'instant se situe entre deux observations"));
	buffer_append_text(out, "</p>\n</main></body></html>\n");
}

void ledger_print_html(struct buffer *out, const struct ledger_print *print)
{
	struct ledger *ledger = print->ledger;
	const struct quest_file *file = ledger->options.file;
	struct ledger_row *rows = memory_alloc_array(ledger->player_count + 1, sizeof *rows);
	size_t count = ledger_standings(ledger, print->now_ms, rows);

	print_head(out, print);
	print_curves(out, ledger, rows, count, print->now_ms);
	print_board(out, ledger, rows, count, print->now_ms);
	if (file) {
		size_t most =
			file->table_count > file->team_count ? file->table_count : file->team_count;
		struct ledger_group_row *groups = memory_alloc_array(most + 1, sizeof *groups);

		print_groups(out, STR("Tables"), STR("Tables"), file->tables, groups,
			ledger_tables(ledger, print->now_ms, groups));
		print_groups(out, STR("Teams"), STR("Équipes"), file->teams, groups,
			ledger_teams(ledger, print->now_ms, groups));
		free(groups);
	}
	print_foot(out, print);
	free(rows);
}
