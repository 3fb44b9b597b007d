/*
 * train/ring/ring.h — what trains said, on disk: frames, results, decisions, telemetry, commands,
 * byte for byte as they came. Bounded by size, and by age where that is asked for: the oldest goes
 * first. Any instant is found quickly, by one who writes or by another process, while it is being
 * written. After kill -9 all but a torn last record is there. The format is described in ring.c.
 *
 * Instants are Unix time in milliseconds. Numbers count a train's records from 1 and are never used
 * again while the ring is there. Instants may go backwards from one number to the next: what waited
 * on a train that had no link is recorded late, at the instant of which it speaks.
 */
#ifndef TRAIN_RING_RING_H
#define TRAIN_RING_RING_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "train/wire/wire.h"

#define RING_LEAST_BYTES ((uint64_t)1 << 20)

enum ring_kind {
	RING_FRAME,
	RING_RESULT,
	RING_DECISION,
	RING_TELEMETRY,
	RING_COMMAND,
	RING_PRESENCE, // railquest/TRAIN/state/SERVICE
	RING_KIND_COUNT,
};

extern const char *const ring_kind_names[RING_KIND_COUNT]; // "frame"

/* In the order of wire_mode_is_known; what a telemetry says. */
enum ring_mode {
	RING_MODE_UNKNOWN,
	RING_MODE_NO_HUB,
	RING_MODE_DISARMED,
	RING_MODE_WAITING,
	RING_MODE_DEAD,
	RING_MODE_STOPPED,
	RING_MODE_SLOW,
	RING_MODE_GOING,
	RING_MODE_COUNT,
};

extern const char *const ring_mode_names[RING_MODE_COUNT]; // "no-hub"

/* What is kept of a message beside it, so that a timeline is drawn without reading messages. */
struct ring_note {
	enum ring_kind kind;
	bool is_compat;	  // the message is of the original's form
	bool is_readable; // it is one of its kind: the readers of wire.h take it
	bool is_first;	  // a decision with the id 1: a run of the decision service begins
	uint8_t state; // decision: enum wire_order; telemetry: enum ring_mode; command: wire_verb
	uint8_t battery_percent; // 0: not known
	uint8_t percent;	 // of the motor
	uint64_t key; // the same for a picture, its result and its decision; 0: it belongs to none
};

/* Reads the message; whatever it is, there is a note of it. */
struct ring_note ring_note_of(enum ring_kind kind, bool is_compat, struct str message);

struct ring_entry {
	uint64_t number;
	int64_t at_ms;
	struct ring_note note;
	uint32_t size; // of the message
	// Where it is, for ring_reader_read.
	uint64_t segment;
	uint32_t offset;
};

/* --- writing: one thread, one process --- */

struct ring;

struct ring_options {
	const char *folder; // made where it is missing, its parent is there
	uint64_t max_bytes; // of all files, at least RING_LEAST_BYTES
	int64_t max_age_ms; // 0: any
};

struct ring_status {
	uint64_t bytes;	  // of all files
	uint64_t damaged; // bytes that were given up when it was opened: torn or changed
};

/*
 * What the last process left is brought in order: a torn end is cut. Fails: ERROR_SYSTEM;
 * ERROR_INVALID where max_bytes is too small.
 */
struct ring *ring_open(const struct ring_options *options, struct error *err);
void ring_close(struct ring *ring); // takes NULL

/*
 * In the file when it returns; what is oldest made room. Fails, and nothing was appended:
 * ERROR_SYSTEM; ERROR_LIMIT for a message that takes more than a quarter of the ring.
 */
bool ring_append(struct ring *ring, int64_t at_ms, const struct ring_note *note, struct str message,
	struct error *err);
/* Drops what is too old at `now_ms`. Fails: ERROR_SYSTEM. */
bool ring_expire(struct ring *ring, int64_t now_ms, struct error *err);
/* What was appended outlives a loss of power. Fails: ERROR_SYSTEM. */
bool ring_sync(struct ring *ring, struct error *err);
struct ring_status ring_status(const struct ring *ring);

/* --- a recorder: a thread that writes the rings of many trains --- */

/* The file in a recorder's folder by which such a folder is known; no train's folder has its name.
 */
#define RING_LOCK_FILE ".lock"

struct ring_recorder;

struct ring_recorder_options {
	const char *folder; // a folder for each train is in it; made where it is missing
	uint64_t max_bytes; // of each train
	int64_t max_age_ms; // 0: any
	size_t max_trains;
};

struct ring_recorder_status {
	uint64_t written[RING_KIND_COUNT], lost[RING_KIND_COUNT]; // messages
	uint64_t bytes;						  // of all rings
	uint64_t damaged; // bytes that were given up when rings were opened
	size_t trains;
	bool is_failing;     // the last message was lost
	struct error reason; // of the last loss
};

