#include "train/uplink/uplink.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "train/uplink/inbox.h"
#include "train/uplink/live.h"
#include "train/uplink/packed.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Three senders, so three connections: a picture in the way would hold up the event behind it.
 * Events and late pictures are tried for ever, each is there once; a live one is tried once, for as
 * long as somebody could want it live.
 */

enum {
	TICK_MS = 100,
	SYNC_US = 1000000,
	PATIENCE_MS = 3000,
	UP_US = 3000000,
	MAX_RECORD_BYTES = 25 << 20, // structured mode has base64
	LEAVE_MS = 1000,
};

struct uplink {
	struct uplink_options options;
	struct inbox inbox;
	struct lane events, backlog;
	struct live live;
	pthread_t thread;
	bool has_thread;

	// Shared with who asks: under the lock.
	pthread_mutex_t lock;
	bool is_leaving;
	struct uplink_counts counts;
	char trouble[256];

	// The thread's own.
	uint64_t events_lost, told_lost;
	int64_t arrived_us, synced_us, complained_us;
	bool is_down; // as trouble said
	char why[256];
};

static void complain(struct uplink *uplink, const char *what, const char *why)
{
	int64_t now_us = clock_monotonic_us();

	if (uplink->complained_us && now_us - uplink->complained_us < 10 * 1000000)
		return;
	uplink->complained_us = now_us;
	log_warn("%s: %s", what, why);
}

/* --- what the senders say --- */

static void note_arrival(struct uplink *uplink)
{
	uplink->arrived_us = clock_monotonic_us();
	if (uplink->is_down)
		log_info("the cloud is reached again");
	uplink->is_down = false;
	uplink->why[0] = '\0';
}

static void on_event_report(void *context, const struct kafka_report *report)
{
	struct uplink *uplink = context;

	if (report->has_arrived)
		note_arrival(uplink);
	lane_report(&uplink->events, report, clock_monotonic_us());
	if (!report->has_arrived && !report->is_hopeless)
		complain(uplink, "an event did not arrive, and waits on disk", uplink->events.why);
}

static void note_picture(struct uplink *uplink, const struct kafka_report *report)
{
	if (report->has_arrived)
		note_arrival(uplink);
	else
		snprintf(uplink->why, sizeof uplink->why, "%.250s", report->why);
}

static void on_live_report(void *context, const struct kafka_report *report)
{
	struct uplink *uplink = context;

	note_picture(uplink, report);
	live_report(&uplink->live, report, clock_monotonic_us());
}

static void on_late_report(void *context, const struct kafka_report *report)
{
	struct uplink *uplink = context;

	note_picture(uplink, report);
	lane_report(&uplink->backlog, report, clock_monotonic_us());
}

static void on_trouble(void *context, const char *why, bool all_are_down)
{
	struct uplink *uplink = context;

	snprintf(uplink->why, sizeof uplink->why, "%.250s", why);
	if (all_are_down && !uplink->is_down) {
		uplink->is_down = true;
		uplink->complained_us = 0;
	}
	complain(uplink, "the cloud cannot be reached; what is to be sent waits on disk", why);
}

/* --- the thread --- */

/* A disk that fails is tried again: until the journal is full nothing is lost by it. */
static void take_events(struct uplink *uplink)
{
	struct journal *journal = &uplink->inbox.journal;
	struct str packed;

	while (journal_peek(journal, &packed)) {
		struct error err = {0};
		uint64_t sequence;

		if (!spool_append(uplink->events.spool, packed, clock_wall_ms(), &sequence, &err)) {
			if (err.kind != ERROR_LIMIT) {
				complain(uplink, "an event waits, the spool does not take it",
					err.text);
				break;
			}
			uplink->events_lost++;
			complain(uplink, "an event is lost, the spool does not take it", err.text);
		}
		journal_drop(journal);
	}
	journal_prepare(journal);
}

/*
 * Live pictures first; while none is under way the backlog has the link, one picture at a time. So
 * it also finds out whether a link is back that has nothing new to take.
 */
static void send_pictures(struct uplink *uplink, int64_t now_us)
{
	struct buffer packed = {0};

	if (inbox_take_picture(&uplink->inbox, &packed))
		live_take(&uplink->live, &packed, now_us);
	live_attend(&uplink->live, now_us);
	if (!uplink->live.under_way)
		lane_send(&uplink->backlog, now_us);
	if (uplink->live.lost > uplink->told_lost)
		complain(uplink, "a picture is lost", uplink->live.why);
	uplink->told_lost = uplink->live.lost;
}

static void sync_spools(struct uplink *uplink, int64_t now_us)
{
	struct error err = {0};

	if (now_us - uplink->synced_us < SYNC_US)
		return;
	uplink->synced_us = now_us;
	if (!spool_sync(uplink->events.spool, &err) || !spool_sync(uplink->backlog.spool, &err))
		complain(uplink, "the spool is not durable", err.text);
}

