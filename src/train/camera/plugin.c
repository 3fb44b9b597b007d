#include "train/camera/driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char file_name[] = "railquest-ffmpeg.so";

/* ../lib/railquest beside the program's folder: so it is in the build folder, and so it is
 * installed. */
static bool beside_program(char *out, size_t size)
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

const struct camera_plugin *camera_plugin_load(struct error *err)
{
	const char *folder = getenv("RAILQUEST_PLUGINS");
	char path[4096 + 64] = "";

	if (folder && *folder)
		snprintf(path, sizeof path, "%s/%s", folder, file_name);
	else if (!beside_program(path, sizeof path)) {
		error_set(err, ERROR_SYSTEM,
			"where %s is cannot be told: say it with RAILQUEST_PLUGINS=FOLDER",
			file_name);
		return NULL;
	}
	// Never closed: FFmpeg's libraries leave things behind that outlive them.
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		error_set(err, ERROR_SYSTEM, "streams and films need the plug-in %s: %s", path,
			dlerror());
		return NULL;
	}
	const struct camera_plugin *plugin = dlsym(library, "railquest_camera_plugin");

	if (!plugin || plugin->version != CAMERA_PLUGIN_VERSION ||
		plugin->frame_size != sizeof(struct camera_frame)) {
		error_set(err, ERROR_SYSTEM, "%s is of another version of Railquest", path);
		return NULL;
	}
	return plugin;
}