/* Fails: ERROR_SYSTEM; ERROR_INVALID where another process records into the folder. */
struct ring_recorder *ring_recorder_start(
	const struct ring_recorder_options *options, struct error *err);
/* Takes NULL. What waits is written first. */
void ring_recorder_stop(struct ring_recorder *recorder);
/* Never waits for the disk: where too much waits already, the message is lost, and counted. */
void ring_recorder_add(struct ring_recorder *recorder, struct str train, enum ring_kind kind,
	bool is_compat, int64_t at_ms, struct str message);
/* Some times a second: what is too old goes, what is new becomes durable once a second. */
void ring_recorder_tick(struct ring_recorder *recorder, int64_t now_ms);
struct ring_recorder_status ring_recorder_status(struct ring_recorder *recorder);
/* For tests, and before a look at what was just said: waits until nothing waits. */
void ring_recorder_drain(struct ring_recorder *recorder);

enum { RING_MAX_FOLDER_BYTES = 224 };
/* The name of a train's folder: letters, digits, - _ . and the rest as %XX; false: it is too long.
 */
bool ring_folder_name(struct str train, char out[RING_MAX_FOLDER_BYTES]);

/*
 * The trains of which something is in a recorder's folder, those that were recorded last first,
 * `max` at most; in the arena. What else is in there is passed over; a folder that is not there has
 * none. Fails: ERROR_SYSTEM.
 */
bool ring_list_trains(const char *folder, size_t max, struct arena *arena, struct str **out,
	size_t *count, struct error *err);

/* --- reading: any process, any number --- */

struct ring_reader;

struct ring_span {
	uint64_t first, last; // numbers; last < first: it is empty
	int64_t oldest_ms, newest_ms;
	uint64_t bytes;
};

/*
 * The ring as it is now; what is dropped later is not found any more. Fails: ERROR_SYSTEM.
 */
struct ring_reader *ring_reader_open(const char *folder, struct error *err);
/* Of a train in a recorder's folder. Fails: as above; ERROR_INVALID where nothing of it is there.
 */
struct ring_reader *ring_reader_open_train(const char *folder, struct str train, struct error *err);
void ring_reader_close(struct ring_reader *reader); // takes NULL
struct ring_span ring_reader_span(const struct ring_reader *reader);

/*
 * Entries with from_ms <= at_ms <= to_ms, in the order of their numbers; `kinds` has a bit for each
 * enum ring_kind. Ends early, with true, where visit returns false. Fails: ERROR_SYSTEM.
 */
typedef bool ring_visit(void *context, const struct ring_entry *entry);
bool ring_reader_visit(struct ring_reader *reader, int64_t from_ms, int64_t to_ms, unsigned kinds,
	ring_visit *visit, void *context, struct error *err);
enum { RING_ALL_KINDS = (1 << RING_KIND_COUNT) - 1 };

/*
 * The same in the order of time, in the arena; where there are more than `max`, the first ones by
 * number and *is_cut.
 */
bool ring_reader_list(struct ring_reader *reader, int64_t from_ms, int64_t to_ms, unsigned kinds,
	size_t max, struct arena *arena, struct ring_entry **out, size_t *count, bool *is_cut,
	struct error *err);
/* The newest readable frame at `at_ms` or before. False with ERROR_NONE: there is none. */
bool ring_reader_frame_at(
	struct ring_reader *reader, int64_t at_ms, struct ring_entry *out, struct error *err);
/* False with ERROR_NONE: there is none of that number (any more). */
bool ring_reader_find(
	struct ring_reader *reader, uint64_t number, struct ring_entry *out, struct error *err);
/* The message as it came. False with ERROR_NONE: it was dropped meanwhile. Fails: ERROR_SYSTEM;
 * ERROR_INVALID for one that was changed on the disk. */
bool ring_reader_read(struct ring_reader *reader, const struct ring_entry *entry,
	struct arena *arena, struct str *out, struct error *err);

/* --- what messages of either form say, for those who show them --- */

struct ring_picture {
	struct str data;
	enum wire_format format;
	int64_t width_px, height_px; // that boxes refer to; 0: the picture's own
	int64_t captured_ms;	     // 0: not said
};

/* Both: of readable messages; fail as the readers of wire.h do. */
bool ring_picture_of(const struct ring_note *note, struct str message, struct arena *arena,
	struct ring_picture *out, struct error *err);
/* Detections in the arena. */
bool ring_detections_of(const struct ring_note *note, struct str message, struct arena *arena,
	struct wire_detection **out, size_t *count, struct error *err);

#endif
