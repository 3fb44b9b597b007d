/*
 * train/capture/capture.h — the service: pictures of one source at a steady pace onto the bus.
 * docs/capture.md tells operators.
 */
#ifndef TRAIN_CAPTURE_CAPTURE_H
#define TRAIN_CAPTURE_CAPTURE_H

#include "base/options.h"
#include "net/guard.h"
#include "train/capture/prepare.h"
#include "train/service/service.h"

/* As the option table reads them. */
struct capture_options {
	struct service_settings service;
	const char *source, *test_file, *size, *camera_size, *format, *name, *transport;
	const char *token_file;
	double fps;
	int64_t quality_percent, deadline_ms;
	bool loop, no_start;
};

extern const struct command capture_command;

struct capture;

/* `options` is borrowed. Fails: ERROR_INVALID, naming the option; what service_create fails with.
 */
struct capture *capture_create(const struct capture_options *options, struct error *err);
void capture_destroy(struct capture *capture); // takes NULL
/* Until a signal. */
bool capture_run(struct capture *capture, struct error *err);

enum capture_answer { CAPTURE_DONE, CAPTURE_IS_RUNNING, CAPTURE_HAS_NO_FILE, CAPTURE_FAILED };

/* What POST /capture/start, test and stop do. CAPTURE_FAILED: err says why. */
enum capture_answer capture_start(struct capture *capture, struct error *err);
enum capture_answer capture_test(struct capture *capture, struct error *err);
void capture_stop(struct capture *capture);

/* Who may do that; NULL: nobody, it listens beyond this machine and there is no token. */
const struct guard *capture_guard(const struct capture *capture);

#endif
