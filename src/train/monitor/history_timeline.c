/*
 * The range is cut into cells. Within one the gravest order counts, so that a short stop is seen
 * however coarse the cells are; the last mode; the lowest battery. Cells of one state make a span,
 * and so do those in which nothing is said for a second between two that say the same.
 */
#include "train/monitor/history.h"

#include "base/memory.h"

enum { HOLD_MS = 1000, MAX_COMMANDS = 200, NOTHING = 0xff };

struct cell {
	uint32_t pictures;
	uint8_t order, mode, battery_percent; // NOTHING: nothing is said
};

struct timeline {
	struct history_range range;
	int64_t cell_ms;
	size_t count;
	struct cell *cells;
	struct ring_entry commands[MAX_COMMANDS];
	size_t command_count;
};

static bool take(void *context, const struct ring_entry *entry)
{
	struct timeline *line = context;
	struct cell *cell = &line->cells[(entry->at_ms - line->range.from_ms) / line->cell_ms];
	const struct ring_note *note = &entry->note;

	if (!note->is_readable)
		return true;
	switch (note->kind) {
	case RING_FRAME:
		cell->pictures++;
		break;
	case RING_DECISION:
		if (note->state && (cell->order == NOTHING || note->state > cell->order))
			cell->order = note->state;
		break;
	case RING_TELEMETRY:
		if (note->state)
			cell->mode = note->state;
		if (note->battery_percent && note->battery_percent < cell->battery_percent)
			cell->battery_percent = note->battery_percent;
		break;
	case RING_COMMAND:
		if (line->command_count < MAX_COMMANDS)
			line->commands[line->command_count++] = *entry;
		break;
	case RING_RESULT:
	case RING_PRESENCE:
	case RING_KIND_COUNT:
		break;
	}
	return true;
}

/* --- spans --- */

typedef uint8_t state_of(const struct cell *cell);

static uint8_t has_pictures(const struct cell *cell)
{
	return cell->pictures ? 1 : NOTHING;
}

static uint8_t order_of(const struct cell *cell)
{
	return cell->order;
}

static uint8_t mode_of(const struct cell *cell)
{
	return cell->mode;
}

static const char *no_name(uint8_t state)
{
	(void)state;
	return NULL;
}

static const char *order_name(uint8_t state)
{
	return wire_order_name((enum wire_order)state);
}

static const char *mode_name(uint8_t state)
{
	return ring_mode_names[state];
}

struct span {
	uint8_t state;
	size_t first, behind; // cells
	uint64_t pictures;
};

static void put_span(const struct timeline *line, const struct span *span,
	const char *(*name)(uint8_t state), bool *is_first, struct buffer *out)
{
	int64_t from_ms = line->range.from_ms + (int64_t)span->first * line->cell_ms;
	int64_t to_ms = line->range.from_ms + (int64_t)span->behind * line->cell_ms;

	buffer_printf(out, "%s[%lld,%lld,", *is_first ? "" : ",", (long long)from_ms,
		(long long)(to_ms < line->range.to_ms ? to_ms : line->range.to_ms));
	if (name(span->state))
		buffer_printf(out, "\"%s\"]", name(span->state));
	else
		buffer_printf(out, "%llu]", (unsigned long long)span->pictures);
	*is_first = false;
}

static void put_spans(const struct timeline *line, const char *title, state_of *state_of_cell,
	const char *(*name)(uint8_t state), struct buffer *out)
{
	struct span span = {.state = NOTHING};
	bool is_first = true;

	buffer_printf(out, ",\"%s\":[", title);
	for (size_t i = 0; i < line->count; i++) {
		uint8_t state = state_of_cell(&line->cells[i]);
		bool is_over = (int64_t)(i - span.behind) * line->cell_ms >= HOLD_MS;

		if (state == NOTHING)
			continue;
		if (span.state != NOTHING && (state != span.state || is_over)) {
			// What came before lasts until something else is said.
			if (!is_over)
				span.behind = i;
			put_span(line, &span, name, &is_first, out);
			span.state = NOTHING;
		}
		if (span.state == NOTHING)
			span = (struct span){.state = state, .first = i};
		span.behind = i + 1;
		span.pictures += line->cells[i].pictures;
	}
	if (span.state != NOTHING)
		put_span(line, &span, name, &is_first, out);
	buffer_append_char(out, ']');
}

static void put_battery(const struct timeline *line, struct buffer *out)
{
	uint8_t last = NOTHING;
	bool is_first = true;

	buffer_append_text(out, ",\"battery\":[");
	for (size_t i = 0; i < line->count; i++) {
		uint8_t percent = line->cells[i].battery_percent;

		if (percent == NOTHING || percent == last)
			continue;
		int64_t at_ms = line->range.from_ms + (int64_t)i * line->cell_ms;

		buffer_printf(out, "%s[%lld,%d]", is_first ? "" : ",", (long long)at_ms, percent);
		last = percent;
		is_first = false;
	}
	buffer_append_char(out, ']');
}

static void put_commands(const struct timeline *line, struct buffer *out)
{
	buffer_append_text(out, ",\"commands\":[");
	for (size_t i = 0; i < line->command_count; i++)
		buffer_printf(out, "%s[%lld,\"%s\"]", i ? "," : "",
			(long long)line->commands[i].at_ms,
			wire_verb_name((enum wire_verb)line->commands[i].note.state));
	buffer_append_char(out, ']');
}

bool history_timeline(struct ring_reader *reader, const struct history_range *range,
	struct buffer *out, struct error *err)
{
	struct ring_span span = ring_reader_span(reader);
	struct timeline line = {.range = *range};

	line.cell_ms = (range->to_ms - range->from_ms) / HISTORY_MAX_CELLS + 1;
	if (line.cell_ms < HISTORY_LEAST_CELL_MS)
		line.cell_ms = HISTORY_LEAST_CELL_MS;
	line.count = (size_t)((range->to_ms - range->from_ms) / line.cell_ms) + 1;
	line.cells = memory_alloc_array(line.count, sizeof *line.cells);
	for (size_t i = 0; i < line.count; i++)
		line.cells[i] = (struct cell){0, NOTHING, NOTHING, NOTHING};
	bool ok = ring_reader_visit(
		reader, range->from_ms, range->to_ms, RING_ALL_KINDS, take, &line, err);

	buffer_printf(out, "\"from_ms\":%lld,\"to_ms\":%lld,\"cell_ms\":%lld,\"bytes\":%llu",
		(long long)range->from_ms, (long long)range->to_ms, (long long)line.cell_ms,
		(unsigned long long)span.bytes);
	if (span.last >= span.first)
		buffer_printf(out, ",\"oldest_ms\":%lld,\"newest_ms\":%lld",
			(long long)span.oldest_ms, (long long)span.newest_ms);
	put_spans(&line, "pictures", has_pictures, no_name, out);
	put_spans(&line, "orders", order_of, order_name, out);
	put_spans(&line, "modes", mode_of, mode_name, out);
	put_battery(&line, out);
	put_commands(&line, out);
	free(line.cells);
	return ok;
}
