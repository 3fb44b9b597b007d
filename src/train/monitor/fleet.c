#include "train/monitor/fleet.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

// Late messages come close together: what none followed for so long was the last.
enum { HOLD_US = 500000 };

void fleet_init(struct fleet *fleet, const struct fleet_setup *setup)
{
	*fleet = (struct fleet){.setup = *setup};
}

void fleet_finish(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++) {
		for (size_t kind = 0; kind < STATE_KIND_COUNT; kind++)
			buffer_finish(&fleet->trains[i]->held[kind].payload);
		seen_finish(&fleet->trains[i]->seen);
		state_finish(&fleet->trains[i]->state);
		free(fleet->trains[i]);
	}
	*fleet = (struct fleet){0};
}

struct fleet_train *fleet_find(const struct fleet *fleet, struct str name)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (str_equal(str_from(fleet->trains[i]->name), name))
			return fleet->trains[i];
	return NULL;
}

/* It is a level of topics, a key of records and a parameter of addresses, and shown on pages. */
static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.len;) {
		unsigned char c = (unsigned char)name.data[i];
		size_t len = str_utf8_len(name.data + i, name.len - i);

		if (len == 0 || c <= ' ' || c == 0x7f || (len == 1 && strchr("/+#\"\\", c)))
			return false;
		i += len;
	}
	return name.len > 0 && name.len <= FLEET_MAX_NAME_BYTES;
}

struct fleet_train *fleet_first(const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (fleet->trains[i]->is_heard)
			return fleet->trains[i];
	return NULL;
}

static struct fleet_train *add(struct fleet *fleet, struct str name)
{
	struct fleet_train *train = memory_alloc(sizeof *train);
	struct state_setup setup = fleet->setup.state;

	snprintf(train->name, sizeof train->name, "%.*s", STR_ARG(name));
	train->index = fleet->count;
	setup.train = train->name;
	setup.place = (unsigned)train->index;
	state_init(&train->state, &setup);
	state_set_broker(&train->state, fleet->broker_is_there);
	return fleet->trains[fleet->count++] = train;
}

/* NULL where it is no name, or `count` trains of its sort are there already. */
static struct fleet_train *find_or_add(
	struct fleet *fleet, struct str name, size_t count, struct error *err)
{
	struct fleet_train *train = fleet_find(fleet, name);

	if (!train && !is_name(name)) {
		error_set(err, ERROR_INVALID, "\"%.*s\" is no train's name",
			STR_ARG(((struct str){name.data, name.len < 80 ? name.len : 80})));
		return NULL;
	}
	if (!(train && train->is_heard) && count >= FLEET_MAX_HEARD) {
		error_set(err, ERROR_LIMIT, "the train \"%.*s\" is one more than %d", STR_ARG(name),
			FLEET_MAX_HEARD);
		return NULL;
	}
	return train ? train : add(fleet, name);
}

struct fleet_train *fleet_get(struct fleet *fleet, struct str name, struct error *err)
{
	struct fleet_train *train = find_or_add(fleet, name, fleet->heard_count, err);

	if (train && !train->is_heard) {
		train->is_heard = true;
		fleet->heard_count++;
	}
	return train;
}

struct fleet_train *fleet_know(struct fleet *fleet, struct str name, struct error *err)
{
	return find_or_add(fleet, name, fleet->count - fleet->heard_count, err);
}

static bool take(struct state *state, const struct fleet_message *message, struct error *err)
{
	switch (message->kind) {
	case STATE_OF_FRAME:
		return state_take_frame(
			state, message->payload, message->now_us, message->wall_ms, err);
	case STATE_OF_RESULT:
		return state_take_result(state, message->payload, message->now_us, err);
	case STATE_OF_DECISION:
		return state_take_decision(state, message->payload, message->now_us, err);
	case STATE_OF_TELEMETRY:
		return state_take_telemetry(state, message->payload, message->now_us, err);
	case STATE_OF_PRESENCE:
		return state_take_presence(state, message->service, message->payload, err);
	case STATE_KIND_COUNT:
		break;
	}
	return error_set(err, ERROR_INVALID, "a message of no kind");
}

