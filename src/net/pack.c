#include "net/pack.h"

#include "base/memory.h"

#include <assert.h>
#include <zlib.h>

/*
 * A window of 8 KiB and small tables: a stream of ours costs a quarter of zlib's default, answers
 * of JSON repeat themselves at short distances, and a thousand clients may ask at once. The fastest
 * level: an answer should not wait for its last few per cent.
 */
enum { LEVEL = 1, WINDOW_BITS = 13, GZIP = 16, MEMORY_LEVEL = 7, OUT_BYTES = 16 * 1024 };

struct packer {
	z_stream stream;
};

struct packer *packer_create(void)
{
	struct packer *packer = memory_alloc(sizeof *packer);

	if (deflateInit2(&packer->stream, LEVEL, Z_DEFLATED, WINDOW_BITS + GZIP, MEMORY_LEVEL,
		    Z_DEFAULT_STRATEGY) == Z_OK)
		return packer;
	free(packer);
	return NULL;
}

void packer_destroy(struct packer *packer)
{
	if (!packer)
		return;
	deflateEnd(&packer->stream);
	free(packer);
}

void packer_add(struct packer *packer, struct str part, bool last, struct buffer *out)
{
	unsigned char packed[OUT_BYTES];
	z_stream *stream = &packer->stream;

	stream->next_in = (z_const unsigned char *)part.data;
	stream->avail_in = (unsigned)part.len;
	do {
		stream->next_out = packed;
		stream->avail_out = sizeof packed;
		// Fails only for a stream that was told its end, or that is none.
		int result = deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);

		assert(result != Z_STREAM_ERROR);
		buffer_append(out, packed, sizeof packed - stream->avail_out);
	} while (stream->avail_out == 0);
}
