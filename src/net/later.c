#include "net/later.h"

#include <assert.h>
#include <poll.h>

/* How often it is looked whether a client still waits. */
enum { LOOK_US = 100000 };

static void stop_timers(struct exchange *exchange)
{
	lws_sul_cancel(&exchange->patience);
	lws_sul_cancel(&exchange->look);
}

/*
 * libwebsockets does not read while a request is being answered, so it does not see that the client
 * has closed. One that has closed its sending half alone counts as gone too, as in Go's net/http.
 */
static void look_at_client(lws_sorted_usec_list_t *timer)
{
	struct exchange *exchange = lws_container_of(timer, struct exchange, look);
	struct pollfd poll_fd = {
		.fd = (int)lws_get_socket_fd(lws_get_network_wsi(exchange->wsi)),
		.events = POLLRDHUP,
	};

	if (poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR))
		lws_set_timeout(exchange->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	else
		lws_sul_schedule(exchange->server->context, 0, timer, look_at_client, LOOK_US);
}

bool later_abandon(struct exchange *exchange)
{
	struct http_server *server = exchange->server;

	server->stats.abandoned++;
	stop_timers(exchange);
	exchange->wsi = NULL;
	if (!pool_withdraw(server->pool, &exchange->job)) {
		atomic_store(&exchange->job.cancelled, true);
		return false;
	}
	exchange->work.release(exchange->work.state);
	return true;
}

/* Called once, when the work is over: the client gets its answer with its next turn. */
static void finish_work(struct exchange *exchange, bool was_run)
{
	stop_timers(exchange);
	exchange->state = EXCHANGE_SENDING;
	exchange->work.finish(&exchange->request, exchange->work.state, was_run);
	assert(exchange->answered);
	lws_callback_on_writable(exchange->wsi);
}

static struct exchange *of_job(struct pool_job *job)
{
	return lws_container_of(job, struct exchange, job);
}

static void run_work(struct pool_job *job)
{
	struct exchange *exchange = of_job(job);

	exchange->work.run(exchange->work.state, &job->cancelled);
}

static void lose_patience(lws_sorted_usec_list_t *timer)
{
	struct exchange *exchange = lws_container_of(timer, struct exchange, patience);

	if (pool_withdraw(exchange->server->pool, &exchange->job))
		finish_work(exchange, false);
}

void later_take_done(struct http_server *server)
{
	struct pool_job *job;

	while ((job = pool_take_done(server->pool))) {
		struct exchange *exchange = of_job(job);

		if (exchange->wsi) {
			finish_work(exchange, true);
			continue;
		}
		exchange->work.release(exchange->work.state);
		exchange_release(exchange);
	}
}

void http_answer_later(struct http_request *request, const struct http_work *work)
{
	struct exchange *exchange = (struct exchange *)request;
	struct http_server *server = exchange->server;

	assert(!exchange->answered && exchange->state != EXCHANGE_WORKING);
	exchange->state = EXCHANGE_WORKING;
	exchange->work = *work;
	exchange->job.run = run_work;
	lws_set_timeout(exchange->wsi, NO_PENDING_TIMEOUT, 0);
	lws_sul_schedule(server->context, 0, &exchange->look, look_at_client, LOOK_US);
	if (work->max_wait_us > 0)
		lws_sul_schedule(
			server->context, 0, &exchange->patience, lose_patience, work->max_wait_us);
	pool_submit(server->pool, &exchange->job);
}
