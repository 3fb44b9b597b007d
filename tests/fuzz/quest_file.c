/* Whatever the bytes are: a quest file, or an error that says something. */
#include "leaderboard/quest/quest.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);
	struct quest_file file;
	struct arena arena = {0};
	struct error err = {0};

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (quest_file_read((struct str){copy, size}, "fuzz", NULL, 0, &arena, &file, &err)) {
		const struct quest_player player = {.cluster = STR("gotham"), .user = STR("rh1")};
		const struct quest_player person = quest_file_person(&file, player);

		quest_file_hides(&file, &person);
		quest_file_table(&file, &person);
		quest_file_team(&file, &person);
		assert(file.environment < file.environment_count);
		assert(file.scoring < file.scoring_count);
		quest_file_release(&file);
	} else {
		assert(err.kind != ERROR_NONE && err.text[0]);
	}
	arena_finish(&arena);
	free(copy);
	return 0;
}