static bool is_up(const struct uplink *uplink, uint64_t waiting, int64_t now_us)
{
	return !uplink->is_down &&
	       (waiting == 0 || (uplink->arrived_us && now_us - uplink->arrived_us < UP_US));
}

/* Whether to go on. */
static bool share_counts(struct uplink *uplink, int64_t now_us)
{
	struct spool_status events = spool_status(uplink->events.spool);
	struct spool_status pictures = spool_status(uplink->backlog.spool);
	struct uplink_counts counts = {
		.events_arrived = uplink->events.arrived,
		.events_lost = uplink->events_lost + uplink->events.refused,
		.events_waiting = events.waiting,
		.pictures_live = uplink->live.arrived,
		.pictures_late = uplink->backlog.arrived,
		.pictures_thinned = pictures.thinned,
		.pictures_lost = uplink->live.lost + uplink->backlog.refused,
		.pictures_waiting = pictures.waiting,
		.spool_bytes = events.bytes + pictures.bytes,
		.oldest_ms = events.waiting && pictures.waiting
				     ? (events.oldest_ms < pictures.oldest_ms ? events.oldest_ms
									      : pictures.oldest_ms)
				     : (events.waiting ? events.oldest_ms : pictures.oldest_ms),
		.is_up = is_up(uplink, events.waiting, now_us),
	};
	const char *why = uplink->why[0] ? uplink->why : uplink->events.why;

	pthread_mutex_lock(&uplink->lock);
	uplink->counts = counts;
	snprintf(uplink->trouble, sizeof uplink->trouble, "%s",
		counts.is_up ? ""
		: why[0]     ? why
			     : "nothing has arrived yet");
	bool is_leaving = uplink->is_leaving;

	pthread_mutex_unlock(&uplink->lock);
	return !is_leaving;
}

static void wait_for_work(struct uplink *uplink)
{
	struct pollfd fds[] = {
		{.fd = uplink->inbox.fd, .events = POLLIN},
		{.fd = kafka_sender_fd(uplink->events.sender), .events = POLLIN},
		{.fd = kafka_sender_fd(uplink->live.sender), .events = POLLIN},
		{.fd = kafka_sender_fd(uplink->backlog.sender), .events = POLLIN},
	};
	uint64_t count;

	if (poll(fds, sizeof fds / sizeof fds[0], TICK_MS) > 0 && fds[0].revents &&
		read(uplink->inbox.fd, &count, sizeof count) < 0)
		log_debug("nothing in the inbox");
}

static void attend(struct uplink *uplink)
{
	kafka_sender_attend(uplink->events.sender);
	kafka_sender_attend(uplink->live.sender);
	kafka_sender_attend(uplink->backlog.sender);
}

static void *run(void *context)
{
	struct uplink *uplink = context;
	int64_t now_us;

	do {
		wait_for_work(uplink);
		now_us = clock_monotonic_us();
		attend(uplink);
		take_events(uplink);
		lane_send(&uplink->events, now_us);
		send_pictures(uplink, now_us);
		sync_spools(uplink, now_us);
	} while (share_counts(uplink, now_us));
	return NULL;
}

/* --- from outside --- */

static struct kafka_sender *create_sender(const struct uplink_options *options, int64_t patience_ms,
	const struct kafka_listener *listener, struct error *err)
{
	const struct kafka_sender_options sender = {
		.settings = options->kafka,
		.client_id = options->client_id,
		.max_record_bytes = MAX_RECORD_BYTES,
		.patience_ms = patience_ms,
	};

	return kafka_sender_create(&sender, listener, err);
}

/* Too little for the journal alone: spool_open says so. */
static uint64_t event_room(const struct uplink_options *options)
{
	return options->event_bytes > JOURNAL_FILE_BYTES ? options->event_bytes - JOURNAL_FILE_BYTES
							 : 0;
}

static bool open_lane(struct lane *lane, const struct uplink_options *options, const char *name,
	bool is_backlog, const struct kafka_listener *listener, struct error *err)
{
	struct arena arena = {0};
	const struct spool_options spool = {
		.folder = str_format(&arena, "%s/%s", options->folder, name).data,
		.max_bytes = is_backlog ? options->picture_bytes : event_room(options),
		.thins = is_backlog,
	};

	lane->topic = is_backlog ? options->pictures_topic : options->events_topic;
	lane->mode = options->mode;
	lane->is_backlog = is_backlog;
	lane->window = is_backlog ? 1 : LANE_WINDOW;
	lane->spool = spool_open(&spool, err);
	arena_finish(&arena);
	if (!lane->spool)
		return false;
	lane->sender = create_sender(options, 0, listener, err);
	return lane->sender != NULL;
}

