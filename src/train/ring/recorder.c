/*
 * A queue with a cap on its bytes, and a thread that empties it onto the disk. Whoever adds copies
 * the message under a lock that is never held while the disk is waited for.
 */
#include "train/ring/ring.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_WAITING_BYTES ((size_t)64 << 20)
enum { SYNC_MS = 1000, SWEEP_MS = 3600 * 1000 };

struct item {
	struct item *next;
	char folder[RING_MAX_FOLDER_BYTES];
	enum ring_kind kind;
	bool is_compat;
	int64_t at_ms;
	size_t len;
	char message[];
};

struct train {
	char folder[RING_MAX_FOLDER_BYTES];
	struct ring *ring; // NULL: it could not be opened yet
};

struct ring_recorder {
	struct ring_recorder_options options;
	int lock_fd;
	pthread_t thread;
	bool is_started;
	struct train *trains; // the thread's alone
	size_t train_count, train_capacity;
	int64_t synced_ms, swept_ms; // the thread's

	pthread_mutex_t mutex; // of what follows
	pthread_cond_t changed;
	struct item *head, **tail;
	size_t waiting_bytes;
	bool is_busy, is_ending;
	int64_t now_ms, done_ms; // of the last tick, and the last one that was seen to
	struct ring_recorder_status status;
};

/* --- on the thread --- */

static void count_loss(struct ring_recorder *recorder, enum ring_kind kind, const struct error *why)
{
	recorder->status.lost[kind]++;
	recorder->status.is_failing = true;
	recorder->status.reason = *why;
}

static struct train *train_of(struct ring_recorder *recorder, const char *folder, struct error *err)
{
	for (size_t i = 0; i < recorder->train_count; i++)
		if (strcmp(recorder->trains[i].folder, folder) == 0)
			return &recorder->trains[i];
	if (recorder->train_count == recorder->options.max_trains) {
		error_set(err, ERROR_LIMIT, "no more than %zu trains are recorded",
			recorder->options.max_trains);
		return NULL;
	}
	recorder->trains = memory_grow(recorder->trains, &recorder->train_capacity,
		recorder->train_count + 1, sizeof *recorder->trains);
	struct train *train = &recorder->trains[recorder->train_count++];

	*train = (struct train){0};
	snprintf(train->folder, sizeof train->folder, "%s", folder);
	return train;
}

static struct ring *ring_of(struct ring_recorder *recorder, const char *folder, struct error *err)
{
	struct train *train = train_of(recorder, folder, err);
	char path[PATH_MAX];

	if (!train || train->ring)
		return train ? train->ring : NULL;
	snprintf(path, sizeof path, "%s/%s", recorder->options.folder, folder);
	train->ring = ring_open(&(struct ring_options){path, recorder->options.max_bytes,
					recorder->options.max_age_ms},
		err);
	return train->ring;
}

static void write_item(struct ring_recorder *recorder, const struct item *item)
{
	struct str message = {item->message, item->len};
	struct error err = {0};
	struct ring *ring = ring_of(recorder, item->folder, &err);
	struct ring_note note = ring_note_of(item->kind, item->is_compat, message);
	bool ok = ring && ring_append(ring, item->at_ms, &note, message, &err);

	pthread_mutex_lock(&recorder->mutex);
	if (ok) {
		recorder->status.written[item->kind]++;
		recorder->status.is_failing = false;
	} else {
		count_loss(recorder, item->kind, &err);
	}
	pthread_mutex_unlock(&recorder->mutex);
}

static void expire_train(struct ring_recorder *recorder, struct str name, int64_t now_ms,
	struct arena *arena, struct error *err)
{
	char folder[RING_MAX_FOLDER_BYTES];

	if (!ring_folder_name(name, folder))
		return;
	for (size_t i = 0; i < recorder->train_count; i++)
		if (strcmp(recorder->trains[i].folder, folder) == 0)
			return; // keep_house sees to it
	const struct ring_options options = {
		str_format(arena, "%s/%s", recorder->options.folder, folder).data,
		recorder->options.max_bytes, recorder->options.max_age_ms};
	struct ring *ring = ring_open(&options, err);

