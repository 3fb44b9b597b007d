#include "train/camera/driver.h"

#include "base/plugin.h"

const struct camera_plugin *camera_plugin_load(struct error *err)
{
	const struct camera_plugin *plugin = plugin_symbol(
		"railquest-ffmpeg.so", "railquest_camera_plugin", "streams and films", err);

	if (plugin && plugin->version == CAMERA_PLUGIN_VERSION &&
		plugin->frame_size == sizeof(struct camera_frame))
		return plugin;
	if (plugin)
		error_set(err, ERROR_SYSTEM,
			"railquest-ffmpeg.so is of another version of Railquest");
	return NULL;
}
