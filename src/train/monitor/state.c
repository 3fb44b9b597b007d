/*
 * Messages in. Each is read with an arena of its own, and what a page wants of it is written at
 * once: so nothing of a message is kept but the newest picture's bytes and its section's text.
 *
 * Pictures and telemetry that come after newer ones of the same start are passed over. The
 * original's messages have no trace; one is made of their id, which is enough to bring a result to
 * its picture.
 */
#include "train/monitor/state.h"

#include "base/number.h"
#include "train/monitor/presence.h"
#include "train/monitor/sections.h"
#include "train/monitor/state_taking.h"

#include <stdio.h>

const char *const state_kind_names[STATE_KIND_COUNT] = {
	"frame", "result", "decision", "telemetry", "state"};

// Clocks of two programs that differ by more than this are not the same clock.
static const int64_t MAX_AGE_US = INT64_C(3600) * 1000 * 1000;

void state_init(struct state *state, const struct state_setup *setup)
{
	*state = (struct state){.setup = *setup, .commands.patience_us = setup->patience_us};
	section_hello(state);
	section_commands(state);
}

static void drop_picture(struct state_picture *picture)
{
	http_block_drop(picture->bytes);
	http_block_drop(picture->packet);
	http_block_drop(picture->part);
	picture->bytes = picture->packet = picture->part = NULL;
}

void state_finish(struct state *state)
{
	drop_picture(&state->picture);
	for (size_t i = 0; i < STATE_SECTION_COUNT; i++)
		buffer_finish(&state->sections[i]);
}

