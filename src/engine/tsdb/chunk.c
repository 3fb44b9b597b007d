#include "engine/tsdb/chunk.h"

#include "base/memory.h"

#include <endian.h>
#include <math.h>

/*
 * A stream is a sequence of tokens, each a varint `payload << 2 | kind`:
 *
 *   REPEAT    payload samples, each a step and an increment after the one before
 *   SAMPLE    one sample: payload is the zigzag of (step - step before); then the value
 *   ABSOLUTE  one sample: payload is the zigzag of its time; step and increment start from 0; then
 * the value
 *
 * A value is a byte (leading zero bytes << 4 | significant bytes) and the significant bytes of its
 * bits XORed with those of the value before (of 0 after ABSOLUTE): byte-aligned, so that decoding
 * is a copy and a shift.
 *
 * States of a workshop are constant for minutes and scraped on a beat: a day of them is a handful
 * of bytes, and a counter that grows by the same amount is a run as well. What fits nothing costs
 * at most 20 bytes a sample.
 */

enum { TOKEN_REPEAT, TOKEN_SAMPLE, TOKEN_ABSOLUTE };
// A flushed repeat, a sample, and what get_value reads beyond: 10 + 10 + 9 + 8.
enum { MARK_EVERY_BYTES = 256, TOKEN_MAX_BYTES = 40 };

