/*
 * A part of the past as a video file. It is made on a thread of the server's, in memory, whole
 * before the answer begins: so it has its length and its table of contents. One at a time, since
 * making one takes a core; who would be the second is told to come again.
 */
#include "base/memory.h"
#include "train/clip/clip.h"
#include "train/monitor/serve.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USUAL_MS = 60 * 1000, MOST_MS = 10 * 60 * 1000, MOST_BYTES = 64 << 20 };

struct making {
	const char *folder;
	struct str train; // the request's
	struct clip_options options;
	struct clip_summary summary;
	struct buffer film;
	bool is_counted; // the one that is made now
	struct error err;
	int status; // of a failure
};

static atomic_bool is_busy;

/* --- on a thread --- */

static bool read_back(int fd, struct making *making)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return error_errno(&making->err, "make a clip");
	size_t size = (size_t)status.st_size;
	void *film = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (film == MAP_FAILED)
		return error_errno(&making->err, "make a clip");
	buffer_append(&making->film, film, size);
	munmap(film, size);
	return true;
}

static void make(struct making *making, struct ring_reader *reader)
{
	int fd = memfd_create("clip", MFD_CLOEXEC);
	char path[64];

	if (fd < 0) {
		error_errno(&making->err, "make a clip");
		return;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (clip_write(reader, &making->options, path, &making->summary, &making->err))
		read_back(fd, making);
	else if (making->err.kind == ERROR_NONE) {
		making->status = 404;
		error_set(&making->err, ERROR_INVALID, "no picture of that time is recorded");
	}
	close(fd);
}

static void run(void *state, const atomic_bool *gone)
{
	struct making *making = state;
	struct ring_reader *reader;

	if (atomic_load(gone))
		return;
	making->status = 500;
	making->options.is_given_up = gone;
	reader = ring_reader_open_train(making->folder, making->train, &making->err);
	if (reader)
		make(making, reader);
	else if (making->err.kind == ERROR_INVALID)
		making->status = 404;
	ring_reader_close(reader);
}

/* --- on the loop --- */

static void release(void *state)
{
	struct making *making = state;

	if (making->is_counted)
		atomic_store(&is_busy, false);
	buffer_finish(&making->film);
	free(making);
}

static void answer(struct http_request *request, struct making *making)
{
	struct buffer film = making->film;

	making->film = (struct buffer){0};
	http_add_header(request, "content-disposition:",
		str_format(request->arena, "attachment; filename=\"railquest-%lld%s.mp4\"",
			(long long)making->summary.first_ms / 1000,
			making->options.boxes ? "-boxes" : ""));
	http_add_header(request,
		"x-train-pictures:", str_format(request->arena, "%zu", making->summary.pictures));
	if (making->summary.is_cut)
		http_add_header(request, "x-train-cut:", STR("true"));
	http_answer_buffer(request, 200, "video/mp4", film);
}

static void finish(struct http_request *request, void *state, bool was_run)
{
	struct making *making = state;

	http_add_header(request, "cache-control:", STR("no-store"));
	if (!was_run)
		monitor_problem(request, 503, "too many look at the history now");
	else if (making->err.kind != ERROR_NONE)
		monitor_problem(request, making->status, making->err.text);
	else
		answer(request, making);
	release(making);
}

static bool read_boxes(struct http_request *request, bool *out)
{
	struct str text = form_get(&request->form, "boxes");

	*out = str_equal(text, STR("1"));
	if (!text.len || *out || str_equal(text, STR("0")))
		return true;
	monitor_problem(request, 400, "\"boxes\" must be 0 or 1");
	return false;
}

static bool read_request(
	struct monitor *monitor, struct http_request *request, struct making *making)
{
	struct clip_options *options = &making->options;

	options->max_bytes = MOST_BYTES;
	making->folder = monitor_record_folder(monitor);
	if (!monitor_recorded_train(monitor, request, &making->train) ||
		!monitor_read_range(request, USUAL_MS, &options->from_ms, &options->to_ms) ||
		!read_boxes(request, &options->boxes))
		return false;
	if (options->to_ms - options->from_ms <= MOST_MS)
		return true;
	monitor_problem(request, 400,
		"ask for ten minutes at most; railquest-train clip writes longer films");
	return false;
}

void monitor_get_history_clip(struct http_request *request, void *context)
{
	struct monitor *monitor = context;

	if (!monitor_admit(monitor, request))
		return;
	struct making *making = memory_alloc(sizeof *making);

	if (!read_request(monitor, request, making)) {
		release(making);
		return;
	}
	if (atomic_exchange(&is_busy, true)) {
		http_add_header(request, "retry-after:", STR("5"));
		monitor_problem(request, 503, "another clip is being made: try again in a moment");
		release(making);
		return;
	}
	making->is_counted = true;
	http_answer_later(request, &(struct http_work){.run = run,
					   .finish = finish,
					   .release = release,
					   .state = making,
					   .max_wait_us = 5000000});
}
