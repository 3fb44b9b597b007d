#include "train/monitor/door.h"

int door_wait(const struct door *door, int64_t now_us)
{
	return now_us - door->came_us > DOOR_ENTER_US ? DOOR_LOCKED : 0;
}

int door_hear(struct door *door, const struct live_said *said)
{
	struct monitor *monitor = door->monitor;

	if (said->verb == LIVE_GOT && door->is_open)
		return 0;
	if (said->verb == LIVE_GOT || !guard_is_token(&monitor->guard, said->token)) {
		monitor->counts.refused++;
		return DOOR_LOCKED;
	}
	door->is_open = true;
	return 0;
}
