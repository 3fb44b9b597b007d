#include "train/clip/clip.h"

#include "base/plugin.h"
#include "train/clip/film.h"

#include <stdlib.h>

// Two hours at ten pictures a second, and their results.
enum { MAX_ENTRIES = 150000, TELL_EVERY = 50 };

struct clip {
	struct ring_reader *reader;
	const struct clip_options *options;
	const struct film_plugin *plugin;
	const char *path;
	struct film *film;		      // NULL before the first picture
	struct ring_entry *entries, *results; // results by key
	size_t entry_count, result_count;
	struct clip_summary *summary;
};

static const struct film_plugin *load(struct error *err)
{
	const struct film_plugin *plugin =
		plugin_symbol("railquest-ffmpeg.so", "railquest_film_plugin", "clips", err);

	if (!plugin || plugin->version == FILM_PLUGIN_VERSION)
		return plugin;
	error_set(err, ERROR_SYSTEM, "railquest-ffmpeg.so is of another version of Railquest");
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	const struct ring_entry *left = a, *right = b;

	return left->note.key < right->note.key ? -1 : left->note.key > right->note.key;
}

static bool find_entries(struct clip *clip, struct arena *arena, struct error *err)
{
	const struct clip_options *options = clip->options;
	unsigned kinds = 1U << RING_FRAME | (options->boxes ? 1U << RING_RESULT : 0);

	if (!ring_reader_list(clip->reader, options->from_ms, options->to_ms, kinds, MAX_ENTRIES,
		    arena, &clip->entries, &clip->entry_count, &clip->summary->is_cut, err))
		return false;
	clip->results = ARENA_ARRAY(arena, struct ring_entry, clip->entry_count + 1);
	for (size_t i = 0; i < clip->entry_count; i++)
		if (clip->entries[i].note.kind == RING_RESULT && clip->entries[i].note.key)
			clip->results[clip->result_count++] = clip->entries[i];
	if (clip->result_count)
		qsort(clip->results, clip->result_count, sizeof *clip->results, compare_keys);
	return true;
}

/* What was found in a picture, drawn onto it; a result that is not there is no failure. */
static bool draw_result(struct clip *clip, const struct ring_entry *frame,
	const struct ring_picture *source, const struct picture *picture, struct arena *arena,
	struct error *err)
{
	const struct ring_entry *result =
		frame->note.key && clip->result_count
			? bsearch(frame, clip->results, clip->result_count, sizeof *frame,
				  compare_keys)
			: NULL;
	struct wire_detection *detections;
	struct error unreadable = {0};
	struct str message;
	size_t count;

	if (!result || !result->note.is_readable)
		return true;
	if (!ring_reader_read(clip->reader, result, arena, &message, err))
		return err->kind != ERROR_SYSTEM;
	if (ring_detections_of(&result->note, message, arena, &detections, &count, &unreadable))
		clip_draw(picture, detections, count, source->width_px, source->height_px);
	return true;
}

static bool add_picture(
	struct clip *clip, const struct ring_entry *entry, struct arena *arena, struct error *err)
{
	struct clip_summary *summary = clip->summary;
	struct error unreadable = {0};
	struct ring_picture source;
	struct picture picture;
	struct str message;

	if (!ring_reader_read(clip->reader, entry, arena, &message, err)) {
		summary->left_out++;
		if (err->kind == ERROR_SYSTEM)
			return false;
		*err = (struct error){0};
		return true;
	}
	if (!ring_picture_of(&entry->note, message, arena, &source, &unreadable) ||
		!vision_decode(source.data, arena, &picture, &unreadable)) {
		summary->left_out++;
		return true;
	}
	if (clip->options->boxes && !draw_result(clip, entry, &source, &picture, arena, err))
		return false;
	*err = (struct error){0};
	if (!clip->film)
		clip->film =
			clip->plugin->create(clip->path, picture.width_px, picture.height_px, err);
	if (!clip->film || !clip->plugin->add(clip->film, &picture, entry->at_ms, err))
		return false;
	if (!summary->pictures++)
		summary->first_ms = entry->at_ms;
	summary->last_ms = entry->at_ms;
	return true;
}

static bool is_given_up(const struct clip *clip)
{
	return clip->options->is_given_up && atomic_load(clip->options->is_given_up);
}

static bool is_full(const struct clip *clip)
{
	return clip->film && clip->options->max_bytes &&
	       clip->plugin->size(clip->film) >= clip->options->max_bytes;
}

static bool add_pictures(struct clip *clip, struct error *err)
{
	const struct clip_options *options = clip->options;
	bool ok = true;

	for (size_t i = 0; ok && i < clip->entry_count && !is_given_up(clip); i++) {
		struct arena arena = {0};
		const struct ring_entry *entry = &clip->entries[i];

		if (entry->note.kind != RING_FRAME || !entry->note.is_readable)
			continue;
		if (is_full(clip)) {
			clip->summary->is_cut = true;
			break;
		}
		ok = add_picture(clip, entry, &arena, err);
		arena_finish(&arena);
		if (options->progress && i % TELL_EVERY == 0)
			options->progress(options->context, i, clip->entry_count);
	}
	return ok;
}

bool clip_write(struct ring_reader *reader, const struct clip_options *options, const char *path,
	struct clip_summary *summary, struct error *err)
{
	struct clip clip = {.reader = reader,
		.options = options,
		.path = path,
		.summary = summary,
		.plugin = load(err)};
	struct arena arena = {0};

	*summary = (struct clip_summary){0};
	if (!clip.plugin)
		return false;
	bool ok = find_entries(&clip, &arena, err) && add_pictures(&clip, err) && clip.film &&
		  !is_given_up(&clip) && clip.plugin->finish(clip.film, err);

	clip.plugin->destroy(clip.film);
	arena_finish(&arena);
	return ok;
}