static bool is_same(const struct wire_id *a, const struct wire_id *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool state_count(struct state *state, enum state_kind kind, bool ok)
{
	state->taken[kind] += ok;
	state->refused[kind] += !ok;
	return ok;
}

int64_t state_on_our_clock(
	const struct state *state, const struct wire_id *clock, int64_t at_us, int64_t now_us)
{
	if (is_same(clock, &state->setup.clock))
		return at_us <= now_us && now_us - at_us < MAX_AGE_US ? at_us : 0;
	return state->setup.is_remote ? clocks_convert(&state->clocks, clock, at_us, now_us) : 0;
}

static void learn_clock(struct state *state, const struct wire_origin *origin)
{
	if (state->setup.is_remote)
		clocks_learn(&state->clocks, &origin->clock, origin->captured_wall_ms,
			origin->captured_monotonic_us);
}

void state_hear(struct state *state, int64_t now_us)
{
	if (!state->is_late)
		state->facts.heard_us = now_us;
}

void state_tell_hop(const struct state *state, enum journey_hop hop, const int64_t *hops)
{
	if (state->setup.hop && hops[hop] >= 0 && !state->is_late)
		state->setup.hop(state->setup.context, hop, hops[hop]);
}

/* --- pictures --- */

static void keep_picture(struct state *state, const struct wire_id *trace, struct str bytes,
	enum wire_format format, enum clocks_kind clock, int64_t at_us, int64_t now_us)
{
	drop_picture(&state->picture);
	state_hear(state, now_us);
	state->picture.number++;
	state->picture.trace = *trace;
	state->picture.format = format;
	state->picture.bytes = http_block_create(bytes);
	state->picture.at_us = at_us ? at_us : now_us;
	state->picture.clock = clock;
	struct journey *journey = journeys_get(&state->journeys, trace);

	journey->number = state->picture.number;
	journey->captured_us = at_us;
	// In the cloud pictures and events come on ways of their own.
	journey->seen_us = state->setup.is_remote ? 0 : now_us;
}

static void take_own_frame(struct state *state, const struct wire_frame *frame, int64_t now_us)
{
	const struct wire_origin *origin = &frame->origin;

	if (is_same(&origin->boot, &state->boot) && origin->sequence <= state->sequence) {
		state->overtaken++;
		return;
	}
	state->boot = origin->boot;
	state->sequence = origin->sequence;
	learn_clock(state, origin);
	int64_t at_us =
		state_on_our_clock(state, &origin->clock, origin->captured_monotonic_us, now_us);

	keep_picture(state, &origin->trace, frame->image.data, frame->image.format,
		!at_us					       ? CLOCKS_ARRIVAL
		: is_same(&origin->clock, &state->setup.clock) ? CLOCKS_MONOTONIC
							       : CLOCKS_WALL,
		at_us, now_us);
	state->picture.width_px = frame->image.width_px;
	state->picture.height_px = frame->image.height_px;
	section_frame(state, &frame->image, origin);
}

static struct wire_id trace_of(const struct wire_compat_id *id)
{
	uint64_t hash = str_hash(id->text);
	struct wire_id trace = {.bytes[15] = 1};

	memcpy(trace.bytes, &hash, sizeof hash);
	return trace;
}

/* The original's ids are Unix time in ms where its own capture makes them. */
static int64_t capture_of(const struct wire_compat_id *id, int64_t now_us, int64_t wall_ms)
{
	int64_t captured_ms;

	if (!number_parse_int(id->text, &captured_ms) || captured_ms > wall_ms ||
		wall_ms - captured_ms > MAX_AGE_US / 1000)
		return 0;
	return now_us - (wall_ms - captured_ms) * 1000;
}

static void take_compat_frame(
	struct state *state, const struct wire_compat_image *frame, int64_t now_us, int64_t wall_ms)
{
	struct wire_id trace = trace_of(&frame->id);
	struct wire_image image = {.format = frame->format, .data = frame->picture};

	int64_t at_us = capture_of(&frame->id, now_us, wall_ms);

	keep_picture(state, &trace, frame->picture, frame->format,
		at_us ? CLOCKS_WALL : CLOCKS_ARRIVAL, at_us, now_us);
	section_frame(state, &image, NULL);
}

bool state_take_frame(
	struct state *state, struct str payload, int64_t now_us, int64_t wall_ms, struct error *err)
{
	struct arena arena = {0};
	struct wire_compat_image compat;
	struct wire_frame frame;
	bool is_compat = state->setup.is_compat;
	bool ok = is_compat ? wire_compat_read_image(payload, &arena, &compat, err)
			    : wire_read_frame(payload, &arena, &frame, err);

	if (state_count(state, STATE_OF_FRAME, ok) && is_compat)
		take_compat_frame(state, &compat, now_us, wall_ms);
	else if (ok)
		take_own_frame(state, &frame, now_us);
	arena_finish(&arena);
	return ok;
}

/* --- results --- */

static void take_result(struct state *state, const struct wire_id *trace, int64_t captured_us,
	const struct wire_result *result, int64_t now_us)
{
	struct journey *journey = journeys_get(&state->journeys, trace);
	int64_t hops[JOURNEY_HOP_COUNT];

	state_hear(state, now_us);
	if (!journey->captured_us)
		journey->captured_us = captured_us;
	journey->took_us = result->prepare_us + result->infer_us + result->finish_us;
	// In the cloud the order comes first, and says by when the result was there.
	journey->found_us = state->setup.is_remote ? journey->decided_us : now_us;
	if (state->setup.is_remote && journey->found_us)
		journey->seen_us = journey->found_us - journey->took_us;
	journey_hops(journey, hops);
	state_tell_hop(state, JOURNEY_CAPTURE, hops);
	state_tell_hop(state, JOURNEY_INFERENCE, hops);
	if (state->setup.is_remote && journey->found_us)
		section_hops(state, journey);
	section_result(state, trace, result);
}

static bool take_compat_result(struct state *state, struct str payload, struct arena *arena,
	int64_t now_us, struct error *err)
{
	struct wire_compat_result compat;

	if (!wire_compat_read_result(payload, arena, &compat, err))
		return false;
	struct wire_id trace = trace_of(&compat.id);
	struct wire_result result = {
		.prepare_us = compat.prepare_us,
		.infer_us = compat.infer_us,
		.finish_us = compat.finish_us,
		.detections = compat.detections,
		.detection_count = compat.detection_count,
	};

	take_result(state, &trace, 0, &result, now_us);
	return true;
}

bool state_take_result(struct state *state, struct str payload, int64_t now_us, struct error *err)
{
	struct arena arena = {0};
	struct wire_result result;
	bool ok = state->setup.is_compat ? take_compat_result(state, payload, &arena, now_us, err)
					 : wire_read_result(payload, &arena, &result, err);

	if (ok && !state->setup.is_compat)
		learn_clock(state, &result.origin);
	if (state_count(state, STATE_OF_RESULT, ok) && !state->setup.is_compat)
		take_result(state, &result.origin.trace,
			state_on_our_clock(state, &result.origin.clock,
				result.origin.captured_monotonic_us, now_us),
			&result, now_us);
	arena_finish(&arena);
	return ok;
}

/* --- decisions --- */

static void note_order(struct state *state, enum wire_order order, int64_t at_us)
{
	state->facts.order_us = at_us;
	state->facts.order = order;
}

static void take_decision(struct state *state, const struct wire_decision *decision, int64_t now_us)
{
	const struct wire_origin *origin = &decision->origin;
	struct journey *journey = journeys_get(&state->journeys, &origin->trace);
	int64_t hops[JOURNEY_HOP_COUNT];
	learn_clock(state, origin);
	int64_t decided_us =
		state_on_our_clock(state, &origin->clock, decision->decided_monotonic_us, now_us);
	int64_t at_us = state->setup.is_remote && decided_us ? decided_us : now_us;

	if (!journey->captured_us)
		journey->captured_us = state_on_our_clock(
			state, &origin->clock, origin->captured_monotonic_us, now_us);
	journey->decided_us = decided_us ? decided_us : now_us;
	if (state->setup.is_remote && decided_us && !state->is_late)
		journey->heard_us = now_us;
	journey_hops(journey, hops);
	state_tell_hop(state, JOURNEY_DECISION, hops);
	state_tell_hop(state, JOURNEY_CLOUD, hops);
	note_order(state, decision->order, at_us);
	section_decision(state, decision, at_us);
	section_hops(state, journey);
}

bool state_take_decision(struct state *state, struct str payload, int64_t now_us, struct error *err)
{
	struct arena arena = {0};
	struct wire_decision decision = {0};
	bool is_compat = state->setup.is_compat;
	bool ok = is_compat ? wire_compat_read_command(payload, &decision.order, err)
			    : wire_read_decision(payload, &arena, &decision, err);

	if (ok)
		state_hear(state, now_us);
	// The original's command is its order and nothing else: it belongs to no picture.
	if (state_count(state, STATE_OF_DECISION, ok) && is_compat) {
		note_order(state, decision.order, now_us);
		section_decision(state, &decision, now_us);
	} else if (ok) {
		take_decision(state, &decision, now_us);
	}
	arena_finish(&arena);
	return ok;
}

/* --- the rest --- */

bool state_take_presence(
	struct state *state, struct str service, struct str payload, struct error *err)
{
	bool is_up;

	if (!state_count(state, STATE_OF_PRESENCE, presence_read(payload, service, &is_up, err)))
		return false;
	for (size_t i = 0; i < state->service_count; i++)
		if (str_equal(str_from(state->services[i].name), service)) {
			state->services[i].is_heard = true;
			state->services[i].is_up = is_up;
			section_services(state);
		}
	return true;
}

void state_expect(struct state *state, const char *service)
{
	if (state->service_count == STATE_MAX_SERVICES)
		return;
	struct service_presence *presence = &state->services[state->service_count++];

	snprintf(presence->name, sizeof presence->name, "%s", service);
	section_services(state);
}

void state_set_broker(struct state *state, bool is_there)
{
	state->broker_is_there = is_there;
	section_hello(state);
}

void state_set_source(struct state *state, struct str kafka)
{
	section_source(state, kafka);
}

int64_t state_age_us(const struct state *state, int64_t now_us)
{
	return state->picture.number ? now_us - state->picture.at_us : INT64_MAX;
}

bool state_has_news(const struct state *state, const uint64_t seen[STATE_SECTION_COUNT])
{
	return memcmp(state->generations, seen, sizeof state->generations) != 0;
}

void state_tell(const struct state *state, uint64_t seen[STATE_SECTION_COUNT], int64_t now_us,
	struct buffer *out)
{
	buffer_printf(out, "{\"now_us\":%lld", (long long)now_us);
	for (size_t i = 0; i < STATE_SECTION_COUNT; i++) {
		if (seen[i] == state->generations[i])
			continue;
		seen[i] = state->generations[i];
		buffer_append_char(out, ',');
		buffer_append_str(out, buffer_str(&state->sections[i]));
	}
	buffer_append_char(out, '}');
}
