/*
 * train/uplink/journal.h — events on their way to the spool, in memory that outlives the process;
 * private to uplink/.
 *
 * A ring in a file that is mapped: who has something to say copies it there, which waits for no
 * disk and needs no system call, and from then on no kill of the process can lose it. The thread
 * that writes the spool takes it out once it is there; killed in between, the event is in both, and
 * goes out twice under the same id.
 *
 * The file survives the death of the machine only as far as the kernel had written it: each record
 * has a check, and what does not pass is left out. One process: the lock is the events' spool's.
 */
#ifndef TRAIN_UPLINK_JOURNAL_H
#define TRAIN_UPLINK_JOURNAL_H

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

enum {
	JOURNAL_FILE_BYTES = 1 << 20, // a minute of events, for a disk that stalls
	JOURNAL_MAX_RECORD_BYTES = JOURNAL_FILE_BYTES / 4,
};

struct journal_head;

struct journal {
	struct journal_head *head; // where the file is mapped; NULL: not open
	uint8_t *ring;
	int fd;
	uint64_t damaged; // bytes that did not survive the machine's death, when it was opened
};

/*
 * Opens the file in `folder`, or makes it, with all its blocks: a disk that is full later costs
 * nothing here. Fails: ERROR_SYSTEM.
 */
bool journal_open(struct journal *journal, const char *folder, struct error *err);
void journal_close(struct journal *journal);

/*
 * Puts a record at the end: one thread at a time. False where it has no room, or is larger than
 * JOURNAL_MAX_RECORD_BYTES.
 */
bool journal_put(struct journal *journal, struct str payload);
/*
 * The oldest record, in place; the same again until journal_drop. False: none. One thread, which
 * may be another than the one that puts.
 */
bool journal_peek(const struct journal *journal, struct str *out);
void journal_drop(struct journal *journal);
/*
 * Has the kernel prepare the pages that are written next, which may wait for the disk: for the
 * thread that takes, so that the one that puts never does.
 */
void journal_prepare(const struct journal *journal);

#endif
