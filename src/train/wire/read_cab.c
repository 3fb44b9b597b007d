/*
 * Our own form, in: what is said to a controller and by it, each a line of JSON alone.
 */
#include "train/wire/reader.h"

#include <stdio.h>

static bool read_verb(
	const struct reader *reader, const json_t *root, const char *path, enum wire_verb *out)
{
	const json_t *value = json_object_get(root, "command");

	for (*out = WIRE_VERB_STOP; *out <= WIRE_VERB_DISARM; ++*out)
		if (json_is_string(value) &&
			strcmp(json_string_value(value), wire_verb_name(*out)) == 0)
			return true;
	return reader_fail_value(reader, path, "command", value, "\"stop\", \"arm\" or \"disarm\"");
}

static bool read_command(const struct reader *reader, const json_t *root, struct wire_command *out)
{
	if (!reader_kind(reader, root, "command") || !reader_id(reader, root, "", "id", &out->id) ||
		!read_verb(reader, root, "", &out->verb)) {
		*out = (struct wire_command){0};
		return false;
	}
	if (out->verb != WIRE_VERB_ARM && !json_object_get(root, "clock"))
		return true;
	return reader_id(reader, root, "", "clock", &out->clock) &&
	       reader_int(reader, root, "", "sent_monotonic_us", 0, READER_MAX_INT,
		       &out->sent_monotonic_us) &&
	       reader_int(
		       reader, root, "", "deadline_ms", 1, WIRE_MAX_DEADLINE_MS, &out->deadline_ms);
}

bool wire_read_command(
	struct str payload, struct arena *arena, struct wire_command *out, struct error *err)
{
	struct reader reader = {"a command message", arena, err};

	*out = (struct wire_command){0};
	json_t *root = reader_line(&reader, payload);
	bool ok = root && read_command(&reader, root, out);

	json_decref(root);
	return ok;
}

static bool read_bool(const struct reader *reader, const json_t *object, const char *path,
	const char *name, bool *out)
{
	const json_t *value = json_object_get(object, name);

	*out = json_is_true(value);
	return json_is_boolean(value) ||
	       reader_fail_value(reader, path, name, value, "true or false");
}

static bool read_fate(const struct reader *reader, const json_t *object, const char *path,
	bool *is_done, struct str *reason)
{
	return read_bool(reader, object, path, "done", is_done) &&
	       reader_text(reader, object, path, "reason", reason);
}

bool wire_read_answer(
	struct str payload, struct arena *arena, struct wire_answer *out, struct error *err)
{
	struct reader reader = {"an answer", arena, err};

	*out = (struct wire_answer){0};
	json_t *root = reader_line(&reader, payload);

	out->has_verb = json_object_get(root, "command");
	bool ok = root && reader_kind(&reader, root, "answer") &&
		  reader_id(&reader, root, "", "id", &out->id) &&
		  (!out->has_verb || read_verb(&reader, root, "", &out->verb)) &&
		  read_fate(&reader, root, "", &out->is_done, &out->reason);

	json_decref(root);
	return ok;
}

// Of a telemetry: "taken" and "acted". Either may be missing.
static bool read_step(
	const struct reader *reader, const json_t *root, const char *name, struct wire_step *out)
{
	const json_t *step = json_object_get(root, name);
	char path[16];

	if (!step)
		return true;
	if (!json_is_object(step))
		return reader_fail_value(reader, "", name, step, "an object {…}");
	snprintf(path, sizeof path, "%s.", name);
	return reader_int(reader, step, path, "id", 1, READER_MAX_INT, &out->id) &&
	       reader_order(reader, step, path, &out->order) &&
	       reader_id(reader, step, path, "trace", &out->trace) &&
	       reader_id(reader, step, path, "clock", &out->clock) &&
	       reader_int(reader, step, path, "captured_monotonic_us", 0, READER_MAX_INT,
		       &out->captured_monotonic_us) &&
	       reader_int(reader, step, path, "received_monotonic_us", 0, READER_MAX_INT,
		       &out->received_monotonic_us) &&
	       (!json_object_get(step, "written_monotonic_us") ||
		       reader_int(reader, step, path, "written_monotonic_us", 1, READER_MAX_INT,
			       &out->written_monotonic_us));
}

