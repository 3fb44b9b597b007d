/*
 * tsdb/chunk.h — the samples of one series, compressed; private to tsdb/.
 */
#ifndef TSDB_CHUNK_H
#define TSDB_CHUNK_H

#include "engine/series/series.h"

/* What encoder and decoder agree on after each sample: what the next one is expected to be. */
struct chunk_state {
	int64_t t_ms, step_ms;
	double value, increment;
};

/* A place where decoding can begin: a token that depends on nothing before it. */
struct chunk_mark {
	int64_t first_ms;
	size_t offset;
};

/* A zeroed struct is empty. The last `repeats` samples are not written out yet. */
struct chunk_stream {
	uint8_t *data;
	size_t size, capacity;
	struct chunk_mark *marks; // besides offset 0
	size_t mark_count, mark_capacity;
	struct chunk_state last;
	uint64_t repeats;
	uint64_t count;
	bool breaks; // the next sample begins a run, whatever it is
};

/* Takes a sample later than all before. */
void chunk_append(struct chunk_stream *stream, int64_t t_ms, double value);

/* `count` samples of one value, step_ms apart, all later than what is there. */
void chunk_append_run(
	struct chunk_stream *stream, int64_t t_ms, int64_t step_ms, size_t count, double value);

void chunk_finish(struct chunk_stream *stream);

/* A place between tokens, or inside a run: `taken` of its repeats are behind us. */
struct chunk_place {
	size_t offset;
	uint64_t taken;
};

/* The mark at or before `from_ms`. */
struct chunk_place chunk_seek(const struct chunk_stream *stream, int64_t from_ms);

/*
 * Moves *at from the last sample read to the next one; *left more repeat it and count as taken.
 * False where nothing is left (yet).
 */
bool chunk_next_run(const struct chunk_stream *stream, struct chunk_place *place,
	struct chunk_state *at, uint64_t *left);

/*
 * As chunk_next_run again and again, for what lies at or before until_ms: copies up to `max`
 * samples. Less than `max`: there are no more (yet). *at is the last one copied.
 */
size_t chunk_read(const struct chunk_stream *stream, struct chunk_place *place,
	struct chunk_state *at, int64_t until_ms, struct sample *out, size_t max);

/* Passes over what lies at or before until_ms. */
void chunk_skip(const struct chunk_stream *stream, struct chunk_place *place,
	struct chunk_state *at, int64_t until_ms);

#endif
