#include "net/http_private.h"

#include "base/memory.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Before a block's data, for the head of a frame that libwebsockets writes there. */
enum { ROOM_BYTES = 32 };
static_assert(ROOM_BYTES >= LWS_PRE, "libwebsockets wants more room before what it writes");

struct http_block *http_block_join(const struct str *parts, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += parts[i].len;
	struct http_block *block = memory_alloc(sizeof *block + ROOM_BYTES + len);
	char *at = block->data = block->storage + ROOM_BYTES;

	block->references = 1;
	block->len = len;
	for (size_t i = 0; i < count; i++)
		at = mempcpy(at, parts[i].data, parts[i].len);
	return block;
}

struct http_block *http_block_create(struct str data)
{
	return http_block_join(&data, 1);
}

struct http_block *http_block_take(struct http_block *block)
{
	block->references++;
	return block;
}

void http_block_drop(struct http_block *block)
{
	if (block && --block->references == 0)
		free(block);
}

bool block_write(struct lws *wsi, struct http_block *block, size_t offset, size_t len,
	enum lws_write_protocol how)
{
	unsigned char *at = (unsigned char *)block->data + offset, kept[LWS_PRE];

	memcpy(kept, at - LWS_PRE, LWS_PRE);
	int written = lws_write(wsi, at, len, how);

	memcpy(at - LWS_PRE, kept, LWS_PRE);
	return written >= 0;
}

void stream_prepare_socket(struct lws *wsi)
{
	int fd = (int)lws_get_socket_fd(lws_get_network_wsi(wsi));
	int low_bytes = 16 * 1024, send_bytes = 64 * 1024, timeout_ms = 60000;

	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low_bytes, sizeof low_bytes);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}
