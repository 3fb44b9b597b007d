/*
 * train/hub/lwp3.h — the Lego wireless protocol, version 3: messages to a hub, and what it says.
 * Pure. Source: Lego's protocol documentation; train.md names each row.
 *
 * A message is its length (itself included; one byte up to 127, else two), a 0, its type and the
 * rest, little-endian. A notification may hold several messages, or a part of one.
 */
#ifndef TRAIN_HUB_LWP3_H
#define TRAIN_HUB_LWP3_H

#include "base/str.h"

enum {
	LWP3_MAX_SEND_BYTES = 20,      // what a Bluetooth packet holds at least
	LWP3_MAX_RECEIVE_BYTES = 1024, // longer ones do not come from a hub
	LWP3_MAX_FEEDBACK = 16,
	LWP3_COMPANY = 0x0397,	   // in a hub's advertisement
	LWP3_TWO_PORT_HUB = 0x41,  // the City hub 88009 of set 60337
	LWP3_TRAIN_MOTOR = 0x0002, // types of what is attached
	LWP3_LIGHT = 0x0008,
};

#define LWP3_SERVICE_UUID "00001623-1212-efde-1623-785feabcd123"
#define LWP3_CHARACTERISTIC_UUID "00001624-1212-efde-1623-785feabcd123"

enum lwp3_port {
	LWP3_PORT_MOTOR = 0x00, // A
	LWP3_PORT_LIGHT = 0x01, // B
	LWP3_PORT_RGB = 0x32,
	LWP3_PORT_CURRENT = 0x3b,
	LWP3_PORT_VOLTAGE = 0x3c,
};

enum lwp3_type {
	LWP3_HUB_PROPERTY = 0x01,
	LWP3_HUB_ACTION = 0x02,
	LWP3_HUB_ALERT = 0x03,
	LWP3_ATTACHED_IO = 0x04,
	LWP3_GENERIC_ERROR = 0x05,
	LWP3_INPUT_FORMAT = 0x41,
	LWP3_PORT_VALUE = 0x45,
	LWP3_INPUT_FORMAT_SET = 0x47,
	LWP3_PORT_OUTPUT = 0x81,
	LWP3_OUTPUT_FEEDBACK = 0x82,
};

enum lwp3_property {
	LWP3_NAME = 0x01,
	LWP3_BUTTON = 0x02,
	LWP3_FIRMWARE = 0x03,
	LWP3_RSSI = 0x05,
	LWP3_BATTERY = 0x06,
	LWP3_SYSTEM_TYPE = 0x0b,
};
enum lwp3_property_operation {
	LWP3_SUBSCRIBE = 2,
	LWP3_UNSUBSCRIBE = 3,
	LWP3_ASK = 5,
	LWP3_TELL = 6
};

enum lwp3_action {
	LWP3_SWITCH_OFF = 0x01,
	LWP3_DISCONNECT = 0x02,
	LWP3_WILL_SWITCH_OFF = 0x30, // the hub says so
	LWP3_WILL_DISCONNECT = 0x31,
};

enum lwp3_alert {
	LWP3_LOW_VOLTAGE = 1,
	LWP3_HIGH_CURRENT = 2,
	LWP3_LOW_SIGNAL = 3,
	LWP3_OVER_POWER = 4
};
enum lwp3_alert_operation {
	LWP3_ALERT_ON = 1,
	LWP3_ALERT_OFF = 2,
	LWP3_ALERT_ASK = 3,
	LWP3_ALERT_TELL = 4
};

/* Bits of a feedback. */
enum lwp3_feedback {
	LWP3_IN_PROGRESS = 0x01,
	LWP3_COMPLETED = 0x02,
	LWP3_DISCARDED = 0x04,
	LWP3_IDLE = 0x08,
	LWP3_BUSY = 0x10,
};

/* Powers of a motor besides -100 to 100. */
enum { LWP3_FLOAT = 0, LWP3_BRAKE = 127 };

struct lwp3_message {
	uint8_t bytes[LWP3_MAX_SEND_BYTES];
	size_t len;
};

/* Executed at once, with feedback; mode 0. -100 to 100 percent, LWP3_FLOAT or LWP3_BRAKE. */
struct lwp3_message lwp3_power(enum lwp3_port port, int power);
/* Colour of the hub's own light by index (9 is red, 6 green, 0 off); needs its mode 0. */
struct lwp3_message lwp3_rgb_index(int index);
/* By parts; needs its mode 1. */
struct lwp3_message lwp3_rgb(uint8_t red, uint8_t green, uint8_t blue);
/* For motors with a tachometer only; the train's has none. */
struct lwp3_message lwp3_acceleration(enum lwp3_port port, int ms);
struct lwp3_message lwp3_speed(enum lwp3_port port, int speed, int max_power, int profiles);
/* What a port tells: its mode, the smallest change (0 floods), and whether unasked. */
struct lwp3_message lwp3_input_format(enum lwp3_port port, int mode, uint32_t delta, bool notify);
struct lwp3_message lwp3_property(
	enum lwp3_property property, enum lwp3_property_operation operation);
struct lwp3_message lwp3_action(enum lwp3_action action);
struct lwp3_message lwp3_alert(enum lwp3_alert alert, enum lwp3_alert_operation operation);

/* The power that a message gives to `port`, INT_MIN where it gives none. */
int lwp3_power_of(const struct lwp3_message *message, enum lwp3_port port);
bool lwp3_is_brake(const struct lwp3_message *message);

/* For people, as the original's stand-in says it: "MOTOR: Power at 70%.". */
void lwp3_describe(struct buffer *out, const struct lwp3_message *message);
/* "08 00 81 …". */
void lwp3_print_bytes(struct buffer *out, const uint8_t *bytes, size_t len);

struct lwp3_feedback_entry {
	uint8_t port, bits;
};

/* One message of a hub. Which members are set depends on `type`. */
struct lwp3_event {
	enum lwp3_type type; // others than those above come through, with `payload`
	uint8_t port;	     // attached I/O, value, format
	uint8_t code;	     // property, action, alert, or the error's code
	uint8_t command;     // the type of the message that an error answers
	bool is_attached;    // attached I/O; false: detached
	bool is_alert;	     // alert: it is on
	uint16_t io_type;    // attached I/O
	int64_t value;	     // property: battery %, RSSI dBm, button, firmware as BCD; value: raw
	struct lwp3_feedback_entry feedback[LWP3_MAX_FEEDBACK];
	size_t feedback_count;
	struct str payload; // after the type; borrowed
};

/* False where it is no message of the protocol (too short for its type): nothing is set. */
bool lwp3_decode(const uint8_t *bytes, size_t len, struct lwp3_event *out);
/* Name of an error's code, "?" for an unknown one. */
const char *lwp3_error_name(uint8_t code);

/* Raw values of the hub's own sensors. */
double lwp3_volts(int64_t raw);
double lwp3_milliamperes(int64_t raw);

/* Puts notifications together again. A zeroed struct is empty. */
struct lwp3_stream {
	uint8_t bytes[2 * LWP3_MAX_RECEIVE_BYTES];
	size_t start, len;
	int64_t broken_count; // times that bytes were thrown away
};

/* Adds a notification. What cannot be a message is thrown away, with all that waits. */
void lwp3_stream_add(struct lwp3_stream *stream, const uint8_t *bytes, size_t len);
/* The next whole message, valid until the next add; false where there is none. */
bool lwp3_stream_next(struct lwp3_stream *stream, const uint8_t **bytes, size_t *len);

#endif
