#include "net/inflate.h"

#include "base/memory.h"

#include <zlib.h>

static bool next(void *state, struct buffer *out)
{
	z_stream *stream = state;
	unsigned char part[8192];

	stream->next_out = part;
	stream->avail_out = sizeof part;
	int result = inflate(stream, Z_NO_FLUSH);

	buffer_append(out, part, sizeof part - stream->avail_out);
	return result == Z_OK;
}

static void release(void *state)
{
	inflateEnd(state);
	free(state);
}

struct http_producer inflate_producer(struct str packed)
{
	z_stream *stream = memory_alloc(sizeof *stream);

	stream->next_in = (z_const Bytef *)packed.data;
	stream->avail_in = (uInt)packed.len;
	inflateInit2(stream, 15 + 16); // a gzip header
	return (struct http_producer){next, release, stream};
}
