#include "train/supervisor/output.h"

#include "base/options.h"

#include <poll.h>
#include <unistd.h>

void output_begin(struct output *output)
{
	*output = (struct output){
		.fds = {STDOUT_FILENO, STDERR_FILENO},
		.has_colour = {options_colour(stdout), options_colour(stderr)},
	};
}

void output_finish(struct output *output)
{
	buffer_finish(&output->line);
}

void output_add_name(struct output *output, const char *name)
{
	size_t width = strlen(name);

	if (width > output->name_width)
		output->name_width = width;
}

/* A pipe that says it is writable takes this much at once (PIPE_BUF); a line is shorter. */
static bool takes_a_line(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};

	return poll(&wait, 1, 0) > 0 && (wait.revents & POLLOUT);
}

static void put(struct output *output, enum output_stream stream)
{
	const struct buffer *line = &output->line;
	ssize_t taken = takes_a_line(output->fds[stream])
				? write(output->fds[stream], line->data, line->len)
				: -1;

	if (taken == (ssize_t)line->len) {
		output->is_torn[stream] = false;
		return;
	}
	output->dropped++;
	output->is_torn[stream] = output->is_torn[stream] || taken > 0;
}

void output_line(struct output *output, enum output_stream stream, const char *name,
	unsigned colour, struct str text)
{
	struct buffer *line = &output->line;
	bool has_colour = output->has_colour[stream] && colour;

	buffer_clear(line);
	if (output->is_torn[stream])
		buffer_append_char(line, '\n');
	if (has_colour)
		buffer_printf(line, "\033[38;5;%um", colour);
	buffer_printf(line, "%-*s |", (int)output->name_width, name);
	buffer_append_text(line, has_colour ? "\033[0m " : " ");
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		buffer_append_char(line, c < 0x20 || c == 0x7f ? ' ' : text.data[i]);
	}
	buffer_append_char(line, '\n');
	put(output, stream);
}

void output_lines_add(struct output_lines *lines, struct str bytes,
	void (*take)(void *context, struct str line), void *context)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.data[i] == '\n' || lines->len == OUTPUT_MAX_LINE_BYTES) {
			take(context, (struct str){lines->text, lines->len});
			lines->len = 0;
		}
		if (bytes.data[i] != '\n')
			lines->text[lines->len++] = bytes.data[i];
	}
}

void output_lines_flush(
	struct output_lines *lines, void (*take)(void *context, struct str line), void *context)
{
	if (lines->len)
		take(context, (struct str){lines->text, lines->len});
	lines->len = 0;
}
