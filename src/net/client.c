#include "net/client.h"

#include "base/clock.h"
#include "base/memory.h"
#include "net/client_request.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

/*
 * libcurl says which sockets it waits for and until when; both go into one epoll descriptor, the
 * time as a timerfd. A turn takes what epoll reports, tells libcurl, and then looks for requests
 * that are over. `done` may ask again: it is called when libcurl is not in the middle of anything.
 */

enum { DEFAULT_ACTIVE = 64, MAX_TURN_EVENTS = 64, MAX_HOST_CONNECTIONS = 16 };

struct http_client {
	CURLM *multi;
	int epoll_fd, timer_fd;
	size_t max_active, active, pending;
	struct request *first, *last; // waiting, in the order in which they were asked for
	struct request *running;      // for the end
	struct request *failed;	      // could not even begin; told at the next turn
};

/* --- what libcurl wants to know --- */

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	struct http_client *client = context;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events =
		(what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(client->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0 &&
		errno == EEXIST)
		epoll_ctl(client->epoll_fd, EPOLL_CTL_MOD, fd, &event);
	curl_multi_assign(client->multi, fd, client);
	return 0;
}

// A timer that fires once; -1: none. 0 would disarm it, so it is a nanosecond.
static void set_timer(struct http_client *client, int64_t delay_ms)
{
	struct itimerspec when = {0};

	if (delay_ms > 0)
		when.it_value = (struct timespec){delay_ms / 1000, delay_ms % 1000 * 1000000};
	else if (delay_ms == 0)
		when.it_value.tv_nsec = 1;
	timerfd_settime(client->timer_fd, 0, &when, NULL);
}

static int want_timer(CURLM *multi, long timeout_ms, void *context)
{
	(void)multi;
	set_timer(context, timeout_ms);
	return 0;
}

/* --- making --- */

static bool open_descriptors(struct http_client *client, struct error *err)
{
	struct epoll_event event = {.events = EPOLLIN};

	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	event.data.fd = client->timer_fd;
	return (client->epoll_fd >= 0 && client->timer_fd >= 0 &&
		       epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, client->timer_fd, &event) == 0) ||
	       error_errno(err, "make an HTTP client");
}

struct http_client *http_client_create(size_t max_active, struct error *err)
{
	struct http_client *client = memory_alloc(sizeof *client);

	// Counted by libcurl: the last client's end undoes it.
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	client->epoll_fd = client->timer_fd = -1;
	client->max_active = max_active ? max_active : DEFAULT_ACTIVE;
	client->multi = curl_multi_init();
	if (!client->multi)
		abort();
	if (!open_descriptors(client, err)) {
		http_client_destroy(client);
		return NULL;
	}
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)MAX_HOST_CONNECTIONS);
	return client;
}

static void drop_list(struct request *request)
{
	while (request) {
		struct request *next = request->next;

		request_destroy(request);
		request = next;
	}
}

void http_client_destroy(struct http_client *client)
{
	if (!client)
		return;
	for (struct request *request = client->running; request; request = request->next)
		curl_multi_remove_handle(client->multi, request->easy);
	drop_list(client->running);
	drop_list(client->first);
	drop_list(client->failed);
	curl_multi_cleanup(client->multi);
	if (client->epoll_fd >= 0)
		close(client->epoll_fd);
	if (client->timer_fd >= 0)
		close(client->timer_fd);
	curl_global_cleanup();
	free(client);
}

/* --- asking --- */

static void push_request(struct request **list, struct request *request)
{
	request->next = *list;
	*list = request;
}

static void unlink_request(struct request **list, struct request *request)
{
	while (*list && *list != request)
		list = &(*list)->next;
	if (*list)
		*list = request->next;
	request->next = NULL;
}

static void start_waiting(struct http_client *client)
{
	while (client->first && client->active < client->max_active) {
		struct request *request = client->first;

		client->first = request->next;
		if (!client->first)
			client->last = NULL;
		request->sent_ms = clock_wall_ms();
		request->begun_us = clock_monotonic_us();
		if (curl_multi_add_handle(client->multi, request->easy) != CURLM_OK)
			abort();
		push_request(&client->running, request);
		client->active++;
	}
}

void http_client_fetch(struct http_client *client, const struct http_fetch *fetch,
	http_fetched_fn *done, void *context)
{
	struct request *request = request_create(fetch, done, context);

	client->pending++;
	if (request->answer.error.kind != ERROR_NONE) {
		push_request(&client->failed, request);
		set_timer(client, 0);
		return;
	}
	request->next = NULL;
	if (client->last)
		client->last->next = request;
	else
		client->first = request;
	client->last = request;
	start_waiting(client);
}

size_t http_client_pending(const struct http_client *client)
{
	return client->pending;
}

int http_client_descriptor(const struct http_client *client)
{
	return client->epoll_fd;
}

/* --- turning --- */

static void tell(struct http_client *client, struct request *request)
{
	client->pending--;
	request->done(request->context, &request->answer);
	request_destroy(request);
}

static void tell_finished(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while (client->failed) {
		struct request *request = client->failed;

		client->failed = request->next;
		tell(client, request);
	}
	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct request *request = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		curl_multi_remove_handle(client->multi, request->easy);
		unlink_request(&client->running, request);
		client->active--;
		request_conclude(request, code);
		tell(client, request);
	}
	start_waiting(client);
}

void http_client_turn(struct http_client *client)
{
	http_client_wait(client, 0);
}

void http_client_wait(struct http_client *client, int64_t timeout_ms)
{
	struct epoll_event events[MAX_TURN_EVENTS];
	int running, count, wait_ms = timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;

	do {
		count = epoll_wait(client->epoll_fd, events, MAX_TURN_EVENTS, wait_ms);
		for (int i = 0; i < count; i++) {
			uint32_t what = events[i].events;

			if (events[i].data.fd == client->timer_fd) {
				uint64_t ticks;

				if (read(client->timer_fd, &ticks, sizeof ticks) == sizeof ticks)
					curl_multi_socket_action(
						client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
				continue;
			}
			curl_multi_socket_action(client->multi, events[i].data.fd,
				(what & EPOLLIN ? CURL_CSELECT_IN : 0) |
					(what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
					(what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
				&running);
		}
		tell_finished(client);
		wait_ms = 0;
	} while (count == MAX_TURN_EVENTS);
}
