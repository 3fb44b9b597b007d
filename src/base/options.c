/*
 * Options as rows of a table: here they are read. What is printed from the same rows stands in
 * options_text.c (help, man pages) and options_shell.c (completions).
 */
#include "base/options.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/spelling.h"
#include "base/yaml.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static const double longest_duration_ms = 100.0 * 366 * 86400 * 1000;

bool options_colour(FILE *stream)
{
	const char *term = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR");

	return isatty(fileno(stream)) && !(no_colour && *no_colour) && term &&
	       strcmp(term, "dumb") != 0;
}

/* Milliseconds in the unit that `text` begins with, and its length; 0 for another word. */
static double unit_ms(struct str text, size_t *len)
{
	static const struct {
		struct str name;
		double ms;
	} units[] = {
		{{"ms", 2}, 1},
		{{"s", 1}, 1e3},
		{{"m", 1}, 60e3},
		{{"h", 1}, 3600e3},
		{{"d", 1}, 86400e3},
		{{"w", 1}, 7 * 86400e3},
	};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (str_starts_with(text, units[i].name)) {
			*len = units[i].name.len;
			return units[i].ms;
		}
	return 0;
}

static size_t number_len(struct str text)
{
	size_t len = 0;

	while (len < text.len &&
		(text.data[len] == '.' || (text.data[len] >= '0' && text.data[len] <= '9')))
		len++;
	return len;
}

bool options_parse_duration(struct str text, int64_t *out_ms)
{
	double sum_ms = 0, last_unit = INFINITY, amount;

	if (text.len == 0)
		return false;
	while (text.len) {
		size_t digits = number_len(text), unit_len = 0;

		if (!number_parse((struct str){text.data, digits}, &amount))
			return false;
		text = (struct str){text.data + digits, text.len - digits};
		double unit = text.len == 0 && isinf(last_unit) ? 1000 : unit_ms(text, &unit_len);

		// Each unit once, from the longest to the shortest, as in 1h30m.
		if (unit == 0 || unit >= last_unit)
			return false;
		last_unit = unit;
		text = (struct str){text.data + unit_len, text.len - unit_len};
		sum_ms += amount * unit;
	}
	if (!(sum_ms <= longest_duration_ms))
		return false;
	*out_ms = llround(sum_ms);
	return true;
}

static bool parse_flag(const char *text, bool *out)
{
	static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(text, words[i]) == 0) {
			*out = i % 2;
			return true;
		}
	return false;
}

static bool has_limits(const struct option *option)
{
	return option->min != 0 || option->max != 0;
}

/* "a whole number", "a whole number from 1 to 9", …: what would have been right. */
static void describe_expected(struct buffer *out, const struct option *option)
{
	static const char *const nouns[] = {
		[OPTION_FLAG] = "true or false",
		[OPTION_INT] = "a whole number",
		[OPTION_NUMBER] = "a number",
		[OPTION_DURATION] = "a duration such as 5s, 1h30m or 2.5 (seconds)",
		[OPTION_CHOICE] = "one of",
		[OPTION_LIST] = "a text",
		[OPTION_TEXT] = "a text",
		[OPTION_FILE] = "a file's name",
		[OPTION_CONFIG] = "a file's name",
	};

	buffer_append_text(out, nouns[option->kind]);
	if (option->kind == OPTION_CHOICE)
		for (size_t i = 0; option->choices[i]; i++)
			buffer_printf(out, "%s %s", i ? "," : "", option->choices[i]);
	else if (has_limits(option)) {
		double scale = option->kind == OPTION_DURATION ? 1000 : 1;

		buffer_append_text(out, " from ");
		buffer_append_number(out, option->min / scale);
		buffer_append_text(out, " to ");
		buffer_append_number(out, option->max / scale);
		if (option->kind == OPTION_DURATION)
			buffer_append_text(out, " seconds");
	}
}

static bool parse_choice(const struct option *option, const char *text, const char **out)
{
	for (size_t i = 0; option->choices[i]; i++)
		if (strcmp(option->choices[i], text) == 0) {
			*out = option->choices[i];
			return true;
		}
	return false;
}

