/*
 * train/supervisor/probe.h — asks a service on this machine whether it is ready, without waiting:
 * GET /ready, or for a program that speaks no HTTP whether its port answers at all.
 */
#ifndef TRAIN_SUPERVISOR_PROBE_H
#define TRAIN_SUPERVISOR_PROBE_H

#include "base/str.h"

#include <stdint.h>

enum { PROBE_MAX_ANSWER_BYTES = 4096 };

struct probe {
	int fd;	      // -1: none under way
	bool is_bare; // a connection is enough
	bool is_sent;
	int64_t begun_ms;
	char address[64];
	char answer[PROBE_MAX_ANSWER_BYTES];
	size_t len;
};

enum probe_outcome {
	PROBE_WAITS,	 // more is to come
	PROBE_FAILED,	 // no answer
	PROBE_READY,	 // it is there and ready
	PROBE_NOT_READY, // it is there; probe_why says what is missing
};

/* Begins; `address` is HOST:PORT with a numeric host. False where nothing could be begun. */
bool probe_begin(struct probe *probe, const char *address, bool is_bare, int64_t now_ms);
/* The descriptor can be written or read. After anything but PROBE_WAITS it is closed. */
enum probe_outcome probe_step(struct probe *probe);
void probe_end(struct probe *probe);
/* First line of the answer that says what is not ready, or "". */
struct str probe_why(const struct probe *probe);

#endif
