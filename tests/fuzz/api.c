/* What clients of Prometheus's API give as text: times, durations, limits, names, match[] and
 * Accept. */
#include "leaderboard/server/exposition_format.h"
#include "leaderboard/server/parameters.h"
#include "leaderboard/server/prometheus_api.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_parameters(struct str text, struct arena *arena)
{
	struct form form = {0};
	struct error err = {0};
	int64_t t_ms;
	size_t limit;
	double seconds;

	if (!form_parse(text, arena, &form, &err))
		return;
	if (prometheus_read_time(&form, "time", 0, &t_ms, &err))
		assert(t_ms > -INT64_C(10000000000000000) && t_ms < INT64_C(10000000000000000));
	if (prometheus_read_timeout(&form, &t_ms, &err))
		assert(t_ms >= 0);
	prometheus_read_limit(&form, &limit, &err);
	parameter_duration(form_get(&form, "step"), &seconds, &err);
	for (size_t i = 0; i < form.count; i++)
		if (str_equal(form.fields[i].name, STR("match[]")))
			promql_release(promql_parse_selector(form.fields[i].value, arena, &err));
}

static void read_names(struct str text, struct arena *arena)
{
	struct exposition_format format = exposition_negotiate(text);
	struct str name = parameter_label_name(text, arena);
	struct buffer out = {0};
	bool quoted;

	assert(name.len <= text.len);
	assert(exposition_content_type(&format));
	for (int i = 0; i < 4; i++)
		exposition_write_name(&out, text, i % 2 == 0, (enum exposition_escaping)i, &quoted);
	buffer_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct arena arena = {0};

	read_parameters(text, &arena);
	read_names(text, &arena);
	arena_finish(&arena);
	return 0;
}
