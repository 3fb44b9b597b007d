#include "train/monitor/overview.h"

#include "base/json.h"
#include "train/monitor/alerts.h"
#include "train/monitor/fields.h"

static bool is_alive(const struct fleet_train *train, unsigned alerts)
{
	return train->is_heard && !(alerts & 1U << ALERT_SILENT);
}

static unsigned alerts_now(const struct fleet_train *train, int64_t now_us)
{
	return train->is_heard ? alerts_of(&train->state, now_us) : 0;
}

static void put_alerts(struct buffer *out, unsigned alerts)
{
	bool is_first = true;

	buffer_append_text(out, ",\"alerts\":[");
	for (size_t i = 0; i < ALERT_COUNT; i++) {
		if (!(alerts & 1U << i))
			continue;
		buffer_printf(out, "%s\"%s\"", is_first ? "" : ",", alert_names[i]);
		is_first = false;
	}
	buffer_append_char(out, ']');
}

static void put_picture(struct buffer *out, const struct state_picture *picture)
{
	if (!picture->number)
		return;
	field_int(out, "number", picture->number);
	field_int(out, "at_us", picture->at_us);
	if (!picture->width_px)
		return;
	field_int(out, "width", picture->width_px);
	field_int(out, "height", picture->height_px);
}

static void put_row(struct buffer *out, const struct fleet_train *train, int64_t now_us)
{
	const struct state *state = &train->state;
	const struct state_facts *facts = &state->facts;
	unsigned alerts = alerts_now(train, now_us);

	buffer_append_text(out, "{\"train\":");
	json_string(out, str_from(train->name));
	field_int(out, "place", (int64_t)train->index);
	field_bool(out, "heard", train->is_heard);
	field_bool(out, "alive", is_alive(train, alerts));
	put_alerts(out, alerts);
	if (facts->heard_us)
		field_int(out, "heard_us", facts->heard_us);
	put_picture(out, &state->picture);
	if (facts->order_us) {
		field_text(out, "order", str_from(wire_order_name(facts->order)));
		field_int(out, "order_us", facts->order_us);
	}
	if (facts->telemetry_us) {
		field_int(out, "telemetry_us", facts->telemetry_us);
		field_text(out, "mode", str_from(facts->mode));
		field_bool(out, "armed", facts->is_armed);
		field_bool(out, "battery_low", facts->is_battery_low);
		field_int(out, "percent", facts->percent);
		if (facts->battery_percent)
			field_int(out, "battery_percent", facts->battery_percent);
	}
	buffer_append_char(out, '}');
}

/* What a row is made of has changed. */
static uint64_t row_generation(const struct fleet_train *train, int64_t now_us)
{
	const uint64_t *generations = train->state.generations;

	return 1 + alerts_now(train, now_us) +
	       (generations[STATE_FRAME] + generations[STATE_DECISION] +
		       generations[STATE_TELEMETRY]) *
		       (1U << ALERT_COUNT);
}

static void tell_rows(struct overview *viewer, int64_t now_us, struct buffer *out)
{
	const struct fleet *fleet = viewer->fleet;
	bool is_first = true;

	for (size_t i = 0; i < fleet->count; i++) {
		uint64_t generation = row_generation(fleet->trains[i], now_us);

		if (viewer->rows[i] == generation)
			continue;
		viewer->rows[i] = generation;
		if (!is_first)
			buffer_append_char(out, ',');
		is_first = false;
		put_row(out, fleet->trains[i], now_us);
	}
	viewer->rows_us = now_us;
}

static bool has_result(const struct overview *viewer, size_t place)
{
	const struct state *state = &viewer->fleet->trains[place]->state;

	return viewer->results[place] != state->generations[STATE_RESULT] &&
	       (!viewer->is_behind || viewer->was_sent[place]);
}

/* {"place":…,"result":{…}}, as the train's own page is told it. */
static void tell_results(struct overview *viewer, struct buffer *out)
{
	const struct fleet *fleet = viewer->fleet;
	const char *before = ",\"results\":[{\"place\":";
	bool is_told = false;

	for (size_t i = 0; i < fleet->count; i++) {
		const struct state *state = &fleet->trains[i]->state;

		if (!has_result(viewer, i))
			continue;
		viewer->results[i] = state->generations[STATE_RESULT];
		viewer->was_sent[i] = false;
		buffer_printf(out, "%s%zu,", is_told ? ",{\"place\":" : before, i);
		buffer_append_str(out, buffer_str(&state->sections[STATE_RESULT]));
		buffer_append_char(out, '}');
		is_told = true;
	}
	if (is_told)
		buffer_append_char(out, ']');
}

static bool rows_are_due(const struct overview *viewer, int64_t now_us)
{
	return !viewer->told_us || now_us - viewer->rows_us >= OVERVIEW_PACE_US;
}

void overview_tell(struct overview *viewer, int64_t now_us, struct str kafka, struct buffer *out)
{
	const struct fleet *fleet = viewer->fleet;
	bool rows = rows_are_due(viewer, now_us);
	char run[33];

	wire_id_print(run, &fleet->setup.state.run);
	buffer_printf(out,
		"{\"now_us\":%lld,\"run\":\"%s\",\"stale_ms\":%lld,\"broker\":%s,\"trains\":[",
		(long long)now_us, run, (long long)fleet->setup.state.stale_ms,
		fleet->broker_is_there ? "true" : "false");
	if (rows)
		tell_rows(viewer, now_us, out);
	buffer_append_char(out, ']');
	if (viewer->wants_results)
		tell_results(viewer, out);
	if (rows && kafka.len) {
		buffer_append_text(out, ",\"kafka\":");
		buffer_append_str(out, kafka);
	}
	buffer_append_char(out, '}');
	viewer->told_us = now_us;
}

static bool has_news(const struct overview *viewer, int64_t now_us)
{
	const struct fleet *fleet = viewer->fleet;
	bool rows = rows_are_due(viewer, now_us);

	for (size_t i = 0; i < fleet->count; i++) {
		if (rows && viewer->rows[i] != row_generation(fleet->trains[i], now_us))
			return true;
		if (viewer->wants_results && has_result(viewer, i))
			return true;
	}
	return false;
}

struct http_block *overview_news(struct overview *viewer, int64_t now_us, struct str kafka,
	struct str before, struct str after)
{
	struct buffer out = {0};

	if (viewer->told_us && now_us - viewer->told_us < OVERVIEW_HEARTBEAT_US &&
		!has_news(viewer, now_us))
		return NULL;
	buffer_append_str(&out, before);
	overview_tell(viewer, now_us, kafka, &out);
	buffer_append_str(&out, after);
	struct http_block *block = http_block_create(buffer_str(&out));

	buffer_finish(&out);
	return block;
}
