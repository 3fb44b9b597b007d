#include "engine/promql/ratio.h"

static const uint64_t prime1 = 0x9E3779B185EBCA87, prime2 = 0xC2B2AE3D27D4EB4F,
		      prime3 = 0x165667B19E3779F9, prime4 = 0x85EBCA77C2B2AE63,
		      prime5 = 0x27D4EB2F165667C5;

static uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

/* `count` bytes, the lowest first. */
static uint64_t little(const uint8_t *at, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

static uint64_t round_of(uint64_t lane, uint64_t input)
{
	return rotate(lane + input * prime2, 31) * prime1;
}

/* Stripes of 32 bytes in four lanes; *at moves behind them. */
static uint64_t converge(const uint8_t **at, const uint8_t *end)
{
	uint64_t lanes[4] = {prime1 + prime2, prime2, 0, 0 - prime1};

	for (; end - *at >= 32; *at += 32)
		for (unsigned i = 0; i < 4; i++)
			lanes[i] = round_of(lanes[i], little(*at + 8 * i, 8));
	uint64_t hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) +
			rotate(lanes[3], 18);

	for (unsigned i = 0; i < 4; i++)
		hash = (hash ^ round_of(0, lanes[i])) * prime1 + prime4;
	return hash;
}

uint64_t ratio_hash(const void *data, size_t len)
{
	const uint8_t *at = data, *end = at + len;
	uint64_t hash = (len >= 32 ? converge(&at, end) : prime5) + len;

	for (; end - at >= 8; at += 8)
		hash = rotate(hash ^ round_of(0, little(at, 8)), 27) * prime1 + prime4;
	if (end - at >= 4) {
		hash = rotate(hash ^ little(at, 4) * prime1, 23) * prime2 + prime3;
		at += 4;
	}
	for (; at < end; at++)
		hash = rotate(hash ^ *at * prime5, 11) * prime1;
	hash = (hash ^ hash >> 33) * prime2;
	hash = (hash ^ hash >> 29) * prime3;
	return hash ^ hash >> 32;
}

/* A length is a byte, or 255 and three bytes. */
static void append(struct buffer *out, struct str text)
{
	if (text.len < 255) {
		buffer_append_char(out, (char)text.len);
	} else {
		buffer_append_char(out, (char)255);
		for (unsigned i = 0; i < 3; i++)
			buffer_append_char(out, (char)(text.len >> (8 * i)));
	}
	buffer_append_str(out, text);
}

double ratio_of_labels(const struct labels *labels)
{
	struct buffer bytes = {0};

	for (size_t i = 0; i < labels->count; i++) {
		append(&bytes, labels->items[i].name);
		append(&bytes, labels->items[i].value);
	}
	double ratio = (double)ratio_hash(bytes.data, bytes.len) / 0x1p64;

	buffer_finish(&bytes);
	return ratio;
}
