#include "leaderboard/cli/quest_option.h"

#include "base/file.h"

enum { MAX_FILE_BYTES = 8 << 20 };

bool cli_quest_read(const char *path, const struct option_list *set, struct arena *arena,
	struct quest_file *out, struct str *text, struct error *err)
{
	struct quest_variable *variables = ARENA_ARRAY(arena, struct quest_variable, set->count);
	struct str own;

	// The reader takes the first of a name.
	for (size_t i = 0; i < set->count; i++) {
		const char *setting = set->items[set->count - 1 - i];
		const char *equals = strchr(setting, '=');

		if (!equals || equals == setting)
			return error_set(
				err, ERROR_INVALID, "--set takes NAME=VALUE, not \"%s\"", setting);
		variables[i] = (struct quest_variable){
			{setting, (size_t)(equals - setting)}, str_from(equals + 1)};
	}
	if (!file_read(path, MAX_FILE_BYTES, arena, &own, err))
		return false;
	if (text)
		*text = own;
	return quest_file_read(own, path, variables, set->count, arena, out, err);
}
