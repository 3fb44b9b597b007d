#include "train/monitor/sections.h"

#include "base/json.h"
#include "train/monitor/fields.h"

/* The section's buffer, begun anew. */
static struct buffer *begin(struct state *state, enum state_section section)
{
	static const char *const names[STATE_SECTION_COUNT] = {"hello", "frame", "result",
		"decision", "telemetry", "hops", "services", "commands", "source"};
	struct buffer *out = &state->sections[section];

	state->generations[section]++;
	buffer_clear(out);
	buffer_printf(out, "\"%s\":", names[section]);
	return out;
}

/* First of an object: no comma before it. */
static void put_trace(struct buffer *out, const struct wire_id *trace)
{
	char text[33];

	wire_id_print(text, trace);
	buffer_printf(out, "{\"trace\":\"%s\"", text);
}

void section_hello(struct state *state)
{
	struct buffer *out = begin(state, STATE_HELLO);
	char run[33];

	wire_id_print(run, &state->setup.run);
	buffer_printf(out, "{\"run\":\"%s\"", run);
	field_text(out, "train", str_from(state->setup.train));
	field_int(out, "stale_ms", state->setup.stale_ms);
	field_text(out, "form", state->setup.is_compat ? STR("crazytrain") : STR("railquest"));
	field_text(out, "source", state->setup.is_remote ? STR("kafka") : STR("mqtt"));
	field_int(out, "patience_ms",
		(state->setup.patience_us ? state->setup.patience_us : COMMANDS_PATIENCE_US) /
			1000);
	field_bool(out, "recorded", state->setup.is_recorded);
	field_bool(out, "broker", state->broker_is_there);
	buffer_append_char(out, '}');
}

void section_frame(
	struct state *state, const struct wire_image *image, const struct wire_origin *origin)
{
	struct buffer *out = begin(state, STATE_FRAME);

	put_trace(out, &state->picture.trace);
	field_int(out, "number", state->picture.number);
	field_int(out, "at_us", state->picture.at_us);
	field_text(out, "clock", str_from(clocks_kind_names[state->picture.clock]));
	field_bool(out, "late", state->is_late);
	field_text(out, "format", str_from(wire_format_name(image->format)));
	field_int(out, "size", (int64_t)image->data.len);
	if (image->width_px) {
		field_int(out, "width", image->width_px);
		field_int(out, "height", image->height_px);
	}
	if (origin) {
		field_text(out, "source", origin->source);
		field_int(out, "sequence", origin->sequence);
	}
	buffer_append_char(out, '}');
}

void section_result(
	struct state *state, const struct wire_id *trace, const struct wire_result *result)
{
	struct buffer *out = begin(state, STATE_RESULT);
	size_t count = result->detection_count;

	put_trace(out, trace);
	field_text(out, "model", result->model);
	field_text(out, "backend", result->backend);
	field_int(out, "took_us", result->prepare_us + result->infer_us + result->finish_us);
	field_int(out, "count", (int64_t)count);
	field_detections(
		out, result->detections, count < STATE_MAX_BOXES ? count : STATE_MAX_BOXES);
	buffer_append_char(out, '}');
}

void section_decision(struct state *state, const struct wire_decision *decision, int64_t now_us)
{
	struct buffer *out = begin(state, STATE_DECISION);

	put_trace(out, &decision->origin.trace);
	field_int(out, "at_us", now_us);
	if (decision->id)
		field_int(out, "id", decision->id);
	field_text(out, "order", str_from(wire_order_name(decision->order)));
	field_text(out, "reason", decision->reason);
	if (decision->track) {
		field_int(out, "track", decision->track);
		field_text(out, "class_name", decision->class_name);
		field_box(out, &decision->box);
	}
	buffer_append_char(out, '}');
}

static void put_hops(struct buffer *out, const struct journey *journey)
{
	int64_t hops[JOURNEY_HOP_COUNT];

	journey_hops(journey, hops);
	put_trace(out, &journey->trace);
	for (size_t i = 0; i < JOURNEY_HOP_COUNT; i++)
		if (hops[i] >= 0)
			buffer_printf(
				out, ",\"%s_us\":%lld", journey_hop_names[i], (long long)hops[i]);
	buffer_append_char(out, '}');
}

