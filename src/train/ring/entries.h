/*
 * train/ring/entries.h — what is in one segment of a ring: found by reading the headers of its
 * records, or read from the index beside it; private to ring/.
 */
#ifndef TRAIN_RING_ENTRIES_H
#define TRAIN_RING_ENTRIES_H

#include "train/ring/ring.h"
#include "train/segment/segment.h"

enum { RING_NOTE_BYTES = 16 }; // before the message, in a record

void ring_note_encode(const struct ring_note *note, uint8_t out[RING_NOTE_BYTES]);
/* False for what no note of ours is. */
bool ring_note_decode(const uint8_t data[RING_NOTE_BYTES], struct ring_note *out);

/* A zeroed struct is empty. */
struct ring_entries {
	struct ring_entry *items;
	size_t count, capacity;
	uint64_t last; // number; 0: none
	int64_t min_ms, max_ms;
};

void ring_entries_add(struct ring_entries *entries, const struct ring_entry *entry);
void ring_entries_finish(struct ring_entries *entries);

/* Reads the headers of a segment's records, up to the first that is not whole. Fails:
 * ERROR_SYSTEM. */
bool ring_entries_walk(
	int fd, const struct segment *segment, struct ring_entries *out, struct error *err);

/* The index of a segment: NAME.index. Its size is what is returned, 0 where it failed. */
uint64_t ring_index_save(
	int folder_fd, uint64_t segment, const struct ring_entries *entries, struct error *err);
/* The head alone: entries->items stays empty. False where there is none that is whole. */
bool ring_index_peek(
	int folder_fd, uint64_t segment, struct ring_entries *out, uint64_t *file_bytes);
/* All of it. False where there is none that is whole and unchanged. */
bool ring_index_load(int folder_fd, uint64_t segment, struct ring_entries *out);
void ring_index_remove(int folder_fd, uint64_t segment);

/* Names of the segments of a folder in their order; caller frees. Fails: ERROR_SYSTEM. */
bool ring_list_segments(int folder_fd, uint64_t **out, size_t *count, struct error *err);

#endif