	if (ring)
		ring_expire(ring, now_ms, err);
	ring_close(ring);
}

/* A train that has not spoken since the recorder began was recorded all the same: it is too old in
 * its time, too. Seldom, for each ring is opened. */
static void sweep(struct ring_recorder *recorder, int64_t now_ms, struct error *err)
{
	struct arena arena = {0};
	struct str *trains;
	size_t count;

	if (!recorder->options.max_age_ms ||
		(now_ms >= recorder->swept_ms && now_ms - recorder->swept_ms < SWEEP_MS))
		return;
	recorder->swept_ms = now_ms;
	if (ring_list_trains(recorder->options.folder, SIZE_MAX, &arena, &trains, &count, err))
		for (size_t i = 0; i < count; i++)
			expire_train(recorder, trains[i], now_ms, &arena, err);
	arena_finish(&arena);
}

/* What is too old goes, what is new becomes durable; and how large it all is. */
static void keep_house(struct ring_recorder *recorder, int64_t now_ms)
{
	bool syncs = now_ms - recorder->synced_ms >= SYNC_MS || now_ms < recorder->synced_ms;
	uint64_t bytes = 0, damaged = 0;
	struct error err = {0};

	for (size_t i = 0; i < recorder->train_count; i++) {
		struct ring *ring = recorder->trains[i].ring;

		if (!ring)
			continue;
		ring_expire(ring, now_ms, &err);
		if (syncs)
			ring_sync(ring, &err);
		bytes += ring_status(ring).bytes;
		damaged += ring_status(ring).damaged;
	}
	if (syncs)
		recorder->synced_ms = now_ms;
	sweep(recorder, now_ms, &err);
	pthread_mutex_lock(&recorder->mutex);
	recorder->status.bytes = bytes;
	recorder->status.damaged = damaged;
	recorder->status.trains = recorder->train_count;
	if (err.kind != ERROR_NONE) {
		recorder->status.is_failing = true;
		recorder->status.reason = err;
	}
	pthread_mutex_unlock(&recorder->mutex);
}

/* All that waits, to be written without the lock. */
static struct item *take_all(struct ring_recorder *recorder)
{
	struct item *items = recorder->head;

	recorder->head = NULL;
	recorder->tail = &recorder->head;
	recorder->waiting_bytes = 0;
	return items;
}

static void *run(void *context)
{
	struct ring_recorder *recorder = context;

	pthread_mutex_lock(&recorder->mutex);
	while (!recorder->is_ending || recorder->head) {
		if (!recorder->head && recorder->done_ms == recorder->now_ms) {
			pthread_cond_wait(&recorder->changed, &recorder->mutex);
			continue;
		}
		struct item *items = take_all(recorder);
		int64_t now_ms = recorder->now_ms;
		bool ticks = recorder->done_ms != now_ms;

		recorder->is_busy = true;
		recorder->done_ms = now_ms;
		pthread_mutex_unlock(&recorder->mutex);
		while (items) {
			struct item *item = items;

			items = item->next;
			write_item(recorder, item);
			free(item);
		}
		if (ticks)
			keep_house(recorder, now_ms);
		pthread_mutex_lock(&recorder->mutex);
		recorder->is_busy = false;
		pthread_cond_broadcast(&recorder->changed);
	}
	pthread_mutex_unlock(&recorder->mutex);
	return NULL;
}

/* --- on the caller's --- */