/* The last order that the hub was told of, and how long that took from the light on. */
static void put_acted(
	struct buffer *out, struct state *state, const struct wire_telemetry *telemetry)
{
	const struct wire_step *step = &telemetry->acted;
	int64_t took_us = step->written_monotonic_us - step->captured_monotonic_us;

	if (!step->id)
		return;
	buffer_append_text(out, ",\"acted\":");
	put_trace(out, &step->trace);
	field_text(out, "order", str_from(wire_order_name(step->order)));
	if (step->written_monotonic_us && took_us >= 0 &&
		memcmp(&step->clock, &telemetry->clock, sizeof step->clock) == 0)
		field_int(out, "total_us", took_us);
	if (memcmp(&telemetry->clock, &state->setup.clock, sizeof telemetry->clock) == 0)
		field_int(out, "at_us", step->received_monotonic_us);
	buffer_append_char(out, '}');
}

void section_telemetry(struct state *state, const struct wire_telemetry *telemetry, int64_t at_us)
{
	struct buffer *out = begin(state, STATE_TELEMETRY);

	buffer_printf(out, "{\"at_us\":%lld", (long long)at_us);
	field_text(out, "mode", telemetry->mode);
	field_text(out, "reason", telemetry->reason);
	if (telemetry->hub.len)
		field_text(out, "hub", telemetry->hub);
	field_bool(out, "armed", telemetry->is_armed);
	field_int(out, "percent", telemetry->percent);
	field_bool(out, "battery_low", telemetry->is_battery_low);
	if (telemetry->battery_percent)
		field_int(out, "battery_percent", telemetry->battery_percent);
	if (telemetry->rssi_dbm)
		field_int(out, "rssi_dbm", telemetry->rssi_dbm);
	if (telemetry->volts > 0)
		field_number(out, "volts", telemetry->volts);
	if (telemetry->speed_mps > 0)
		field_number(out, "speed_mps", telemetry->speed_mps);
	if (telemetry->has_stop_distance)
		field_number(out, "stop_distance_m", telemetry->stop_distance_m);
	put_acted(out, state, telemetry);
	buffer_append_char(out, '}');
}

void section_hops(struct state *state, const struct journey *journey)
{
	put_hops(begin(state, STATE_HOPS), journey);
}

void section_services(struct state *state)
{
	struct buffer *out = begin(state, STATE_SERVICES);

	buffer_append_char(out, '[');
	for (size_t i = 0; i < state->service_count; i++) {
		const struct service_presence *service = &state->services[i];

		buffer_append_text(out, i ? ",{\"name\":" : "{\"name\":");
		json_string(out, str_from(service->name));
		field_text(out, "state",
			!service->is_heard ? STR("unknown")
			: service->is_up   ? STR("up")
					   : STR("gone"));
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, ']');
}

void section_commands(struct state *state)
{
	struct buffer *out = begin(state, STATE_COMMANDS);
	size_t count = state->commands.count;
	size_t first = count > COMMANDS_SHOWN ? count - COMMANDS_SHOWN : 0;

	buffer_append_char(out, '[');
	for (size_t i = first; i < count; i++) {
		const struct given_command *command = &state->commands.given[i];
		char id[33];

		wire_id_print(id, &command->id);
		buffer_printf(out, "%s{\"id\":\"%s\"", i > first ? "," : "", id);
		field_text(out, "command", str_from(wire_verb_name(command->verb)));
		field_text(out, "outcome", str_from(command_outcome_names[command->outcome]));
		field_int(out, "took_us", command->took_us);
		field_text(out, "reason", str_from(command->reason));
		field_int(out, "given_ms", command->giver.at_ms);
		field_text(out, "who", str_from(command->giver.who));
		field_text(out, "from", str_from(command->giver.from));
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, ']');
}

void section_source(struct state *state, struct str kafka)
{
	struct buffer now = {0};

	buffer_printf(&now, "\"source\":{\"late\":%lld", (long long)state->late);
	if (state->late_us)
		field_int(&now, "late_us", state->late_us);
	field_int(&now, "duplicates", state->duplicates);
	buffer_append_text(&now, ",\"kafka\":");
	buffer_append_str(&now, kafka);
	buffer_append_char(&now, '}');
	if (!str_equal(buffer_str(&now), buffer_str(&state->sections[STATE_SOURCE]))) {
		struct buffer *out = begin(state, STATE_SOURCE);

		buffer_clear(out);
		buffer_append_str(out, buffer_str(&now));
	}
	buffer_finish(&now);
}
