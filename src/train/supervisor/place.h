/* train/supervisor/place.h — where this program stands on its machine: programs, folders, ports. */
#ifndef TRAIN_SUPERVISOR_PLACE_H
#define TRAIN_SUPERVISOR_PLACE_H

#include "base/arena.h"
#include "base/error.h"

#include <limits.h>

struct place {
	char programs[PATH_MAX]; // folder of this program, and of the others beside it
	char folder[PATH_MAX];	 // of our own, for files that live as long as we do; "": none
};

/* Makes the folder, readable by us alone. Fails: ERROR_SYSTEM. */
bool place_open(struct place *place, struct error *err);
/* Removes the folder and the files in it. */
void place_close(struct place *place);

/* Path of an installed program, in the arena: $PATH, and where servers are. NULL: there is none. */
const char *place_find_program(const char *name, struct arena *arena);

/* A port of 127.0.0.1 that nobody listens on just now. */
bool place_free_port(int *out, struct error *err);

#endif
