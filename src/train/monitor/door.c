#include "train/monitor/door.h"

struct door door_enter(
	struct monitor *monitor, const struct http_request *request, bool is_open, int64_t now_us)
{
	struct str token = guard_bearer(request->headers[HTTP_AUTHORIZATION]);

	return (struct door){monitor, is_open, now_us, access_pass(&monitor->access, token)};
}

bool door_is_closed(struct door *door)
{
	return !access_holds(&door->monitor->access, &door->pass);
}

bool door_lets(struct door *door, int64_t now_us, int *close_code)
{
	bool is_late = !door->is_open && now_us - door->came_us > DOOR_ENTER_US;
	bool is_closed = door->is_open && door_is_closed(door);

	*close_code = is_late || is_closed ? DOOR_LOCKED : 0;
	return door->is_open && !is_closed;
}

int door_hear(struct door *door, const struct live_said *said)
{
	struct monitor *monitor = door->monitor;

	if (said->verb == LIVE_GOT && door->is_open)
		return 0;
	if (said->verb == LIVE_GOT || !guard_is_token(&monitor->access.guard, said->token)) {
		monitor->counts.refused++;
		return DOOR_LOCKED;
	}
	door->is_open = true;
	door->pass = access_pass(&monitor->access, said->token);
	return 0;
}
