/* Standings in the shapes of others: CTFtime's feed, the ICPC Contest API. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"

#include <math.h>

/* --- CTFtime: https://ctftime.org/json-scoreboard-feed --- */

static void print_unit(struct buffer *out, uint32_t unit)
{
	buffer_printf(out, "\\u%04x", (unsigned)unit);
}

/* A string of ASCII alone, as the feed wants names: json_string has seen to it that it is UTF-8. */
static void print_ascii(struct buffer *out, struct str text)
{
	struct buffer json = {0};

	json_string(&json, text);
	for (size_t i = 0; i < json.len;) {
		unsigned char first = (unsigned char)json.data[i];
		size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
		uint32_t point = len == 1 ? first : first & (0xffU >> (len + 1));

		for (size_t j = 1; j < len; j++)
			point = point << 6 | ((unsigned char)json.data[i + j] & 0x3f);
		if (len == 1) {
			buffer_append_char(out, (char)first);
		} else if (point < 0x10000) {
			print_unit(out, point);
		} else {
			print_unit(out, 0xd800 + ((point - 0x10000) >> 10));
			print_unit(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
		}
		i += len;
	}
	buffer_finish(&json);
}

/* Four decimals at most. */
static void print_points(struct buffer *out, double points)
{
	json_number(out, round(points * 1e4) / 1e4);
}

static double exercise_points(
	const struct quest_part *parts, size_t count, size_t exercise, double *denominator)
{
	double sum = 0;

	*denominator = 1;
	for (size_t i = 0; i < count; i++)
		if (parts[i].exercise == exercise) {
			sum += parts[i].numerator;
			*denominator = parts[i].denominator;
		}
	return sum;
}

static void print_task_stats(struct buffer *out, const struct ledger *ledger,
	const struct ledger_row *row, int64_t now_ms, int64_t *last_ms)
{
	struct quest_part parts[QUEST_MAX_PARTS];
	size_t exercises = ledger->counting->exercise_count, printed = 0;
	size_t count = quest_counting_parts(
		ledger->counting, ledger->done_ms + row->player * exercises, now_ms, parts);

	*last_ms = 0;
	for (size_t i = 0; i < exercises; i++) {
		const struct ledger_mark *mark = ledger_mark(ledger, row->player, i);
		double denominator, points;

		if (!mark->event || mark->t_ms > now_ms)
			continue;
		points = exercise_points(parts, count, i, &denominator);
		buffer_append_text(out, printed++ ? "," : "");
		print_ascii(out, ledger_exercise_name(ledger, i));
		buffer_append_text(out, ":{\"points\":");
		print_points(out, points / denominator);
		buffer_printf(out, ",\"time\":%lld}", (long long)mark->recorded_ms / 1000);
		if (mark->recorded_ms > *last_ms)
			*last_ms = mark->recorded_ms;
	}
}

void ledger_print_ctftime(struct buffer *out, const struct ledger_print *print)
{
	struct ledger *ledger = print->ledger;
	struct ledger_row *rows = memory_alloc_array(ledger->player_count + 1, sizeof *rows);
	size_t count = ledger_standings(ledger, print->now_ms, rows);

	buffer_append_text(out, "{\"tasks\":[");
	for (size_t i = 0; i < ledger->counting->exercise_count; i++) {
		buffer_append_text(out, i ? "," : "");
		print_ascii(out, ledger_exercise_name(ledger, i));
	}
	buffer_append_text(out, "],\"standings\":[");
	for (size_t i = 0; i < count; i++) {
		struct buffer id = {0};
		int64_t last_ms;

		quest_player_print(&id, &ledger->players[rows[i].player].player);
		buffer_printf(out, "%s\n{\"pos\":%zu,\"team\":", i ? "," : "", rows[i].rank);
		print_ascii(out, buffer_str(&id));
		buffer_append_text(out, ",\"score\":");
		print_points(out, rows[i].score);
		buffer_append_text(out, ",\"taskStats\":{");
		print_task_stats(out, ledger, &rows[i], print->now_ms, &last_ms);
		buffer_append_char(out, '}');
		if (rows[i].done)
			buffer_printf(out, ",\"lastAccept\":%lld", (long long)last_ms / 1000);
		buffer_append_char(out, '}');
		buffer_finish(&id);
	}
	buffer_append_text(out, "]}\n");
	free(rows);
}

/* --- Contest API --- */

/* H:MM:SS.mmm after the start */
static void print_contest_time(
	struct buffer *out, const struct ledger *ledger, const char *name, int64_t t_ms)
{
	int64_t ms = t_ms - ledger->counting->start_ms, size = ms < 0 ? -ms : ms;

	buffer_printf(out, "\"%s\":\"%s%lld:%02lld:%02lld.%03lld\"", name, ms < 0 ? "-" : "",
		(long long)size / 3600000, (long long)size / 60000 % 60,
		(long long)size / 1000 % 60, (long long)size % 1000);
}

static void print_contest_row(struct buffer *out, const struct ledger *ledger,
	const struct ledger_row *row, int64_t now_ms)
{
	size_t exercises = ledger->counting->exercise_count;
	struct buffer id = {0};

	quest_player_print(&id, &ledger->players[row->player].player);
	buffer_printf(out, "{\"rank\":%zu,\"team_id\":", row->rank);
	json_string(out, buffer_str(&id));
	buffer_printf(out, ",\"score\":{\"num_solved\":%zu,\"score\":", row->done);
	json_number(out, row->score);
	buffer_append_text(out, "},\"problems\":[");
	for (size_t i = 0; i < exercises; i++) {
		const struct ledger_mark *mark = ledger_mark(ledger, row->player, i);
		bool is_done = mark->event && mark->t_ms <= now_ms;

		buffer_append_text(out, i ? ",{\"problem_id\":" : "{\"problem_id\":");
		json_string(out, ledger_exercise_name(ledger, i));
		buffer_printf(out, ",\"num_judged\":%d,\"num_pending\":0,\"solved\":%s", is_done,
			is_done ? "true" : "false");
		if (is_done) {
			buffer_append_char(out, ',');
			print_contest_time(out, ledger, "time", mark->t_ms);
		}
		buffer_append_char(out, '}');
	}
	buffer_append_text(out, "]}");
	buffer_finish(&id);
}

/* Starts {"id":"…","citation":"…","team_ids":[ */
static void begin_award(
	struct buffer *out, bool first, const char *id, struct str of, const char *citation)
{
	buffer_printf(out, "%s\n{\"id\":\"%s", first ? "" : ",", id);
	buffer_append_str(out, of);
	buffer_printf(out, "\",\"citation\":\"%s", citation);
	buffer_append_str(out, of);
	buffer_append_text(out, "\",\"team_ids\":[");
}

static void print_id(struct buffer *out, const struct ledger *ledger, size_t player, bool first)
{
	struct buffer id = {0};

	quest_player_print(&id, &ledger->players[player].player);
	buffer_append_text(out, first ? "" : ",");
	json_string(out, buffer_str(&id));
	buffer_finish(&id);
}

static int64_t first_instant(const struct ledger *ledger, size_t exercise, int64_t now_ms)
{
	int64_t first_ms = QUEST_NEVER;

	for (size_t i = 0; i < ledger->player_count; i++) {
		int64_t t_ms = ledger->done_ms[i * ledger->counting->exercise_count + exercise];

		if (t_ms <= now_ms && t_ms < first_ms)
			first_ms = t_ms;
	}
	return first_ms;
}

static void print_awards(struct buffer *out, const struct ledger *ledger,
	const struct ledger_row *rows, size_t count, int64_t now_ms)
{
	size_t exercises = ledger->counting->exercise_count, winners = 0, prizes = 0;

	begin_award(out, true, "winner", STR(""), "Winner");
	for (size_t i = 0; i < count; i++)
		if (rows[i].rank == 1 && rows[i].done)
			print_id(out, ledger, rows[i].player, winners++ == 0);
	buffer_append_text(out, "]}");
	begin_award(out, false, "prize", STR(""), "Above the prize line");
	for (size_t i = 0; i < count; i++)
		if (rows[i].prize)
			print_id(out, ledger, rows[i].player, prizes++ == 0);
	buffer_append_text(out, "]}");
	for (size_t i = 0; i < exercises; i++) {
		int64_t first_ms = first_instant(ledger, i, now_ms);
		size_t printed = 0;

		begin_award(out, false, "first-to-solve-", ledger_exercise_name(ledger, i),
			"First to complete ");
		for (size_t j = 0; j < ledger->player_count; j++)
			if (first_ms != QUEST_NEVER &&
				ledger->done_ms[j * exercises + i] == first_ms)
				print_id(out, ledger, j, printed++ == 0);
		buffer_append_text(out, "]}");
	}
}

/* An instant of the state, or null: it is not that far yet. */
static void print_state(struct buffer *out, const char *name, int64_t t_ms, int64_t now_ms)
{
	if (t_ms <= now_ms)
		ledger_print_instant(out, name, t_ms);
	else
		buffer_printf(out, "\"%s\":null", name);
}

static int64_t frozen_ms(const struct ledger *ledger)
{
	const struct quest_file *file = ledger->options.file;

	return file && file->freeze_ms != QUEST_NEVER ? ledger->counting->start_ms + file->freeze_ms
						      : QUEST_NEVER;
}

/* When somebody let the public see again; it is no state before the freeze. */
static int64_t thawed_ms(const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->entry_count; i++)
		if (ledger->entries[i].kind == EVENT_THAW && !ledger->is_cancelled[i])
			return ledger->entries[i].when_ms > frozen_ms(ledger)
				       ? ledger->entries[i].when_ms
				       : frozen_ms(ledger);
	return QUEST_NEVER;
}

