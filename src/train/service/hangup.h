/* train/service/hangup.h — SIGHUP, from the loop: read files anew. */
#ifndef TRAIN_SERVICE_HANGUP_H
#define TRAIN_SERVICE_HANGUP_H

#include "train/service/service.h"

/* A zeroed struct waits for nothing. */
struct hangup {
	int fd;
	struct service_watch *watch;
	void (*call)(void *context);
	void *context;
};

/* To be called before there are threads: the signal is blocked in them, too. Fails: ERROR_SYSTEM.
 */
bool hangup_open(struct hangup *hangup, struct service *service, void (*call)(void *context),
	void *context, struct error *err);
void hangup_close(struct hangup *hangup);

#endif
