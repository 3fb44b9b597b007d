/*
 * server/turns.h — who may look at the store: many threads that read it, and the loop, which adds
 * to it and never waits. Readers that take long let the loop in between two steps of theirs.
 */
#ifndef SERVER_TURNS_H
#define SERVER_TURNS_H

#include <stdbool.h>

struct turns;

struct turns *turns_create(void);
void turns_destroy(struct turns *turns); // takes NULL; nobody may be in

/* Between these two, on any thread, nothing is added. Begins later where the loop adds, or wants
 * to. */
void turns_begin_read(struct turns *turns);
void turns_end_read(struct turns *turns);

/*
 * Called by a reader every few milliseconds, where it can stand that something is added before it
 * goes on: pointers that the store gave stay good, and cursors go on. Cheap where nobody waits.
 */
void turns_pause(struct turns *turns);

/*
 * On the loop alone. True: nobody reads, and nobody will until turns_end_write. False: readers are
 * asked to pause, and those that come wait: it must be tried again soon.
 */
bool turns_try_write(struct turns *turns);
void turns_end_write(struct turns *turns);

#endif
