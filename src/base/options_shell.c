/*
 * Completion scripts for bash, zsh and fish, written from the option tables, so that they know
 * every flag that the program knows and no other.
 */
#include "base/options.h"

/* `text` inside single quotes: a quote ends them, stands escaped, and opens them again. */
static void print_quoted(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	fputc('\'', out);
}

/* What --help shows first: --no-NAME where the flag is on by default. */
static const char *flag_prefix(const struct option *option)
{
	bool on = option->kind == OPTION_FLAG && option->fallback &&
		  strcmp(option->fallback, "true") == 0;

	return on ? "no-" : "";
}

static size_t word_count(const char *name)
{
	size_t count = 1;

	for (; *name; name++)
		count += *name == ' ';
	return count;
}

static size_t first_word_len(const char *name)
{
	return strcspn(name, " ");
}

/* Whether no command before this one begins with the same word. */
static bool opens_family(const struct program *program, size_t index)
{
	const char *name = program->commands[index]->name;
	size_t len = first_word_len(name);

	for (size_t i = 0; i < index; i++)
		if (first_word_len(program->commands[i]->name) == len &&
			memcmp(program->commands[i]->name, name, len) == 0)
			return false;
	return true;
}

static void print_bash_values(FILE *out, const struct command *command)
{
	for (const struct option *option = command->options; option && option->name; option++) {
		if (option->kind == OPTION_FLAG)
			continue;
		fprintf(out, "\t\"%s --%s\"", command->name, option->name);
		if (option->letter)
			fprintf(out, "|\"%s -%c\"", command->name, option->letter);
		fputs(") ", out);
		if (option->kind == OPTION_CHOICE) {
			fputs("COMPREPLY=($(compgen -W \"", out);
			for (size_t i = 0; option->choices[i]; i++)
				fprintf(out, "%s%s", i ? " " : "", option->choices[i]);
			fputs("\" -- \"$cur\")); ", out);
		} else if ((option->kind == OPTION_FILE || option->kind == OPTION_CONFIG)) {
			fputs("COMPREPLY=($(compgen -f -- \"$cur\")); ", out);
		}
		fputs("return ;;\n", out);
	}
}

static void print_bash_flags(FILE *out, const struct command *command)
{
	fprintf(out, "\t\"%s\") flags=\"--help", command->name);
	for (const struct option *option = command->options; option && option->name; option++)
		fprintf(out, " --%s%s", flag_prefix(option), option->name);
	fputs("\" ;;\n", out);
}

/* Second words of the family that the command at `index` opens. */
static void print_second_words(FILE *out, const struct program *program, size_t index)
{
	const char *opener = program->commands[index]->name;
	size_t len = first_word_len(opener);

	for (size_t i = index; program->commands[i]; i++) {
		const char *name = program->commands[i]->name;

		if (first_word_len(name) == len && memcmp(name, opener, len) == 0 && name[len])
			fprintf(out, "%s ", name + len + 1);
	}
}

static void print_bash(FILE *out, const struct program *program)
{
	const char *name = program->name;

	fprintf(out, "# bash completion for %s\n_%s()\n{\n", name, name);
	fputs("\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= "
	      "flags= words\n"
	      "\twords=\"${COMP_WORDS[*]:1:COMP_CWORD-1} \"\n",
		out);
	if (program->bare)
		fprintf(out, "\t[[ $words$cur == *([ ])-* ]] && words=\"%s ${words# }\"\n",
			program->bare->name);
	fputs("\tCOMPREPLY=()\n\tcase \"$words\" in\n", out);
	for (size_t i = 0; program->commands[i]; i++)
		fprintf(out, "\t\"%s \"*) command=\"%s\" ;;\n", program->commands[i]->name,
			program->commands[i]->name);
	fputs("\t\" \") COMPREPLY=($(compgen -W \"help ", out);
	for (size_t i = 0; program->commands[i]; i++)
		if (opens_family(program, i))
			fprintf(out, "%.*s ", (int)first_word_len(program->commands[i]->name),
				program->commands[i]->name);
	fputs("--help --version\" -- \"$cur\")); return ;;\n", out);
	for (size_t i = 0; program->commands[i]; i++)
		if (word_count(program->commands[i]->name) > 1 && opens_family(program, i)) {
			fprintf(out, "\t\"%.*s \") COMPREPLY=($(compgen -W \"",
				(int)first_word_len(program->commands[i]->name),
				program->commands[i]->name);
			print_second_words(out, program, i);
			fputs("\" -- \"$cur\")); return ;;\n", out);
		}
	fputs("\tesac\n\tcase \"$command $prev\" in\n", out);
	for (size_t i = 0; program->commands[i]; i++)
		print_bash_values(out, program->commands[i]);
	fputs("\tesac\n\tcase \"$command\" in\n", out);
	for (size_t i = 0; program->commands[i]; i++)
		print_bash_flags(out, program->commands[i]);
	fprintf(out,
		"\tesac\n\tif [[ $cur == -* ]]; then\n\t\tCOMPREPLY=($(compgen -W \"$flags\" -- "
		"\"$cur\"))\n"
		"\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\tfi\n}\ncomplete -o filenames "
		"-F _%s %s\n",
		name, name);
}

