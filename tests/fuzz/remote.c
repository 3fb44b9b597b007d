/* A remote-read request of outside bytes: snappy, protobuf, matchers. The first byte chooses
 * whether the rest is packed already, so that the fuzzer gets past the block's checks. */
#include "engine/remote/remote.h"

#include <snappy-c.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_request(struct str body)
{
	struct arena arena = {0};
	struct remote_request request;
	struct error err = {0};

	if (remote_request_read(body, &arena, &request, &err))
		for (size_t i = 0; i < request.query_count; i++)
			matchers_match(request.queries[i].matchers,
				request.queries[i].matcher_count, &labels_none);
	remote_request_finish(&request);
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = {(const char *)data, size};

	if (size == 0)
		return 0;
	bytes.data++;
	bytes.len--;
	if (data[0] & 1) {
		read_request(bytes);
		return 0;
	}
	size_t len = snappy_max_compressed_length(bytes.len);
	char *packed = malloc(len);

	if (packed && snappy_compress(bytes.data, bytes.len, packed, &len) == SNAPPY_OK)
		read_request((struct str){packed, len});
	free(packed);
	return 0;
}