static void list_append(struct option_list *list, const char *text)
{
	list->items =
		memory_grow(list->items, &list->capacity, list->count + 1, sizeof *list->items);
	list->items[list->count++] = text;
}

void options_list_finish(struct option_list *list)
{
	free(list->items);
	*list = (struct option_list){0};
}

/* Parses `text` into the option's value; false where it is not what the row asks for. */
static bool parse_value(const struct option *option, void *value, const char *text)
{
	struct str whole = str_from(text);
	double number = 0;
	bool right = true;

	switch (option->kind) {
	case OPTION_FLAG:
		return parse_flag(text, value);
	case OPTION_TEXT:
	case OPTION_FILE:
		*(const char **)value = text;
		return true;
	case OPTION_CONFIG:
		((struct option_config *)value)->path = text;
		return true;
	case OPTION_CHOICE:
		return parse_choice(option, text, value);
	case OPTION_LIST:
		list_append(value, text);
		return true;
	case OPTION_INT:
		right = number_parse_int(whole, value);
		number = right ? (double)*(int64_t *)value : 0;
		break;
	case OPTION_DURATION:
		right = options_parse_duration(whole, value);
		number = right ? (double)*(int64_t *)value : 0;
		break;
	case OPTION_NUMBER:
		right = number_parse(whole, value) && !isnan(*(double *)value);
		number = right ? *(double *)value : 0;
		break;
	}
	return right && (!has_limits(option) || (number >= option->min && number <= option->max));
}

/* `source` is how the user named the option: "--seed" or "RAILQUEST_SEED". */
static bool set_value(const struct option *option, void *values, const char *source,
	const char *text, struct error *err)
{
	struct buffer expected = {0};

	if (parse_value(option, (char *)values + option->offset, text))
		return true;
	describe_expected(&expected, option);
	error_set(err, ERROR_INVALID, "%s: \"%s\" is not %s", source, text, expected.data);
	buffer_finish(&expected);
	return false;
}

static const struct option *rows(const struct command *command)
{
	static const struct option none[] = {{0}};

	return command->options ? command->options : none;
}

static const struct option *find_long(const struct command *command, struct str name)
{
	for (const struct option *option = rows(command); option->name; option++)
		if (str_equal(str_from(option->name), name))
			return option;
	return NULL;
}

static bool read_defaults(const struct command *command, void *values, struct error *err)
{
	for (const struct option *option = rows(command); option->name; option++) {
		// A default that breaks its own row's limits is our mistake, not the user's.
		bool sound = !option->fallback ||
			     set_value(option, values, option->name, option->fallback, err);

		assert(sound);
		(void)sound;
	}
	return true;
}

static bool read_environment(const struct command *command, void *values, struct error *err)
{
	for (const struct option *option = rows(command); option->name; option++) {
		const char *text = option->environment ? getenv(option->environment) : NULL;

		if (text && *text && !set_value(option, values, option->environment, text, err))
			return false;
	}
	return true;
}

/* The file that flags name, else the environment, else the default. Flags are read in full later.
 */
static void find_config(
	const struct option *option, struct option_config *config, int argc, char **argv)
{
	size_t len = strlen(option->name);
	const char *text = option->environment ? getenv(option->environment) : NULL;

	if (text && *text)
		config->path = text;
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], "--", 2) != 0 || strncmp(argv[i] + 2, option->name, len) != 0)
			continue;
		if (argv[i][2 + len] == '=')
			config->path = argv[i] + 3 + len;
		else if (argv[i][2 + len] == '\0' && i + 1 < argc)
			config->path = argv[i + 1];
	}
}

static bool set_from_node(const struct option *option, void *values, const char *file,
	const struct yaml_node *node, struct error *err)
{
	struct error reason = {0};

	if (node->kind != YAML_SCALAR)
		return yaml_error(err, file, node, "%s: one value is wanted here, as in \"%s: %s\"",
			option->name, option->name,
			option->placeholder ? option->placeholder : "true");
	// Texts of the tree are NUL-ended copies in the arena.
	if (set_value(option, values, option->name, node->text.data, &reason))
		return true;
	return yaml_error(err, file, node, "%s", reason.text);
}

