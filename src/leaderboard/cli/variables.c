#include "leaderboard/cli/variables.h"

bool cli_variables(const struct command *command, const struct option_list *list,
	struct arena *arena, const struct rules_variable **out)
{
	struct rules_variable *variables = ARENA_ARRAY(arena, struct rules_variable, list->count);

	for (size_t i = 0; i < list->count; i++) {
		const char *text = list->items[list->count - 1 - i], *equals = strchr(text, '=');

		if (!equals || equals == text) {
			options_usage_error(command, "--set takes NAME=VALUE, not \"%s\"", text);
			return false;
		}
		variables[i] = (struct rules_variable){
			{text, (size_t)(equals - text)}, str_from(equals + 1)};
	}
	*out = variables;
	return true;
}
