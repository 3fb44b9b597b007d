/*
 * What was recorded, over HTTP. The disk is read on a thread of the server's; the loop goes on.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"
#include "train/monitor/history.h"
#include "train/monitor/live.h"
#include "train/monitor/serve.h"

enum { USUAL_SPAN_MS = 10 * 60 * 1000, EVENTS_MOST_MS = 60 * 60 * 1000 };
// No calendar of ours goes further; and no difference of two instants overflows.
static const int64_t MOST_MS = INT64_C(253402300800000);

struct look {
	const char *folder;
	struct str train; // the request's
	struct history_range range;
	uint64_t number; // of a picture; 0: the one at range.to_ms
	void (*run)(struct look *look, struct ring_reader *reader);
	struct arena *arena; // the request's
	struct buffer out;
	int status; // 0: as `err` says
	struct error err;
	// A picture.
	struct ring_entry entry;
	struct ring_picture picture;
};

/* --- on a thread --- */

static void look_at_timeline(struct look *look, struct ring_reader *reader)
{
	history_timeline(reader, &look->range, &look->out, &look->err);
}

static void look_at_events(struct look *look, struct ring_reader *reader)
{
	history_events(reader, &look->range, &look->out, &look->err);
}

static void look_at_picture(struct look *look, struct ring_reader *reader)
{
	struct str message;
	bool is_there =
		look->number
			? ring_reader_find(reader, look->number, &look->entry, &look->err)
			: ring_reader_frame_at(reader, look->range.to_ms, &look->entry, &look->err);

	if (is_there && look->entry.note.kind == RING_FRAME && look->entry.note.is_readable &&
		ring_reader_read(reader, &look->entry, look->arena, &message, &look->err) &&
		ring_picture_of(
			&look->entry.note, message, look->arena, &look->picture, &look->err))
		return;
	if (look->err.kind == ERROR_NONE) {
		look->status = 404;
		error_set(&look->err, ERROR_INVALID, "no picture of that time is recorded");
	}
}

static void run(void *state, const atomic_bool *gone)
{
	struct look *look = state;

	if (atomic_load(gone))
		return;
	struct ring_reader *reader = ring_reader_open_train(look->folder, look->train, &look->err);

	if (!reader) {
		look->status = look->err.kind == ERROR_INVALID ? 404 : 500;
		return;
	}
	look->run(look, reader);
	ring_reader_close(reader);
}

/* --- on the loop --- */

static void release(void *state)
{
	struct look *look = state;

	buffer_finish(&look->out);
	free(look);
}

static void answer_json(struct http_request *request, struct look *look)
{
	struct buffer out = {0};

	buffer_append_char(&out, '{');
	buffer_append_str(&out, buffer_str(&look->out));
	buffer_append_text(&out, "}\n");
	http_allow_packing(request);
	http_answer_buffer(request, 200, "application/json", out);
}

static void answer_picture(struct http_request *request, const struct look *look)
{
	const struct ring_entry *entry = &look->entry;

	http_add_header(request, "x-train-picture:",
		str_format(request->arena, "%llu", (unsigned long long)entry->number));
	http_add_header(request,
		"x-train-at:", str_format(request->arena, "%lld", (long long)entry->at_ms));
	http_add_header(request, "x-train-key:",
		str_format(request->arena, "%016llx", (unsigned long long)entry->note.key));
	if (look->picture.width_px) {
		http_add_header(request, "x-train-width:",
			str_format(request->arena, "%lld", (long long)look->picture.width_px));
		http_add_header(request, "x-train-height:",
			str_format(request->arena, "%lld", (long long)look->picture.height_px));
	}
	http_answer(request, 200, live_picture_type(look->picture.format), look->picture.data);
}

static void finish(struct http_request *request, void *state, bool was_run)
{
	struct look *look = state;

	http_add_header(request, "cache-control:", STR("no-store"));
	if (!was_run)
		monitor_problem(request, 503, "too many look at the history now");
	else if (look->err.kind != ERROR_NONE)
		monitor_problem(request, look->status ? look->status : 500, look->err.text);
	else if (look->run == look_at_picture)
		answer_picture(request, look);
	else
		answer_json(request, look);
	release(look);
}

