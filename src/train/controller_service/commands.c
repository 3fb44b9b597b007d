/*
 * What people ask: STOP, arm, disarm. A stop is done whoever asks, however late it comes; arming
 * must come in time and once, since a copy of it, kept somewhere, would move the train.
 */
#include "train/controller_service/cab.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

static bool obey(struct cab *cab, enum wire_verb verb, int64_t now_us, struct error *err)
{
	switch (verb) {
	case WIRE_VERB_ARM:
		return controller_arm(cab->controller, now_us, err);
	case WIRE_VERB_STOP:
		cab->wants_arm = false;
		controller_stop(cab->controller, "stopped by hand", now_us);
		break;
	case WIRE_VERB_DISARM:
		cab->wants_arm = false;
		controller_disarm(cab->controller, "disarmed by hand", now_us);
		break;
	}
	return true;
}

static void count(struct cab *cab, enum wire_verb verb, bool is_done, const char *whence,
	const struct error *err)
{
	metric_add(cab->metrics.commands[verb][is_done ? 0 : 1], 1);
	if (is_done)
		log_info("%s, from %s", wire_verb_name(verb), whence);
	else
		log_warn("%s, from %s, is refused: %s", wire_verb_name(verb), whence, err->text);
}

static bool was_done(const struct cab *cab, const struct wire_id *id)
{
	for (size_t i = 0; i < CAB_COMMANDS_KEPT; i++)
		if (memcmp(&cab->commands[i], id, sizeof *id) == 0)
			return true;
	return false;
}

static bool is_in_time(const struct cab *cab, const struct wire_command *command, int64_t now_us,
	struct error *err)
{
	int64_t age_us = now_us - command->sent_monotonic_us;

	if (memcmp(&command->clock, &cab->clock, sizeof cab->clock) != 0)
		return error_set(err, ERROR_INVALID,
			"it comes from a machine with another clock, so its age is not known: arm "
			"from the controller's machine");
	if (age_us < 0 || age_us > command->deadline_ms * 1000)
		return error_set(err, ERROR_INVALID,
			"it came %" PRId64 " ms after it was sent, and holds for %" PRId64 " ms",
			age_us / 1000, command->deadline_ms);
	return true;
}

/* The telemetry that tells it: no newer one takes its place on the way to the broker. */
static void answer(struct cab *cab, const struct wire_command *command, bool is_done,
	const struct error *err, int64_t now_us)
{
	cab->answer =
		(struct cab_answer){.id = command->id, .verb = command->verb, .is_done = is_done};
	snprintf(cab->answer.reason, sizeof cab->answer.reason, "%.159s", err->text);
	count(cab, command->verb, is_done, "the bus", err);
	cab_tell_answer(cab, now_us);
}

static void take(struct cab *cab, const struct wire_command *command, int64_t now_us)
{
	struct error err = {0};
	bool is_arm = command->verb == WIRE_VERB_ARM;

	// QoS 1 may bring it twice; the first one's answer stands.
	if (is_arm && was_done(cab, &command->id))
		return;
	bool done = (!is_arm || is_in_time(cab, command, now_us, &err)) &&
		    obey(cab, command->verb, now_us, &err);

	cab->commands[cab->next_command++ % CAB_COMMANDS_KEPT] = command->id;
	answer(cab, command, done, &err, now_us);
}

void cab_take_command(struct cab *cab, struct str payload, int64_t now_us)
{
	struct wire_command command;
	struct arena arena = {0};
	struct error err = {0};

	if (wire_read_command(payload, &arena, &command, &err))
		take(cab, &command, now_us);
	else if (wire_id_is_zero(&command.id))
		log_warn("a command cannot be read: %s", err.text);
	else
		answer(cab, &command, false, &err, now_us);
	arena_finish(&arena);
}

/* --- requests --- */

static bool admit(struct cab *cab, struct http_request *request)
{
	const struct guard_request asked = {
		.host = request->headers[HTTP_HOST],
		.origin = request->headers[HTTP_ORIGIN],
		.authorization = request->headers[HTTP_AUTHORIZATION],
	};
	const char *why;
	int status = guard_admit(&cab->guard, &asked, &why);

	if (status == 401)
		http_add_header(request, "www-authenticate:", STR("Bearer"));
	if (status != 200)
		http_answer(request, status, "text/plain; charset=utf-8",
			str_format(request->arena, "%s\n", why));
	return status == 200;
}

static void post(struct http_request *request, struct cab *cab, enum wire_verb verb)
{
	int64_t now_us = clock_monotonic_us();
	struct error err = {0};

	if (!admit(cab, request))
		return;
	bool done = obey(cab, verb, now_us, &err);
	struct controller_status status = controller_status(cab->controller);

	count(cab, verb, done, "a request", &err);
	http_answer(request, done ? 200 : 409, "text/plain; charset=utf-8",
		done ? str_format(request->arena, "%s: %s\n", controller_mode_name(status.mode),
			       status.reason)
		     : str_format(request->arena, "%s\n", err.text));
	cab_turn(cab);
}

static void post_stop(struct http_request *request, void *context)
{
	post(request, context, WIRE_VERB_STOP);
}

static void post_arm(struct http_request *request, void *context)
{
	post(request, context, WIRE_VERB_ARM);
}

static void post_disarm(struct http_request *request, void *context)
{
	post(request, context, WIRE_VERB_DISARM);
}

static void get_telemetry(struct http_request *request, void *context)
{
	struct cab *cab = context;
	struct buffer body = {0};

	if (!admit(cab, request))
		return;
	cab->sequence++;
	cab_write_telemetry(cab, clock_monotonic_us(), &body);
	buffer_append_char(&body, '\n');
	http_answer_buffer(request, 200, "application/json", body);
}

const struct http_route cab_routes[] = {
	{"/stop", HTTP_POST, post_stop},
	{"/arm", HTTP_POST, post_arm},
	{"/disarm", HTTP_POST, post_disarm},
	{"/telemetry", HTTP_GET, get_telemetry},
};
const size_t cab_route_count = sizeof cab_routes / sizeof cab_routes[0];
