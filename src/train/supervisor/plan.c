#include "train/supervisor/plan.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/yaml.h"

enum { MAX_CONFIG_BYTES = 1 << 20, MAX_ARGUMENTS = 256 };

const char *const plan_services[] = {
	"controller", "decision", "inference", "capture", "monitor", NULL};

/* Of the terminal's 256: told apart on dark and on light ground. */
static unsigned colour_of(const char *service)
{
	static const struct {
		const char *service;
		unsigned colour;
	} colours[] = {{"controller", 160}, {"decision", 172}, {"inference", 71}, {"capture", 68},
		{"monitor", 134}, {"mosquitto", 244}};

	for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++)
		if (strcmp(colours[i].service, service) == 0)
			return colours[i].colour;
	return 0;
}

/* --- a section of the file --- */

static void write_scalar(const struct yaml_node *node, struct buffer *out)
{
	if (yaml_is_null(node))
		buffer_append_char(out, '~');
	else
		json_string(out, node->text);
}

static bool write_value(
	const struct yaml_node *node, const char *file, struct buffer *out, struct error *err)
{
	if (node->kind == YAML_SCALAR) {
		write_scalar(node, out);
		return true;
	}
	if (node->kind == YAML_MAPPING)
		return yaml_error(err, file, node, "a value or a list of values is wanted here");
	buffer_append_char(out, '[');
	for (size_t i = 0; i < node->count; i++) {
		if (node->items[i]->kind != YAML_SCALAR)
			return yaml_error(err, file, node->items[i], "one value is wanted here");
		write_scalar(node->items[i], out);
		buffer_append_text(out, ", ");
	}
	buffer_append_char(out, ']');
	return true;
}

bool plan_write_section(
	const struct yaml_node *section, const char *file, struct buffer *out, struct error *err)
{
	size_t line = 1;

	if (section->kind != YAML_MAPPING)
		return yaml_error(
			err, file, section, "here are the service's options, as in \"fps: 20\"");
	buffer_append_char(out, '{');
	for (size_t i = 0; i < section->count; i++) {
		const struct yaml_node *key = section->pairs[i].key;

		for (; line < key->line; line++)
			buffer_append_char(out, '\n');
		json_string(out, key->text);
		buffer_append_text(out, ": ");
		if (!write_value(section->pairs[i].value, file, out, err))
			return false;
		buffer_append_text(out, ", ");
	}
	buffer_append_text(out, "}\n");
	return true;
}

/* --- one service's command line --- */

struct line {
	const char *service;
	const struct yaml_node *section; // NULL: none
	char *words[MAX_ARGUMENTS + 1];
	size_t count;
};

static bool add(struct line *line, struct str word, struct error *err)
{
	if (line->count == MAX_ARGUMENTS)
		return error_set(
			err, ERROR_LIMIT, "%s: more than %d options", line->service, MAX_ARGUMENTS);
	line->words[line->count++] = (char *)word.data;
	return true;
}

/* "capture.fps=20": whether it is for this service, and what is behind the dot. */
static bool is_set_for(const char *set, const char *service, const char **rest)
{
	size_t len = strlen(service);

	if (strncmp(set, service, len) != 0 || set[len] != '.')
		return false;
	*rest = set + len + 1;
	return true;
}

static bool sets_name(const struct plan_input *input, const char *service, const char *name)
{
	size_t len = strlen(name);
	const char *rest;

	for (size_t i = 0; i < input->set_count; i++)
		if (is_set_for(input->sets[i], service, &rest) && strncmp(rest, name, len) == 0 &&
			(rest[len] == '=' || rest[len] == '\0'))
			return true;
	return false;
}

static bool add_values(
	const struct plan_input *input, struct line *line, struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < input->value_count; i++) {
		const struct plan_value *value = &input->values[i];
		bool is_its_own = value->service && strcmp(value->service, line->service) == 0;

		if (!is_its_own && (value->service || yaml_get(line->section, value->name)))
			continue;
		if (!add(line,
			    value->value ? str_format(arena, "--%s=%s", value->name, value->value)
					 : str_format(arena, "--%s", value->name),
			    err))
			return false;
	}
	return true;
}

static bool add_sets(
	const struct plan_input *input, struct line *line, struct arena *arena, struct error *err)
{
	const char *rest;

	for (size_t i = 0; i < input->set_count; i++)
		if (is_set_for(input->sets[i], line->service, &rest) &&
			!add(line, str_format(arena, "--%s", rest), err))
			return false;
	return true;
}

