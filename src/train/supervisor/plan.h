/*
 * train/supervisor/plan.h — from what an operator says about a whole train to the command line of
 * each program.
 */
#ifndef TRAIN_SUPERVISOR_PLAN_H
#define TRAIN_SUPERVISOR_PLAN_H

#include "base/arena.h"
#include "base/error.h"
#include "train/supervisor/processes.h"

/* The services in the order in which they are started, NULL-ended; also the sections of the
 * configuration file. */
extern const char *const plan_services[];

/* Texts are borrowed. */
struct plan_value {
	const char *service; // NULL: every one whose section does not say it itself
	const char *name;
	const char *value; // NULL: a flag
};

struct plan_input {
	const char *programs; // folder in which they are
	const char *runtime;  // folder for files that are made here
	const char *config;   // NULL: none
	const struct plan_value *values;
	size_t value_count;
	const char *const *sets; // as --set has them, SERVICE.NAME=VALUE; these go last
	size_t set_count;
	const char *const *without; // services that run elsewhere
	size_t without_count;
	bool free_ports;
};

/*
 * Writes each service's section of the configuration file into the runtime folder as SERVICE.yaml
 * (on the same lines as there, so that errors lead to the right ones), and fills `out` (room for
 * PROCESSES_MAX). Texts are in the arena. Fails: ERROR_INVALID, naming file and line or the option;
 * ERROR_SYSTEM.
 */
bool plan_make(const struct plan_input *input, struct arena *arena, struct process_plan *out,
	size_t *count, struct error *err);

/*
 * A Mosquitto for this train alone, on 127.0.0.1:`port`: writes its configuration into the runtime
 * folder.
 */
bool plan_broker(const char *program, const char *runtime, int port, struct arena *arena,
	struct process_plan *out, struct error *err);

/* SERVICE.yaml of a section, for tests: appends it. `file` is for messages. */
struct yaml_node;
bool plan_write_section(
	const struct yaml_node *section, const char *file, struct buffer *out, struct error *err);

#endif
