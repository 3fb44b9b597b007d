#include "net/listen.h"

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

static bool bad_address(const char *text, struct error *err)
{
	return error_set(err, ERROR_INVALID,
		"listen on \"%s\": not an address; write HOST:PORT, such as 127.0.0.1:8080, "
		"[::1]:8080 or "
		"0.0.0.0:8080 (port 0 picks a free one)",
		text);
}

/* Where the port begins: behind the last colon, or behind "]:". NULL where there is none. */
static const char *find_port(const char *text)
{
	const char *colon = strrchr(text, ':');

	if (!colon || (text[0] == '[' && (colon == text || colon[-1] != ']')))
		return NULL;
	return colon + 1;
}

static bool parse_address(
	const char *text, union address *out, socklen_t *out_len, struct error *err)
{
	const char *port_text = find_port(text);
	char host[INET6_ADDRSTRLEN + 1] = "127.0.0.1";
	int64_t port;

	if (!port_text || !number_parse_int(str_from(port_text), &port) || port < 0 || port > 65535)
		return bad_address(text, err);
	bool bracketed = text[0] == '[';
	const char *begin = bracketed ? text + 1 : text;
	size_t len = (size_t)(port_text - 1 - begin) - (bracketed ? 1 : 0);

	if (len >= sizeof host)
		return bad_address(text, err);
	if (len && !str_equal((struct str){begin, len}, STR("localhost")))
		snprintf(host, sizeof host, "%.*s", (int)len, begin);
	*out = (union address){0};
	if (!bracketed && inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons((uint16_t)port);
		*out_len = sizeof out->v4;
		return true;
	}
	if (bracketed && inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons((uint16_t)port);
		*out_len = sizeof out->v6;
		return true;
	}
	return bad_address(text, err);
}

/* Always false, with what to do about it. */
static bool refuse(const char *address, struct error *err)
{
	const char *port = find_port(address);

	if (errno == EADDRINUSE)
		return error_set(err, ERROR_SYSTEM,
			"listen on %s: another program has this port. Choose another with --listen "
			"%.*s:PORT (port "
			"0 picks a free one), or see who has it with: ss -ltnp 'sport = :%s'",
			address, (int)(port - 1 - address), address, port);
	if (errno == EACCES)
		return error_set(err, ERROR_SYSTEM,
			"listen on %s: ports below 1024 are for root; choose a higher one",
			address);
	if (errno == EADDRNOTAVAIL)
		return error_set(err, ERROR_SYSTEM,
			"listen on %s: this machine has no such address; 127.0.0.1 is for this "
			"machine "
			"alone, 0.0.0.0 for all its networks",
			address);
	return error_errno(err, "listen on %s", address);
}

static void print_bound(int fd, char bound[LISTEN_ADDRESS_SIZE])
{
	union address address = {0};
	socklen_t len = sizeof address;
	char host[INET6_ADDRSTRLEN] = "";

	getsockname(fd, &address.any, &len);
	if (address.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof host);
		snprintf(bound, LISTEN_ADDRESS_SIZE, "[%s]:%d", host, ntohs(address.v6.sin6_port));
		return;
	}
	inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof host);
	snprintf(bound, LISTEN_ADDRESS_SIZE, "%s:%d", host, ntohs(address.v4.sin_port));
}

bool listen_open(
	const char *address, int *out_fd, char bound[LISTEN_ADDRESS_SIZE], struct error *err)
{
	union address parsed = {0};
	socklen_t len = 0;
	int on = 1;

	if (!parse_address(address, &parsed, &len, err))
		return false;
	int fd = socket(parsed.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, "listen on %s", address);
	// A restart must not wait for the old connections' TIME_WAIT; two listeners stay refused.
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, &parsed.any, len) < 0 || listen(fd, 512) < 0) {
		refuse(address, err);
		close(fd);
		return false;
	}
	print_bound(fd, bound);
	*out_fd = fd;
	return true;
}