static bool lock_folder(struct ring_recorder *recorder, struct error *err)
{
	char path[PATH_MAX];

	if (mkdir(recorder->options.folder, 0700) != 0 && errno != EEXIST)
		return error_errno(err, "make the folder %s", recorder->options.folder);
	snprintf(path, sizeof path, "%s/" RING_LOCK_FILE, recorder->options.folder);
	recorder->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (recorder->lock_fd < 0)
		return error_errno(err, "open %s", path);
	if (flock(recorder->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	return error_set(
		err, ERROR_INVALID, "another process records into %s", recorder->options.folder);
}

struct ring_recorder *ring_recorder_start(
	const struct ring_recorder_options *options, struct error *err)
{
	struct ring_recorder *recorder = memory_alloc(sizeof *recorder);

	recorder->options = *options;
	recorder->lock_fd = -1;
	recorder->swept_ms = -SWEEP_MS;
	recorder->tail = &recorder->head;
	pthread_mutex_init(&recorder->mutex, NULL);
	pthread_cond_init(&recorder->changed, NULL);
	if (lock_folder(recorder, err)) {
		errno = pthread_create(&recorder->thread, NULL, run, recorder);
		recorder->is_started = errno == 0;
		if (recorder->is_started)
			return recorder;
		error_errno(err, "start a thread");
	}
	ring_recorder_stop(recorder);
	return NULL;
}

void ring_recorder_stop(struct ring_recorder *recorder)
{
	if (!recorder)
		return;
	if (recorder->is_started) {
		pthread_mutex_lock(&recorder->mutex);
		recorder->is_ending = true;
		pthread_cond_broadcast(&recorder->changed);
		pthread_mutex_unlock(&recorder->mutex);
		pthread_join(recorder->thread, NULL);
	}
	for (size_t i = 0; i < recorder->train_count; i++)
		ring_close(recorder->trains[i].ring);
	free(recorder->trains);
	if (recorder->lock_fd >= 0)
		close(recorder->lock_fd);
	pthread_cond_destroy(&recorder->changed);
	pthread_mutex_destroy(&recorder->mutex);
	free(recorder);
}

void ring_recorder_add(struct ring_recorder *recorder, struct str train, enum ring_kind kind,
	bool is_compat, int64_t at_ms, struct str message)
{
	struct error err = {0};
	struct item *item = memory_alloc(sizeof *item + message.len);

	*item = (struct item){
		.kind = kind, .is_compat = is_compat, .at_ms = at_ms, .len = message.len};
	if (message.len)
		memcpy(item->message, message.data, message.len);
	if (!ring_folder_name(train, item->folder))
		error_set(&err, ERROR_INVALID, "\"%.*s\" is no name of a train", STR_ARG(train));
	pthread_mutex_lock(&recorder->mutex);
	if (err.kind == ERROR_NONE && recorder->waiting_bytes + message.len > MAX_WAITING_BYTES)
		error_set(&err, ERROR_LIMIT, "the disk is too slow: %zu bytes wait for it",
			recorder->waiting_bytes);
	if (err.kind == ERROR_NONE) {
		*recorder->tail = item;
		recorder->tail = &item->next;
		recorder->waiting_bytes += sizeof *item + message.len;
		item = NULL;
		pthread_cond_broadcast(&recorder->changed);
	} else {
		count_loss(recorder, kind, &err);
	}
	pthread_mutex_unlock(&recorder->mutex);
	free(item);
}

void ring_recorder_tick(struct ring_recorder *recorder, int64_t now_ms)
{
	pthread_mutex_lock(&recorder->mutex);
	recorder->now_ms = now_ms;
	pthread_cond_broadcast(&recorder->changed);
	pthread_mutex_unlock(&recorder->mutex);
}

struct ring_recorder_status ring_recorder_status(struct ring_recorder *recorder)
{
	pthread_mutex_lock(&recorder->mutex);
	struct ring_recorder_status status = recorder->status;

	pthread_mutex_unlock(&recorder->mutex);
	return status;
}

void ring_recorder_drain(struct ring_recorder *recorder)
{
	pthread_mutex_lock(&recorder->mutex);
	while (recorder->head || recorder->is_busy || recorder->done_ms != recorder->now_ms)
		pthread_cond_wait(&recorder->changed, &recorder->mutex);
	pthread_mutex_unlock(&recorder->mutex);
}
