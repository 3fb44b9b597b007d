/*
 * Private to rehearse: the scenario files that ship inside the program (scenarios/).
 */
#ifndef REHEARSE_SHIPPED_H
#define REHEARSE_SHIPPED_H

#include "base/str.h"

struct shipped_scenario {
	const char *name; // without .yaml
	const unsigned char *text;
	size_t size;
};

/* Ends in a row without a name. */
extern const struct shipped_scenario shipped_scenarios[];

#endif
