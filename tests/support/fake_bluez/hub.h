/*
 * The hub behind the fake: answers Lego's protocol as a City hub does, and can be told to fail.
 */
#ifndef FAKE_BLUEZ_HUB_H
#define FAKE_BLUEZ_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_hub {
	void (*notify)(void *context, const uint8_t *bytes, size_t len);
	void *context;
	int battery_percent;
	int voltage_raw;
	bool has_motor, has_light;
	int error_code; // answers the next output command instead of feedback; 0: none
	bool is_mute;	// carries out output commands without a word
	bool leaves;	// it was told to disconnect
};

/* What a hub says when its notifications are switched on. */
void fake_hub_greet(struct fake_hub *hub);
/* A message to it. */
void fake_hub_hear(struct fake_hub *hub, const uint8_t *bytes, size_t len);
/* Something is plugged in, or pulled out. */
void fake_hub_attach(struct fake_hub *hub, uint8_t port, bool is_attached);
void fake_hub_tell_battery(struct fake_hub *hub);
void fake_hub_tell_voltage(struct fake_hub *hub);
void fake_hub_tell_alert(struct fake_hub *hub, bool is_on);

#endif
