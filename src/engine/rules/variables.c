#include "engine/rules/variables.h"

#include "base/memory.h"

#include <stdlib.h>

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Length of a ${NAME} at the start of `text`, 0 where there is none.
static size_t reference_len(struct str text)
{
	size_t i = 2;

	if (text.len < 4 || text.data[0] != '$' || text.data[1] != '{' || !is_letter(text.data[2]))
		return 0;
	while (i < text.len &&
		(is_letter(text.data[i]) || (text.data[i] >= '0' && text.data[i] <= '9')))
		i++;
	return i < text.len && text.data[i] == '}' ? i + 1 : 0;
}

static bool is_regex_group(struct str text, struct str name)
{
	for (size_t i = 0; i + name.len + 4 <= text.len; i++) {
		struct str rest = {text.data + i, text.len - i};
		size_t head = str_starts_with(rest, STR("(?P<"))  ? 4
			      : str_starts_with(rest, STR("(?<")) ? 3
								  : 0;

		if (head && rest.len > head + name.len && rest.data[head + name.len] == '>' &&
			str_starts_with((struct str){rest.data + head, rest.len - head}, name))
			return true;
	}
	return false;
}

static bool look_up(struct str name, const struct rules_read_options *options, struct arena *arena,
	struct str *out)
{
	for (size_t i = 0; i < options->variable_count; i++)
		if (str_equal(options->variables[i].name, name)) {
			*out = options->variables[i].value;
			return true;
		}
	const char *value = options->use_environment ? getenv(str_copy(arena, name).data) : NULL;

	if (value)
		*out = str_from(value);
	return value != NULL;
}

// An unset variable counts as a number; alone between brackets it stands for a duration.
static struct str stand_in(struct str text, size_t at, size_t len)
{
	bool opens = at > 0 && (text.data[at - 1] == '[' || text.data[at - 1] == ':');
	size_t after = at + len;

	if (opens && after < text.len && (text.data[after] == ']' || text.data[after] == ':'))
		return STR("1s");
	return STR("1");
}

struct filler {
	const struct rules_read_options *options;
	struct arena *arena;
	struct buffer out;
	struct source_splice *splices;
	size_t count, capacity;
	struct variables_result result;
	bool has_groups; // the text defines named groups of regular expressions
};

static void splice(struct filler *filler, size_t from, bool whole)
{
	filler->splices = memory_grow(
		filler->splices, &filler->capacity, filler->count + 1, sizeof *filler->splices);
	filler->splices[filler->count++] = (struct source_splice){filler->out.len, from, whole};
}

static void fill_one(struct filler *filler, struct str text, size_t at, size_t len)
{
	struct str name = {text.data + at + 2, len - 3}, value;

	if (!look_up(name, filler->options, filler->arena, &value)) {
		value = stand_in(text, at, len);
		filler->result.has_unset = true;
		if (!filler->options->unset_is_number && filler->result.missing_at == SIZE_MAX) {
			filler->result.missing_at = at;
			filler->result.missing_name = name;
		}
	}
	splice(filler, at, true);
	buffer_append_str(&filler->out, value);
	splice(filler, at + len, false);
}

struct variables_result variables_fill(
	struct str text, const struct rules_read_options *options, struct arena *arena)
{
	struct filler filler = {.options = options, .arena = arena};
	size_t start = 0, i = 0;

	filler.result.missing_at = SIZE_MAX;
	filler.has_groups = memmem(text.data, text.len, "(?", 2) != NULL;
	while (i < text.len) {
		size_t len = reference_len((struct str){text.data + i, text.len - i});

		if (!len ||
			(filler.has_groups &&
				is_regex_group(text, (struct str){text.data + i + 2, len - 3}))) {
			i++;
			continue;
		}
		buffer_append(&filler.out, text.data + start, i - start);
		fill_one(&filler, text, i, len);
		i += len;
		start = i;
	}
	if (filler.count == 0) {
		filler.result.text.text = text;
		return filler.result;
	}
	buffer_append(&filler.out, text.data + start, text.len - start);
	struct source_splice *kept = ARENA_ARRAY(arena, struct source_splice, filler.count);

	memcpy(kept, filler.splices, filler.count * sizeof *kept);
	filler.result.text =
		(struct source_text){str_copy(arena, buffer_str(&filler.out)), kept, filler.count};
	buffer_finish(&filler.out);
	free(filler.splices);
	return filler.result;
}
