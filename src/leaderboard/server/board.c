#include "leaderboard/server/board.h"

#include "leaderboard/server/standings.h"

#include <math.h>
#include <stdlib.h>

struct words {
	const char *language, *title, *at, *rank, *player, *cluster, *points, *change;
};

static const struct words all_words[] = {
	[BOARD_ENGLISH] = {"en", "Standings", "at", "Rank", "Player", "Cluster", "Points",
		"Change"},
	[BOARD_FRENCH] = {"fr", "Classement", "à", "Rang", "Joueur", "Cluster", "Points",
		"Évolution"},
};

static void write_escaped(struct buffer *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '<' || c == '>' || c == '&' || c == '"')
			buffer_printf(out, "&#%d;", c);
		else
			buffer_append_char(out, c);
	}
}

/* 1:27:05 since the start */
static void write_clock(struct buffer *out, const struct race *race, int64_t t_ms)
{
	int64_t seconds = (t_ms - rehearsal_start_ms(race->rehearsal)) / 1000;

	buffer_printf(out, "%lld:%02lld:%02lld", (long long)(seconds / 3600),
		(long long)(seconds / 60 % 60), (long long)(seconds % 60));
}

/* One decimal: 93.0, or 93,0 in French. */
static void write_points(struct buffer *out, double points, enum board_language language)
{
	double tenths = round(points * 10);
	long long whole = isfinite(tenths) ? llround(fabs(tenths)) : 0;

	buffer_printf(out, "%s%lld%c%lld", tenths < 0 ? "-" : "", whole / 10,
		language == BOARD_FRENCH ? ',' : '.', whole % 10);
}

static void write_head(struct buffer *out, const struct race *race, const struct words *words,
	enum board_language language)
{
	const struct quest *quest = rehearsal_quest(race->rehearsal);

	buffer_printf(out,
		"<thead><tr><th scope=\"col\">%s</th><th scope=\"col\">%s</th><th "
		"scope=\"col\">%s</th>",
		words->rank, words->player, words->cluster);
	for (size_t i = 0; i < quest->exercise_count; i++) {
		const struct quest_exercise *exercise = &quest->exercises[i];
		struct str title =
			language == BOARD_FRENCH ? exercise->title.fr : exercise->title.en;

		buffer_append_text(out, "<th scope=\"col\">");
		write_escaped(out, title.len ? title : exercise->name);
		buffer_append_text(out, "</th>");
	}
	buffer_printf(out, "<th scope=\"col\">%s</th><th scope=\"col\">%s</th></tr></thead>",
		words->points, words->change);
}

static void write_change(struct buffer *out, size_t before, size_t now)
{
	if (before == 0 || before == now)
		buffer_append_text(out, "=");
	else if (before > now)
		buffer_printf(out, "▲%zu", before - now);
	else
		buffer_printf(out, "▼%zu", now - before);
}

static void write_row(struct buffer *out, const struct race *race, const struct standings *at,
	const struct ledger_row *row, enum board_language language)
{
	size_t count, exercises = rehearsal_quest(race->rehearsal)->exercise_count;
	const struct quest_player *player =
		&rehearsal_players(race->rehearsal, &count)[row->player];

	buffer_printf(out, "<tr><td>%zu</td><th scope=\"row\">", row->rank);
	write_escaped(out, player->user);
	buffer_append_text(out, "</th><td>");
	write_escaped(out, player->cluster);
	buffer_append_text(out, "</td>");
	for (size_t i = 0; i < exercises; i++) {
		const struct quest_event *done =
			standings_completion(race, row->player, i, at->t_ms);

		buffer_append_text(out, "<td>");
		if (done)
			write_clock(out, race, done->t_ms);
		else
			buffer_append_text(out, "–");
		buffer_append_text(out, "</td>");
	}
	buffer_append_text(out, "<td>");
	write_points(out, row->score, language);
	buffer_append_text(out, "</td><td>");
	write_change(out, at->rank_before[row->player], row->rank);
	buffer_append_text(out, "</td></tr>\n");
}

void board_write(
	struct buffer *out, const struct race *race, int64_t t_ms, enum board_language language)
{
	const struct words *words = &all_words[language];
	struct arena arena = {0};
	struct standings at = standings_at(race, t_ms, &arena);

	buffer_printf(out, "<table lang=\"%s\" class=\"board\"><caption>%s, %s ", words->language,
		words->title, words->at);
	write_clock(out, race, t_ms);
	buffer_append_text(out, "</caption>");
	write_head(out, race, words, language);
	buffer_append_text(out, "<tbody>\n");
	for (size_t i = 0; i < at.count; i++)
		write_row(out, race, &at, &at.rows[i], language);
	buffer_append_text(out, "</tbody></table>");
	arena_finish(&arena);
}
