#include "train/uplink/journal.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

/*
 * The file: a page with the head, and the ring. A record is its position, its length, a CRC-32 of
 * both and of the payload, and the payload, to the next multiple of 16. Positions count bytes since
 * the file was made and never turn back, so what a former round left is no record. A record that
 * does not fit before the end of the ring begins anew at its start; FILLER tells so. Numbers are as
 * this machine has them: the file is no good anywhere else.
 *
 * A process that is killed has stored all that came before, in order: `written` moves on when the
 * record is whole.
 */

#define FILLER UINT32_MAX

enum { HEAD_BYTES = 4096, RING_BYTES = JOURNAL_FILE_BYTES - HEAD_BYTES, PREPARE_BYTES = 64 << 10 };

struct journal_head {
	char magic[8];
	// Bytes ever. On lines of their own: two threads on two cores.
	_Alignas(64) _Atomic uint64_t written;
	_Alignas(64) _Atomic uint64_t taken;
};

struct record {
	uint64_t position;
	uint32_t length, check;
};

_Static_assert(sizeof(struct record) == 16 && RING_BYTES % 16 == 0, "a record's head always fits");
_Static_assert(sizeof(struct journal_head) <= HEAD_BYTES, "the head has a page");

static const char magic[8] = {'R', 'Q', 'J', 'R', 'N', 'L', '1', '\n'};

static uint64_t size_of(uint32_t length)
{
	return sizeof(struct record) + ((uint64_t)length + 15) / 16 * 16;
}

static uint64_t room_before_end(uint64_t position)
{
	return RING_BYTES - position % RING_BYTES;
}

static uint32_t check_of(const struct record *record, const uint8_t *payload)
{
	uLong sum = crc32(0, (const Bytef *)record, offsetof(struct record, check));

	return (uint32_t)(record->length == FILLER ? sum : crc32(sum, payload, record->length));
}

/* --- writing --- */

static void place(struct journal *journal, uint64_t position, uint32_t length, const char *payload)
{
	uint8_t *at = journal->ring + position % RING_BYTES;
	struct record record = {position, length, 0};

	record.check = check_of(&record, (const uint8_t *)payload);
	memcpy(at, &record, sizeof record);
	if (payload && length)
		memcpy(at + sizeof record, payload, length);
}

bool journal_put(struct journal *journal, struct str payload)
{
	struct journal_head *head = journal->head;

	if (payload.len > JOURNAL_MAX_RECORD_BYTES)
		return false;
	uint64_t position = atomic_load_explicit(&head->written, memory_order_relaxed);
	uint64_t taken = atomic_load_explicit(&head->taken, memory_order_acquire);
	uint64_t size = size_of((uint32_t)payload.len), room = room_before_end(position);
	uint64_t skipped = room < size ? room : 0;

	if (position + skipped + size - taken > RING_BYTES)
		return false;
	if (skipped)
		place(journal, position, FILLER, NULL);
	position += skipped;
	place(journal, position, (uint32_t)payload.len, payload.data);
	atomic_store_explicit(&head->written, position + size, memory_order_release);
	return true;
}

/* --- reading --- */

static struct record record_at(const struct journal *journal, uint64_t position)
{
	struct record record;

	memcpy(&record, journal->ring + position % RING_BYTES, sizeof record);
	return record;
}

bool journal_peek(const struct journal *journal, struct str *out)
{
	const struct journal_head *head = journal->head;
	uint64_t position = atomic_load_explicit(&head->taken, memory_order_relaxed);

	if (position == atomic_load_explicit(&head->written, memory_order_acquire))
		return false;
	struct record record = record_at(journal, position);

	if (record.length == FILLER) {
		position += room_before_end(position);
		record = record_at(journal, position);
	}
	const uint8_t *at = journal->ring + position % RING_BYTES;

	*out = (struct str){(const char *)at + sizeof record, record.length};
	return true;
}

