/*
 * train/supervisor/output.h — lines of several programs in one terminal, each behind its program's
 * name, in its colour where there is a terminal. Never waits: what a stopped terminal does not take
 * is dropped and counted, since whoever waits for it restarts nothing meanwhile.
 */
#ifndef TRAIN_SUPERVISOR_OUTPUT_H
#define TRAIN_SUPERVISOR_OUTPUT_H

#include "base/str.h"

enum output_stream { OUTPUT_OUT, OUTPUT_ERR, OUTPUT_STREAM_COUNT };

struct output {
	int fds[OUTPUT_STREAM_COUNT]; // borrowed
	bool has_colour[OUTPUT_STREAM_COUNT];
	bool is_torn[OUTPUT_STREAM_COUNT]; // the last line was taken in part
	size_t name_width;
	uint64_t dropped;
	struct buffer line;
};

/* Standard output and standard error; finish with output_finish. */
void output_begin(struct output *output);
void output_finish(struct output *output);

/* The column in which lines begin is set by the longest name. */
void output_add_name(struct output *output, const char *name);

/* `colour` is one of the terminal's 256, 0: none. Control characters become blanks. */
void output_line(struct output *output, enum output_stream stream, const char *name,
	unsigned colour, struct str text);

/* Bytes of one program, cut into lines. Zeroed: empty. */
enum { OUTPUT_MAX_LINE_BYTES = 2048 };
struct output_lines {
	char text[OUTPUT_MAX_LINE_BYTES];
	size_t len;
};

/* Hands each whole line (without its end; longer ones in pieces) to `take`. */
void output_lines_add(struct output_lines *lines, struct str bytes,
	void (*take)(void *context, struct str line), void *context);
/* What stands there without an end. */
void output_lines_flush(
	struct output_lines *lines, void (*take)(void *context, struct str line), void *context);

#endif
