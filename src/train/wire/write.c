#include "train/wire/wire.h"

#include "base/json.h"
#include "base/number.h"

static void write_id(struct buffer *out, const char *name, const struct wire_id *id)
{
	char text[33];

	wire_id_print(text, id);
	buffer_printf(out, ",\"%s\":\"%s\"", name, text);
}

static void write_int(struct buffer *out, const char *name, int64_t value)
{
	buffer_printf(out, ",\"%s\":%lld", name, (long long)value);
}

static void write_text(struct buffer *out, const char *name, struct str text)
{
	buffer_printf(out, ",\"%s\":", name);
	json_string(out, text);
}

static void write_origin(struct buffer *out, const char *kind, const struct wire_origin *origin)
{
	buffer_printf(out, "{\"version\":%d,\"kind\":\"%s\"", WIRE_VERSION, kind);
	write_id(out, "trace", &origin->trace);
	write_text(out, "source", origin->source);
	write_id(out, "boot", &origin->boot);
	write_int(out, "sequence", origin->sequence);
	write_id(out, "clock", &origin->clock);
	write_int(out, "captured_wall_ms", origin->captured_wall_ms);
	write_int(out, "captured_monotonic_us", origin->captured_monotonic_us);
	write_int(out, "deadline_ms", origin->deadline_ms);
}

static void write_image(struct buffer *out, const struct wire_image *image)
{
	buffer_printf(out,
		",\"image\":{\"format\":\"%s\",\"width\":%lld,\"height\":%lld,\"size\":%zu}",
		wire_format_name(image->format), (long long)image->width_px,
		(long long)image->height_px, image->data.len);
}

static void write_box(struct buffer *out, const struct wire_box *box)
{
	buffer_append_text(out, ",\"box\":[");
	json_number(out, box->x);
	buffer_append_char(out, ',');
	json_number(out, box->y);
	buffer_append_char(out, ',');
	json_number(out, box->width);
	buffer_append_char(out, ',');
	json_number(out, box->height);
	buffer_append_char(out, ']');
}

void wire_write_frame(struct buffer *out, const struct wire_frame *frame)
{
	write_origin(out, "frame", &frame->origin);
	write_image(out, &frame->image);
	buffer_append_text(out, "}\n");
	buffer_append_str(out, frame->image.data);
}

void wire_write_result(struct buffer *out, const struct wire_result *result)
{
	write_origin(out, "result", &result->origin);
	write_image(out, &result->image);
	write_text(out, "model", result->model);
	write_text(out, "backend", result->backend);
	write_int(out, "prepare_us", result->prepare_us);
	write_int(out, "infer_us", result->infer_us);
	write_int(out, "finish_us", result->finish_us);
	buffer_append_text(out, ",\"detections\":[");
	for (size_t i = 0; i < result->detection_count; i++) {
		const struct wire_detection *detection = &result->detections[i];

		buffer_printf(
			out, "%s{\"class_id\":%lld", i ? "," : "", (long long)detection->class_id);
		write_text(out, "class_name", detection->class_name);
		buffer_append_text(out, ",\"confidence\":");
		json_number(out, detection->confidence);
		write_box(out, &detection->box);
		buffer_append_char(out, '}');
	}
	buffer_append_text(out, "]}\n");
	buffer_append_str(out, result->image.data);
}

void wire_write_decision(struct buffer *out, const struct wire_decision *decision)
{
	write_origin(out, "decision", &decision->origin);
	write_int(out, "id", decision->id);
	if (decision->decided_monotonic_us)
		write_int(out, "decided_monotonic_us", decision->decided_monotonic_us);
	write_text(out, "order", str_from(wire_order_name(decision->order)));
	write_text(out, "reason", decision->reason);
	if (decision->track) {
		write_int(out, "track", decision->track);
		write_text(out, "class_name", decision->class_name);
		write_box(out, &decision->box);
	}
	buffer_append_char(out, '}');
}

static void write_number(struct buffer *out, const char *name, double value)
{
	buffer_printf(out, ",\"%s\":", name);
	json_number(out, value);
}

