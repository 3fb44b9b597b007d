#include "leaderboard/ledger/ledger_private.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Lines that add up digit by digit. Points are fractions over the unit, and a third of a point has
 * no last digit; so each line is what the running sum, rounded, grows by. The last running sum is
 * the score as it is shown, so the sum of the lines is too.
 */

/* A double has up to 17 digits: points of a ten-thousandth and more are shown whole. */
enum { MAX_DECIMALS = 22 };
__extension__ typedef __int128 wide;

/* Decimals that a number needs to be written whole. */
static int decimals_of(double value)
{
	char text[NUMBER_TEXT_SIZE];

	number_print(text, value);
	const char *point = strchr(text, '.');
	size_t count = point ? strlen(point + 1) : 0;

	return count > MAX_DECIMALS ? MAX_DECIMALS : (int)count;
}

static wide scaled(double numerator, double denominator, int decimals)
{
	long double value = (long double)numerator / (long double)denominator;

	for (int i = 0; i < decimals; i++)
		value *= 10;
	return (wide)roundl(value);
}

/* The score as it is shown: its shortest decimal, which is not quite the double's own value. */
static wide scaled_as_shown(double score, int decimals)
{
	char text[NUMBER_TEXT_SIZE];
	wide value = 0;
	int after = -1;

	number_print(text, score);
	for (const char *at = text; *at; at++) {
		if (*at == '.')
			after = 0;
		else if (*at != '-' && after < decimals)
			value = value * 10 + (*at - '0');
		after += *at >= '0' && after >= 0 && after < decimals;
	}
	for (int i = after < 0 ? 0 : after; i < decimals; i++)
		value *= 10;
	return text[0] == '-' ? -value : value;
}

static struct str print_scaled(struct arena *arena, wide value, int decimals)
{
	char text[64];
	size_t at = sizeof text;
	wide left = value < 0 ? -value : value;

	// From the last digit; zeros behind the point are left out.
	for (int i = 0; i <= decimals || left; i++) {
		int digit = (int)(left % 10);

		left /= 10;
		if (digit || at < sizeof text || i >= decimals)
			text[--at] = (char)('0' + digit);
		if (i + 1 == decimals && at < sizeof text)
			text[--at] = '.';
	}
	if (value < 0)
		text[--at] = '-';
	return str_copy(arena, (struct str){text + at, sizeof text - at});
}

/* --- arithmetic in words --- */

void ledger_print_duration(struct buffer *out, int64_t ms)
{
	int64_t size = ms < 0 ? -ms : ms, s = size / 1000;

	buffer_append_text(out, ms < 0 ? "-" : "");
	if (s >= 3600)
		buffer_printf(out, "%lld:%02lld:%02lld", (long long)s / 3600,
			(long long)s / 60 % 60, (long long)s % 60);
	else
		buffer_printf(out, "%lld:%02lld", (long long)s / 60, (long long)s % 60);
	if (size % 1000)
		buffer_printf(out, ".%03lld", (long long)size % 1000);
}

void ledger_print_offset(struct buffer *out, const struct ledger *ledger, int64_t t_ms)
{
	ledger_print_duration(out, t_ms - ledger->counting->start_ms);
}

static void print_preset(struct buffer *out, const struct ledger *ledger,
	const struct quest_part *part, int64_t t_ms, int64_t now_ms)
{
	const struct quest_counting *counting = ledger->counting;
	const struct quest_counted *own = &counting->exercises[part->exercise];

	if (part->kind == QUEST_PART_WEIGHT) {
		buffer_append_text(out, counting->preset == QUEST_ARRIVAL ? "1" : "");
		if (counting->preset != QUEST_ARRIVAL)
			buffer_append_number(out, own->parameters.weight);
		return;
	}
	if (part->kind == QUEST_PART_BONUS && counting->preset == QUEST_OCTAVE_DESIGN) {
		buffer_append_number(out, own->parameters.slope);
		buffer_append_text(out, " * ");
	}
	bool floors = part->kind == QUEST_PART_RAMP && counting->preset == QUEST_AUTHOR_2024;

	buffer_append_text(out, floors ? "floor((" : "(");
	if (part->kind == QUEST_PART_RAMP)
		ledger_print_offset(out, ledger, now_ms);
	else
		ledger_print_duration(out, own->nominal_end_ms);
	buffer_append_text(out, " - ");
	ledger_print_offset(out, ledger, t_ms);
	buffer_append_text(out, ") / ");
	ledger_print_duration(out, counting->unit_ms);
	buffer_append_text(out, floors ? ") + 1" : "");
}

static void print_formula(struct buffer *out, const struct ledger *ledger,
	const struct quest_part *part, int64_t t_ms, int64_t now_ms)
{
	const struct quest_counting *counting = ledger->counting;
	const struct quest_counted *own = &counting->exercises[part->exercise];
	const struct {
		enum quest_formula_name name;
		double value;
	} inputs[] = {
		{QUEST_FORMULA_T, (double)(t_ms - counting->start_ms) / 1000},
		{QUEST_FORMULA_NOMINAL, (double)own->nominal_end_ms / 1000},
		{QUEST_FORMULA_NOW, (double)(now_ms - counting->start_ms) / 1000},
		{QUEST_FORMULA_UNIT, (double)counting->unit_ms / 1000},
		{QUEST_FORMULA_WEIGHT, own->parameters.weight},
		{QUEST_FORMULA_SLOPE, own->parameters.slope},
		{QUEST_FORMULA_RAMP, own->parameters.ramp},
	};
	const char *comma = " with ";

	for (size_t i = 0; i < counting->formula_text.text.len; i++) {
		char c = counting->formula_text.text.data[i];

		buffer_append_char(out, c == '\n' ? ' ' : c);
	}
	for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
		if (!quest_formula_uses(counting->formula, inputs[i].name))
			continue;
		buffer_printf(out, "%s%s = ", comma, quest_formula_names[inputs[i].name]);
		buffer_append_number(out, inputs[i].value);
		comma = ", ";
	}
}