/* An RFC 3339 instant or Unix seconds; true where the request says none, too. */
bool monitor_read_instant(
	struct http_request *request, const char *name, int64_t fallback_ms, int64_t *out)
{
	struct str text = form_get(&request->form, name);

	*out = fallback_ms;
	if (!text.len ||
		(clock_parse_instant(text.data, text.len, out) && *out >= 0 && *out < MOST_MS))
		return true;
	monitor_problem(request, 400,
		str_format(request->arena,
			"\"%s\" must be an instant: 2026-11-27T13:15:00Z, or Unix seconds", name)
			.data);
	return false;
}

bool monitor_read_range(
	struct http_request *request, int64_t usual_ms, int64_t *from_ms, int64_t *to_ms)
{
	int64_t now_ms = clock_wall_ms();

	if (!monitor_read_instant(request, "to", now_ms, to_ms) ||
		!monitor_read_instant(request, "from", *to_ms - usual_ms, from_ms))
		return false;
	if (*from_ms <= *to_ms)
		return true;
	monitor_problem(request, 400, "\"from\" must not be later than \"to\"");
	return false;
}

static bool read_range(struct http_request *request, struct history_range *out)
{
	return monitor_read_range(request, USUAL_SPAN_MS, &out->from_ms, &out->to_ms);
}

bool monitor_recorded_train(
	struct monitor *monitor, struct http_request *request, struct str *train)
{
	struct str name = form_get(&request->form, "train");

	if (!monitor_record_folder(monitor)) {
		monitor_problem(request, 404, "nothing is recorded: the monitor has no --record");
		return false;
	}
	// One that was recorded need not have been heard of since this monitor began.
	const struct fleet_train *first = fleet_first(&monitor->fleet);

	if (!name.len && first)
		name = str_from(first->name);
	*train = str_copy(request->arena, name);
	if (name.len)
		return true;
	monitor_problem(request, 404, "no train was heard of yet");
	return false;
}

static struct look *begin(struct monitor *monitor, struct http_request *request,
	void (*what)(struct look *look, struct ring_reader *reader))
{
	struct str train;

	if (!monitor_admit(monitor, request) || !monitor_recorded_train(monitor, request, &train))
		return NULL;
	struct look *look = memory_alloc(sizeof *look);

	look->folder = monitor_record_folder(monitor);
	look->train = train;
	look->run = what;
	look->arena = request->arena;
	return look;
}

static void go(struct http_request *request, struct look *look)
{
	http_answer_later(request, &(struct http_work){.run = run,
					   .finish = finish,
					   .release = release,
					   .state = look,
					   .max_wait_us = 5000000});
}

void monitor_get_history(struct http_request *request, void *context)
{
	struct look *look = begin(context, request, look_at_timeline);

	if (look && read_range(request, &look->range))
		go(request, look);
	else
		free(look);
}

void monitor_get_history_events(struct http_request *request, void *context)
{
	struct look *look = begin(context, request, look_at_events);

	if (!look || !read_range(request, &look->range)) {
		free(look);
		return;
	}
	if (look->range.to_ms - look->range.from_ms > EVENTS_MOST_MS) {
		monitor_problem(request, 400, "ask for an hour at most");
		free(look);
		return;
	}
	go(request, look);
}

void monitor_get_history_picture(struct http_request *request, void *context)
{
	struct look *look = begin(context, request, look_at_picture);
	struct str number = form_get(&request->form, "number");
	int64_t value = 0;

	if (!look || !monitor_read_instant(request, "at", clock_wall_ms(), &look->range.to_ms)) {
		free(look);
		return;
	}
	if (number.len && (!number_parse_int(number, &value) || value < 1)) {
		monitor_problem(request, 400, "\"number\" must be that of a recorded picture");
		free(look);
		return;
	}
	look->number = (uint64_t)value;
	go(request, look);
}