void ledger_print_contest(struct buffer *out, const struct ledger_print *print)
{
	struct ledger *ledger = print->ledger;
	struct ledger_row *rows = memory_alloc_array(ledger->player_count + 1, sizeof *rows);
	size_t count = ledger_standings(ledger, print->now_ms, rows);

	buffer_append_text(out, "{\"scoreboard\":{");
	buffer_printf(out, "\"event_id\":\"%lld\",", (long long)print->events);
	ledger_print_instant(out, "time", print->now_ms);
	buffer_append_char(out, ',');
	print_contest_time(out, ledger, "contest_time", print->now_ms);
	buffer_append_text(out, ",\"state\":{");
	ledger_print_instant(out, "started", ledger->counting->start_ms);
	buffer_append_char(out, ',');
	print_state(out, "ended", ledger_end_ms(ledger), print->now_ms);
	buffer_append_char(out, ',');
	print_state(out, "frozen", frozen_ms(ledger), print->now_ms);
	buffer_append_char(out, ',');
	print_state(out, "thawed", thawed_ms(ledger), QUEST_NEVER - 1);
	buffer_append_text(out, ",\"finalized\":null,\"end_of_updates\":null},\"rows\":[");
	for (size_t i = 0; i < count; i++) {
		buffer_append_text(out, i ? ",\n" : "\n");
		print_contest_row(out, ledger, &rows[i], print->now_ms);
	}
	buffer_append_text(out, "]},\"awards\":[");
	print_awards(out, ledger, rows, count, print->now_ms);
	buffer_append_text(out, "]}\n");
	free(rows);
}
