/*
 * Whatever a hub notifies, cut wherever: no crash, every message that comes out has its own length,
 * and nothing is lost or made up while nothing was thrown away. The first byte says where to cut.
 */
#include "train/hub/lwp3.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lwp3_stream stream;
	size_t piece = size ? data[0] % 32 + 1U : 1, taken = 0, given = 0;

	stream = (struct lwp3_stream){0};
	for (size_t at = 1; at < size; at += piece) {
		size_t len = size - at < piece ? size - at : piece;
		// A copy of the very size, so that a read past the end is seen.
		uint8_t *copy = malloc(len);
		const uint8_t *bytes;
		size_t message_len;

		if (!copy)
			abort();
		memcpy(copy, data + at, len);
		lwp3_stream_add(&stream, copy, len);
		free(copy);
		given += len;
		while (lwp3_stream_next(&stream, &bytes, &message_len)) {
			struct lwp3_event event;

			assert(message_len >= 3 && message_len <= LWP3_MAX_RECEIVE_BYTES);
			taken += message_len;
			if (lwp3_decode(bytes, message_len, &event)) {
				assert(event.feedback_count <= LWP3_MAX_FEEDBACK);
				assert(event.payload.len <= message_len - 3);
			}
			assert(lwp3_error_name(event.code)[0]);
		}
	}
	if (stream.broken_count == 0)
		assert(taken + stream.len == given);
	return 0;
}
