/*
 * train/spool/spool.h — a queue on disk, first in, first out, that outlives its process: what is to
 * be sent waits here until the other side has it. The format is described in spool.c.
 *
 * Two uses. Events: each is appended before it is sent and acknowledged when it has arrived, so
 * that none is lost whenever the process dies. Pictures: what could not be sent live; where the
 * space ends, pictures are thinned, the oldest first, so that of a long outage every minute still
 * has some.
 *
 * A record is in the file when spool_append returns: the death of the process loses nothing. The
 * death of the machine loses what was appended since spool_sync.
 *
 * One thread. Sizes are bytes.
 */
#ifndef TRAIN_SPOOL_SPOOL_H
#define TRAIN_SPOOL_SPOOL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "train/segment/segment.h"

#include <stdint.h>

#define SPOOL_MAX_RECORD_BYTES SEGMENT_MAX_RECORD_BYTES
#define SPOOL_LEAST_BYTES ((uint64_t)1 << 20)

struct spool;

struct spool_options {
	const char *folder; // made where it is missing; of one spool alone
	uint64_t max_bytes; // of all files together, at least SPOOL_LEAST_BYTES
	bool thins;	    // makes room by thinning; else a full spool refuses
};

struct spool_record {
	uint64_t sequence;   // from 1, never used again
	int64_t appended_ms; // as given to spool_append
	struct str payload;
};

struct spool_status {
	uint64_t waiting;  // records that are not acknowledged
	uint64_t bytes;	   // of all files
	uint64_t thinned;  // records left out to make room, since it was opened
	uint64_t refused;  // appends that found no room, since it was opened
	uint64_t damaged;  // bytes behind a torn or changed record that were given up
	int64_t oldest_ms; // when the file of the oldest that waits was begun; 0: none waits
};

/*
 * Opens what the folder holds, or an empty spool. A record that was torn by the machine's death
 * ends its segment there: what is behind it is given up and counted. Fails: ERROR_SYSTEM;
 * ERROR_INVALID where another process has it open, or max_bytes is too small.
 */
struct spool *spool_open(const struct spool_options *options, struct error *err);
void spool_close(struct spool *spool); // takes NULL

/*
 * Puts a record at the end. Fails: ERROR_LIMIT where there is no room (counted) or the payload is
 * larger than SPOOL_MAX_RECORD_BYTES; ERROR_SYSTEM. Then nothing was appended.
 */
bool spool_append(struct spool *spool, struct str payload, int64_t now_ms, uint64_t *sequence,
	struct error *err);

/*
 * The record behind the one that was read last; the payload is the arena's. False at the end, with
 * err->kind ERROR_NONE, or where the disk fails (ERROR_SYSTEM).
 */
bool spool_next(
	struct spool *spool, struct arena *arena, struct spool_record *out, struct error *err);
/* Reading begins again with the oldest record that is not acknowledged. */
void spool_rewind(struct spool *spool);

/* Everything up to `sequence` has arrived, and may go. Fails: ERROR_SYSTEM. */
bool spool_acknowledge(struct spool *spool, uint64_t sequence, struct error *err);

/* Makes durable what was appended and acknowledged. Fails: ERROR_SYSTEM. */
bool spool_sync(struct spool *spool, struct error *err);

struct spool_status spool_status(const struct spool *spool);

#endif
