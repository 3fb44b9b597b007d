#include "train/camera/ffmpeg_session.h"
#include "train/camera/ffmpeg_reader.h"

#include "base/clock.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { STOP_MS = 200 };

void slot_init(struct picture_slot *slot)
{
	slot->packet = av_packet_alloc();
	slot->frame = av_frame_alloc();
	if (!slot->packet || !slot->frame)
		abort();
}

void slot_clear(struct picture_slot *slot)
{
	av_packet_unref(slot->packet);
	av_frame_unref(slot->frame);
	slot->is_full = false;
}

void slot_finish(struct picture_slot *slot)
{
	av_packet_free(&slot->packet);
	av_frame_free(&slot->frame);
}

static void session_drop(struct session *session)
{
	if (atomic_fetch_sub(&session->users, 1) > 1)
		return;
	slot_finish(&session->slot);
	close(session->event_fd);
	pthread_mutex_destroy(&session->mutex);
	pthread_cond_destroy(&session->emptied);
	free(session->where);
	free(session);
}

static void tell(struct session *session)
{
	const uint64_t one = 1;

	// Fails only where it is told already.
	if (write(session->event_fd, &one, sizeof one) < 0)
		return;
}

static void put(struct session *session, const struct reader_picture *picture, int64_t beat)
{
	struct picture_slot *slot = &session->slot;

	pthread_mutex_lock(&session->mutex);
	while (!session->is_live && slot->is_full && !atomic_load(&session->stop))
		pthread_cond_wait(&session->emptied, &session->mutex);
	if (slot->is_full)
		session->overtaken++;
	slot_clear(slot);
	slot->is_full = true;
	slot->is_packet = picture->packet != NULL;
	slot->captured_us = clock_monotonic_us();
	slot->beat = beat;
	if (picture->packet)
		av_packet_move_ref(slot->packet, picture->packet);
	else
		av_frame_move_ref(slot->frame, picture->frame);
	if (session->is_live || session->is_awaited)
		tell(session);
	session->is_awaited = false;
	pthread_mutex_unlock(&session->mutex);
}

static void note_damage(struct session *session, const struct error *err)
{
	pthread_mutex_lock(&session->mutex);
	session->is_damaged = true;
	session->damage = *err;
	pthread_mutex_unlock(&session->mutex);
}

static void finish(struct session *session, const struct error *failure)
{
	pthread_mutex_lock(&session->mutex);
	if (failure) {
		session->is_failed = true;
		session->failure = *failure;
	} else {
		session->is_over = true;
	}
	if (session->is_live || session->is_awaited)
		tell(session);
	pthread_mutex_unlock(&session->mutex);
}

/*
 * Which beat a film's picture belongs to: the one during which it would be seen, but each picture
 * has its own; -1 where a later picture comes in time for that beat.
 */
static int64_t choose_beat(int64_t time_us, int64_t next_beat, double fps)
{
	const double beats = ((double)time_us + 1000) * fps / 1e6;

	if (beats < (double)next_beat)
		return -1;
	return (int64_t)beats > next_beat ? (int64_t)beats : next_beat;
}

/* Once from its beginning to its end. Returns false where it failed. */
static bool play_once(struct session *session, int64_t *next_beat, struct error *err)
{
	const int64_t base = *next_beat;
	struct reader_picture picture;
	enum reader_result result = READER_FAILED;
	int64_t first_us = INT64_MIN, pictures = 0;
	struct reader reader;

	if (!reader_open(&reader, &session->request, session->is_live, &session->stop, err))
		goto done;
	while (!atomic_load(&session->stop)) {
		result = reader_next(&reader, &picture, err);
		if (result == READER_DAMAGED)
			note_damage(session, err);
		if (result == READER_END || result == READER_FAILED)
			break;
		if (result != READER_PICTURE)
			continue;
		pictures++;
		if (session->is_live) {
			put(session, &picture, 0);
			continue;
		}
		if (first_us == INT64_MIN)
			first_us = picture.time_us;
		// Without times: a picture a beat.
		int64_t beat = picture.time_us == INT64_MIN
				       ? *next_beat - base
				       : choose_beat(picture.time_us - first_us, *next_beat - base,
						 session->request.fps);

		if (beat < 0)
			continue;
		put(session, &picture, base + beat);
		*next_beat = base + beat + 1;
	}
	if (result == READER_END && !pictures) {
		error_set(err, ERROR_INVALID, "there is no picture in it");
		result = READER_FAILED;
	}
done:
	reader_close(&reader);
	return result != READER_FAILED;
}

static void *run(void *context)
{
	struct session *session = context;
	struct error err = {0};
	int64_t next_beat = 0;
	bool played;

	do
		played = play_once(session, &next_beat, &err);
	while (played && session->request.loop && !session->is_live &&
		!atomic_load(&session->stop));
	if (played && session->is_live)
		error_set(&err, ERROR_SYSTEM, "the stream ended");
	finish(session, played && !session->is_live ? NULL : &err);
	session_drop(session);
	return NULL;
}

struct session *session_open(const struct camera_request *request, bool is_live, struct error *err)
{
	struct session *session = calloc(1, sizeof *session);

	if (!session || !(session->where = strdup(request->where)))
		abort();
	session->request = *request;
	session->request.where = session->where; // the thread may outlive the source
	session->is_live = is_live;
	atomic_init(&session->users, 2);
	pthread_mutex_init(&session->mutex, NULL);
	pthread_cond_init(&session->emptied, NULL);
	slot_init(&session->slot);
	session->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (session->event_fd >= 0 && pthread_create(&session->thread, NULL, run, session) == 0)
		return session;
	error_set(err, ERROR_SYSTEM, "no thread can be started for it");
	atomic_store(&session->users, 1);
	session_drop(session);
	return NULL;
}

int64_t session_close(struct session *session)
{
	const int64_t until_ms = clock_wall_ms() + STOP_MS;
	const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};

	pthread_mutex_lock(&session->mutex);
	atomic_store(&session->stop, true);
	int64_t overtaken = session->overtaken;

	pthread_cond_broadcast(&session->emptied);
	pthread_mutex_unlock(&session->mutex);
	if (pthread_timedjoin_np(session->thread, NULL, &until) != 0)
		pthread_detach(session->thread);
	session_drop(session);
	return overtaken;
}