static bool add_config(
	const struct plan_input *input, struct line *line, struct arena *arena, struct error *err)
{
	struct str path = str_format(arena, "%s/%s.yaml", input->runtime, line->service);
	struct buffer text = {0};

	if (!line->section || yaml_is_null(line->section))
		return true;
	bool ok = plan_write_section(line->section, input->config, &text, err) &&
		  file_write(path.data, buffer_str(&text), err) &&
		  add(line, str_format(arena, "--config=%s", path.data), err);

	buffer_finish(&text);
	return ok;
}

static bool make_line(const struct plan_input *input, struct line *line, struct arena *arena,
	struct process_plan *out, struct error *err)
{
	if (!add(line, str_format(arena, "%s/railquest-%s", input->programs, line->service), err) ||
		!add(line, STR("run"), err) || !add_config(input, line, arena, err) ||
		!add_values(input, line, arena, err))
		return false;
	if (input->free_ports && !yaml_get(line->section, "listen") &&
		!sets_name(input, line->service, "listen") &&
		!add(line, STR("--listen=127.0.0.1:0"), err))
		return false;
	if (!add_sets(input, line, arena, err))
		return false;
	char **words = ARENA_ARRAY(arena, char *, line->count + 1);

	memcpy(words, line->words, line->count * sizeof *words);
	*out = (struct process_plan){
		.name = line->service,
		.role = strcmp(line->service, "controller") == 0 ? PROCESS_CONTROLLER
								 : PROCESS_SERVICE,
		.colour = colour_of(line->service),
		.arguments = words,
	};
	return true;
}

/* --- all of them --- */

static bool is_service(const char *name, size_t len)
{
	for (size_t i = 0; plan_services[i]; i++)
		if (strlen(plan_services[i]) == len && memcmp(plan_services[i], name, len) == 0)
			return true;
	return false;
}

static bool check_names(const struct plan_input *input, struct error *err)
{
	static const char which[] = "controller, decision, inference, capture or monitor";

	for (size_t i = 0; i < input->set_count; i++) {
		const char *dot = strchr(input->sets[i], '.');

		if (!dot || !is_service(input->sets[i], (size_t)(dot - input->sets[i])) ||
			dot[1] == '\0' || dot[1] == '=')
			return error_set(err, ERROR_INVALID,
				"--set \"%s\": write SERVICE.OPTION=VALUE, as in capture.fps=20; "
				"the service is %s",
				input->sets[i], which);
	}
	for (size_t i = 0; i < input->without_count; i++)
		if (!is_service(input->without[i], strlen(input->without[i])))
			return error_set(err, ERROR_INVALID, "--without \"%s\": it is %s",
				input->without[i], which);
	return true;
}

static bool is_left_out(const struct plan_input *input, const char *service)
{
	for (size_t i = 0; i < input->without_count; i++)
		if (strcmp(input->without[i], service) == 0)
			return true;
	return false;
}

bool plan_make(const struct plan_input *input, struct arena *arena, struct process_plan *out,
	size_t *count, struct error *err)
{
	struct yaml_node *root = NULL;
	struct str text;

	*count = 0;
	if (!check_names(input, err))
		return false;
	if (input->config && (!file_read(input->config, MAX_CONFIG_BYTES, arena, &text, err) ||
				     !yaml_read(text, input->config, arena, &root, err)))
		return false;
	for (size_t i = 0; plan_services[i]; i++) {
		const char *service = plan_services[i];
		struct line *line = ARENA_NEW(arena, struct line);

		if (is_left_out(input, service))
			continue;
		*line = (struct line){.service = service, .section = yaml_get(root, service)};
		if (!make_line(input, line, arena, &out[*count], err))
			return false;
		++*count;
	}
	return *count > 0 ||
	       error_set(err, ERROR_INVALID, "--without leaves no service to run; leave one in");
}

bool plan_broker(const char *program, const char *runtime, int port, struct arena *arena,
	struct process_plan *out, struct error *err)
{
	struct str path = str_format(arena, "%s/mosquitto.conf", runtime);
	// One that changes its user loses the wish to die with its parent (prctl(2)).
	struct str text = str_format(arena,
		"user root\n"
		"listener %d 127.0.0.1\n"
		"allow_anonymous true\n"
		"set_tcp_nodelay true\n"
		"persistence false\n"
		"max_queued_messages 40000\n" // results for the cloud, of an hour
		"connection_messages false\n"
		"log_dest stderr\n"
		"log_type error\n",
		port);
	char **words = ARENA_ARRAY(arena, char *, 4);

	words[0] = arena_copy(arena, program, strlen(program));
	words[1] = (char *)"-c";
	words[2] = (char *)path.data;
	*out = (struct process_plan){
		.name = "mosquitto",
		.role = PROCESS_BROKER,
		.colour = colour_of("mosquitto"),
		.arguments = words,
		.address = str_format(arena, "127.0.0.1:%d", port).data,
	};
	return file_write(path.data, text, err);
}