static void write_bool(struct buffer *out, const char *name, bool value)
{
	buffer_printf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

void wire_write_command(struct buffer *out, const struct wire_command *command)
{
	buffer_printf(out, "{\"version\":%d,\"kind\":\"command\"", WIRE_VERSION);
	write_id(out, "id", &command->id);
	write_text(out, "command", str_from(wire_verb_name(command->verb)));
	if (!wire_id_is_zero(&command->clock)) {
		write_id(out, "clock", &command->clock);
		write_int(out, "sent_monotonic_us", command->sent_monotonic_us);
		write_int(out, "deadline_ms", command->deadline_ms);
	}
	buffer_append_char(out, '}');
}

void wire_write_answer(struct buffer *out, const struct wire_answer *answer)
{
	buffer_printf(out, "{\"version\":%d,\"kind\":\"answer\"", WIRE_VERSION);
	write_id(out, "id", &answer->id);
	if (answer->has_verb)
		write_text(out, "command", str_from(wire_verb_name(answer->verb)));
	write_bool(out, "done", answer->is_done);
	write_text(out, "reason", answer->reason);
	buffer_append_char(out, '}');
}

static void write_step(struct buffer *out, const char *name, const struct wire_step *step)
{
	if (!step->id)
		return;
	buffer_printf(out, ",\"%s\":{\"id\":%lld", name, (long long)step->id);
	write_text(out, "order", str_from(wire_order_name(step->order)));
	write_id(out, "trace", &step->trace);
	write_id(out, "clock", &step->clock);
	write_int(out, "captured_monotonic_us", step->captured_monotonic_us);
	write_int(out, "received_monotonic_us", step->received_monotonic_us);
	if (step->written_monotonic_us)
		write_int(out, "written_monotonic_us", step->written_monotonic_us);
	buffer_append_char(out, '}');
}

static void write_measures(struct buffer *out, const struct wire_telemetry *telemetry)
{
	write_int(out, "percent", telemetry->percent);
	if (telemetry->battery_percent)
		write_int(out, "battery_percent", telemetry->battery_percent);
	write_bool(out, "battery_low", telemetry->is_battery_low);
	if (telemetry->rssi_dbm)
		write_int(out, "rssi_dbm", telemetry->rssi_dbm);
	if (telemetry->volts > 0)
		write_number(out, "volts", telemetry->volts);
	if (telemetry->speed_mps > 0)
		write_number(out, "speed_mps", telemetry->speed_mps);
	if (telemetry->has_stop_distance)
		write_number(out, "stop_distance_m", telemetry->stop_distance_m);
}

void wire_write_telemetry(struct buffer *out, const struct wire_telemetry *telemetry)
{
	buffer_printf(out, "{\"version\":%d,\"kind\":\"telemetry\"", WIRE_VERSION);
	write_id(out, "boot", &telemetry->boot);
	write_int(out, "sequence", telemetry->sequence);
	write_id(out, "clock", &telemetry->clock);
	write_int(out, "sent_wall_ms", telemetry->sent_wall_ms);
	write_int(out, "sent_monotonic_us", telemetry->sent_monotonic_us);
	write_text(out, "mode", telemetry->mode);
	write_text(out, "reason", telemetry->reason);
	if (telemetry->hub.len)
		write_text(out, "hub", telemetry->hub);
	write_bool(out, "armed", telemetry->is_armed);
	write_measures(out, telemetry);
	write_step(out, "taken", &telemetry->taken);
	write_step(out, "acted", &telemetry->acted);
	if (!wire_id_is_zero(&telemetry->command)) {
		char id[33];

		wire_id_print(id, &telemetry->command);
		buffer_printf(out, ",\"command\":{\"id\":\"%s\",\"command\":\"%s\"", id,
			wire_verb_name(telemetry->command_verb));
		write_bool(out, "done", telemetry->command_is_done);
		write_text(out, "reason", telemetry->command_reason);
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, '}');
}