static bool apply_config(const struct command *command, void *values, const char *file,
	const struct yaml_node *root, struct error *err)
{
	for (size_t i = 0; i < root->count; i++) {
		const struct yaml_node *key = root->pairs[i].key, *node = root->pairs[i].value;
		const struct option *option = find_long(command, key->text);

		if (!option) // a section, which the program reads itself
			continue;
		if (option->kind != OPTION_LIST || node->kind != YAML_SEQUENCE) {
			if (!set_from_node(option, values, file, node, err))
				return false;
			continue;
		}
		for (size_t j = 0; j < node->count; j++)
			if (!set_from_node(option, values, file, node->items[j], err))
				return false;
	}
	return true;
}

enum { MAX_CONFIG_BYTES = 1 << 20, MAX_ROWS = 128 };

static bool read_config(
	const struct command *command, void *values, int argc, char **argv, struct error *err)
{
	const struct option *config_row = NULL;
	const char *names[MAX_ROWS + 1];
	size_t count = 0;

	for (const struct option *option = rows(command); option->name; option++) {
		if (option->kind == OPTION_CONFIG)
			config_row = option;
		else if (count < MAX_ROWS)
			names[count++] = option->name;
	}
	for (size_t i = 0; command->sections && command->sections[i] && count < MAX_ROWS; i++)
		names[count++] = command->sections[i];
	names[count] = NULL;
	if (!config_row)
		return true;
	struct option_config *config =
		(struct option_config *)((char *)values + config_row->offset);
	struct yaml_node *root;
	struct str text;

	find_config(config_row, config, argc, argv);
	if (!config->path)
		return true;
	if (!file_read(config->path, MAX_CONFIG_BYTES, &config->texts, &text, err) ||
		!yaml_read(text, config->path, &config->texts, &root, err))
		return false;
	return !root || (yaml_check_keys(root, config->path, "a configuration file", names, err) &&
				apply_config(command, values, config->path, root, err));
}

void options_config_finish(struct option_config *config)
{
	arena_finish(&config->texts);
	*config = (struct option_config){0};
}

static const struct option *find_letter(const struct command *command, char letter)
{
	for (const struct option *option = rows(command); option->name; option++)
		if (option->letter == letter)
			return option;
	return NULL;
}

static bool unknown_option(const struct command *command, struct str name, struct error *err)
{
	const char **names = NULL;
	size_t count = 0, capacity = 0;

	for (const struct option *option = rows(command); option->name; option++) {
		names = memory_grow(names, &capacity, count + 3, sizeof *names);
		names[count++] = option->name;
	}
	names = memory_grow(names, &capacity, count + 2, sizeof *names);
	names[count++] = "help";
	names[count] = NULL;
	const char *nearest = spelling_nearest(name, names);

	error_set(err, ERROR_INVALID, "unknown option --%.*s%s%s%s", STR_ARG(name),
		nearest ? "; did you mean --" : "", nearest ? nearest : "", nearest ? "?" : "");
	free(names);
	return false;
}

/* Where the reader stands in argv; positional arguments are moved to its front as it goes. */
struct reader {
	const struct command *command;
	void *values;
	char **argv;
	int count;
	int next;
	int positional_count;
	bool help;
};

static bool take_value(struct reader *reader, const struct option *option, const char *source,
	const char *attached, struct error *err)
{
	if (!attached && reader->next == reader->count)
		return error_set(err, ERROR_INVALID, "%s needs a value: %s %s", source, source,
			option->placeholder ? option->placeholder : "VALUE");
	if (!attached)
		attached = reader->argv[reader->next++];
	return set_value(option, reader->values, source, attached, err);
}

