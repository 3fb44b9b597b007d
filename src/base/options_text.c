/*
 * What people read about options: --help wrapped for a terminal, and man pages in roff (man(7)),
 * from the same rows.
 */
#include "base/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static const char exit_status[] = "0 done; 1 bad input, or the verdict is no; 2 usage error.";

enum { NARROWEST = 50, WIDEST = 100, HELP_COLUMN = 26 };

static size_t terminal_columns(FILE *out)
{
	struct winsize size;
	size_t columns = 80;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
		columns = size.ws_col;
	return columns < NARROWEST ? NARROWEST : columns > WIDEST ? WIDEST : columns;
}

/* Characters, not bytes: UTF-8's continuation bytes take no column. */
static size_t columns_of(const char *text, size_t len)
{
	size_t columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += ((unsigned char)text[i] & 0xC0) != 0x80;
	return columns;
}

/*
 * Words of `text` (up to `len` bytes), broken at `columns`; further lines begin at `indent`. `at`
 * is the column where the first word goes.
 */
static void print_wrapped(
	FILE *out, const char *text, size_t len, size_t at, size_t indent, size_t columns)
{
	bool first = true;

	while (len) {
		size_t word = 0;

		while (word < len && text[word] != ' ' && text[word] != '\n')
			word++;
		size_t width = columns_of(text, word);

		if (word && !first && at + 1 + width > columns) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		if (word) {
			at += (size_t)fprintf(out, "%s", first ? "" : " ") + width;
			fwrite(text, 1, word, out);
			first = false;
		}
		word += word < len;
		text += word;
		len -= word;
	}
	fputc('\n', out);
}

/* Paragraphs are parted by an empty line; a line that begins with a blank stands as it is. */
static void print_paragraphs(FILE *out, const char *text, size_t columns)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);

		if (*text == ' ')
			fprintf(out, "%.*s\n", (int)len, text);
		else
			print_wrapped(out, text, len, 0, 0, columns);
		text += len;
		while (*text == '\n')
			text++;
		if (*text)
			fputc('\n', out);
	}
}

static bool on_by_default(const struct option *option)
{
	return option->kind == OPTION_FLAG && option->fallback &&
	       strcmp(option->fallback, "true") == 0;
}

static const char *placeholder(const struct option *option)
{
	return option->kind == OPTION_FLAG ? NULL
	       : option->placeholder	   ? option->placeholder
					   : "VALUE";
}

/* The sentence about an option: its help, then choices, default, repetition and environment. */
static void describe(struct buffer *out, const struct option *option)
{
	const char *separator = " (";

	buffer_append_text(out, option->help);
	if (option->kind == OPTION_CHOICE) {
		for (size_t i = 0; option->choices[i]; i++)
			buffer_printf(out, "%s%s", i ? ", " : " (one of ", option->choices[i]);
		separator = "; ";
	}
	if (option->kind == OPTION_LIST) {
		buffer_printf(out, "%smay be given again", separator);
		separator = "; ";
	}
	if (option->fallback && option->kind != OPTION_FLAG && *option->fallback) {
		buffer_printf(out, "%sdefault: %s", separator, option->fallback);
		separator = "; ";
	}
	if (on_by_default(option)) {
		buffer_printf(out, "%son by default", separator);
		separator = "; ";
	}
	if (option->environment) {
		buffer_printf(out, "%senvironment: %s", separator, option->environment);
		separator = "; ";
	}
	if (*separator == ';')
		buffer_append_char(out, ')');
}

static void print_option(FILE *out, const struct option *option, size_t columns)
{
	struct buffer line = {0}, text = {0};

	if (option->letter)
		buffer_printf(&line, "  -%c, ", option->letter);
	else
		buffer_append_text(&line, "      ");
	buffer_printf(&line, "--%s%s", on_by_default(option) ? "no-" : "", option->name);
	if (placeholder(option))
		buffer_printf(&line, " %s", placeholder(option));
	describe(&text, option);
	size_t width = columns_of(line.data, line.len);

	fputs(line.data, out);
	if (width + 2 > HELP_COLUMN)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	else
		fprintf(out, "%*s", (int)(HELP_COLUMN - width), "");
	print_wrapped(out, text.data, text.len, HELP_COLUMN, HELP_COLUMN, columns);
	buffer_finish(&line);
	buffer_finish(&text);
}

static const struct option help_row = {
	.name = "help", .letter = 'h', .kind = OPTION_FLAG, .help = "print this and exit"};

void options_print_help(FILE *out, const struct command *command, size_t columns)
{
	if (columns == 0)
		columns = terminal_columns(out);
	fprintf(out, "usage: %s %s [OPTION]…%s%s\n\n", program_invocation_short_name, command->name,
		command->arguments ? " " : "", command->arguments ? command->arguments : "");
	fprintf(out, "%c%s.\n", toupper((unsigned char)command->summary[0]), command->summary + 1);
	if (command->description) {
		fputc('\n', out);
		print_paragraphs(out, command->description, columns);
	}
	fputs("\nOptions:\n", out);
	for (const struct option *option = command->options; option && option->name; option++)
		print_option(out, option, columns);
	print_option(out, &help_row, columns);
	if (command->examples)
		fprintf(out, "\nExamples:\n%s%s", command->examples,
			command->examples[strlen(command->examples) - 1] == '\n' ? "" : "\n");
	fputs("\nExit status: ", out);
	print_wrapped(out, exit_status, strlen(exit_status), 13, 0, columns);
}

