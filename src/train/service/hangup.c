#include "train/service/hangup.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

// Several that came meanwhile are one.
static void on_signal(void *context, uint32_t events)
{
	struct hangup *hangup = context;
	struct signalfd_siginfo info;

	(void)events;
	while (read(hangup->fd, &info, sizeof info) == (ssize_t)sizeof info)
		;
	hangup->call(hangup->context);
}

bool hangup_open(struct hangup *hangup, struct service *service, void (*call)(void *context),
	void *context, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	hangup->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (hangup->fd < 0)
		return error_errno(err, "signalfd");
	hangup->call = call;
	hangup->context = context;
	hangup->watch = service_watch(service, hangup->fd, EPOLLIN, on_signal, hangup);
	return true;
}

void hangup_close(struct hangup *hangup)
{
	if (!hangup->watch)
		return;
	service_watch_drop(hangup->watch);
	close(hangup->fd);
	*hangup = (struct hangup){0};
}
