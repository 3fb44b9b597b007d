#include "leaderboard/cli/cli.h"

bool cli_compile_run(
	const struct command *command, const struct option_list *list, struct regex **out)
{
	for (size_t i = 0; i < list->count; i++) {
		struct buffer pattern = {0};
		struct error err = {0};

		buffer_printf(&pattern, ".*(?:%s).*", list->items[i]);
		out[i] = regex_create(buffer_str(&pattern), &err);
		buffer_finish(&pattern);
		if (!out[i]) {
			options_usage_error(command, "--run \"%s\": %s", list->items[i], err.text);
			return false;
		}
	}
	return true;
}
