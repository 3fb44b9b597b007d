#include "base/plugin.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ../lib/railquest beside the program's folder: so it is in the build folder, and so it is
 * installed. */
static bool beside_program(const char *file_name, char *out, size_t size)
{
	char program[4096];
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);

	for (int parts = 0; parts < 2; parts++) {
		while (len > 0 && program[len - 1] != '/')
			len--;
		if (len <= 0)
			return false;
		len--;
	}
	return snprintf(out, size, "%.*s/lib/railquest/%s", (int)len, program, file_name) <
	       (int)size;
}

const void *plugin_symbol(
	const char *file_name, const char *symbol, const char *purpose, struct error *err)
{
	const char *folder = getenv("RAILQUEST_PLUGINS");
	char path[4096 + 64] = "";

	if (folder && *folder)
		snprintf(path, sizeof path, "%s/%s", folder, file_name);
	else if (!beside_program(file_name, path, sizeof path)) {
		error_set(err, ERROR_SYSTEM,
			"where %s is cannot be told: say it with RAILQUEST_PLUGINS=FOLDER",
			file_name);
		return NULL;
	}
	// Never closed: the libraries behind it leave things behind that outlive them.
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		error_set(
			err, ERROR_SYSTEM, "%s need the plug-in %s: %s", purpose, path, dlerror());
		return NULL;
	}
	const void *found = dlsym(library, symbol);

	if (!found)
		error_set(err, ERROR_SYSTEM, "%s is of another version of Railquest", path);
	return found;
}
