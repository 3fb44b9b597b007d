/*
 * train/wire/wire.h — what the train's services say to each other: a picture, what was found in it,
 * and what the train shall do. Pure: no I/O, no clock. The contract is docs/wire.md, its shapes
 * docs/wire/NAME.schema.json.
 *
 * Our own form is one line of JSON, and behind its newline the bytes of the picture as they are.
 * The original's form (`wire_compat_…`) has the picture as base64 within the JSON.
 *
 * Readers copy text into the arena; pictures of our own form are borrowed from the payload.
 * Readers fail with ERROR_INVALID, naming field, value and what would be right, or with ERROR_LIMIT
 * where a cap of this file is passed. Fields that a reader does not know are passed over.
 */
#ifndef TRAIN_WIRE_WIRE_H
#define TRAIN_WIRE_WIRE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#define WIRE_MAX_MESSAGE_BYTES ((size_t)16 << 20)
#define WIRE_MAX_METADATA_BYTES ((size_t)256 << 10)

enum {
	WIRE_VERSION = 1,
	WIRE_MAX_DETECTIONS = 1000,
	WIRE_MAX_TEXT_BYTES = 256,
	WIRE_MAX_SIDE_PX = 16384,
	WIRE_MAX_DEADLINE_MS = 60000,
	WIRE_COMPAT_SIDE_PX = 640, // the original's model sees a square of this side
};

/* 128 random bits, never all zero; 32 hexadecimal digits in JSON. */
struct wire_id {
	uint8_t bytes[16];
};

/*
 * Where a picture came from and when: the same in the picture, its result and the decision, so that
 * a brake can be traced to the light that caused it.
 */
struct wire_origin {
	struct wire_id trace; // of this picture
	struct wire_id boot;  // of the capture's start: `sequence` counts from 1 within it
	struct wire_id clock; // which monotonic clock: the kernel's boot
	struct str source;    // the camera's name
	int64_t sequence;
	int64_t captured_wall_ms;
	int64_t captured_monotonic_us;
	int64_t deadline_ms; // after capture: what comes later may stop the train, not move it
};

enum wire_format { WIRE_UNKNOWN_FORMAT, WIRE_JPEG, WIRE_WEBP, WIRE_PNG };

struct wire_image {
	enum wire_format format;
	int64_t width_px, height_px;
	struct str data; // empty: the picture is not in this message
};

struct wire_frame {
	struct wire_origin origin;
	struct wire_image image;
};

/* In pixels of the picture, from its top-left corner; may reach over its edges. */
struct wire_box {
	double x, y, width, height;
};

struct wire_detection {
	int64_t class_id; // 0 SpeedLimit, 1 DangerAhead
	struct str class_name;
	double confidence; // 0 to 1
	struct wire_box box;
};

/* What the detector found, best first. The picture may travel along. */
struct wire_result {
	struct wire_origin origin;
	struct wire_image image;
	struct str model;   // its name
	struct str backend; // what computed it
	int64_t prepare_us, infer_us, finish_us;
	struct wire_detection *detections;
	size_t detection_count;
};

/* In the order of precedence: a later one beats an earlier one. */
enum wire_order {
	WIRE_ORDER_NONE, // the picture decides nothing (it came too late, or twice)
	WIRE_ORDER_GO,	 // nothing restrains the train
	WIRE_ORDER_SLOW,
	WIRE_ORDER_STOP,
};

struct wire_decision {
	struct wire_origin origin;
	int64_t id;		      // counts from 1 within one run of the decision service
	int64_t decided_monotonic_us; // 0: not said (decision logs leave it out)
	enum wire_order order;
	struct str reason;     // for people
	int64_t track;	       // of the sign that caused it, 0: none
	struct str class_name; // of that sign, empty: none
	struct wire_box box;   // of that sign, where `track` is set
};

/* What a person asks of the controller. */
enum wire_verb { WIRE_VERB_STOP, WIRE_VERB_ARM, WIRE_VERB_DISARM };

/*
 * A command. `stop` and `disarm` hold whenever they come and whatever else they say; `arm` names
 * its time, so that one that lay in a broker moves no train.
 */
struct wire_command {
	struct wire_id id; // its answer in the telemetry carries it
	enum wire_verb verb;
	struct wire_id clock; // of the sender; all 0: no time is said
	int64_t sent_monotonic_us;
	int64_t deadline_ms; // after it was sent
};

