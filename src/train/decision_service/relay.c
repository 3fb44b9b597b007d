#include "train/decision_service/relay.h"

#include <inttypes.h>

static bool is_known(const struct relay *relay, const struct wire_command *command)
{
	for (size_t i = 0; i < RELAY_KEPT; i++)
		if (relay->judged[i].verb == command->verb &&
			memcmp(&relay->judged[i].id, &command->id, sizeof command->id) == 0)
			return true;
	return false;
}

void relay_remember(struct relay *relay, const struct wire_command *command)
{
	relay->judged[relay->next++ % RELAY_KEPT] =
		(struct relay_judged){command->id, command->verb};
}

/* Whether an arm still holds, and for how long: *left_ms. */
static bool holds(const struct relay *relay, const struct relay_record *record,
	const struct wire_command *command, int64_t age_ms, int64_t *left_ms, struct error *err)
{
	if (wire_id_is_zero(&relay->clock))
		return error_set(err, ERROR_INVALID,
			"this machine does not tell its clock's name, so the controller could not "
			"tell the arm's age");
	if (age_ms < -RELAY_AHEAD_MS)
		return error_set(err, ERROR_INVALID,
			"it was sent in %" PRId64 " ms by the train's clock: set the clocks of "
			"train and sender",
			-age_ms);
	if (age_ms > command->deadline_ms)
		return error_set(err, ERROR_INVALID,
			"it came %" PRId64 " ms after it was sent, by the clocks of sender and "
			"train, and holds for %" PRId64 " ms",
			age_ms, command->deadline_ms);
	// Whatever the clocks say: nobody can have meant the train as it is now.
	if (record->is_behind)
		return error_set(err, ERROR_INVALID,
			"it was in the topic before the train began to listen: arm again");
	*left_ms = command->deadline_ms - (age_ms > 0 ? age_ms : 0);
	return true;
}

static enum relay_verdict judge_command(const struct relay *relay,
	const struct relay_record *record, int64_t age_ms, int64_t now_us,
	struct wire_command *command, struct error *err)
{
	int64_t left_ms = 0;

	if (is_known(relay, command))
		return RELAY_KNOWN;
	if (command->verb != WIRE_VERB_ARM) {
		// Without a time: they hold whenever they come.
		*command = (struct wire_command){.id = command->id, .verb = command->verb};
		return RELAY_PASSED;
	}
	if (!holds(relay, record, command, age_ms, &left_ms, err))
		return RELAY_REFUSED;
	command->clock = relay->clock;
	command->sent_monotonic_us = now_us;
	command->deadline_ms = left_ms > 0 ? left_ms : 1;
	return RELAY_PASSED;
}

static bool read_command(const struct relay_record *record, struct arena *arena,
	struct wire_cloud_event *event, struct error *err)
{
	if (record->value.len > RELAY_MAX_BYTES)
		return error_set(err, ERROR_LIMIT, "%zu bytes; a command has %d at most",
			record->value.len, RELAY_MAX_BYTES);
	return wire_cloud_read_record(
		record->headers, record->header_count, record->value, arena, event, err);
}

enum relay_verdict relay_judge(struct relay *relay, const struct relay_record *record,
	int64_t wall_ms, int64_t now_us, struct wire_command *out, struct error *err)
{
	enum relay_verdict verdict = RELAY_UNREADABLE;
	struct wire_cloud_event event;
	struct arena arena = {0};

	*out = (struct wire_command){0};
	if (!read_command(record, &arena, &event, err))
		;
	else if (!str_equal(event.type, STR("railquest.command.v1")) ||
		 !str_equal(event.subject, relay->train))
		verdict = RELAY_OTHER;
	else if (wire_read_command(event.data, &arena, out, err))
		verdict = judge_command(relay, record, wall_ms - event.time_ms, now_us, out, err);
	else if (!wire_id_parse(event.id, &out->id))
		out->id = (struct wire_id){0};
	arena_finish(&arena);
	return verdict;
}