void options_print_program_help(FILE *out, const struct program *program, size_t columns)
{
	if (columns == 0)
		columns = terminal_columns(out);
	fprintf(out, "usage: %s COMMAND [OPTION]… [ARGUMENT]…\n", program->name);
	if (program->bare)
		fprintf(out, "       %s [OPTION]…    (means: %s %s)\n", program->name,
			program->name, program->bare->name);
	fputc('\n', out);
	print_paragraphs(out, program->description, columns);
	fputs("\nCommands:\n", out);
	size_t width = 14;

	for (size_t i = 0; program->commands[i]; i++)
		if (strlen(program->commands[i]->name) > width)
			width = strlen(program->commands[i]->name);
	for (size_t i = 0; program->commands[i]; i++) {
		const struct command *command = program->commands[i];

		fprintf(out, "  %-*s  ", (int)width, command->name);
		print_wrapped(out, command->summary, strlen(command->summary), width + 4, width + 4,
			columns);
	}
	fprintf(out, "\n'%s help COMMAND' or '%s COMMAND --help' tells more.\n", program->name,
		program->name);
}

/* Text that roff must not take for its own: backslashes, hyphens that are minus signs, leading dots
 * and quotes. */
static void print_roff(FILE *out, const char *text, size_t len)
{
	bool line_start = true;

	for (size_t i = 0; i < len; i++) {
		if (line_start && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", out);
		line_start = text[i] == '\n';
		if (text[i] == '\\')
			fputs("\\e", out);
		else if (text[i] == '-')
			fputs("\\-", out);
		else
			fputc(text[i], out);
	}
}

static void print_roff_text(FILE *out, const char *text)
{
	print_roff(out, text, strlen(text));
}

static void print_roff_paragraphs(FILE *out, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);

		fputs(*text == ' ' ? ".PP\n.nf\n" : ".PP\n", out);
		print_roff(out, text, len);
		fputs(*text == ' ' ? "\n.fi\n" : "\n", out);
		text += len;
		while (*text == '\n')
			text++;
	}
}

static void print_roff_option(FILE *out, const struct option *option)
{
	struct buffer text = {0};

	fputs(".TP\n", out);
	if (option->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
	fputs("\\fB\\-\\-", out);
	if (on_by_default(option))
		fputs("no\\-", out);
	print_roff_text(out, option->name);
	fputs("\\fR", out);
	if (placeholder(option)) {
		fputs(" \\fI", out);
		print_roff_text(out, placeholder(option));
		fputs("\\fR", out);
	}
	fputc('\n', out);
	describe(&text, option);
	print_roff_text(out, text.data);
	fputs(".\n", out);
	buffer_finish(&text);
}

/* railquest-test-rules, as git's pages are named. */
static void print_page_name(FILE *out, const struct program *program, const struct command *command)
{
	print_roff_text(out, program->name);
	if (!command)
		return;
	fputs("\\-", out);
	for (const char *c = command->name; *c; c++)
		fputs(*c == ' ' ? "\\-" : (const char[]){*c, '\0'}, out);
}

static void print_command_manual(
	FILE *out, const struct program *program, const struct command *command)
{
	fputs(".SH SYNOPSIS\n\\fB", out);
	print_roff_text(out, program->name);
	fputc(' ', out);
	print_roff_text(out, command->name);
	fputs("\\fR [\\fIOPTION\\fR]…", out);
	if (command->arguments)
		fprintf(out, " \\fI%s\\fR", command->arguments);
	fputs("\n.SH DESCRIPTION\n", out);
	print_roff_paragraphs(out, command->description ? command->description : command->summary);
	fputs(".SH OPTIONS\n", out);
	for (const struct option *option = command->options; option && option->name; option++)
		print_roff_option(out, option);
	print_roff_option(out, &help_row);
	if (command->examples) {
		fputs(".SH EXAMPLES\n.nf\n", out);
		print_roff_text(out, command->examples);
		fputs("\n.fi\n", out);
	}
}

static void print_program_manual(FILE *out, const struct program *program)
{
	fputs(".SH SYNOPSIS\n\\fB", out);
	print_roff_text(out, program->name);
	fputs("\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]… [\\fIARGUMENT\\fR]…\n.SH DESCRIPTION\n", out);
	print_roff_paragraphs(out, program->description);
	fputs(".SH COMMANDS\n", out);
	for (size_t i = 0; program->commands[i]; i++) {
		fputs(".TP\n\\fB", out);
		print_roff_text(out, program->commands[i]->name);
		fputs("\\fR\n", out);
		print_roff_text(out, program->commands[i]->summary);
		fputs(".\n", out);
	}
}

void options_print_manual(FILE *out, const struct program *program, const struct command *command)
{
	fputs(".TH \"", out);
	print_page_name(out, program, command);
	fprintf(out, "\" 1 \"\" \"%s %s\" \"\"\n.SH NAME\n", program->name, program->version);
	print_page_name(out, program, command);
	fputs(" \\- ", out);
	print_roff_text(out, command ? command->summary : program->summary);
	fputc('\n', out);
	if (command)
		print_command_manual(out, program, command);
	else
		print_program_manual(out, program);
	fprintf(out, ".SH EXIT STATUS\n%s\n", exit_status);
	if (command) {
		fputs(".SH SEE ALSO\n.BR ", out);
		print_roff_text(out, program->name);
		fputs(" (1)\n", out);
	}
}
