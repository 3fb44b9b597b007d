#include "train/hub/lwp3.h"

/*
 * Length of the message that begins at `bytes`: 0 where more bytes are needed to know, SIZE_MAX
 * where it cannot be one.
 */
static size_t message_len(const uint8_t *bytes, size_t len)
{
	size_t head = 3, wanted;

	if (len < 1)
		return 0;
	wanted = bytes[0];
	if (wanted & 0x80) {
		if (len < 2)
			return 0;
		wanted = (wanted & 0x7f) + bytes[1] * (size_t)128;
		head = 4;
	}
	return wanted < head || wanted > LWP3_MAX_RECEIVE_BYTES ? SIZE_MAX : wanted;
}

// There is no mark at which to begin again: the next notification is taken as a beginning.
static void throw_away(struct lwp3_stream *stream)
{
	stream->start = stream->len = 0;
	stream->broken_count++;
}

void lwp3_stream_add(struct lwp3_stream *stream, const uint8_t *bytes, size_t len)
{
	if (stream->start) {
		memmove(stream->bytes, stream->bytes + stream->start, stream->len);
		stream->start = 0;
	}
	if (len > sizeof stream->bytes - stream->len) {
		throw_away(stream);
		return;
	}
	if (len)
		memcpy(stream->bytes + stream->len, bytes, len);
	stream->len += len;
}

bool lwp3_stream_next(struct lwp3_stream *stream, const uint8_t **bytes, size_t *len)
{
	size_t wanted = message_len(stream->bytes + stream->start, stream->len);

	if (wanted == SIZE_MAX)
		throw_away(stream);
	if (wanted == 0 || wanted > stream->len)
		return false;
	*bytes = stream->bytes + stream->start;
	*len = wanted;
	stream->start += wanted;
	stream->len -= wanted;
	return true;
}