/* A description inside zsh's 'NAME[…]:what:action': brackets and colons are its own, quotes end the
 * word. */
static void print_zsh_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
			fputc('\\', out);
		fputs(*text == '\'' ? "'\\''" : (const char[]){*text, '\0'}, out);
	}
}

static void print_zsh_option(FILE *out, const struct option *option)
{
	bool takes_value = option->kind != OPTION_FLAG;

	fprintf(out, " \\\n\t\t\t'%s--%s%s%s[", option->kind == OPTION_LIST ? "*" : "",
		flag_prefix(option), option->name, takes_value ? "=" : "");
	print_zsh_text(out, option->help);
	fputc(']', out);
	if (takes_value) {
		fputc(':', out);
		print_zsh_text(out, option->placeholder ? option->placeholder : "VALUE");
		fputc(':', out);
	}
	if ((option->kind == OPTION_FILE || option->kind == OPTION_CONFIG))
		fputs("_files", out);
	if (option->kind == OPTION_CHOICE) {
		fputc('(', out);
		for (size_t i = 0; option->choices[i]; i++)
			fprintf(out, "%s%s", i ? " " : "", option->choices[i]);
		fputc(')', out);
	}
	fputc('\'', out);
}

static void print_zsh(FILE *out, const struct program *program)
{
	fprintf(out, "#compdef %s\n_%s() {\n\tcase \"${words[2,CURRENT-1]} \" in\n", program->name,
		program->name);
	for (size_t i = 0; program->commands[i]; i++) {
		const struct command *command = program->commands[i];
		size_t words = word_count(command->name);

		fprintf(out,
			"\t\"%s \"*)\n\t\tshift %zu words; (( CURRENT -= %zu ))\n\t\t_arguments -s",
			command->name, words, words);
		for (const struct option *option = command->options; option && option->name;
			option++)
			print_zsh_option(out, option);
		fputs(" \\\n\t\t\t'--help[print help and exit]'", out);
		fputs(command->arguments ? " \\\n\t\t\t'*:argument:_files' ;;\n" : " ;;\n", out);
	}
	for (size_t i = 0; program->commands[i]; i++)
		if (word_count(program->commands[i]->name) > 1 && opens_family(program, i)) {
			fprintf(out, "\t\"%.*s \") compadd -- ",
				(int)first_word_len(program->commands[i]->name),
				program->commands[i]->name);
			print_second_words(out, program, i);
			fputs(";;\n", out);
		}
	fputs("\t\" \") compadd -- help ", out);
	for (size_t i = 0; program->commands[i]; i++)
		if (opens_family(program, i))
			fprintf(out, "%.*s ", (int)first_word_len(program->commands[i]->name),
				program->commands[i]->name);
	fprintf(out, "--help --version ;;\n\tesac\n}\n_%s \"$@\"\n", program->name);
}

static void print_fish_option(
	FILE *out, const char *program, const struct command *command, const struct option *option)
{
	fprintf(out, "complete -c %s -n '__%s_in \"%s\"' -l %s%s", program, program, command->name,
		flag_prefix(option), option->name);
	if (option->letter)
		fprintf(out, " -s %c", option->letter);
	if (option->kind != OPTION_FLAG)
		fputs((option->kind == OPTION_FILE || option->kind == OPTION_CONFIG) ? " -r -F"
										     : " -x",
			out);
	if (option->kind == OPTION_CHOICE) {
		fputs(" -a '", out);
		for (size_t i = 0; option->choices[i]; i++)
			fprintf(out, "%s%s", i ? " " : "", option->choices[i]);
		fputc('\'', out);
	}
	fputs(" -d ", out);
	print_quoted(out, option->help);
	fputc('\n', out);
}

static void print_fish(FILE *out, const struct program *program)
{
	const char *name = program->name;

	fprintf(out,
		"# fish completion for %s\nfunction __%s_at\n\tset -l words (commandline -opc)\n"
		"\ttest \"$words[2..-1]\" = \"$argv\"\nend\n"
		"function __%s_in\n\tset -l words (commandline -opc)\n"
		"\tstring match -q -- \"$argv *\" \"$words[2..-1] \"\nend\n",
		name, name, name);
	for (size_t i = 0; program->commands[i]; i++) {
		const struct command *command = program->commands[i];
		size_t first = first_word_len(command->name);

		if (!command->name[first])
			fprintf(out, "complete -c %s -f -n '__%s_at' -a %s -d ", name, name,
				command->name);
		else if (opens_family(program, i))
			fprintf(out, "complete -c %s -f -n '__%s_at' -a %.*s\n", name, name,
				(int)first, command->name);
		if (command->name[first])
			fprintf(out, "complete -c %s -f -n '__%s_at %.*s' -a %s -d ", name, name,
				(int)first, command->name, command->name + first + 1);
		print_quoted(out, command->summary);
		fputc('\n', out);
		for (const struct option *option = command->options; option && option->name;
			option++)
			print_fish_option(out, name, command, option);
	}
}

bool options_print_completion(FILE *out, const struct program *program, const char *shell)
{
	static const struct {
		const char *name;
		void (*print)(FILE *out, const struct program *program);
	} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

	for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
		if (strcmp(shells[i].name, shell) == 0) {
			shells[i].print(out, program);
			return true;
		}
	return false;
}