static void hold(struct fleet_train *train, const struct fleet_message *message)
{
	struct fleet_held *held = &train->held[message->kind];

	train->state.late++;
	train->state.late_us = message->now_us;
	if (message->time_ms <= train->time_ms[message->kind] || message->time_ms < held->time_ms)
		return;
	buffer_clear(&held->payload);
	buffer_append_str(&held->payload, message->payload);
	held->time_ms = message->time_ms;
	held->held_us = message->now_us;
}

static bool show(struct fleet_train *train, const struct fleet_message *message, struct error *err)
{
	struct state *state = &train->state;

	clocks_set_own(&state->clocks, message->now_us, message->wall_ms);
	if (!take(state, message, err))
		return false;
	if (message->time_ms > train->time_ms[message->kind])
		train->time_ms[message->kind] = message->time_ms;
	return true;
}

bool fleet_take(struct fleet *fleet, struct fleet_train *train, const struct fleet_message *message,
	struct error *err)
{
	if (message->id.len && !seen_add(&train->seen, message->source, message->id)) {
		train->state.duplicates++;
		return true;
	}
	if (message->is_late)
		hold(train, message);
	else if (!show(train, message, err))
		return false;
	if (fleet->setup.heard)
		fleet->setup.heard(fleet->setup.context, train, message);
	return true;
}

/* Nothing newer came: it is the last that is known, and is shown as old as it is. */
static void show_held(
	struct fleet_train *train, enum state_kind kind, int64_t now_us, int64_t wall_ms)
{
	struct fleet_held *held = &train->held[kind];
	struct error err = {0};
	struct fleet_message message = {
		.kind = kind,
		.payload = buffer_str(&held->payload),
		.now_us = now_us,
		.wall_ms = wall_ms,
		.time_ms = held->time_ms,
	};

	if (!held->payload.len || now_us - held->held_us < HOLD_US)
		return;
	train->state.is_late = true;
	if (held->time_ms > train->time_ms[kind])
		show(train, &message, &err); // one that cannot be read is counted
	train->state.is_late = false;
	buffer_clear(&held->payload);
}

void fleet_set_broker(struct fleet *fleet, bool is_there)
{
	fleet->broker_is_there = is_there;
	for (size_t i = 0; i < fleet->count; i++)
		state_set_broker(&fleet->trains[i]->state, is_there);
}

void fleet_tick(struct fleet *fleet, int64_t now_us, int64_t wall_ms)
{
	for (size_t i = 0; i < fleet->count; i++) {
		for (size_t kind = 0; kind < STATE_KIND_COUNT; kind++)
			show_held(fleet->trains[i], (enum state_kind)kind, now_us, wall_ms);
		state_tick(&fleet->trains[i]->state, now_us);
	}
}

/* --- sums --- */

int64_t fleet_taken(const struct fleet *fleet, enum state_kind kind)
{
	int64_t sum = 0;

	for (size_t i = 0; i < fleet->count; i++)
		sum += fleet->trains[i]->state.taken[kind];
	return sum;
}

int64_t fleet_refused(const struct fleet *fleet, enum state_kind kind)
{
	int64_t sum = 0;

	for (size_t i = 0; i < fleet->count; i++)
		sum += fleet->trains[i]->state.refused[kind];
	return sum;
}

int64_t fleet_overtaken(const struct fleet *fleet)
{
	int64_t sum = 0;

	for (size_t i = 0; i < fleet->count; i++)
		sum += fleet->trains[i]->state.overtaken;
	return sum;
}

int64_t fleet_late(const struct fleet *fleet)
{
	int64_t sum = 0;

	for (size_t i = 0; i < fleet->count; i++)
		sum += fleet->trains[i]->state.late;
	return sum;
}

int64_t fleet_duplicates(const struct fleet *fleet)
{
	int64_t sum = 0;

	for (size_t i = 0; i < fleet->count; i++)
		sum += fleet->trains[i]->state.duplicates;
	return sum;
}

int64_t fleet_commands(const struct fleet *fleet, enum wire_verb verb, enum command_outcome outcome)
{
	int64_t sum = 0;

	for (size_t i = 0; i < fleet->count; i++)
		sum += fleet->trains[i]->state.commands.outcomes[verb][outcome];
	return sum;
}

int64_t fleet_age_us(const struct fleet *fleet, int64_t now_us)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < fleet->count; i++) {
		int64_t age_us = state_age_us(&fleet->trains[i]->state, now_us);

		least = age_us < least ? age_us : least;
	}
	return least;
}
