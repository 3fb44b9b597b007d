#include "train/ring/entries.h"

const char *const ring_kind_names[RING_KIND_COUNT] = {
	"frame", "result", "decision", "telemetry", "command", "presence"};
const char *const ring_mode_names[RING_MODE_COUNT] = {
	"", "no-hub", "disarmed", "waiting", "dead", "stopped", "slow", "going"};

static enum ring_mode mode_of(struct str name)
{
	for (int i = 1; i < RING_MODE_COUNT; i++)
		if (str_equal(name, str_from(ring_mode_names[i])))
			return (enum ring_mode)i;
	return RING_MODE_UNKNOWN;
}

/* Of 128 random bits 64 are enough to tell the pictures of a ring apart. */
static uint64_t key_of(const struct wire_id *trace)
{
	uint64_t key;

	memcpy(&key, trace->bytes, sizeof key);
	return key;
}

static bool note_frame(struct ring_note *note, struct str message, struct arena *arena)
{
	struct wire_compat_image compat;
	struct wire_frame frame;
	struct error err = {0};

	if (note->is_compat) {
		bool ok = wire_compat_read_image(message, arena, &compat, &err);

		note->key = ok ? str_hash(compat.id.text) : 0;
		return ok;
	}
	if (!wire_read_frame(message, arena, &frame, &err))
		return false;
	note->key = key_of(&frame.origin.trace);
	return true;
}

static bool note_result(struct ring_note *note, struct str message, struct arena *arena)
{
	struct wire_compat_result compat;
	struct wire_result result;
	struct error err = {0};

	if (note->is_compat) {
		bool ok = wire_compat_read_result(message, arena, &compat, &err);

		note->key = ok ? str_hash(compat.id.text) : 0;
		return ok;
	}
	if (!wire_read_result(message, arena, &result, &err))
		return false;
	note->key = key_of(&result.origin.trace);
	return true;
}

static bool note_decision(struct ring_note *note, struct str message, struct arena *arena)
{
	struct wire_decision decision = {0};
	struct error err = {0};
	bool ok = note->is_compat ? wire_compat_read_command(message, &decision.order, &err)
				  : wire_read_decision(message, arena, &decision, &err);

	if (!ok)
		return false;
	note->state = (uint8_t)decision.order;
	note->key = key_of(&decision.origin.trace);
	note->is_first = decision.id == 1;
	return true;
}

static uint8_t percent(int64_t value)
{
	return (uint8_t)(value < 0 ? 0 : value > 100 ? 100 : value);
}

static bool note_telemetry(struct ring_note *note, struct str message, struct arena *arena)
{
	struct wire_telemetry telemetry;
	struct error err = {0};

	if (!wire_read_telemetry(message, arena, &telemetry, &err))
		return false;
	note->state = (uint8_t)mode_of(telemetry.mode);
	note->battery_percent = percent(telemetry.battery_percent);
	note->percent = percent(telemetry.percent);
	return true;
}

static bool note_command(struct ring_note *note, struct str message, struct arena *arena)
{
	struct wire_command command;
	struct error err = {0};

	if (!wire_read_command(message, arena, &command, &err))
		return false;
	note->state = (uint8_t)command.verb;
	return true;
}

struct ring_note ring_note_of(enum ring_kind kind, bool is_compat, struct str message)
{
	static bool (*const readers[RING_KIND_COUNT])(
		struct ring_note *, struct str, struct arena *) = {
		note_frame, note_result, note_decision, note_telemetry, note_command, NULL};
	struct ring_note note = {.kind = kind, .is_compat = is_compat};
	struct arena arena = {0};

	note.is_readable = !readers[kind] || readers[kind](&note, message, &arena);
	arena_finish(&arena);
	return note;
}

void ring_note_encode(const struct ring_note *note, uint8_t out[RING_NOTE_BYTES])
{
	const uint8_t data[RING_NOTE_BYTES] = {
		(uint8_t)note->kind,
		(uint8_t)(note->is_compat | note->is_readable << 1 | note->is_first << 2),
		note->state,
		note->battery_percent,
		note->percent,
	};

	memcpy(out, data, sizeof data);
	for (size_t i = 0; i < 8; i++)
		out[8 + i] = (uint8_t)(note->key >> (8 * i));
}

/* Whoever looks a state up in a table of names may do so unchecked. */
static uint8_t known_state(enum ring_kind kind, uint8_t state)
{
	static const uint8_t most[RING_KIND_COUNT] = {
		[RING_DECISION] = WIRE_ORDER_STOP,
		[RING_TELEMETRY] = RING_MODE_COUNT - 1,
		[RING_COMMAND] = WIRE_VERB_DISARM,
	};

	return state <= most[kind] ? state : 0;
}

bool ring_note_decode(const uint8_t data[RING_NOTE_BYTES], struct ring_note *out)
{
	*out = (struct ring_note){0};
	if (data[0] >= RING_KIND_COUNT)
		return false;
	out->kind = (enum ring_kind)data[0];
	out->is_compat = data[1] & 1;
	out->is_readable = data[1] & 2;
	out->is_first = data[1] & 4;
	out->state = known_state(out->kind, data[2]);
	out->battery_percent = percent(data[3]);
	out->percent = percent(data[4]);
	for (size_t i = 0; i < 8; i++)
		out->key |= (uint64_t)data[8 + i] << (8 * i);
	return true;
}

/* --- for those who show messages --- */

bool ring_picture_of(const struct ring_note *note, struct str message, struct arena *arena,
	struct ring_picture *out, struct error *err)
{
	struct wire_compat_image compat;
	struct wire_frame frame;

	*out = (struct ring_picture){.data = STR("")};
	if (note->is_compat) {
		if (!wire_compat_read_image(message, arena, &compat, err))
			return false;
		out->data = compat.picture;
		out->format = compat.format;
		return true;
	}
	if (!wire_read_frame(message, arena, &frame, err))
		return false;
	*out = (struct ring_picture){frame.image.data, frame.image.format, frame.image.width_px,
		frame.image.height_px, frame.origin.captured_wall_ms};
	return true;
}

bool ring_detections_of(const struct ring_note *note, struct str message, struct arena *arena,
	struct wire_detection **out, size_t *count, struct error *err)
{
	struct wire_compat_result compat;
	struct wire_result result;

	if (note->is_compat ? !wire_compat_read_result(message, arena, &compat, err)
			    : !wire_read_result(message, arena, &result, err))
		return false;
	*out = note->is_compat ? compat.detections : result.detections;
	*count = note->is_compat ? compat.detection_count : result.detection_count;
	return true;
}
