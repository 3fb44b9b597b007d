/*
 * The query string of a request to the API, through the readers of its parameters: whatever is
 * taken is finite and in range, whatever is not is told.
 */
#include "leaderboard/server/parameters.h"
#include "net/form.h"

#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Milliseconds of the years 0 to some 292 million: what the readers may give back. */
static const int64_t most_ms = INT64_MAX / 2;

static void check_refusal(const struct error *err)
{
	assert(err->kind != ERROR_NONE && err->text[0]);
}

static void read_value(struct str value)
{
	struct error err = {0};
	int64_t t_ms = 0;
	double seconds = 0;
	size_t limit;

	if (parameter_time(value, &t_ms, &err))
		assert(t_ms >= -most_ms && t_ms <= most_ms);
	else
		check_refusal(&err);
	err = (struct error){0};
	if (parameter_duration(value, &seconds, &err))
		assert(isfinite(seconds));
	else
		check_refusal(&err);
	err = (struct error){0};
	if (!parameter_limit(value, &limit, &err))
		check_refusal(&err);
	err = (struct error){0};
	if (!parameter_race_instant(value, 1728047700000, &t_ms, &err))
		check_refusal(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct form form = {0};
	struct error err = {0};

	if (form_parse((struct str){(const char *)data, size}, &arena, &form, &err))
		for (size_t i = 0; i < form.count; i++)
			read_value(form.fields[i].value);
	else
		check_refusal(&err);
	arena_finish(&arena);
	return 0;
}
