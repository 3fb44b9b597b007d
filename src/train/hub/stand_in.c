/*
 * Hubs without hardware: what would go over the air goes to a sink. They answer as a hub with a
 * motor and a light does, so that the services above see the same life.
 */
#include "train/hub/hub.h"

#include "base/json.h"
#include "base/memory.h"

struct stand_in {
	struct hub hub;
	hub_sink *sink;
	void *context;
};

static void tell(struct hub *hub, const uint8_t *bytes, size_t len, int64_t now_us)
{
	struct lwp3_event event;

	if (hub->listener.event && lwp3_decode(bytes, len, &event))
		hub->listener.event(hub->listener.context, &event, now_us);
}

static void become(struct hub *hub, enum hub_state state, const char *why, int64_t now_us)
{
	hub->state = state;
	if (hub->listener.state)
		hub->listener.state(hub->listener.context, state, why, now_us);
}

static void stand_in_write(struct hub *hub, const struct lwp3_message *message, int64_t now_us)
{
	struct stand_in *stand_in = (struct stand_in *)hub;

	stand_in->sink(stand_in->context, message, now_us);
	hub->counts.written++;
	if (hub->listener.written)
		hub->listener.written(hub->listener.context, message, 0);
	if (message->bytes[2] == LWP3_PORT_OUTPUT) {
		const uint8_t done[] = {
			5, 0, LWP3_OUTPUT_FEEDBACK, message->bytes[3], LWP3_COMPLETED | LWP3_IDLE};

		tell(hub, done, sizeof done, now_us);
	}
}

static void stand_in_stop(struct hub *hub, int64_t now_us)
{
	struct lwp3_message brake = lwp3_power(LWP3_PORT_MOTOR, LWP3_BRAKE);
	struct lwp3_message disconnect = lwp3_action(LWP3_DISCONNECT);

	if (hub->state == HUB_READY) {
		stand_in_write(hub, &brake, now_us);
		stand_in_write(hub, &disconnect, now_us);
	}
	become(hub, HUB_STOPPED, "stopped", now_us);
}

static void stand_in_reset(struct hub *hub, const char *why, int64_t now_us)
{
	hub->counts.lost++;
	become(hub, HUB_DOWN, why, now_us);
}

static void stand_in_wait(struct hub *hub, int *fd, short *events, int64_t *until_us)
{
	(void)fd;
	(void)events;
	if (hub->state == HUB_DOWN)
		*until_us = 0;
}

static void stand_in_process(struct hub *hub, int64_t now_us)
{
	static const uint8_t motor[15] = {
		15, 0, LWP3_ATTACHED_IO, LWP3_PORT_MOTOR, 1, LWP3_TRAIN_MOTOR};
	static const uint8_t light[15] = {15, 0, LWP3_ATTACHED_IO, LWP3_PORT_LIGHT, 1, LWP3_LIGHT};
	static const uint8_t battery[] = {6, 0, LWP3_HUB_PROPERTY, LWP3_BATTERY, LWP3_TELL, 100};
	struct lwp3_message brake = lwp3_power(LWP3_PORT_MOTOR, LWP3_BRAKE);

	if (hub->state != HUB_DOWN)
		return;
	hub->counts.connected++;
	// As with a real one: the first thing that a hub hears is the brake.
	hub->state = HUB_CONNECTING;
	stand_in_write(hub, &brake, now_us);
	tell(hub, motor, sizeof motor, now_us);
	tell(hub, light, sizeof light, now_us);
	tell(hub, battery, sizeof battery, now_us);
	become(hub, HUB_READY, "a stand-in is always there", now_us);
}

static void stand_in_destroy(struct hub *hub)
{
	free(hub);
}

#define DRIVER(name)                                                                   \
	{                                                                              \
		name, stand_in_destroy, stand_in_write, stand_in_stop, stand_in_reset, \
			stand_in_wait, stand_in_process                                \
	}
static const struct hub_driver sink_driver = DRIVER("sink");
static const struct hub_driver print_driver = DRIVER("print");
static const struct hub_driver record_driver = DRIVER("record");

static struct hub *create(const struct hub_driver *driver, hub_sink *sink, void *context,
	const struct hub_listener *listener)
{
	struct stand_in *stand_in = memory_alloc(sizeof *stand_in);

	*stand_in = (struct stand_in){
		.hub = {.driver = driver, .listener = *listener},
		.sink = sink,
		.context = context,
	};
	snprintf(stand_in->hub.name, sizeof stand_in->hub.name, "%s", driver->name);
	return &stand_in->hub;
}

static void print(void *context, const struct lwp3_message *message, int64_t now_us)
{
	struct buffer line = {0};

	(void)now_us;
	lwp3_describe(&line, message);
	fprintf(context, "%s\n", line.data);
	fflush(context);
	buffer_finish(&line);
}

static void record(void *context, const struct lwp3_message *message, int64_t now_us)
{
	struct buffer line = {0}, text = {0};

	buffer_printf(&line, "{\"at_us\":%lld,\"bytes\":\"", (long long)now_us);
	lwp3_print_bytes(&line, message->bytes, message->len);
	buffer_append_text(&line, "\",\"text\":");
	lwp3_describe(&text, message);
	json_string(&line, buffer_str(&text));
	fprintf(context, "%s}\n", line.data);
	fflush(context);
	buffer_finish(&text);
	buffer_finish(&line);
}

struct hub *hub_create_print(FILE *out, const struct hub_listener *listener)
{
	return create(&print_driver, print, out, listener);
}

struct hub *hub_create_record(FILE *out, const struct hub_listener *listener)
{
	return create(&record_driver, record, out, listener);
}

struct hub *hub_create_sink(hub_sink *sink, void *context, const struct hub_listener *listener)
{
	return create(&sink_driver, sink, context, listener);
}