/* Behind the spool's lock: one process has it. */
static bool open_journal(struct journal *journal, const char *folder, struct error *err)
{
	if (!journal_open(journal, folder, err))
		return false;
	if (journal->damaged)
		log_warn("%" PRIu64 " bytes of the last events did not survive the machine's end",
			journal->damaged);
	return true;
}

static bool start_thread(struct uplink *uplink, struct error *err)
{
	uplink->has_thread = thread_start_deaf(&uplink->thread, run, uplink) == 0;
	return uplink->has_thread || error_set(err, ERROR_SYSTEM, "no thread for the uplink");
}

struct uplink *uplink_start(const struct uplink_options *options, struct error *err)
{
	struct uplink *uplink = memory_alloc(sizeof *uplink);
	const struct kafka_listener events = {uplink, on_event_report, on_trouble};
	const struct kafka_listener live = {uplink, on_live_report, on_trouble};
	const struct kafka_listener late = {uplink, on_late_report, on_trouble};

	uplink->options = *options;
	pthread_mutex_init(&uplink->lock, NULL);
	live_init(&uplink->live, &uplink->backlog);
	bool ok = inbox_init(&uplink->inbox) || error_errno(err, "eventfd");

	if (ok && mkdir(options->folder, 0700) != 0 && errno != EEXIST)
		ok = error_errno(err, "%s", options->folder);
	ok = ok && open_lane(&uplink->events, options, "events", false, &events, err) &&
	     open_journal(&uplink->inbox.journal, options->folder, err) &&
	     open_lane(&uplink->backlog, options, "pictures", true, &late, err) &&
	     (uplink->live.sender = create_sender(options, PATIENCE_MS, &live, err));
	if (ok) // what waits is told from the start
		share_counts(uplink, clock_monotonic_us());
	if (ok && start_thread(uplink, err))
		return uplink;
	uplink_stop(uplink);
	return NULL;
}

static void close_lane(struct lane *lane)
{
	kafka_sender_destroy(lane->sender, 0);
	spool_close(lane->spool);
}

/* Under way still: the thread is gone, so its reports are taken here. */
static void wind_down(struct uplink *uplink)
{
	int64_t until_us = clock_monotonic_us() + LEAVE_MS * 1000;

	take_events(uplink);
	while (clock_monotonic_us() < until_us && !uplink->is_down &&
		(uplink->live.under_way || uplink->events.under_way || uplink->backlog.under_way)) {
		wait_for_work(uplink);
		attend(uplink);
	}
	live_finish(&uplink->live);
}

void uplink_stop(struct uplink *uplink)
{
	if (!uplink)
		return;
	if (uplink->has_thread) {
		pthread_mutex_lock(&uplink->lock);
		uplink->is_leaving = true;
		pthread_mutex_unlock(&uplink->lock);
		pthread_join(uplink->thread, NULL);
		wind_down(uplink);
	}
	close_lane(&uplink->events);
	kafka_sender_destroy(uplink->live.sender, 0);
	close_lane(&uplink->backlog);
	inbox_finish(&uplink->inbox);
	pthread_mutex_destroy(&uplink->lock);
	free(uplink);
}

void uplink_event(struct uplink *uplink, const struct wire_cloud_event *event)
{
	struct buffer packed = {0};

	packed_write(&packed, event);
	inbox_put_event(&uplink->inbox, buffer_str(&packed));
	buffer_finish(&packed);
}

bool uplink_offer(struct uplink *uplink, const struct wire_cloud_event *event)
{
	struct buffer packed = {0};

	packed_write(&packed, event);
	bool ok = true;

	if (packed.len <= JOURNAL_MAX_RECORD_BYTES)
		ok = inbox_offer_event(&uplink->inbox, buffer_str(&packed));
	else // it never has room
		inbox_put_event(&uplink->inbox, buffer_str(&packed));
	buffer_finish(&packed);
	return ok;
}

void uplink_picture(struct uplink *uplink, const struct wire_cloud_event *event)
{
	struct buffer packed = {0};

	packed_write(&packed, event);
	inbox_put_picture(&uplink->inbox, &packed);
}

struct uplink_counts uplink_counts(struct uplink *uplink)
{
	pthread_mutex_lock(&uplink->lock);
	struct uplink_counts counts = uplink->counts;

	pthread_mutex_unlock(&uplink->lock);
	pthread_mutex_lock(&uplink->inbox.lock);
	counts.events_taken = uplink->inbox.events_taken;
	counts.events_lost += uplink->inbox.events_lost;
	counts.pictures_taken = uplink->inbox.pictures_taken;
	counts.pictures_replaced = uplink->inbox.pictures_replaced;
	pthread_mutex_unlock(&uplink->inbox.lock);
	return counts;
}

void uplink_trouble(struct uplink *uplink, char *out, size_t size)
{
	pthread_mutex_lock(&uplink->lock);
	snprintf(out, size, "%s", uplink->trouble);
	pthread_mutex_unlock(&uplink->lock);
}
