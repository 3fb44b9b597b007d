#include "train/capture/settings.h"

static bool read_sizes(
	const struct capture_options *options, struct capture_settings *settings, struct error *err)
{
	struct prepare_options *prepare = &settings->prepare;

	*prepare = (struct prepare_options){
		.webp = strcmp(options->format, "webp") == 0,
		.quality_percent = (int)options->quality_percent,
	};
	if (!prepare_parse_size(options->size, &prepare->width_px, &prepare->height_px, err))
		return error_wrap(err, "--size");
	settings->camera_width_px = prepare->width_px;
	settings->camera_height_px = prepare->height_px;
	if (options->camera_size &&
		!prepare_parse_size(options->camera_size, &settings->camera_width_px,
			&settings->camera_height_px, err))
		return error_wrap(err, "--camera-size");
	return true;
}

static bool read_guard(const struct capture_options *options, struct arena *arena,
	struct capture_settings *settings, struct error *err)
{
	const char *listen = options->service.listen;
	struct str token = {0};

	// Beyond this machine it answers without a token all the same, but takes no commands.
	if (!options->token_file) {
		settings->is_guarded = guard_init(&settings->guard, listen, token, err);
		return true;
	}
	if (!service_read_token(options->token_file, arena, &token, err))
		return false;
	settings->is_guarded = guard_init(&settings->guard, listen, token, err);
	return settings->is_guarded || error_wrap(err, "--token-file %s", options->token_file);
}

bool capture_read_settings(const struct capture_options *options, struct arena *arena,
	struct capture_settings *out, struct error *err)
{
	*out = (struct capture_settings){0};
	if (!options->name[0] || strlen(options->name) > WIRE_MAX_TEXT_BYTES)
		return error_set(err, ERROR_INVALID, "--camera-name: a name of 1 to %d bytes",
			WIRE_MAX_TEXT_BYTES);
	if (!camera_check(options->source, err))
		return error_wrap(err, "--source");
	return read_sizes(options, out, err) && read_guard(options, arena, out, err);
}
