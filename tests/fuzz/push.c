/* Whatever the body of POST /api/quest/events is: events, or an error that says something. */
#include "leaderboard/server/push.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A text is as JSON gave it: never longer than the body, and optional ones are empty or there. */
static void check_text(struct str text, size_t size, bool is_needed)
{
	assert(text.data && text.len <= size);
	assert(!is_needed || text.len > 0);
	assert(!memchr(text.data, '\0', text.len));
}

static void check_push(const struct live_push *push, size_t size)
{
	check_text(push->player.cluster, size, false);
	check_text(push->player.user, size, true);
	check_text(push->exercise, size, true);
	check_text(push->condition, size, true);
	check_text(push->env, size, false);
	check_text(push->who, size, false);
	// Far from where adding to it or scaling it could overflow.
	assert(push->t_ms == QUEST_NEVER || (push->t_ms >= -INT64_C(9000000000000000) &&
						    push->t_ms <= INT64_C(9000000000000000)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);
	struct arena arena = {0};
	struct error err = {0};
	struct live_push *pushes;
	size_t count;

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (push_read((struct str){copy, size}, &arena, &pushes, &count, &err)) {
		assert(count <= 1000);
		// What is kept is the arena's, not the body's.
		memset(copy, 0, size);
		for (size_t i = 0; i < count; i++)
			check_push(&pushes[i], size);
	} else {
		assert(err.kind == ERROR_INVALID || err.kind == ERROR_LIMIT);
		assert(err.text[0]);
	}
	arena_finish(&arena);
	free(copy);
	return 0;
}
