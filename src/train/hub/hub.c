#include "train/hub/hub.h"

const char *hub_state_name(enum hub_state state)
{
	static const char *const names[] = {"down", "searching", "connecting", "ready", "stopped"};

	return names[state];
}

void hub_write(struct hub *hub, const struct lwp3_message *message, int64_t now_us)
{
	if (hub->state == HUB_READY)
		hub->driver->write(hub, message, now_us);
}

void hub_stop(struct hub *hub, int64_t now_us)
{
	if (hub->state != HUB_STOPPED)
		hub->driver->stop(hub, now_us);
}

void hub_reset(struct hub *hub, const char *why, int64_t now_us)
{
	if (hub->state == HUB_READY)
		hub->driver->reset(hub, why, now_us);
}

void hub_wait(struct hub *hub, int *fd, short *events, int64_t *until_us)
{
	*fd = -1;
	*events = 0;
	*until_us = INT64_MAX;
	hub->driver->wait(hub, fd, events, until_us);
}

void hub_process(struct hub *hub, int64_t now_us)
{
	hub->driver->process(hub, now_us);
}

void hub_destroy(struct hub *hub)
{
	if (hub)
		hub->driver->destroy(hub);
}
