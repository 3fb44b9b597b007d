/*
 * Of a train's state what its controller says: telemetry, and what became of people's commands.
 */
#include "train/monitor/sections.h"
#include "train/monitor/state_taking.h"

#include <stdio.h>

/* --- telemetry --- */

static void follow_step(struct state *state, const struct wire_step *step,
	const struct wire_telemetry *telemetry, int64_t now_us)
{
	struct journey *journey = step->id ? journeys_find(&state->journeys, &step->trace) : NULL;
	int64_t hops[JOURNEY_HOP_COUNT];

	if (!journey || (journey->received_us && !step->written_monotonic_us) ||
		journey->written_us)
		return;
	journey->received_us =
		state_on_our_clock(state, &telemetry->clock, step->received_monotonic_us, now_us);
	journey->written_us =
		state_on_our_clock(state, &telemetry->clock, step->written_monotonic_us, now_us);
	if (!journey->received_us)
		return;
	journey_hops(journey, hops);
	state_tell_hop(state, JOURNEY_HUB, hops);
	state_tell_hop(state, JOURNEY_TOTAL, hops);
	section_hops(state, journey);
}

static void note_telemetry(
	struct state *state, const struct wire_telemetry *telemetry, int64_t at_us, int64_t now_us)
{
	struct state_facts *facts = &state->facts;

	state_hear(state, now_us);
	facts->telemetry_us = at_us;
	snprintf(facts->mode, sizeof facts->mode, "%.*s", STR_ARG(telemetry->mode));
	facts->is_armed = telemetry->is_armed;
	facts->is_battery_low = telemetry->is_battery_low;
	facts->percent = telemetry->percent;
	facts->battery_percent = telemetry->battery_percent;
}

static void take_telemetry(
	struct state *state, const struct wire_telemetry *telemetry, int64_t now_us)
{
	if (state->setup.is_remote)
		clocks_learn(&state->clocks, &telemetry->clock, telemetry->sent_wall_ms,
			telemetry->sent_monotonic_us);
	int64_t at_us =
		state_on_our_clock(state, &telemetry->clock, telemetry->sent_monotonic_us, now_us);

	if (memcmp(&telemetry->boot, &state->controller_boot, sizeof telemetry->boot) == 0 &&
		telemetry->sequence <= state->controller_sequence) {
		state->overtaken++;
		return;
	}
	state->controller_boot = telemetry->boot;
	state->controller_sequence = telemetry->sequence;
	follow_step(state, &telemetry->acted, telemetry, now_us);
	follow_step(state, &telemetry->taken, telemetry, now_us);
	note_telemetry(state, telemetry, at_us ? at_us : now_us, now_us);
	section_telemetry(state, telemetry, at_us ? at_us : now_us);
	if (commands_hear(&state->commands, telemetry, now_us))
		section_commands(state);
}

bool state_take_telemetry(
	struct state *state, struct str payload, int64_t now_us, struct error *err)
{
	struct arena arena = {0};
	struct wire_telemetry telemetry;
	bool ok = wire_read_telemetry(payload, &arena, &telemetry, err);

	if (state_count(state, STATE_OF_TELEMETRY, ok))
		take_telemetry(state, &telemetry, now_us);
	arena_finish(&arena);
	return ok;
}

/* --- commands --- */

void state_add_command(struct state *state, const struct wire_command *command,
	const struct command_giver *giver, bool is_sent, int64_t now_us)
{
	commands_add(&state->commands, command, giver, is_sent, now_us);
	section_commands(state);
}

bool state_take_answer(struct state *state, struct str payload, int64_t now_us, struct error *err)
{
	struct arena arena = {0};
	struct wire_answer answer;
	bool ok = wire_read_answer(payload, &arena, &answer, err);

	if (ok && commands_answer(&state->commands, &answer, now_us))
		section_commands(state);
	arena_finish(&arena);
	return ok;
}

void state_fail_command(
	struct state *state, const struct wire_id *id, const char *why, int64_t now_us)
{
	if (commands_fail(&state->commands, id, why, now_us))
		section_commands(state);
}

bool state_tick(struct state *state, int64_t now_us)
{
	if (!commands_tick(&state->commands, now_us))
		return false;
	section_commands(state);
	return true;
}
