/*
 * What viewers say on the WebSocket: whatever it is, what was read lies within it, and a number
 * changes nothing but which pictures count as come.
 */
#include "train/monitor/live.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct live live = {.sent = 9, .previous = 8, .got = 7};
	struct live_said said;

	if (!live_read(text, &said))
		return 0;
	if (said.verb == LIVE_TOKEN &&
		(said.token.data < text.data ||
			said.token.data + said.token.len != text.data + size ||
			said.token.len == 0))
		abort();
	if (said.verb == LIVE_GOT) {
		if (said.number < 0 || said.place < -1)
			abort();
		live_hear_got(&live, said.number);
		if (live.got < 7 || live.got > 9 || live.sent != 9 || live.previous != 8)
			abort();
	}
	return 0;
}
