/* train/controller_service/options.h — the program's options, and what they mean to the core. */
#ifndef TRAIN_CONTROLLER_SERVICE_OPTIONS_H
#define TRAIN_CONTROLLER_SERVICE_OPTIONS_H

#include "train/controller_service/cab.h"

extern const struct option cab_option_table[];

/*
 * What the table cannot say by itself. *allowed is a NULL-ended list of addresses in the arena,
 * NULL where any hub may be taken. False: what is wrong, for a usage error.
 */
bool cab_options_check(const struct cab_options *options, struct arena *arena,
	const char *const **allowed, struct error *err);
struct controller_options cab_options_core(const struct cab_options *options);

#endif
