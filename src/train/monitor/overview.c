/*
 * All trains at once: a row each, of a few facts. A viewer of the stream is told the rows that
 * changed, twice a second at most: an overview needs no more, and twenty trains at ten pictures a
 * second would otherwise be two hundred rows a second for each viewer.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "train/monitor/alerts.h"
#include "train/monitor/fields.h"
#include "train/monitor/serve.h"

static const int64_t PACE_US = 400000, HEARTBEAT_US = 1000000;

static bool is_alive(unsigned alerts)
{
	return !(alerts & 1U << ALERT_SILENT);
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

static void put_row(struct buffer *out, const struct fleet_train *train, int64_t now_us)
{
	const struct state *state = &train->state;
	const struct state_facts *facts = &state->facts;
	unsigned alerts = alerts_of(state, now_us);

	buffer_append_text(out, "{\"train\":");
	json_string(out, str_from(train->name));
	field_bool(out, "alive", is_alive(alerts));
	put_alerts(out, alerts);
	if (facts->heard_us)
		field_int(out, "heard_us", facts->heard_us);
	if (state->picture.number) {
		field_int(out, "number", state->picture.number);
		field_int(out, "at_us", state->picture.at_us);
	}
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
static uint64_t generation_of(const struct fleet_train *train, int64_t now_us)
{
	const uint64_t *generations = train->state.generations;

	return 1 + alerts_of(&train->state, now_us) +
	       (generations[STATE_FRAME] + generations[STATE_DECISION] +
		       generations[STATE_TELEMETRY]) *
		       (1U << ALERT_COUNT);
}

struct overview {
	const struct monitor *monitor;
	uint64_t seen[FLEET_MAX_TRAINS];
	int64_t told_us; // 0: it was not greeted
};

/* {"now_us":…,"run":…,"stale_ms":…,"broker":…,"trains":[…]}, of the trains that changed. */
static void tell(struct overview *viewer, int64_t now_us, struct buffer *out)
{
	const struct fleet *fleet = &viewer->monitor->fleet;
	bool is_first = true;
	char run[33];

	wire_id_print(run, &fleet->setup.state.run);
	buffer_printf(out,
		"{\"now_us\":%lld,\"run\":\"%s\",\"stale_ms\":%lld,\"broker\":%s,\"trains\":[",
		(long long)now_us, run, (long long)fleet->setup.state.stale_ms,
		fleet->broker_is_there ? "true" : "false");
	for (size_t i = 0; i < fleet->count; i++) {
		uint64_t generation = generation_of(fleet->trains[i], now_us);

		if (viewer->seen[i] == generation)
			continue;
		viewer->seen[i] = generation;
		if (!is_first)
			buffer_append_char(out, ',');
		is_first = false;
		put_row(out, fleet->trains[i], now_us);
	}
	buffer_append_char(out, ']');
	if (viewer->monitor->source) {
		buffer_append_text(out, ",\"kafka\":");
		buffer_append_str(out, source_status(viewer->monitor->source));
	}
	buffer_append_char(out, '}');
	viewer->told_us = now_us;
}

static bool has_news(const struct overview *viewer, int64_t now_us)
{
	const struct fleet *fleet = &viewer->monitor->fleet;

	for (size_t i = 0; i < fleet->count; i++)
		if (viewer->seen[i] != generation_of(fleet->trains[i], now_us))
			return true;
	return false;
}

static struct http_block *next(void *cursor)
{
	struct overview *viewer = cursor;
	int64_t now_us = clock_monotonic_us(), silent_us = now_us - viewer->told_us;
	struct buffer out = {0};

	if (viewer->told_us &&
		(silent_us < PACE_US || (silent_us < HEARTBEAT_US && !has_news(viewer, now_us))))
		return NULL;
	buffer_append_text(&out, viewer->told_us ? "data: " : "retry: 500\n\ndata: ");
	tell(viewer, now_us, &out);
	buffer_append_text(&out, "\n\n");
	struct http_block *block = http_block_create(buffer_str(&out));

	buffer_finish(&out);
	return block;
}

void monitor_get_trains_stream(struct http_request *request, void *monitor)
{
	if (!monitor_admit(monitor, request))
		return;
	struct overview *viewer = memory_alloc(sizeof *viewer);
	struct http_feed feed = {next, free, viewer, NULL};

	viewer->monitor = monitor;
	http_answer_feed(request, &feed);
}

void monitor_get_trains(struct http_request *request, void *monitor)
{
	struct overview all = {.monitor = monitor};
	struct buffer out = {0};

	if (!monitor_admit(monitor, request))
		return;
	tell(&all, clock_monotonic_us(), &out);
	buffer_append_char(&out, '\n');
	http_add_header(request, "cache-control:", STR("no-store"));
	http_answer_buffer(request, 200, "application/json", out);
}