static struct str describe_part(const struct ledger *ledger, const struct quest_part *part,
	int64_t t_ms, int64_t now_ms, struct arena *arena)
{
	struct buffer text = {0};

	if (part->kind == QUEST_PART_FORMULA)
		print_formula(&text, ledger, part, t_ms, now_ms);
	else
		print_preset(&text, ledger, part, t_ms, now_ms);
	struct str copy = str_copy(arena, buffer_str(&text));

	buffer_finish(&text);
	return copy;
}

static struct str describe_gift(const struct ledger_gift *gift, struct arena *arena)
{
	const struct event_log_entry *entry = gift->entry;

	return str_format(arena, "\"%.*s\", %.*s", STR_ARG(entry->why), STR_ARG(entry->who));
}

/* --- lines --- */

struct line_reader {
	const struct ledger *ledger;
	struct quest_part parts[QUEST_MAX_PARTS];
	size_t part_count;
	const struct ledger_gift **gifts; // of this player, by now
	size_t gift_count;
	int decimals;
};

static void read_lines(struct line_reader *reader, size_t player, int64_t now_ms, double score,
	struct arena *arena)
{
	const struct ledger *ledger = reader->ledger;
	size_t exercises = ledger->counting->exercise_count;

	reader->part_count = quest_counting_parts(
		ledger->counting, ledger->done_ms + player * exercises, now_ms, reader->parts);
	reader->gifts = ARENA_ARRAY(arena, const struct ledger_gift *, ledger->gift_count + 1);
	for (size_t i = 0; i < ledger->gift_count; i++)
		if (ledger->gifts[i].player == player && ledger->gifts[i].t_ms <= now_ms)
			reader->gifts[reader->gift_count++] = &ledger->gifts[i];
	reader->decimals = decimals_of(score);
	for (size_t i = 0; i < reader->part_count; i++) {
		int own = decimals_of(reader->parts[i].numerator / reader->parts[i].denominator);

		reader->decimals = own > reader->decimals ? own : reader->decimals;
	}
	for (size_t i = 0; i < reader->gift_count; i++) {
		int own = decimals_of(reader->gifts[i]->points);

		reader->decimals = own > reader->decimals ? own : reader->decimals;
	}
}

static enum ledger_line_kind kind_of(const struct quest_part *part)
{
	switch (part->kind) {
	case QUEST_PART_WEIGHT:
		return LEDGER_WEIGHT;
	case QUEST_PART_BONUS:
		return LEDGER_BONUS;
	case QUEST_PART_RAMP:
		return LEDGER_RAMP;
	case QUEST_PART_FORMULA:
		return LEDGER_FORMULA;
	}
	abort();
}

static void write_lines(const struct line_reader *reader, struct ledger_explanation *out,
	double score, struct arena *arena)
{
	const struct ledger *ledger = reader->ledger;
	size_t count = reader->part_count + reader->gift_count;
	double unit = reader->part_count ? reader->parts[0].denominator : 1, sum = 0;
	wide before = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_part = i < reader->part_count;
		const struct quest_part *part = is_part ? &reader->parts[i] : NULL;
		const struct ledger_gift *gift =
			is_part ? NULL : reader->gifts[i - reader->part_count];
		struct ledger_line *line = &out->lines[out->line_count++];

		sum += is_part ? part->numerator : gift->points * unit;
		wide now = i + 1 < count ? scaled(sum, unit, reader->decimals)
					 : scaled_as_shown(score, reader->decimals);

		if (is_part) {
			const struct ledger_mark *mark =
				ledger_mark(ledger, out->player, part->exercise);

			*line = (struct ledger_line){.kind = kind_of(part),
				.exercise = part->exercise,
				.arithmetic =
					describe_part(ledger, part, mark->t_ms, out->now_ms, arena),
				.event = mark->event};
		} else {
			*line = (struct ledger_line){.kind = gift->entry->kind == EVENT_AWARD
								     ? LEDGER_AWARD
								     : LEDGER_ADJUSTMENT,
				.exercise = SIZE_MAX,
				.arithmetic = describe_gift(gift, arena),
				.event = gift->entry->id};
		}
		line->points = print_scaled(arena, now - before, reader->decimals);
		before = now;
	}
}

void ledger_explain(struct ledger *ledger, size_t player, int64_t now_ms, struct arena *arena,
	struct ledger_explanation *out)
{
	struct line_reader reader = {.ledger = ledger};
	char text[NUMBER_TEXT_SIZE];
	struct ledger_row *rows = ARENA_ARRAY(arena, struct ledger_row, ledger->player_count + 1);
	size_t count = ledger_standings(ledger, now_ms, rows);

	*out = (struct ledger_explanation){
		.player = player, .players = ledger->player_count, .now_ms = now_ms};
	for (size_t i = 0; i < count; i++)
		if (rows[i].player == player)
			out->row = rows[i];
	out->rank = out->row.rank;
	read_lines(&reader, player, now_ms, out->row.score, arena);
	out->lines =
		ARENA_ARRAY(arena, struct ledger_line, reader.part_count + reader.gift_count + 1);
	write_lines(&reader, out, out->row.score, arena);
	number_print(text, out->row.score);
	out->score = str_copy(arena, str_from(text));
}
