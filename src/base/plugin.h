/*
 * base/plugin.h — shared libraries of ours with what few need and what draws in many others. They
 * are loaded when they are first asked for, and stay.
 */
#ifndef BASE_PLUGIN_H
#define BASE_PLUGIN_H

#include "base/error.h"

/*
 * The symbol of that name in the library `file_name`, which is looked for in $RAILQUEST_PLUGINS,
 * then in ../lib/railquest beside the program. `purpose` begins a sentence: "streams and films".
 * NULL: ERROR_SYSTEM with where it looked.
 */
const void *plugin_symbol(
	const char *file_name, const char *symbol, const char *purpose, struct error *err);

#endif