static uint64_t zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static int64_t unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void put_varint(struct chunk_stream *stream, uint64_t value)
{
	while (value >= 0x80) {
		stream->data[stream->size++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	stream->data[stream->size++] = (uint8_t)value;
}

static uint64_t get_long_varint(const uint8_t **at)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = *(*at)++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

static inline uint64_t get_varint(const uint8_t **at)
{
	return **at < 0x80 ? *(*at)++ : get_long_varint(at);
}

static void put_value(struct chunk_stream *stream, double value, double before)
{
	uint64_t bits = sample_bits(value) ^ sample_bits(before);
	unsigned leading = bits ? (unsigned)__builtin_clzll(bits) / 8 : 8;
	unsigned trailing = bits ? (unsigned)__builtin_ctzll(bits) / 8 : 0;
	unsigned size = 8 - leading - trailing;

	stream->data[stream->size++] = (uint8_t)(leading << 4 | size);
	bits >>= trailing * 8;
	for (unsigned i = 0; i < size; i++) {
		stream->data[stream->size++] = (uint8_t)bits;
		bits >>= 8;
	}
}

/* Reads eight bytes whatever the size: behind the last token there is room (TOKEN_MAX_BYTES). */
static inline double get_value(const uint8_t **at, double before)
{
	static const uint64_t masks[] = {0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff,
		0xffffffffffff, 0xffffffffffffff, UINT64_MAX};
	uint8_t header = *(*at)++;
	unsigned leading = header >> 4, size = header & 15;
	uint64_t bits;
	double value;

	memcpy(&bits, *at, sizeof bits);
	*at += size;
	bits = le64toh(bits) & masks[size];
	bits = bits << (8 - leading - size) * 8 ^ sample_bits(before);
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* What is expected after `value` came behind `state`; exact, or not at all. */
static void expect(struct chunk_state *state, int64_t t_ms, double value, bool absolute)
{
	double increment = value - state->value;

	if (absolute || !isfinite(increment) ||
		sample_bits(state->value + increment) != sample_bits(value))
		increment = 0;
	state->step_ms = absolute ? 0 : t_ms - state->t_ms;
	state->increment = increment;
	state->t_ms = t_ms;
	state->value = value;
}

static double predicted(const struct chunk_state *state)
{
	return state->increment != 0 ? state->value + state->increment : state->value;
}

static void flush_repeats(struct chunk_stream *stream)
{
	if (stream->repeats)
		put_varint(stream, stream->repeats << 2 | TOKEN_REPEAT);
	stream->repeats = 0;
}

static bool needs_mark(const struct chunk_stream *stream)
{
	size_t from = stream->mark_count ? stream->marks[stream->mark_count - 1].offset : 0;

	return stream->size - from >= MARK_EVERY_BYTES;
}

static void put_sample(struct chunk_stream *stream, int64_t t_ms, double value)
{
	stream->data =
		memory_grow(stream->data, &stream->capacity, stream->size + TOKEN_MAX_BYTES, 1);
	flush_repeats(stream);
	stream->breaks = false;
	bool marked = needs_mark(stream), absolute = stream->count == 0 || marked;

	if (marked) {
		stream->marks = memory_grow(stream->marks, &stream->mark_capacity,
			stream->mark_count + 1, sizeof *stream->marks);
		stream->marks[stream->mark_count++] = (struct chunk_mark){t_ms, stream->size};
	}
	if (absolute) {
		put_varint(stream, zigzag(t_ms) << 2 | TOKEN_ABSOLUTE);
		put_value(stream, value, 0);
	} else {
		int64_t change = t_ms - stream->last.t_ms - stream->last.step_ms;

		put_varint(stream, zigzag(change) << 2 | TOKEN_SAMPLE);
		put_value(stream, value, stream->last.value);
	}
	expect(&stream->last, t_ms, value, absolute);
}

void chunk_append(struct chunk_stream *stream, int64_t t_ms, double value)
{
	struct chunk_state *last = &stream->last;

	if (stream->count && !stream->breaks && last->step_ms > 0 &&
		t_ms - last->t_ms == last->step_ms &&
		sample_bits(value) == sample_bits(predicted(last))) {
		last->t_ms = t_ms;
		last->value = value;
		stream->repeats++;
	} else {
		put_sample(stream, t_ms, value);
	}
	stream->count++;
}

void chunk_append_run(
	struct chunk_stream *stream, int64_t t_ms, int64_t step_ms, size_t count, double value)
{
	struct chunk_state *last = &stream->last;

	while (count && !(last->step_ms == step_ms && stream->count && !stream->breaks &&
				last->t_ms == t_ms - step_ms && last->increment == 0 &&
				sample_bits(last->value) == sample_bits(value))) {
		chunk_append(stream, t_ms, value);
		t_ms += step_ms;
		count--;
	}
	last->t_ms += (int64_t)count * step_ms;
	stream->repeats += count;
	stream->count += count;
}

void chunk_finish(struct chunk_stream *stream)
{
	free(stream->data);
	free(stream->marks);
	*stream = (struct chunk_stream){0};
}

struct chunk_place chunk_seek(const struct chunk_stream *stream, int64_t from_ms)
{
	size_t low = 0, high = stream->mark_count;

	// The number of marks at or before from_ms.
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (stream->marks[middle].first_ms <= from_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return (struct chunk_place){.offset = low ? stream->marks[low - 1].offset : 0};
}

static bool start_repeats(
	struct chunk_place *place, uint64_t total, struct chunk_state *at, uint64_t *left)
{
	if (place->taken >= total)
		return false;
	*left = total - place->taken - 1;
	place->taken = total;
	at->t_ms += at->step_ms;
	at->value = predicted(at);
	return true;
}

bool chunk_next_run(const struct chunk_stream *stream, struct chunk_place *place,
	struct chunk_state *at, uint64_t *left)
{
	while (place->offset < stream->size) {
		const uint8_t *next = stream->data + place->offset;
		uint64_t token = get_varint(&next);

		if ((token & 3) == TOKEN_REPEAT) {
			// A run that was read to its end while it was still pending may be all
			// behind us.
			if (start_repeats(place, token >> 2, at, left))
				return true;
			*place = (struct chunk_place){.offset = (size_t)(next - stream->data)};
			continue;
		}
		bool absolute = (token & 3) == TOKEN_ABSOLUTE;
		int64_t t_ms = unzigzag(token >> 2) + (absolute ? 0 : at->t_ms + at->step_ms);
		double value = get_value(&next, absolute ? 0 : at->value);

		*place = (struct chunk_place){.offset = (size_t)(next - stream->data)};
		expect(at, t_ms, value, absolute);
		*left = 0;
		return true;
	}
	return start_repeats(place, stream->repeats, at, left);
}

/* --- many at once --- */

/* Samples of a run from *at on: up to `max`, none later than until_ms. Returns how many. */
static size_t read_repeats(
	struct chunk_state *at, uint64_t left, int64_t until_ms, struct sample *out, size_t max)
{
	if (!left || until_ms <= at->t_ms)
		return 0;
	uint64_t due = (uint64_t)(until_ms - at->t_ms) / (uint64_t)at->step_ms;
	size_t count = left < max ? (size_t)left : max;

	if (due < count)
		count = (size_t)due;
	if (!out && at->increment == 0) {
		at->t_ms += (int64_t)count * at->step_ms;
		return count;
	}
	for (size_t i = 0; i < count; i++) {
		at->t_ms += at->step_ms;
		if (at->increment != 0)
			at->value += at->increment;
		if (out)
			out[i] = (struct sample){at->t_ms, at->value};
	}
	return count;
}

/* What is not as far from the one before as that one; false where it is a REPEAT or too late. */
static bool read_odd_sample(const uint8_t **next, struct chunk_state *now, int64_t until_ms)
{
	const uint8_t *p = *next;
	uint64_t token = get_varint(&p);
	bool absolute = (token & 3) == TOKEN_ABSOLUTE;
	int64_t t_ms = unzigzag(token >> 2) + (absolute ? 0 : now->t_ms + now->step_ms);

	if ((token & 3) == TOKEN_REPEAT || t_ms > until_ms)
		return false;
	now->value = get_value(&p, absolute ? 0 : now->value);
	now->step_ms = absolute ? 0 : t_ms - now->t_ms;
	now->t_ms = t_ms;
	*next = p;
	return true;
}

/*
 * Samples that stand one by one, up to the next REPEAT. What would be expected after each is not
 * computed; `before` is the value before *at.
 */
static inline __attribute__((always_inline)) size_t read_samples(const uint8_t **next,
	const uint8_t *end, struct chunk_state *at, double *before, int64_t until_ms,
	struct sample *out, size_t max)
{
	struct chunk_state now = *at;
	const uint8_t *p = *next;
	size_t count = 0;

	while (count < max && p < end) {
		double value = now.value;

		if (*p == TOKEN_SAMPLE) {
			if (now.t_ms + now.step_ms > until_ms)
				break;
			p++;
			now.t_ms += now.step_ms;
			now.value = get_value(&p, value);
		} else if (!read_odd_sample(&p, &now, until_ms)) {
			break;
		}
		*before = value;
		if (out)
			out[count] = (struct sample){now.t_ms, now.value};
		count++;
	}
	*next = p;
	*at = now;
	return count;
}

static inline __attribute__((always_inline)) size_t read_on(const struct chunk_stream *stream,
	struct chunk_place *place, struct chunk_state *at, int64_t until_ms, struct sample *out,
	size_t max)
{
	if (!stream->count)
		return 0;
	const uint8_t *next = stream->data + place->offset, *end = stream->data + stream->size;
	size_t count = 0;

	while (count < max) {
		double before = at->value;
		size_t taken = read_samples(
			&next, end, at, &before, until_ms, out ? out + count : NULL, max - count);

		if (taken) {
			struct chunk_state last = {at->t_ms - at->step_ms, 0, before, 0};

			expect(&last, at->t_ms, at->value, at->step_ms == 0);
			*at = last;
			place->taken = 0;
			count += taken;
		}
		const uint8_t *behind = next;
		uint64_t total = next < end ? get_varint(&behind) : stream->repeats << 2;

		if ((total & 3) != TOKEN_REPEAT || count == max)
			break;
		total >>= 2;
		taken = read_repeats(
			at, total - place->taken, until_ms, out ? out + count : NULL, max - count);
		count += taken;
		place->taken += taken;
		if (place->taken < total || next == end)
			break;
		next = behind;
		place->taken = 0;
	}
	place->offset = (size_t)(next - stream->data);
	return count;
}

size_t chunk_read(const struct chunk_stream *stream, struct chunk_place *place,
	struct chunk_state *at, int64_t until_ms, struct sample *out, size_t max)
{
	return read_on(stream, place, at, until_ms, out, max);
}

void chunk_skip(const struct chunk_stream *stream, struct chunk_place *place,
	struct chunk_state *at, int64_t until_ms)
{
	read_on(stream, place, at, until_ms, NULL, SIZE_MAX);
}
