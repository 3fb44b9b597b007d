/*
 * train/segment/segment.h — a file of records that only grows and outlives its process: what a
 * spool and a ring on disk are made of. A torn or changed record ends the file there; what is
 * before it stays readable. One process writes a file, others may read it meanwhile: what is not
 * whole yet is its end to them.
 *
 * Files are named within a folder, by a number: the first sequence that they were made with.
 */
#ifndef TRAIN_SEGMENT_SEGMENT_H
#define TRAIN_SEGMENT_SEGMENT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

#define SEGMENT_MAX_RECORD_BYTES ((size_t)17 << 20)

enum {
	SEGMENT_HEADER_BYTES = 16,
	SEGMENT_RECORD_BYTES = 24, // before the payload
};

struct segment {
	uint64_t name;	      // of the file
	uint64_t first, last; // sequences inside; last < first: none
	uint64_t count, bytes;
	unsigned level; // how often it was thinned: sequences are without gaps at 0
	int64_t first_ms;
};

struct segment_record {
	uint64_t sequence, offset; // of the record's header
	int64_t appended_ms;
	uint32_t length; // of the payload
};

/* --- writing; all fail with ERROR_SYSTEM --- */

bool segment_create(int folder_fd, uint64_t name, unsigned level, int *fd, struct error *err);
/*
 * Reads a whole file, and ends it before the first record that is torn or changed: *damaged grows
 * by what is cut off. A file that is none of ours fails with ERROR_INVALID.
 */
bool segment_load(
	int folder_fd, uint64_t name, struct segment *out, uint64_t *damaged, struct error *err);
int segment_open(int folder_fd, uint64_t name, bool to_write, struct error *err); // -1: failed
bool segment_remove(int folder_fd, uint64_t name, struct error *err);
bool segment_parse_name(const char *file, uint64_t *name);

/* A record of both texts together. The file has `bytes` now; on failure it is cut back to that. */
bool segment_append(int fd, struct segment *segment, uint64_t sequence, int64_t now_ms,
	struct str head, struct str payload, struct error *err);

/* Leaves every second record out, beginning with the second. */
bool segment_thin(int folder_fd, struct segment *segment, struct error *err);

/* --- reading --- */

/*
 * For those who do not write: the file as long as it is now, its records not looked at. Returns a
 * descriptor to close, or -1. Fails: ERROR_SYSTEM; ERROR_INVALID for a file that is none of ours.
 */
int segment_peek(int folder_fd, uint64_t name, struct segment *out, struct error *err);
/* The header at `offset`; false at the end with ERROR_NONE. The payload's check is the reader's. */
bool segment_look(int fd, const struct segment *segment, uint64_t offset,
	struct segment_record *out, struct error *err);
/* Up to `size` bytes from the payload's beginning, not checked. False where it has fewer. */
bool segment_head(
	int fd, const struct segment_record *record, void *out, size_t size, struct error *err);
/* The payload, checked. A changed one fails with ERROR_INVALID. */
bool segment_read(int fd, const struct segment_record *record, struct arena *arena, struct str *out,
	struct error *err);

#endif