/*
 * What became of a command that its controller never got, or cannot answer: the train's own word to
 * the cloud, beside the telemetry's. The same command has the same answer, once.
 */
struct wire_answer {
	struct wire_id id; // the command's
	bool has_verb;	   // false: it could not be read
	enum wire_verb verb;
	bool is_done;	   // false: it was refused
	struct str reason; // why, where it was refused; for people
};

/* An order on its way from the camera to the hub. */
struct wire_step {
	int64_t id; // of the decision; 0: there is none yet
	enum wire_order order;
	struct wire_id trace;
	struct wire_id clock; // of the capture
	int64_t captured_monotonic_us;
	int64_t received_monotonic_us; // by the controller, on its clock
	int64_t written_monotonic_us;  // to the hub, on its clock; 0: it changed nothing there
};

/*
 * How the controller is: published some times a second and at each change, not retained. What is
 * not known is left out of the message.
 */
struct wire_telemetry {
	struct wire_id boot;  // of the controller's start: `sequence` counts from 1 within it
	struct wire_id clock; // of the controller
	int64_t sequence, sent_wall_ms, sent_monotonic_us;
	struct str mode;   // one of wire_mode_is_known
	struct str reason; // of the mode, for people
	struct str hub;	   // which, for people: "print", "City hub 90:84:2B:01:02:03"; empty: none
	bool is_armed, is_battery_low;
	int64_t percent;	 // last told to the motor; 0: braked
	int64_t battery_percent; // 0: not known
	int64_t rssi_dbm;	 // 0: not known
	double volts;		 // 0: not known
	double speed_mps;	 // 0: not known, or it stands
	bool has_stop_distance;
	double stop_distance_m; // predicted, from here, if it were told to stop now
	struct wire_step taken; // the last fresh decision
	struct wire_step acted; // the last that changed what the hub is told
	struct wire_id command; // the last command that was read; all 0: none
	enum wire_verb command_verb;
	bool command_is_done;	   // false: it was refused
	struct str command_reason; // why, where it was refused
};

const char *wire_format_name(enum wire_format format); // "jpeg"; "" for unknown
const char *wire_verb_name(enum wire_verb verb);       // "stop"
/* no-hub, disarmed, waiting, dead, stopped, slow, going: docs/controller.md. */
bool wire_mode_is_known(struct str mode);
const char *wire_order_name(enum wire_order order); // "stop"
/* By its first bytes. */
enum wire_format wire_sniff(struct str picture);

/* 32 hexadecimal digits and a NUL. */
void wire_id_print(char out[33], const struct wire_id *id);
/* 32 hexadecimal digits of either case, not all 0; a kernel's boot id with its dashes fits too. */
bool wire_id_parse(struct str text, struct wire_id *out);
bool wire_id_is_zero(const struct wire_id *id);

/* Appends a message. Numbers must be finite and within the limits that the readers check. */
void wire_write_frame(struct buffer *out, const struct wire_frame *frame);
void wire_write_result(struct buffer *out, const struct wire_result *result);
/* One line without its newline, also a line of a decision log. */
void wire_write_decision(struct buffer *out, const struct wire_decision *decision);
/* All one line without its newline. */
void wire_write_command(struct buffer *out, const struct wire_command *command);
void wire_write_answer(struct buffer *out, const struct wire_answer *answer);
void wire_write_telemetry(struct buffer *out, const struct wire_telemetry *telemetry);

bool wire_read_frame(
	struct str payload, struct arena *arena, struct wire_frame *out, struct error *err);
bool wire_read_result(
	struct str payload, struct arena *arena, struct wire_result *out, struct error *err);
bool wire_read_decision(
	struct str payload, struct arena *arena, struct wire_decision *out, struct error *err);
/* Where it fails, out->id is that of a command whose id and verb could be read, else all 0. */
bool wire_read_command(
	struct str payload, struct arena *arena, struct wire_command *out, struct error *err);
bool wire_read_answer(
	struct str payload, struct arena *arena, struct wire_answer *out, struct error *err);
bool wire_read_telemetry(
	struct str payload, struct arena *arena, struct wire_telemetry *out, struct error *err);

/* An id is given back as it came: 1720432800000 or "2024-07-08T10:00:00Z". */
struct wire_compat_id {
	bool is_number;
	struct str text;
};

