#include "train/hub/lwp3.h"

#include <limits.h>

enum {
	EXECUTE_WITH_FEEDBACK = 0x11,
	WRITE_DIRECT = 0x51,
	SET_ACCELERATION = 0x05,
	START_SPEED = 0x07
};

static struct lwp3_message message(enum lwp3_type type, const uint8_t *rest, size_t len)
{
	struct lwp3_message out = {.len = len + 3};

	out.bytes[0] = (uint8_t)out.len;
	out.bytes[2] = (uint8_t)type;
	memcpy(out.bytes + 3, rest, len);
	return out;
}

#define MESSAGE(type, ...) \
	message(type, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

struct lwp3_message lwp3_power(enum lwp3_port port, int power)
{
	return MESSAGE(LWP3_PORT_OUTPUT, (uint8_t)port, EXECUTE_WITH_FEEDBACK, WRITE_DIRECT, 0,
		(uint8_t)power);
}

struct lwp3_message lwp3_rgb_index(int index)
{
	return lwp3_power(LWP3_PORT_RGB, index);
}

struct lwp3_message lwp3_rgb(uint8_t red, uint8_t green, uint8_t blue)
{
	return MESSAGE(LWP3_PORT_OUTPUT, LWP3_PORT_RGB, EXECUTE_WITH_FEEDBACK, WRITE_DIRECT, 1, red,
		green, blue);
}

struct lwp3_message lwp3_acceleration(enum lwp3_port port, int ms)
{
	return MESSAGE(LWP3_PORT_OUTPUT, (uint8_t)port, EXECUTE_WITH_FEEDBACK, SET_ACCELERATION,
		(uint8_t)ms, (uint8_t)(ms >> 8), 0);
}

struct lwp3_message lwp3_speed(enum lwp3_port port, int speed, int max_power, int profiles)
{
	return MESSAGE(LWP3_PORT_OUTPUT, (uint8_t)port, EXECUTE_WITH_FEEDBACK, START_SPEED,
		(uint8_t)speed, (uint8_t)max_power, (uint8_t)profiles);
}

struct lwp3_message lwp3_input_format(enum lwp3_port port, int mode, uint32_t delta, bool notify)
{
	return MESSAGE(LWP3_INPUT_FORMAT, (uint8_t)port, (uint8_t)mode, (uint8_t)delta,
		(uint8_t)(delta >> 8), (uint8_t)(delta >> 16), (uint8_t)(delta >> 24), notify);
}

struct lwp3_message lwp3_property(
	enum lwp3_property property, enum lwp3_property_operation operation)
{
	return MESSAGE(LWP3_HUB_PROPERTY, (uint8_t)property, (uint8_t)operation);
}

struct lwp3_message lwp3_action(enum lwp3_action action)
{
	return MESSAGE(LWP3_HUB_ACTION, (uint8_t)action);
}

struct lwp3_message lwp3_alert(enum lwp3_alert alert, enum lwp3_alert_operation operation)
{
	return MESSAGE(LWP3_HUB_ALERT, (uint8_t)alert, (uint8_t)operation);
}

int lwp3_power_of(const struct lwp3_message *sent, enum lwp3_port port)
{
	const uint8_t *bytes = sent->bytes;
	bool is_power = sent->len == 8 && bytes[2] == LWP3_PORT_OUTPUT && bytes[3] == port &&
			bytes[5] == WRITE_DIRECT && bytes[6] == 0;

	return is_power ? (int8_t)bytes[7] : INT_MIN;
}

bool lwp3_is_brake(const struct lwp3_message *sent)
{
	return lwp3_power_of(sent, LWP3_PORT_MOTOR) == LWP3_BRAKE;
}

void lwp3_print_bytes(struct buffer *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buffer_printf(out, "%s%02x", i ? " " : "", bytes[i]);
}

void lwp3_describe(struct buffer *out, const struct lwp3_message *sent)
{
	int motor = lwp3_power_of(sent, LWP3_PORT_MOTOR);
	int light = lwp3_power_of(sent, LWP3_PORT_LIGHT);

	if (motor == LWP3_BRAKE)
		buffer_append_text(out, "MOTOR: Brake");
	else if (motor == LWP3_FLOAT)
		buffer_append_text(out, "MOTOR: Float");
	else if (motor != INT_MIN)
		buffer_printf(out, "MOTOR: Power at %d%%.", motor);
	else if (light != INT_MIN)
		buffer_printf(out, "LED  : Power at %d%%.", light);
	else if (lwp3_power_of(sent, LWP3_PORT_RGB) != INT_MIN)
		buffer_printf(out, "HUB  : Colour %d.", lwp3_power_of(sent, LWP3_PORT_RGB));
	else {
		buffer_append_text(out, "HUB  : ");
		lwp3_print_bytes(out, sent->bytes, sent->len);
	}
}

static uint32_t read_u32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static int read_signed(uint8_t byte)
{
	return byte < 128 ? byte : byte - 256;
}

// Signed, of 1, 2 or 4 bytes; 0 for other sizes.
static int64_t read_value(const uint8_t *bytes, size_t len)
{
	if (len == 1)
		return read_signed(bytes[0]);
	if (len == 2)
		return (int16_t)(bytes[0] | bytes[1] << 8);
	return len == 4 ? (int32_t)read_u32(bytes) : 0;
}

static bool decode_property(const uint8_t *rest, size_t len, struct lwp3_event *out)
{
	if (len < 3 || rest[1] != LWP3_TELL)
		return false;
	out->code = rest[0];
	if (out->code == LWP3_RSSI)
		out->value = read_signed(rest[2]);
	else if (out->code == LWP3_FIRMWARE)
		out->value = len >= 6 ? (int64_t)read_u32(rest + 2) : 0;
	else
		out->value = rest[2];
	return true;
}

static bool decode_attached(const uint8_t *rest, size_t len, struct lwp3_event *out)
{
	if (len < 2 || (rest[1] != 0 && len < 4))
		return false;
	out->port = rest[0];
	out->is_attached = rest[1] != 0;
	if (out->is_attached)
		out->io_type = (uint16_t)(rest[2] | rest[3] << 8);
	return true;
}

static bool decode_feedback(const uint8_t *rest, size_t len, struct lwp3_event *out)
{
	for (size_t i = 0; i + 1 < len && out->feedback_count < LWP3_MAX_FEEDBACK; i += 2)
		out->feedback[out->feedback_count++] =
			(struct lwp3_feedback_entry){rest[i], rest[i + 1]};
	return out->feedback_count > 0;
}

static bool decode_rest(const uint8_t *rest, size_t len, struct lwp3_event *out)
{
	switch (out->type) {
	case LWP3_HUB_PROPERTY:
		return decode_property(rest, len, out);
	case LWP3_HUB_ACTION:
		out->code = len ? rest[0] : 0;
		return len >= 1;
	case LWP3_HUB_ALERT:
		if (len < 3 || rest[1] != LWP3_ALERT_TELL)
			return false;
		out->code = rest[0];
		out->is_alert = rest[2] != 0;
		return true;
	case LWP3_ATTACHED_IO:
		return decode_attached(rest, len, out);
	case LWP3_GENERIC_ERROR:
		if (len < 2)
			return false;
		out->command = rest[0];
		out->code = rest[1];
		return true;
	case LWP3_PORT_VALUE:
		if (len < 2)
			return false;
		out->port = rest[0];
		out->value = read_value(rest + 1, len - 1);
		return true;
	case LWP3_INPUT_FORMAT_SET:
		out->port = len ? rest[0] : 0;
		return len >= 7;
	case LWP3_OUTPUT_FEEDBACK:
		return decode_feedback(rest, len, out);
	case LWP3_INPUT_FORMAT:
	case LWP3_PORT_OUTPUT:
		break;
	}
	return true;
}

bool lwp3_decode(const uint8_t *bytes, size_t len, struct lwp3_event *out)
{
	size_t head = len && bytes[0] & 0x80 ? 4 : 3;

	*out = (struct lwp3_event){0};
	if (len < head)
		return false;
	out->type = (enum lwp3_type)bytes[head - 1];
	out->payload = (struct str){(const char *)bytes + head, len - head};
	if (decode_rest(bytes + head, len - head, out))
		return true;
	*out = (struct lwp3_event){0};
	return false;
}

const char *lwp3_error_name(uint8_t code)
{
	static const char *const names[] = {"?", "acknowledged", "acknowledged by a module",
		"buffer overflow", "timeout", "command not recognised", "invalid use",
		"overcurrent", "internal error"};

	return code < sizeof names / sizeof *names ? names[code] : names[0];
}

double lwp3_volts(int64_t raw)
{
	return (double)raw * 9.615 / 3893;
}

double lwp3_milliamperes(int64_t raw)
{
	return (double)raw * 2444 / 4095;
}
