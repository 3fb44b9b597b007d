#include "train/monitor/history.h"

#include "train/monitor/fields.h"

/* `"at_ms":…` and what brings a picture, its result and its decision together. */
static void begin(struct buffer *out, const struct ring_entry *entry)
{
	buffer_printf(out, "{\"kind\":\"%s\",\"at_ms\":%lld,\"number\":%llu",
		ring_kind_names[entry->note.kind], (long long)entry->at_ms,
		(unsigned long long)entry->number);
	if (entry->note.key)
		buffer_printf(out, ",\"key\":\"%016llx\"", (unsigned long long)entry->note.key);
}

static void put_result(
	struct buffer *out, const struct ring_entry *entry, struct str message, struct arena *arena)
{
	struct wire_detection *detections;
	struct error err = {0};
	size_t count;

	if (!ring_detections_of(&entry->note, message, arena, &detections, &count, &err))
		return;
	field_detections(out, detections, count);
}

static void put_decision(
	struct buffer *out, const struct ring_entry *entry, struct str message, struct arena *arena)
{
	struct wire_decision decision = {0};
	struct error err = {0};

	field_text(out, "order", str_from(wire_order_name((enum wire_order)entry->note.state)));
	if (entry->note.is_compat || !wire_read_decision(message, arena, &decision, &err))
		return;
	field_text(out, "reason", decision.reason);
	if (decision.track) {
		field_text(out, "class_name", decision.class_name);
		field_box(out, &decision.box);
	}
}

static void put_telemetry(
	struct buffer *out, const struct ring_entry *entry, struct str message, struct arena *arena)
{
	struct wire_telemetry telemetry;
	struct error err = {0};

	(void)entry;
	if (!wire_read_telemetry(message, arena, &telemetry, &err))
		return;
	field_text(out, "mode", telemetry.mode);
	field_text(out, "reason", telemetry.reason);
	field_bool(out, "armed", telemetry.is_armed);
	field_int(out, "percent", telemetry.percent);
	if (telemetry.battery_percent)
		field_int(out, "battery_percent", telemetry.battery_percent);
}

static void put_command(
	struct buffer *out, const struct ring_entry *entry, struct str message, struct arena *arena)
{
	(void)message;
	(void)arena;
	field_text(out, "command", str_from(wire_verb_name((enum wire_verb)entry->note.state)));
}

/* The newline keeps an answer of many events readable for people, too. */
static bool put_event(struct ring_reader *reader, const struct ring_entry *entry,
	struct buffer *out, struct error *err)
{
	static void (*const writers[RING_KIND_COUNT])(
		struct buffer *, const struct ring_entry *, struct str, struct arena *) = {
		[RING_RESULT] = put_result,
		[RING_DECISION] = put_decision,
		[RING_TELEMETRY] = put_telemetry,
		[RING_COMMAND] = put_command,
	};
	struct arena arena = {0};
	struct str message = STR("");

	begin(out, entry);
	if (entry->note.kind == RING_FRAME)
		buffer_printf(out, ",\"size\":%u", entry->size);
	if (!entry->note.is_readable)
		buffer_append_text(out, ",\"unreadable\":true");
	else if (writers[entry->note.kind] &&
		 ring_reader_read(reader, entry, &arena, &message, err))
		writers[entry->note.kind](out, entry, message, &arena);
	buffer_append_char(out, '}');
	arena_finish(&arena);
	if (err->kind == ERROR_INVALID) // changed on the disk: it says no more than its note does
		*err = (struct error){0};
	return err->kind == ERROR_NONE;
}

bool history_events(struct ring_reader *reader, const struct history_range *range,
	struct buffer *out, struct error *err)
{
	struct arena arena = {0};
	struct ring_entry *entries;
	size_t count;
	bool is_cut;
	bool ok = ring_reader_list(reader, range->from_ms, range->to_ms, RING_ALL_KINDS,
		HISTORY_MAX_EVENTS, &arena, &entries, &count, &is_cut, err);

	buffer_printf(out, "\"from_ms\":%lld,\"to_ms\":%lld,\"cut\":%s,\"events\":[",
		(long long)range->from_ms, (long long)range->to_ms, is_cut ? "true" : "false");
	for (size_t i = 0; ok && i < count; i++) {
		buffer_append_text(out, i ? ",\n" : "\n");
		ok = put_event(reader, &entries[i], out, err);
	}
	buffer_append_text(out, "]");
	arena_finish(&arena);
	return ok;
}
