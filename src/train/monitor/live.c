#include "train/monitor/live.h"

#include "base/number.h"

#include <assert.h>
#include <stdio.h>

// Of the binary message, all numbers big-endian: magic, format, a zero, place (two bytes), number,
// at_us, trace.
enum { PACKET_HEAD_BYTES = 40 };
static const char packet_magic[4] = "RQP1";

#define BOUNDARY "railquest-3f6b1c0e9d2a4857"
const char live_multipart_type[] = "multipart/x-mixed-replace; boundary=" BOUNDARY;
const char live_boundary_line[] = "--" BOUNDARY "\r\n";

const char *live_picture_type(enum wire_format format)
{
	static const char *const types[] = {
		"application/octet-stream", "image/jpeg", "image/webp", "image/png"};

	return types[format];
}

/* --- what is next --- */

struct http_block *live_news(struct live *live, int64_t now_us, struct str before, struct str after)
{
	struct buffer out = {0};

	if (!state_has_news(live->state, live->seen) && now_us - live->told_us < LIVE_HEARTBEAT_US)
		return NULL;
	live->told_us = now_us;
	buffer_append_str(&out, before);
	state_tell(live->state, live->seen, now_us, &out);
	buffer_append_str(&out, after);
	struct http_block *block = http_block_create(buffer_str(&out));

	buffer_finish(&out);
	return block;
}

bool live_take_picture(struct live *live, int64_t now_us, int64_t *skipped)
{
	int64_t number = live->state->picture.number;

	if (number <= live->sent)
		return false;
	*skipped = live->sent ? number - live->sent - 1 : 0;
	live->previous = live->sent;
	live->previous_us = live->sent_us;
	live->sent = number;
	live->sent_us = now_us;
	return true;
}

bool live_is_ready(const struct live *live)
{
	static_assert(LIVE_MAX_UNSAID == 2, "the last two are remembered");
	return live->previous <= live->got;
}

void live_hear_got(struct live *live, int64_t number)
{
	if (number == live->sent || number == live->previous)
		live->got = number > live->got ? number : live->got;
}

/* --- how a picture looks --- */

static char *put_number(char *at, uint64_t value)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		*at++ = (char)(value >> shift & 0xff);
	return at;
}

struct http_block *live_packet(struct state *state)
{
	struct state_picture *picture = &state->picture;
	char head[PACKET_HEAD_BYTES] = {0}, *at = head;

	if (picture->packet)
		return picture->packet;
	at = mempcpy(at, packet_magic, sizeof packet_magic);
	*at = (char)picture->format;
	at[2] = (char)(state->setup.place >> 8);
	at[3] = (char)(state->setup.place & 0xff);
	at = put_number(at + 4, (uint64_t)picture->number);
	at = put_number(at, (uint64_t)picture->at_us);
	at = mempcpy(at, picture->trace.bytes, sizeof picture->trace.bytes);
	assert(at == head + sizeof head);
	const struct str parts[] = {
		{head, sizeof head}, {picture->bytes->data, picture->bytes->len}};

	return picture->packet = http_block_join(parts, 2);
}

struct http_block *live_part(struct state *state)
{
	struct state_picture *picture = &state->picture;
	char head[320], trace[33];

	if (picture->part)
		return picture->part;
	wire_id_print(trace, &picture->trace);
	snprintf(head, sizeof head,
		"Content-Type: %s\r\nContent-Length: %zu\r\nX-Train-Picture: %lld\r\n"
		"X-Train-Trace: %s\r\nX-Train-At-Us: %lld\r\nX-Train-Place: %u\r\n\r\n",
		live_picture_type(picture->format), picture->bytes->len, (long long)picture->number,
		trace, (long long)picture->at_us, state->setup.place);
	const struct str parts[] = {str_from(head), {picture->bytes->data, picture->bytes->len},
		STR("\r\n"), str_from(live_boundary_line)};

	return picture->part = http_block_join(parts, 4);
}

/* --- what viewers say --- */

bool live_read(struct str text, struct live_said *out)
{
	*out = (struct live_said){.place = -1};
	if (str_starts_with(text, STR("token "))) {
		out->verb = LIVE_TOKEN;
		out->token = (struct str){text.data + 6, text.len - 6};
		return out->token.len > 0;
	}
	if (!str_starts_with(text, STR("got ")))
		return false;
	out->verb = LIVE_GOT;
	struct str number = {text.data + 4, text.len - 4};
	const char *blank = memchr(number.data, ' ', number.len);

	if (blank) {
		struct str place = {number.data, (size_t)(blank - number.data)};

		number = (struct str){blank + 1, number.len - place.len - 1};
		if (!number_parse_int(place, &out->place) || out->place < 0)
			return false;
	}
	return number_parse_int(number, &out->number) && out->number >= 0;
}
