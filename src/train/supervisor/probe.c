#include "train/supervisor/probe.h"

#include "base/number.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "127.0.0.1:80", "[::1]:80". Every address of this machine is asked on its loopback. */
static bool parse_address(const char *text, union address *out, socklen_t *len)
{
	const char *colon = strrchr(text, ':');
	size_t host_len = colon ? (size_t)(colon - text) : 0;
	bool is_v6 = host_len > 2 && text[0] == '[' && text[host_len - 1] == ']';
	int64_t port;
	char host[64];

	if (!colon || host_len >= sizeof host || !number_parse_int(str_from(colon + 1), &port) ||
		port < 1 || port > 65535)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)(is_v6 ? host_len - 2 : host_len),
		is_v6 ? text + 1 : text);
	*out = (union address){0};
	if (is_v6) {
		out->v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
		*len = sizeof out->v6;
		if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1)
			return false;
		if (IN6_IS_ADDR_UNSPECIFIED(&out->v6.sin6_addr))
			out->v6.sin6_addr = in6addr_loopback;
		return true;
	}
	out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	*len = sizeof out->v4;
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) != 1)
		return false;
	if (out->v4.sin_addr.s_addr == htonl(INADDR_ANY))
		out->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return true;
}

bool probe_begin(struct probe *probe, const char *address, bool is_bare, int64_t now_ms)
{
	union address to;
	socklen_t len;

	*probe = (struct probe){.fd = -1, .is_bare = is_bare, .begun_ms = now_ms};
	snprintf(probe->address, sizeof probe->address, "%s", address);
	if (!parse_address(address, &to, &len))
		return false;
	probe->fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (probe->fd >= 0 && connect(probe->fd, &to.any, len) != 0 && errno != EINPROGRESS)
		probe_end(probe);
	return probe->fd >= 0;
}

void probe_end(struct probe *probe)
{
	if (probe->fd >= 0)
		close(probe->fd);
	probe->fd = -1;
}

static enum probe_outcome finish(struct probe *probe, enum probe_outcome outcome)
{
	probe_end(probe);
	return outcome;
}

static bool send_request(struct probe *probe)
{
	char request[160];
	int len = snprintf(request, sizeof request,
		"GET /ready HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", probe->address);

	probe->is_sent = true;
	return send(probe->fd, request, (size_t)len, MSG_NOSIGNAL) == len;
}

static enum probe_outcome read_status(const struct probe *probe)
{
	struct str answer = {probe->answer, probe->len}, version = STR("HTTP/1.1 ");

	if (!str_starts_with(answer, version) || answer.len < version.len + 3)
		return PROBE_FAILED;
	struct str status = {answer.data + version.len, 3};

	return str_equal(status, STR("200")) ? PROBE_READY : PROBE_NOT_READY;
}

enum probe_outcome probe_step(struct probe *probe)
{
	int reason = 0;
	socklen_t size = sizeof reason;

	if (!probe->is_sent) {
		if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0 || reason)
			return finish(probe, PROBE_FAILED);
		if (probe->is_bare)
			return finish(probe, PROBE_READY);
		if (!send_request(probe))
			return finish(probe, PROBE_FAILED);
	}
	while (probe->len < sizeof probe->answer) {
		ssize_t got = recv(probe->fd, probe->answer + probe->len,
			sizeof probe->answer - probe->len, 0);

		if (got < 0 && errno == EAGAIN)
			return PROBE_WAITS;
		if (got <= 0)
			break;
		probe->len += (size_t)got;
	}
	return finish(probe, read_status(probe));
}

struct str probe_why(const struct probe *probe)
{
	static const char mark[] = "\nnot ready: ";
	struct str answer = {probe->answer, probe->len};
	const char *begin = memmem(answer.data, answer.len, mark, sizeof mark - 1);

	if (!begin)
		return STR("");
	begin += sizeof mark - 1;
	size_t left = answer.len - (size_t)(begin - answer.data);
	const char *end = memchr(begin, '\n', left);

	return str_trim((struct str){begin, end ? (size_t)(end - begin) : left});
}
