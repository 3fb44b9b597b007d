/*
 * A part of a monitor's recording as a video file.
 */
#include "train/clip/clip.h"

#include "base/clock.h"
#include "train/supervisor/supervisor.h"
#include "train/supervisor/tape.h"

#include <stdio.h>
#include <unistd.h>

struct clip_flags {
	const char *output, *train, *from, *to;
	bool boxes;
};

static const struct option clip_table[] = {
	{.name = "output",
		.letter = 'o',
		.kind = OPTION_FILE,
		.offset = offsetof(struct clip_flags, output),
		.placeholder = "FILE",
		.help = "the film",
		.fallback = "clip.mp4"},
	{.name = "boxes",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct clip_flags, boxes),
		.help = "draw what the detector found onto the pictures"},
	{.name = "train",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct clip_flags, train),
		.placeholder = "NAME",
		.help = "which train; needed where there are several"},
	{.name = "from",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct clip_flags, from),
		.placeholder = "INSTANT",
		.help = "pictures from then on (2026-11-27T13:15:00Z, or Unix seconds); without it "
			"the oldest"},
	{.name = "to",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct clip_flags, to),
		.placeholder = "INSTANT",
		.help = "pictures up to then; without it the newest"},
	{0},
};

static void tell_progress(void *context, size_t done, size_t total)
{
	(void)context;
	fprintf(stderr, "\r%zu %%", total ? done * 100 / total : 0);
}

static bool write_film(struct ring_reader *reader, const struct clip_options *options,
	const char *path, struct error *err)
{
	struct clip_summary summary;
	bool ok = clip_write(reader, options, path, &summary, err);

	if (options->progress)
		fprintf(stderr, "\r     \r");
	if (!ok) {
		unlink(path);
		return err->kind == ERROR_NONE &&
		       error_set(err, ERROR_INVALID, "no picture of that time is recorded");
	}
	char from[32], to[32];

	clock_print_instant(from, summary.first_ms);
	clock_print_instant(to, summary.last_ms);
	fprintf(stderr, "railquest-train clip: %zu pictures from %s to %s, %zu left out%s\n",
		summary.pictures, from, to, summary.left_out,
		summary.is_cut ? "; there are more: say --from for the next film" : "");
	return true;
}

static bool write_clip(const struct clip_flags *flags, const char *folder, struct error *err)
{
	struct clip_options options = {.boxes = flags->boxes};

	if (isatty(STDERR_FILENO))
		options.progress = tell_progress;
	if (!tape_read_instant("from", flags->from, INT64_MIN, &options.from_ms, err) ||
		!tape_read_instant("to", flags->to, INT64_MAX, &options.to_ms, err))
		return false;
	if (access(flags->output, F_OK) == 0)
		return error_set(err, ERROR_INVALID, "%s is there already", flags->output);
	struct ring_reader *reader = tape_open_ring(folder, flags->train, err);
	bool ok = reader && write_film(reader, &options, flags->output, err);

	ring_reader_close(reader);
	return ok;
}

static int run_clip(int argc, char **argv)
{
	struct clip_flags flags = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&train_clip_command, &flags, &argc, argv, &exit_code))
		return exit_code;
	if (write_clip(&flags, argv[0], &err))
		return 0;
	fprintf(stderr, "railquest-train clip: %s\n", err.text);
	return 1;
}

const struct command train_clip_command = {
	.name = "clip",
	.arguments = "DIR",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "write a part of a monitor's recording as a video file",
	.description =
		"DIR is the folder of railquest-monitor --record. The film is MP4 with H.264, each "
		"picture shown when it was taken, as the camera saw it; with --boxes what the "
		"detector found is drawn onto it. Two hours at ten pictures a second go into one "
		"film.\n\n"
		"It may be called while the monitor records.",
	.examples = "  railquest-train clip trains --train blue --from 2026-11-27T13:15:00Z "
		    "--to 2026-11-27T13:16:00Z --boxes -o minute.mp4\n",
	.options = clip_table,
	.run = run_clip,
};
