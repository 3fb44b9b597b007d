/* What may be kept of a race when its people are forgotten: counts and quantiles, nobody's name. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>

/* Of fewer, a quantile is somebody's own number. */
enum { LEAST_FOR_QUANTILES = 5, QUANTILES = 5 };

static int compare_numbers(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* "NAME":{"p10":…,"p90":…}, or null: too few. Sorts. Linear between neighbours. */
static void print_quantiles(struct buffer *out, const char *name, double *values, size_t count)
{
	static const int percents[QUANTILES] = {10, 25, 50, 75, 90};

	buffer_printf(out, ",\"%s\":", name);
	if (count < LEAST_FOR_QUANTILES) {
		buffer_append_text(out, "null");
		return;
	}
	qsort(values, count, sizeof *values, compare_numbers);
	for (size_t i = 0; i < QUANTILES; i++) {
		double rank = percents[i] / 100.0 * (double)(count - 1);
		size_t below = (size_t)rank, above = below + 1 < count ? below + 1 : below;
		double weight = rank - (double)below;

		buffer_printf(out, "%s\"p%d\":", i ? "," : "{", percents[i]);
		json_number(out, values[below] * (1 - weight) + values[above] * weight);
	}
	buffer_append_char(out, '}');
}

static void print_exercise(
	struct buffer *out, const struct ledger_print *print, size_t exercise, double *values)
{
	const struct ledger *ledger = print->ledger;
	size_t count = 0;

	for (size_t i = 0; i < ledger->player_count; i++) {
		const struct ledger_mark *mark = ledger_mark(ledger, i, exercise);

		if (mark->event && mark->t_ms <= print->now_ms)
			values[count++] = (double)(mark->t_ms - ledger->counting->start_ms) / 1000;
	}
	buffer_append_text(out, exercise ? ",\n{\"name\":" : "\n{\"name\":");
	json_string(out, ledger_exercise_name(ledger, exercise));
	buffer_printf(out, ",\"done\":%zu", count);
	print_quantiles(out, "at_s", values, count);
	buffer_append_char(out, '}');
}

static void print_rows(struct buffer *out, const struct ledger_print *print, double *values)
{
	struct ledger *ledger = print->ledger;
	size_t by_done[QUEST_MAX_EXERCISES + 1] = {0};
	struct ledger_row *rows = memory_alloc_array(ledger->player_count + 1, sizeof *rows);
	size_t count = ledger_standings(ledger, print->now_ms, rows);

	for (size_t i = 0; i < count; i++) {
		values[i] = rows[i].score;
		by_done[rows[i].done]++;
	}
	free(rows);
	buffer_printf(out, ",\"players\":%zu", count);
	print_quantiles(out, "points", values, count);
	buffer_append_text(out, ",\"players_by_exercises_done\":[");
	for (size_t i = 0; i <= ledger->counting->exercise_count; i++)
		buffer_printf(out, "%s%zu", i ? "," : "", by_done[i]);
	buffer_append_char(out, ']');
}

void ledger_print_aggregates(struct buffer *out, const struct ledger_print *print)
{
	const struct ledger *ledger = print->ledger;
	double *values = memory_alloc_array(ledger->player_count + 1, sizeof *values);

	buffer_append_text(out, "{\"title\":");
	json_string(out, ledger_title(ledger, print->language));
	buffer_append_char(out, ',');
	ledger_print_instant(out, "start", ledger->counting->start_ms);
	buffer_append_char(out, ',');
	ledger_print_instant(out, "at", print->now_ms);
	buffer_append_text(out, ",\"scoring\":");
	json_string(out, ledger->counting->name);
	buffer_printf(out, ",\"scoring_version\":%lld,\"events\":%lld", (long long)ledger->version,
		(long long)print->events);
	print_rows(out, print, values);
	buffer_append_text(out, ",\"exercises\":[");
	for (size_t i = 0; i < ledger->counting->exercise_count; i++)
		print_exercise(out, print, i, values);
	buffer_append_text(out, "]}\n");
	free(values);
}
