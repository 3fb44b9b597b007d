/*
 * train/supervisor/recording.h — what a train said, in a folder: pictures.bin has the pictures as
 * they came, one after another; index.ndjson a line for each message in the order in which they
 * came. Both only grow; what is there stays readable whatever happens to the last line.
 *
 *	{"version":1,"kind":"recording","train":NAME,"started_wall_ms":N,"release":TEXT}
 *	{"topic":"frame","received_us":N,"picture":[OFFSET,SIZE],"message":{…}}
 *	{"topic":"decision","received_us":N,"message":{…}}
 *
 * `message` is the line of the message itself (docs/wire.md), `received_us` on the recorder's
 * monotonic clock.
 */
#ifndef TRAIN_SUPERVISOR_RECORDING_H
#define TRAIN_SUPERVISOR_RECORDING_H

#include "train/wire/wire.h"

#include <stdio.h>

enum recording_topic {
	RECORDING_FRAME,
	RECORDING_RESULT,
	RECORDING_DECISION,
	RECORDING_TELEMETRY,
	RECORDING_TOPIC_COUNT,
};

extern const char *const recording_topics[RECORDING_TOPIC_COUNT];

/* --- writing --- */

struct recording {
	int index_fd, pictures_fd;
	int64_t index_size, pictures_size; // what is whole; beyond it nothing counts
	bool is_failing;		   // the last one could not be written
	bool has_news;			   // since the last recording_sync
	struct buffer line;
};

enum recording_outcome {
	RECORDING_WRITTEN,
	RECORDING_REFUSED, // no message of that kind
	RECORDING_LOST,	   // the disk did not take it
};

/*
 * Makes the folder where there is none. Fails: ERROR_INVALID where it holds a recording already,
 * ERROR_SYSTEM.
 */
bool recording_create(struct recording *recording, const char *folder, const char *train,
	int64_t now_wall_ms, struct error *err);
/* Takes a zeroed struct. */
void recording_close(struct recording *recording);
/* `payload` as it came. Where it is not written *err says why. */
enum recording_outcome recording_add(struct recording *recording, enum recording_topic topic,
	struct str payload, int64_t received_us, struct error *err);
/* Everything so far is on the disk when this returns. Fails: ERROR_SYSTEM. */
bool recording_sync(struct recording *recording, struct error *err);

/* --- reading --- */

struct recording_reader {
	const char *folder; // borrowed
	FILE *index;
	int pictures_fd;
	int64_t pictures_size;
	char *line;
	size_t capacity, number; // of lines
};

/* Fails: ERROR_SYSTEM, ERROR_INVALID where it is no recording. */
bool recording_open(struct recording_reader *reader, const char *folder, struct error *err);
void recording_reader_close(struct recording_reader *reader); // takes a zeroed struct
/*
 * The next message, as it came; payload in the arena. False at the end, and where the folder is
 * damaged: then err->kind is not ERROR_NONE. A last line without its end is passed over.
 */
bool recording_next(struct recording_reader *reader, struct arena *arena,
	enum recording_topic *topic, struct str *payload, struct error *err);

#endif
