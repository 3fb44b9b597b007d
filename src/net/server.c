/*
 * The loop: one thread, libwebsockets' own poll(). We listen and accept ourselves and hand the
 * connections over: so a port that is taken is an error with advice, and a connection too many gets
 * an answer. Signals come in through a descriptor like everything else.
 */
#include "net/http_private.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/later.h"
#include "net/listen.h"
#include "net/websocket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT_AT_ONCE = 64, MAX_HEADER_BYTES = 8 * 1024 };

/* Tells a client that there is no place for it, if its socket takes that at once. */
static void turn_away(int fd)
{
	static const char text[] =
		"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\n"
		"Content-Type: text/plain\r\nContent-Length: 35\r\n"
		"Connection: close\r\n\r\nToo many connections: try again soon\n";

	if (send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		shutdown(fd, SHUT_WR);
	close(fd);
}

static void accept_clients(struct http_server *server)
{
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		int on = 1;

		if (fd < 0) {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				log_warn("accept: %s", strerror(errno));
			return;
		}
		if (server->stats.connections >=
			server->options.max_connections + server->own_connections) {
			turn_away(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
		if (!lws_adopt_socket_vhost(server->vhost, fd))
			log_debug("a connection could not be taken over");
	}
}

static int listener_callback(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user;
	(void)in;
	(void)len;
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		accept_clients(lws_context_user(lws_get_context(wsi)));
	return 0;
}

static int signal_callback(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct http_server *server = lws_context_user(lws_get_context(wsi));
	struct signalfd_siginfo info;

	(void)user;
	(void)in;
	(void)len;
	if (reason != LWS_CALLBACK_RAW_RX_FILE)
		return 0;
	if (read(server->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		log_info("stopping: %s", strsignal((int)info.ssi_signo));
		http_server_stop(server);
	}
	return 0;
}

static int watch_callback(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct http_server *server = lws_context_user(lws_get_context(wsi));

	(void)user;
	(void)in;
	(void)len;
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		server->watch_ready(server->watch_context);
	return 0;
}

static int work_callback(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user;
	(void)in;
	(void)len;
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		later_take_done(lws_context_user(lws_get_context(wsi)));
	return 0;
}

/* A client can ask for a protocol of this table by its name, but no name with a blank. */
static const struct lws_protocols protocols[] = {
	{.name = "http",
		.callback = exchange_callback,
		.per_session_data_size = sizeof(struct session)},
	{.name = "our listener", .callback = listener_callback},
	{.name = "our signals", .callback = signal_callback},
	{.name = "our watch", .callback = watch_callback},
	{.name = "our work", .callback = work_callback},
	{0},
};

/* What libwebsockets has to say is about clients that misbehave: nobody is woken for that. */
static void log_line(int level, const char *line)
{
	(void)level;
	log_debug("libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

/*
 * libwebsockets makes its tables as large as the limit on descriptors, which in a container may be
 * a billion: the limit is set to what the caps allow.
 */
static void limit_descriptors(size_t max_connections)
{
	struct rlimit limit;
	// Beside connections: files, and what the HTTP client has open.
	rlim_t wanted = max_connections + 256;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool open_signals(struct http_server *server, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	server->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return server->signal_fd >= 0 || error_errno(err, "signalfd");
}

static bool adopt(struct http_server *server, int fd, const char *protocol, struct error *err)
{
	lws_sock_file_fd_type descriptor = {.filefd = fd};

	if (lws_adopt_descriptor_vhost(
		    server->vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor, protocol, NULL)) {
		server->own_connections++;
		return true;
	}
	return error_set(err, ERROR_SYSTEM, "libwebsockets does not take %s", protocol);
}

/* The pool keeps its descriptor: its threads may still write when libwebsockets has closed ours. */
static bool open_pool(struct http_server *server, struct error *err)
{
	server->pool = pool_create(server->options.max_threads, err);
	if (!server->pool)
		return false;
	int fd = fcntl(pool_fd(server->pool), F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, "duplicate a descriptor");
	if (adopt(server, fd, "our work", err))
		return true;
	close(fd);
	return false;
}

static lws_usec_t keepalive_us(const struct http_server *server)
{
	return server->options.silence_ms * 1000 / 6;
}

static void keepalive_tick(lws_sorted_usec_list_t *timer)
{
	struct http_server *server = lws_container_of(timer, struct http_server, keepalive);

	exchange_wake_streams(server, true);
	websocket_wake_all(server, true);
	lws_sul_schedule(server->context, 0, timer, keepalive_tick, keepalive_us(server));
}

static bool start(struct http_server *server, struct error *err)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.options =
			LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
		.pt_serv_buf_size = 4096,
		.max_http_header_data2 = MAX_HEADER_BYTES,
		.max_http_header_pool2 = (unsigned)server->options.max_connections,
		.timeout_secs = 20,
		.keepalive_timeout = 60,
		.user = server,
		.vhost_name = "railquest",
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
	server->context = lws_create_context(&info);
	if (!server->context)
		return error_set(err, ERROR_SYSTEM, "libwebsockets does not start");
	server->vhost = lws_create_vhost(server->context, &info);
	if (!server->vhost)
		return error_set(err, ERROR_SYSTEM, "libwebsockets gives no virtual host");
	lws_sul_schedule(
		server->context, 0, &server->keepalive, keepalive_tick, keepalive_us(server));
	return adopt(server, server->listen_fd, "our listener", err) &&
	       adopt(server, server->signal_fd, "our signals", err) && open_pool(server, err);
}

struct http_server *http_server_create(const struct http_options *options, struct error *err)
{
	struct http_server *server = memory_alloc(sizeof *server);

	server->options = *options;
	server->listen_fd = server->signal_fd = -1;
	if (!server->options.max_connections)
		server->options.max_connections = 1024;
	if (!server->options.max_streams)
		server->options.max_streams = 512;
	if (!server->options.silence_ms)
		server->options.silence_ms = 30000;
	if (!server->options.max_body_bytes)
		server->options.max_body_bytes = 1024 * 1024;
	if (!server->options.max_threads)
		server->options.max_threads = 20;
	if (!listen_open(options->listen, &server->listen_fd, server->address, err))
		goto fail;
	limit_descriptors(server->options.max_connections);
	if (!open_signals(server, err) || !start(server, err))
		goto fail;
	return server;
fail:
	http_server_destroy(server);
	return NULL;
}

void http_server_destroy(struct http_server *server)
{
	if (!server)
		return;
	if (server->pool)
		pool_stop(server->pool);
	// The context closes the descriptors that it was given.
	if (server->context)
		lws_context_destroy(server->context);
	else if (server->listen_fd >= 0)
		close(server->listen_fd);
	if (!server->context && server->signal_fd >= 0)
		close(server->signal_fd);
	if (server->pool)
		later_take_done(server); // those whose client has just gone
	pool_destroy(server->pool);
	free(server);
}

const char *http_server_address(const struct http_server *server)
{
	return server->address;
}

struct http_stats http_server_stats(const struct http_server *server)
{
	struct http_stats stats = server->stats;

	stats.connections -= stats.connections < server->own_connections ? stats.connections
									 : server->own_connections;
	pool_count(server->pool, &stats.running, &stats.waiting);
	return stats;
}

void http_server_wake(struct http_server *server)
{
	exchange_wake_streams(server, false);
	websocket_wake_all(server, false);
}

bool http_server_run(struct http_server *server, struct error *err)
{
	while (!server->stopping)
		if (lws_service(server->context, 0) < 0)
			return error_set(err, ERROR_SYSTEM, "libwebsockets stopped serving");
	return true;
}

void http_server_stop(struct http_server *server)
{
	server->stopping = true;
	lws_cancel_service(server->context);
}

bool http_server_watch(struct http_server *server, int fd, void (*ready)(void *context),
	void *context, struct error *err)
{
	server->watch_ready = ready;
	server->watch_context = context;
	return adopt(server, fd, "our watch", err);
}

/* --- timers --- */

struct http_timer {
	lws_sorted_usec_list_t entry; // first: the callback gets a pointer to it
	struct http_server *server;
	void (*tick)(void *context);
	void *context;
};

static void timer_due(lws_sorted_usec_list_t *entry)
{
	struct http_timer *timer = lws_container_of(entry, struct http_timer, entry);

	timer->tick(timer->context);
}

struct http_timer *http_timer_create(
	struct http_server *server, void (*tick)(void *context), void *context)
{
	struct http_timer *timer = memory_alloc(sizeof *timer);

	timer->server = server;
	timer->tick = tick;
	timer->context = context;
	return timer;
}

void http_timer_start(struct http_timer *timer, int64_t delay_us)
{
	lws_sul_schedule(
		timer->server->context, 0, &timer->entry, timer_due, delay_us > 1 ? delay_us : 1);
}

void http_timer_destroy(struct http_timer *timer)
{
	if (!timer)
		return;
	lws_sul_cancel(&timer->entry);
	free(timer);
}
