#include "hub.h"

static void tell(struct fake_hub *hub, const uint8_t *bytes, size_t len)
{
	hub->notify(hub->context, bytes, len);
}

#define TELL(hub, ...) \
	tell(hub, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

void fake_hub_attach(struct fake_hub *hub, uint8_t port, bool is_attached)
{
	bool *has = port == 0 ? &hub->has_motor : &hub->has_light;
	uint8_t type = port == 0 ? 0x02 : 0x08;

	*has = is_attached;
	if (is_attached)
		TELL(hub, 15, 0, 0x04, port, 1, type, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x10);
	else
		TELL(hub, 5, 0, 0x04, port, 0);
}

void fake_hub_tell_battery(struct fake_hub *hub)
{
	TELL(hub, 6, 0, 0x01, 0x06, 0x06, (uint8_t)hub->battery_percent);
}

void fake_hub_tell_voltage(struct fake_hub *hub)
{
	TELL(hub, 6, 0, 0x45, 0x3c, (uint8_t)hub->voltage_raw, (uint8_t)(hub->voltage_raw >> 8));
}

void fake_hub_tell_alert(struct fake_hub *hub, bool is_on)
{
	TELL(hub, 6, 0, 0x03, 0x01, 0x04, is_on ? 0xff : 0);
}

void fake_hub_greet(struct fake_hub *hub)
{
	static const uint8_t own[][2] = {{0x32, 0x17}, {0x3b, 0x15}, {0x3c, 0x14}};

	if (hub->has_motor)
		fake_hub_attach(hub, 0, true);
	if (hub->has_light)
		fake_hub_attach(hub, 1, true);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		TELL(hub, 15, 0, 0x04, own[i][0], 1, own[i][1], 0, 0, 0, 0, 0x10, 0, 0, 0, 0x10);
}

static void hear_property(struct fake_hub *hub, uint8_t property, uint8_t operation)
{
	if (operation != 2 && operation != 5)
		return;
	if (property == 0x06)
		fake_hub_tell_battery(hub);
	else if (property == 0x05)
		TELL(hub, 6, 0, 0x01, 0x05, 0x06, 0xc4);
	else if (property == 0x02)
		TELL(hub, 6, 0, 0x01, 0x02, 0x06, 0);
	else if (property == 0x03)
		TELL(hub, 9, 0, 0x01, 0x03, 0x06, 0x10, 0x15, 0x37, 0x17);
}

static void hear_output(struct fake_hub *hub, uint8_t port, uint8_t startup)
{
	bool is_there = port == 0 ? hub->has_motor : port == 1 ? hub->has_light : port == 0x32;

	if (hub->is_mute)
		return;
	if (hub->error_code) {
		TELL(hub, 5, 0, 0x05, 0x81, (uint8_t)hub->error_code);
		hub->error_code = 0;
	} else if (!is_there) {
		TELL(hub, 5, 0, 0x05, 0x81, 0x06);
	} else if (startup & 1) {
		TELL(hub, 5, 0, 0x82, port, 0x0a);
	}
}

void fake_hub_hear(struct fake_hub *hub, const uint8_t *bytes, size_t len)
{
	uint8_t type = len >= 3 ? bytes[2] : 0;

	if (len < 4 || bytes[0] != len) {
		TELL(hub, 5, 0, 0x05, type, 0x05);
		return;
	}
	if (type == 0x01 && len >= 5) {
		hear_property(hub, bytes[3], bytes[4]);
	} else if (type == 0x02) {
		hub->leaves = bytes[3] == 0x01 || bytes[3] == 0x02;
		if (hub->leaves)
			TELL(hub, 4, 0, 0x02, bytes[3] == 0x01 ? 0x30 : 0x31);
	} else if (type == 0x03 && len >= 5) {
		if (bytes[4] == 1 || bytes[4] == 3)
			fake_hub_tell_alert(hub, false);
	} else if (type == 0x41 && len == 10) {
		TELL(hub, 10, 0, 0x47, bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], bytes[8],
			bytes[9]);
		if (bytes[3] == 0x3c && bytes[9])
			fake_hub_tell_voltage(hub);
	} else if (type == 0x81 && len >= 6) {
		hear_output(hub, bytes[3], bytes[4]);
	} else {
		TELL(hub, 5, 0, 0x05, type, 0x05);
	}
}
