#include "engine/promqltest/script.h"

#include "base/map.h"
#include "base/memory.h"

/* load STEP, load_with_nhcb STEP: a series a line. Of a series that is given twice the last counts.
 */

/* Past it a store takes no sample: 146 million years after 1970. */
static const int64_t max_ms = INT64_C(1) << 52;

struct reading {
	struct script_series *items;
	size_t count, capacity;
	struct map places; // labels as text → where in items, + 1
};

/* `metric{…}@st items` in front of the line of the samples. */
struct announced {
	const struct labels *labels; // NULL: there is none
	struct script_start_run *runs;
	size_t count;
};

static uint64_t count_starts(const struct announced *starts)
{
	uint64_t count = 0;

	for (size_t i = 0; i < starts->count; i++)
		count += starts->runs[i].count;
	return count;
}

static bool join_starts(struct lines *lines, const struct announced *starts,
	struct script_series *series, struct error *err)
{
	if (!starts->labels)
		return true;
	if (!labels_equal(starts->labels, series->labels))
		return lines_fail(lines, err,
			"start timestamps come in front of the samples of another series");
	if (count_starts(starts) != script_count_values(series))
		return lines_fail(lines, err, "%llu start timestamps for %llu samples",
			(unsigned long long)count_starts(starts),
			(unsigned long long)script_count_values(series));
	series->starts = starts->runs;
	series->start_count = starts->count;
	return true;
}

static void keep(struct reading *reading, struct arena *arena, const struct script_series *series)
{
	struct buffer text = {0};

	labels_print(&text, series->labels);
	uintptr_t place = (uintptr_t)map_get(&reading->places, buffer_str(&text));

	if (!place) {
		reading->items = memory_grow(reading->items, &reading->capacity, reading->count + 1,
			sizeof *reading->items);
		place = ++reading->count;
		map_set(&reading->places, str_copy(arena, buffer_str(&text)), (void *)place);
	}
	reading->items[place - 1] = *series;
	buffer_finish(&text);
}

static bool read_announced(struct lines *lines, struct str line, size_t len, struct arena *arena,
	struct announced *out, struct error *err)
{
	struct str values = {line.data + len, line.len - len};

	lines_take_word(&values); // "@st"
	out->labels = promql_parse_metric((struct str){line.data, len}, arena, err);
	if (!out->labels || !script_read_starts(values, arena, &out->runs, &out->count, err))
		return lines_blame(lines->number, err);
	return true;
}

/* Where a line's series ends if @st follows it there, else 0. */
static size_t announced_len(struct str line)
{
	size_t len = script_series_len(line);

	if (str_starts_with((struct str){line.data + len, line.len - len}, STR("@st")))
		return len;
	// A name without braces: the blank is behind @st.
	bool plain = len > 3 && memcmp(line.data + len - 3, "@st", 3) == 0;

	return plain ? len - 3 : 0;
}

static bool check_end(
	struct lines *lines, const struct script_series *series, int64_t step_ms, struct error *err)
{
	int64_t end_ms;

	if (!__builtin_mul_overflow((int64_t)script_count_values(series), step_ms, &end_ms) &&
		end_ms <= max_ms)
		return true;
	return lines_fail(lines, err, "samples end later than there are times");
}

static bool read_block(struct lines *lines, int64_t step_ms, struct arena *arena,
	struct reading *reading, struct error *err)
{
	struct announced starts = {0};
	struct script_series series;
	struct str line;

	while (lines_peek(lines, &line)) {
		lines_take(lines, &line);
		size_t announced = announced_len(line);

		if (announced) {
			if (starts.labels)
				return lines_fail(lines, err,
					"expected the samples that the start timestamps above "
					"are for");
			if (!read_announced(lines, line, announced, arena, &starts, err))
				return false;
			continue;
		}
		if (!script_read_series(lines, line, arena, &series, err) ||
			!join_starts(lines, &starts, &series, err) ||
			!check_end(lines, &series, step_ms, err))
			return false;
		keep(reading, arena, &series);
		starts = (struct announced){0};
	}
	return !starts.labels ||
	       lines_fail(lines, err, "start timestamps without samples of their series");
}

static bool read_head(
	struct lines *lines, struct str line, struct script_load *out, struct error *err)
{
	struct str rest = line, word = lines_take_word(&rest);

	out->with_custom_buckets = str_equal(word, STR("load_with_nhcb"));
	if (!out->with_custom_buckets && !str_equal(word, STR("load")))
		return lines_fail(lines, err,
			"expected \"load STEP\" or \"load_with_nhcb STEP\", got \"%.*s\"",
			STR_ARG(word));
	if (!promql_parse_duration(rest, &out->step_ms, err))
		return lines_blame(lines->number, err);
	return true;
}

bool script_read_load(struct lines *lines, struct str line, struct arena *arena,
	struct script_load *out, struct error *err)
{
	struct reading reading = {0};

	*out = (struct script_load){0};
	bool ok = read_head(lines, line, out, err) &&
		  read_block(lines, out->step_ms, arena, &reading, err);

	out->series = ARENA_ARRAY(arena, struct script_series, reading.count);
	out->series_count = reading.count;
	for (size_t i = 0; i < reading.count; i++) {
		out->series[i] = reading.items[i];
		out->sample_count += script_count_values(&reading.items[i]);
	}
	free(reading.items);
	map_finish(&reading.places);
	return ok;
}
