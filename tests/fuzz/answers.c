/* Whatever another server answers: series in order, or an error that says something. */
#include "engine/answers/answers.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_SAMPLES = 1000 };

static void check(const struct answers_result *answer)
{
	size_t samples = 0;
	int64_t t_ms;

	if (answers_instant(answer, &t_ms))
		assert(t_ms >= -INT64_C(1000000000000000) && t_ms <= INT64_C(1000000000000000));
	for (size_t i = 0; i < answer->series_count; i++) {
		const struct answers_series *series = &answer->series[i];

		assert(series->labels);
		assert(answer->kind == ANSWERS_MATRIX || series->sample_count == 1);
		for (size_t j = 0; j < series->sample_count; j++) {
			assert(!sample_is_histogram(series->samples[j].value));
			assert(j == 0 || series->samples[j].t_ms > series->samples[j - 1].t_ms);
		}
		samples += series->sample_count;
	}
	assert(samples <= MAX_SAMPLES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = {200, 400, 422, 503};
	char *copy = malloc(size ? size : 1);
	struct answers_result answer;
	struct arena arena = {0};

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	for (size_t i = 0; i < 4; i++) {
		struct error err = {0};

		if (answers_read((struct str){copy, size}, statuses[i], MAX_SAMPLES, &arena,
			    &answer, &err))
			check(&answer);
		else
			assert(err.kind != ERROR_NONE && err.text[0]);
	}
	arena_finish(&arena);
	free(copy);
	return 0;
}