/* `train-image`. `picture` is in the arena; its format is sniffed, any is taken. */
struct wire_compat_image {
	struct wire_compat_id id;
	enum wire_format format;
	struct str picture;
};

/*
 * `train-model-result`. Boxes here are in pixels of the picture; on the wire they are texts in a
 * square of 640 pixels into whose top-left corner the picture was scaled: pixel = box * scale.
 */
struct wire_compat_result {
	struct wire_compat_id id;
	struct str picture; // empty: none
	double scale;	    // larger side / 640
	int64_t prepare_us, infer_us, finish_us;
	struct wire_detection *detections;
	size_t detection_count;
};

void wire_compat_write_image(struct buffer *out, const struct wire_compat_image *image);
bool wire_compat_read_image(
	struct str payload, struct arena *arena, struct wire_compat_image *out, struct error *err);
void wire_compat_write_result(struct buffer *out, const struct wire_compat_result *result);
bool wire_compat_read_result(
	struct str payload, struct arena *arena, struct wire_compat_result *out, struct error *err);

/*
 * `train-monitoring`, what the original sends to Kafka for each result: a CloudEvent in one JSON
 * object whose data is the result, its picture behind "data:image/webp;base64,". As there: `time`
 * is Java's Date ("Mon Jul 08 10:00:00 UTC 2024"), source and subject name nobody. `id` becomes a
 * UUID of version 4.
 */
void wire_compat_write_monitoring(struct buffer *out, const struct wire_id *id, int64_t time_ms,
	const struct wire_compat_result *result);

/* `train-command-capture`: {"command":"start"} or "stop"; nothing else is read. */
enum wire_capture { WIRE_CAPTURE_START, WIRE_CAPTURE_STOP };
bool wire_compat_read_capture(struct str payload, enum wire_capture *out, struct error *err);
const char *wire_capture_name(enum wire_capture what); // "start"

/* `train-command`: 1 stops, 0 slows, -1 is nothing. */
const char *wire_compat_command(enum wire_order order);
/* Other whole numbers are nothing too, as in the original (WIRE_ORDER_NONE). */
bool wire_compat_read_command(struct str payload, enum wire_order *out, struct error *err);

/*
 * What goes to the cloud: a CloudEvent (https://github.com/cloudevents/spec, 1.0). `data` is one of
 * the messages above, as it is on the bus.
 *
 *   id        unique within the source: a reader that saw it already has it twice
 *   backlog   it waited while the link was down: an attribute of ours, absent where it did not
 */
struct wire_cloud_event {
	struct str id, source, type, subject; // subject: the train, the key of its records
	int64_t time_ms;
	bool backlog;
	struct str content_type; // "application/json", or the one of results with their picture
	struct str data;
};

#define WIRE_CLOUD_CONTENT_TYPE "application/cloudevents+json; charset=UTF-8"
/* A line of JSON and the bytes of a picture: what wire_write_result writes. */
#define WIRE_PICTURE_CONTENT_TYPE "application/vnd.railquest.picture"

/*
 * Structured mode: one JSON object that holds everything; data that is no JSON as base64, a third
 * larger.
 */
void wire_cloud_write(struct buffer *out, const struct wire_cloud_event *event);
bool wire_cloud_read(
	struct str value, struct arena *arena, struct wire_cloud_event *out, struct error *err);

/* Binary mode: attributes as headers of the record ("ce_id"), its value is `data` as it is. */
struct wire_cloud_header {
	const char *name;
	struct str value;
};
enum { WIRE_CLOUD_HEADERS = 8 };
/* Returns how many; texts that are made are the arena's. */
size_t wire_cloud_headers(const struct wire_cloud_event *event, struct arena *arena,
	struct wire_cloud_header out[WIRE_CLOUD_HEADERS]);
/* `value` and headers are borrowed by *out. Headers of other names are passed over. */
bool wire_cloud_read_headers(const struct wire_cloud_header *headers, size_t count,
	struct str value, struct wire_cloud_event *out, struct error *err);
/* Whichever of the two modes a record's headers say. */
bool wire_cloud_read_record(const struct wire_cloud_header *headers, size_t count, struct str value,
	struct arena *arena, struct wire_cloud_event *out, struct error *err);

/* Larger side of the picture / 640. */
double wire_compat_scale(int64_t width_px, int64_t height_px);

#endif