void journal_drop(struct journal *journal)
{
	struct journal_head *head = journal->head;
	uint64_t position = atomic_load_explicit(&head->taken, memory_order_relaxed);
	struct record record = record_at(journal, position);

	if (record.length == FILLER) {
		position += room_before_end(position);
		record = record_at(journal, position);
	}
	atomic_store_explicit(
		&head->taken, position + size_of(record.length), memory_order_release);
}

void journal_prepare(const struct journal *journal)
{
#ifdef MADV_POPULATE_WRITE
	uint64_t written = atomic_load_explicit(&journal->head->written, memory_order_relaxed);
	uint64_t from = written % RING_BYTES / HEAD_BYTES * HEAD_BYTES;
	uint64_t size = RING_BYTES - from < PREPARE_BYTES ? RING_BYTES - from : PREPARE_BYTES;

	// An old kernel knows no such thing: then the put prepares its page itself.
	(void)madvise(journal->ring + from, size, MADV_POPULATE_WRITE);
	(void)madvise(journal->head, HEAD_BYTES, MADV_POPULATE_WRITE);
#else
	(void)journal;
#endif
}

/* --- opening --- */

/* How long the record at `position` is, a filler's part included; 0: it is none. */
static uint64_t check_record(const struct journal *journal, uint64_t position, uint64_t end)
{
	struct record record = record_at(journal, position);
	uint64_t room = room_before_end(position), size = room;

	if (record.position != position)
		return 0;
	if (record.length == FILLER)
		return check_of(&record, NULL) == record.check && position + size <= end ? size : 0;
	if (record.length > JOURNAL_MAX_RECORD_BYTES)
		return 0;
	size = size_of(record.length);
	if (size > room || position + size > end)
		return 0;
	const uint8_t *at = journal->ring + position % RING_BYTES;

	return check_of(&record, at + sizeof record) == record.check ? size : 0;
}

/* Of a file that was written by a machine that died: up to the first record that is none. */
static void recover(struct journal *journal)
{
	struct journal_head *head = journal->head;
	uint64_t taken = head->taken, end = head->written, position = taken;

	if (memcmp(head->magic, magic, sizeof magic) != 0 || taken % 16 || end < taken ||
		end - taken > RING_BYTES) {
		head->taken = head->written = 0;
		memcpy(head->magic, magic, sizeof magic);
		return;
	}
	uint64_t last = position;

	for (uint64_t size; position < end && (size = check_record(journal, position, end));) {
		bool is_filler = record_at(journal, position).length == FILLER;

		position += size;
		// A filler alone says nothing.
		last = is_filler ? last : position;
	}
	journal->damaged = end - last;
	head->written = last;
}

static bool make_room(int fd, struct error *err)
{
	int r = posix_fallocate(fd, 0, JOURNAL_FILE_BYTES);

	errno = r;
	return r == 0 || error_errno(err, "room for the journal");
}

bool journal_open(struct journal *journal, const char *folder, struct error *err)
{
	struct arena arena = {0};
	const char *path = str_format(&arena, "%s/journal", folder).data;
	void *map = MAP_FAILED;
	bool ok = true;

	*journal = (struct journal){.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
	ok = (journal->fd >= 0 || error_errno(err, "%s", path)) && make_room(journal->fd, err);
	if (ok)
		map = mmap(NULL, JOURNAL_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			journal->fd, 0);
	ok = ok && (map != MAP_FAILED || error_errno(err, "map %s", path));
	arena_finish(&arena);
	if (!ok) {
		journal_close(journal);
		return false;
	}
	// Where that is not allowed, a page that was put out is read again from the disk.
	(void)mlock(map, JOURNAL_FILE_BYTES);
	journal->head = map;
	journal->ring = (uint8_t *)map + HEAD_BYTES;
	recover(journal);
	return true;
}

void journal_close(struct journal *journal)
{
	if (journal->head)
		munmap(journal->head, JOURNAL_FILE_BYTES);
	if (journal->fd >= 0)
		close(journal->fd);
	*journal = (struct journal){.fd = -1};
}