static bool read_long(struct reader *reader, char *argument, struct error *err)
{
	const char *equals = strchr(argument, '=');
	const char *attached = equals ? equals + 1 : NULL;
	struct str source = {argument, equals ? (size_t)(equals - argument) : strlen(argument)};
	struct str name = {source.data + 2, source.len - 2};
	const struct option *option = find_long(reader->command, name);
	char shown[64];

	snprintf(shown, sizeof shown, "%.*s", STR_ARG(source));
	if (option && option->kind == OPTION_FLAG)
		return set_value(option, reader->values, shown, attached ? attached : "true", err);
	if (option)
		return take_value(reader, option, shown, attached, err);
	if (str_equal(name, STR("help")) && !attached) {
		reader->help = true;
		return true;
	}
	if (str_starts_with(name, STR("no-")) && !attached) {
		option = find_long(reader->command, (struct str){name.data + 3, name.len - 3});
		if (option && option->kind == OPTION_FLAG)
			return set_value(option, reader->values, shown, "false", err);
	}
	return unknown_option(reader->command, name, err);
}

/* -x, -xyz for flags, -nVALUE or -n VALUE for the others. */
static bool read_letters(struct reader *reader, const char *argument, struct error *err)
{
	for (const char *letter = argument + 1; *letter; letter++) {
		const struct option *option = find_letter(reader->command, *letter);
		const char source[] = {'-', *letter, '\0'};

		if (!option && *letter == 'h') {
			reader->help = true;
			continue;
		}
		if (!option)
			return error_set(err, ERROR_INVALID,
				"unknown option %s; an argument that begins with a dash goes after "
				"\"--\"",
				argument[2] ? argument : source);
		if (option->kind != OPTION_FLAG)
			return take_value(
				reader, option, source, letter[1] ? letter + 1 : NULL, err);
		if (!set_value(option, reader->values, source, "true", err))
			return false;
	}
	return true;
}

static bool read_arguments(struct reader *reader, struct error *err)
{
	bool only_positional = false;

	while (reader->next < reader->count) {
		char *argument = reader->argv[reader->next++];

		if (only_positional || argument[0] != '-' || argument[1] == '\0')
			reader->argv[reader->positional_count++] = argument;
		else if (strcmp(argument, "--") == 0)
			only_positional = true;
		else if (argument[1] == '-' ? !read_long(reader, argument, err)
					    : !read_letters(reader, argument, err))
			return false;
	}
	return true;
}

static bool check_count(const struct command *command, size_t count, char **argv, struct error *err)
{
	size_t most = command->arguments ? command->max_arguments : 0;

	if (count < command->min_arguments)
		return error_set(err, ERROR_INVALID, "missing argument: %s", command->arguments);
	if (count > most && !command->arguments)
		return error_set(err, ERROR_INVALID, "takes no argument, but got \"%s\"", argv[0]);
	if (count > most && most > 0)
		return error_set(err, ERROR_INVALID, "takes %s, but got \"%s\" too",
			command->arguments, argv[most]);
	return true;
}

int options_usage_error(const struct command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s %s: ", program_invocation_short_name, command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry '%s %s --help'.\n", program_invocation_short_name, command->name);
	return 2;
}

/* Who is told to stop has nothing to finish. */
static bool stop(const struct command *command, void *values)
{
	for (const struct option *option = rows(command); option->name; option++)
		if (option->kind == OPTION_CONFIG)
			options_config_finish(
				(struct option_config *)((char *)values + option->offset));
	return false;
}

bool options_read(
	const struct command *command, void *values, int *argc, char **argv, int *exit_code)
{
	struct reader reader = {.command = command, .values = values, .argv = argv, .count = *argc};
	struct error err = {0};
	// --help answers even where the environment or another flag is wrong.
	bool read = read_defaults(command, values, &err) &&
		    read_config(command, values, *argc, argv, &err) &&
		    read_environment(command, values, &err) && read_arguments(&reader, &err);

	for (int i = 0; !read && i < *argc && strcmp(argv[i], "--") != 0; i++)
		reader.help = reader.help || strcmp(argv[i], "--help") == 0;
	if (reader.help) {
		options_print_help(stdout, command, 0);
		*exit_code = 0;
		return stop(command, values);
	}
	if (!read || !check_count(command, (size_t)reader.positional_count, argv, &err)) {
		*exit_code = options_usage_error(command, "%s", err.text);
		return stop(command, values);
	}
	*argc = reader.positional_count;
	return true;
}