static bool read_answer(const struct reader *reader, const json_t *root, struct wire_telemetry *out)
{
	const json_t *command = json_object_get(root, "command");

	if (!command)
		return true;
	if (!json_is_object(command))
		return reader_fail_value(reader, "", "command", command,
			"an object with id, command, done and reason");
	return reader_id(reader, command, "command.", "id", &out->command) &&
	       read_verb(reader, command, "command.", &out->command_verb) &&
	       read_fate(reader, command, "command.", &out->command_is_done, &out->command_reason);
}

static bool read_optional_int(const struct reader *reader, const json_t *root, const char *name,
	int64_t min, int64_t max, int64_t *out)
{
	return !json_object_get(root, name) || reader_int(reader, root, "", name, min, max, out);
}

static bool read_optional_number(
	const struct reader *reader, const json_t *root, const char *name, double max, double *out)
{
	const json_t *value = json_object_get(root, name);

	return !value || reader_number(reader, value, "", name, 0, max, out);
}

static bool read_measures(
	const struct reader *reader, const json_t *root, struct wire_telemetry *out)
{
	out->has_stop_distance = json_object_get(root, "stop_distance_m");
	return read_bool(reader, root, "", "armed", &out->is_armed) &&
	       reader_int(reader, root, "", "percent", 0, 100, &out->percent) &&
	       read_optional_int(reader, root, "battery_percent", 1, 100, &out->battery_percent) &&
	       read_bool(reader, root, "", "battery_low", &out->is_battery_low) &&
	       read_optional_int(reader, root, "rssi_dbm", -128, -1, &out->rssi_dbm) &&
	       read_optional_number(reader, root, "volts", 100, &out->volts) &&
	       read_optional_number(reader, root, "speed_mps", 100, &out->speed_mps) &&
	       read_optional_number(reader, root, "stop_distance_m", 1000, &out->stop_distance_m);
}

static bool read_mode(const struct reader *reader, const json_t *root, struct wire_telemetry *out)
{
	return reader_text(reader, root, "", "mode", &out->mode) &&
	       (wire_mode_is_known(out->mode) ||
		       reader_fail_value(reader, "", "mode", json_object_get(root, "mode"),
			       "no-hub, disarmed, waiting, dead, stopped, slow or going"));
}

static bool read_telemetry(
	const struct reader *reader, const json_t *root, struct wire_telemetry *out)
{
	return reader_kind(reader, root, "telemetry") &&
	       reader_id(reader, root, "", "boot", &out->boot) &&
	       reader_int(reader, root, "", "sequence", 1, READER_MAX_INT, &out->sequence) &&
	       reader_id(reader, root, "", "clock", &out->clock) &&
	       reader_int(
		       reader, root, "", "sent_wall_ms", 0, READER_MAX_INT, &out->sent_wall_ms) &&
	       reader_int(reader, root, "", "sent_monotonic_us", 0, READER_MAX_INT,
		       &out->sent_monotonic_us) &&
	       read_mode(reader, root, out) &&
	       reader_text(reader, root, "", "reason", &out->reason) &&
	       (!json_object_get(root, "hub") || reader_text(reader, root, "", "hub", &out->hub)) &&
	       read_measures(reader, root, out) && read_step(reader, root, "taken", &out->taken) &&
	       read_step(reader, root, "acted", &out->acted) && read_answer(reader, root, out);
}

bool wire_read_telemetry(
	struct str payload, struct arena *arena, struct wire_telemetry *out, struct error *err)
{
	struct reader reader = {"a telemetry message", arena, err};

	*out = (struct wire_telemetry){0};
	json_t *root = reader_line(&reader, payload);
	bool ok = root && read_telemetry(&reader, root, out);

	json_decref(root);
	return ok;
}
