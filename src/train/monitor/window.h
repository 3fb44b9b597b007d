/*
 * train/monitor/window.h — how many pictures a viewer may have been sent without saying that it got
 * them. Pure: the time goes in.
 *
 * A fixed number is wrong for many trains: a few leave a fast way idle for as long as its answers
 * take, and many fill the buffers of a slow one, where nobody can take old pictures back. So it
 * follows the time until pictures are said to have come, as congestion control by delay does
 * (TCP Vegas, RFC 6817): what is above the least time ever seen was spent waiting on the way or in
 * the browser.
 */
#ifndef TRAIN_MONITOR_WINDOW_H
#define TRAIN_MONITOR_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WINDOW_LEAST = 2, WINDOW_FIRST = 4, WINDOW_MOST = 128, WINDOW_MOST_WAITING_US = 150000 };

/* Zeroed: nothing was sent yet. */
struct window {
	size_t limit; // 0: WINDOW_FIRST
	size_t under_way;
	size_t credit;	  // pictures that came since the limit grew
	bool is_used;	  // it was full a moment ago
	bool is_steady;	  // it was too much once: it grows slowly from then on
	int64_t least_us; // until a picture was said to have come; 0: not known
	int64_t cut_us;	  // when the limit was last cut
};

bool window_is_open(const struct window *window);
void window_send(struct window *window);
/* `count` pictures came, the newest of them after `took_us`. */
void window_hear(struct window *window, size_t count, int64_t took_us, int64_t now_us);

#endif
