#include "engine/tsdb/tsdb.h"

#include "base/map.h"
#include "base/memory.h"
#include "engine/tsdb/chunk.h"
#include "engine/tsdb/extras.h"
#include "engine/tsdb/selection.h"

/*
 * Series are found by label set (appending) and by metric name (reading). Label texts repeat a lot
 * — a namespace stands in every series of it — so each text is stored once.
 */

enum { DEFAULT_MAX_SERIES = 10000000 };
// Leaves room for step arithmetic: ± 146 million years around 1970.
#define TIME_LIMIT_MS (INT64_C(1) << 52)

struct tsdb_series {
	struct series base; // first: the seam hands out pointers to it
	struct chunk_stream stream;
	const struct histogram *last_histogram; // NULL: there was none; in the store's arena
	struct tsdb_starts *starts;		// NULL: none; owned
};

struct postings {
	struct tsdb_series **items;
	size_t count, capacity;
};

struct tsdb {
	struct series_source source;
	struct series_sink sink;
	struct arena arena; // labels, texts, series
	struct map texts;   // text → struct str *
	struct map names;   // metric name → struct postings *
	struct postings all;
	struct tsdb_series **table; // by labels' hash, open addressing
	size_t table_capacity;
	size_t max_series;
	uint64_t refused_count;
};

static struct tsdb *of_source(struct series_source *source)
{
	return (struct tsdb *)((char *)source - offsetof(struct tsdb, source));
}

static struct tsdb *of_sink(struct series_sink *sink)
{
	return (struct tsdb *)((char *)sink - offsetof(struct tsdb, sink));
}

/* --- reading --- */

static const struct postings *candidates(
	const struct tsdb *db, const struct matcher *matchers, size_t count)
{
	static const struct postings none = {0};

	for (size_t i = 0; i < count; i++)
		if (matchers[i].kind == MATCHER_EQUAL && matchers[i].value.len &&
			str_equal(matchers[i].name, SERIES_METRIC_NAME)) {
			const struct postings *named = map_get(&db->names, matchers[i].value);

			return named ? named : &none;
		}
	return &db->all;
}

static bool source_select(struct series_source *source, const struct matcher *matchers,
	size_t count, struct arena *arena, struct series_list *out, struct error *err)
{
	const struct postings *from = candidates(of_source(source), matchers, count);

	struct selection selection;

	(void)err;
	selection_init(&selection, matchers, count);
	*out = (struct series_list){
		.items = ARENA_ARRAY(arena, const struct series *, from->count)};
	for (size_t i = 0; i < from->count; i++)
		if (selection_takes(&selection, from->items[i]->base.labels))
			out->items[out->count++] = &from->items[i]->base;
	return true;
}

/* The cursor's state: offset and taken of a chunk_place, place among the start timestamps. */
static bool refill(struct series_cursor *cursor)
{
	const struct tsdb_series *series = (const struct tsdb_series *)cursor->series;
	struct chunk_place place = {cursor->state[0], cursor->state[1]};
	struct chunk_state at = {cursor->t_ms, cursor->step_ms, cursor->value, cursor->increment};

	if (!chunk_next_run(&series->stream, &place, &at, &cursor->left)) {
		cursor->state[0] = place.offset;
		cursor->state[1] = place.taken;
		return false;
	}
	cursor->state[0] = place.offset;
	cursor->state[1] = place.taken;
	cursor->t_ms = at.t_ms;
	cursor->step_ms = at.step_ms;
	cursor->value = at.value;
	cursor->increment = at.increment;
	if (series->starts)
		cursor->start_ms = tsdb_starts_at(series->starts, at.t_ms, &cursor->state[2]);
	return true;
}

/* What is left of a run counts as not taken yet. */
static struct chunk_place place_of(const struct series_cursor *cursor)
{
	return (struct chunk_place){cursor->state[0], cursor->state[1] - cursor->left};
}

static struct chunk_state state_of(const struct series_cursor *cursor)
{
	return (struct chunk_state){
		cursor->t_ms, cursor->step_ms, cursor->value, cursor->increment};
}

static void set_cursor(
	struct series_cursor *cursor, const struct chunk_place *place, const struct chunk_state *at)
{
	cursor->left = 0;
	cursor->state[0] = place->offset;
	cursor->state[1] = place->taken;
	cursor->t_ms = at->t_ms;
	cursor->step_ms = at->step_ms;
	cursor->value = at->value;
	cursor->increment = at->increment;
}

static void source_open(struct series_source *source, const struct series *series, int64_t from_ms,
	struct series_cursor *cursor)
{
	const struct chunk_stream *stream = &((const struct tsdb_series *)series)->stream;
	struct chunk_place place = chunk_seek(stream, from_ms);
	struct chunk_state at = {0};

	(void)source;
	*cursor = (struct series_cursor){.refill = refill, .series = series};
	if (from_ms > -TIME_LIMIT_MS)
		chunk_skip(stream, &place, &at, from_ms - 1);
	set_cursor(cursor, &place, &at);
}

static size_t source_read(struct series_source *source, struct series_cursor *cursor,
	int64_t until_ms, struct sample *out, size_t max)
{
	const struct tsdb_series *series = (const struct tsdb_series *)cursor->series;
	struct chunk_place place = place_of(cursor);
	struct chunk_state at = state_of(cursor);
	size_t count = chunk_read(&series->stream, &place, &at, until_ms, out, max);

	(void)source;
	set_cursor(cursor, &place, &at);
	return count;
}

static uint64_t source_series_count(struct series_source *source)
{
	return of_source(source)->all.count;
}

static const struct series_source_ops source_ops = {
	source_select, source_open, source_read, source_series_count};

/* --- writing --- */

static struct str intern(struct tsdb *db, struct str text)
{
	const struct str *known = map_get(&db->texts, text);

	if (known)
		return *known;
	struct str *stored = ARENA_NEW(&db->arena, struct str);

	*stored = str_copy(&db->arena, text);
	map_set(&db->texts, *stored, stored);
	return *stored;
}

static void add_posting(struct postings *postings, struct tsdb_series *series)
{
	postings->items = memory_grow(postings->items, &postings->capacity, postings->count + 1,
		sizeof(struct tsdb_series *));
	postings->items[postings->count++] = series;
}

static struct tsdb_series **slot_of(const struct tsdb *db, const struct labels *labels)
{
	size_t mask = db->table_capacity - 1, i = (size_t)labels->hash & mask;

	while (db->table[i] && !labels_equal(db->table[i]->base.labels, labels))
		i = (i + 1) & mask;
	return &db->table[i];
}

static void grow_table(struct tsdb *db)
{
	db->table_capacity = db->table_capacity ? db->table_capacity * 2 : 64;
	free(db->table);
	db->table = memory_alloc_array(db->table_capacity, sizeof(struct tsdb_series *));
	for (size_t i = 0; i < db->all.count; i++)
		*slot_of(db, db->all.items[i]->base.labels) = db->all.items[i];
}

static const struct labels *store_labels(struct tsdb *db, const struct labels *labels)
{
	struct labels *stored =
		arena_alloc(&db->arena, sizeof *stored + labels->count * sizeof(struct label));

	stored->hash = labels->hash;
	stored->count = labels->count;
	for (size_t i = 0; i < labels->count; i++)
		stored->items[i] = (struct label){
			intern(db, labels->items[i].name), intern(db, labels->items[i].value)};
	return stored;
}

static struct series *sink_series(
	struct series_sink *sink, const struct labels *labels, uint32_t rank, struct error *err)
{
	struct tsdb *db = of_sink(sink);

	if (db->all.count >= db->table_capacity / 2)
		grow_table(db);
	struct tsdb_series **slot = slot_of(db, labels);

	if (*slot)
		return &(*slot)->base;
	if (db->all.count >= db->max_series) {
		error_set(err, ERROR_LIMIT, "the store holds its limit of %zu series",
			db->max_series);
		return NULL;
	}
	struct tsdb_series *series = ARENA_NEW(&db->arena, struct tsdb_series);

	series->base = (struct series){.labels = store_labels(db, labels), .rank = rank};
	*slot = series;
	add_posting(&db->all, series);

	struct str name = intern(db, labels_get(labels, SERIES_METRIC_NAME));
	struct postings *named = map_get(&db->names, name);

	if (!named) {
		named = memory_alloc(sizeof *named);
		map_set(&db->names, name, named);
	}
	add_posting(named, series);
	return &series->base;
}

static bool is_too_late(const struct chunk_stream *stream, int64_t t_ms)
{
	return t_ms > TIME_LIMIT_MS || t_ms < -TIME_LIMIT_MS ||
	       (stream->count && t_ms <= stream->last.t_ms);
}

static bool refuse(struct tsdb *db)
{
	db->refused_count++;
	return false;
}

static bool sink_append_histogram(struct series_sink *sink, struct series *series, int64_t t_ms,
	const struct histogram *histogram)
{
	struct tsdb *db = of_sink(sink);
	struct tsdb_series *own = (struct tsdb_series *)series;
	struct chunk_stream *stream = &own->stream;
	struct error ignored;

	if (!histogram_check(histogram, &ignored))
		return refuse(db);
	if (is_too_late(stream, t_ms))
		return (stream->count && t_ms == stream->last.t_ms &&
			       sample_is_histogram(stream->last.value) &&
			       histogram_equal(own->last_histogram, histogram)) ||
		       refuse(db);
	own->last_histogram = tsdb_store_histogram(
		&db->arena, histogram, stream->count ? stream->last.value : 0, own->last_histogram);
	own->base.has_histograms = true;
	chunk_append(stream, t_ms, sample_of_histogram(own->last_histogram));
	return true;
}

static bool sink_append(struct series_sink *sink, struct series *series, int64_t t_ms, double value)
{
	struct chunk_stream *stream = &((struct tsdb_series *)series)->stream;

	if (sample_is_histogram(value))
		return sink_append_histogram(sink, series, t_ms, sample_histogram(value));
	if (is_too_late(stream, t_ms)) {
		if (stream->count && t_ms == stream->last.t_ms &&
			sample_bits(stream->last.value) == sample_bits(value))
			return true;
		of_sink(sink)->refused_count++;
		return false;
	}
	chunk_append(stream, t_ms, value);
	return true;
}

static size_t sink_append_run(struct series_sink *sink, struct series *series, int64_t t_ms,
	int64_t step_ms, size_t count, double value)
{
	struct chunk_stream *stream = &((struct tsdb_series *)series)->stream;
	size_t taken = 0;
	int singly = 2;

	// Where something may be refused, one at a time; then the rest at once. So are a histogram
	// and its first repetition, which have different hints.
	while (count && ((stream->count && t_ms <= stream->last.t_ms) ||
				(sample_is_histogram(value) && singly-- > 0))) {
		taken += sink_append(sink, series, t_ms, value);
		t_ms += step_ms;
		count--;
	}
	if (count == 0)
		return taken;
	int64_t end_ms;

	if (step_ms <= 0 || t_ms < -TIME_LIMIT_MS ||
		__builtin_mul_overflow((int64_t)(count - 1), step_ms, &end_ms) ||
		__builtin_add_overflow(end_ms, t_ms, &end_ms) || end_ms > TIME_LIMIT_MS) {
		of_sink(sink)->refused_count += count;
		return taken;
	}
	if (sample_is_histogram(value)) {
		// As it is stored now, unless it was refused.
		if (!taken)
			return sink_append_histogram(sink, series, t_ms, sample_histogram(value));
		value = stream->last.value;
	}
	chunk_append_run(stream, t_ms, step_ms, count, value);
	return taken + count;
}

static bool sink_append_start(
	struct series_sink *sink, struct series *series, int64_t t_ms, int64_t start_ms)
{
	struct tsdb_series *own = (struct tsdb_series *)series;

	if (is_too_late(&own->stream, t_ms))
		return refuse(of_sink(sink));
	if (!own->starts && !start_ms)
		return true;
	if (!own->starts)
		own->starts = memory_alloc(sizeof *own->starts);
	own->base.has_starts = true;
	// A run has one start.
	if (tsdb_starts_add(own->starts, t_ms, start_ms))
		own->stream.breaks = true;
	return true;
}

static const struct series_sink_ops sink_ops = {
	sink_series, sink_append, sink_append_run, sink_append_histogram, sink_append_start};

/* --- the store --- */

struct tsdb *tsdb_create(size_t max_series)
{
	struct tsdb *db = memory_alloc(sizeof *db);

	db->source.ops = &source_ops;
	db->sink.ops = &sink_ops;
	db->max_series = max_series ? max_series : DEFAULT_MAX_SERIES;
	return db;
}

void tsdb_destroy(struct tsdb *db)
{
	size_t position = 0;
	const struct map_entry *entry;

	if (!db)
		return;
	for (size_t i = 0; i < db->all.count; i++) {
		struct tsdb_series *series = db->all.items[i];

		chunk_finish(&series->stream);
		if (series->starts)
			free(series->starts->items);
		free(series->starts);
	}
	while ((entry = map_next(&db->names, &position))) {
		struct postings *named = entry->value;

		free(named->items);
		free(named);
	}
	map_finish(&db->names);
	map_finish(&db->texts);
	free(db->all.items);
	free(db->table);
	arena_finish(&db->arena);
	free(db);
}

struct series_source *tsdb_source(struct tsdb *db)
{
	return &db->source;
}

struct series_sink *tsdb_sink(struct tsdb *db)
{
	return &db->sink;
}

static int64_t first_instant(const struct tsdb_series *series)
{
	struct chunk_place place = {0};
	struct chunk_state at = {0};
	uint64_t left;

	chunk_next_run(&series->stream, &place, &at, &left);
	return at.t_ms;
}

struct tsdb_stats tsdb_stats(const struct tsdb *db)
{
	struct tsdb_stats stats = {
		.series_count = db->all.count,
		.refused_count = db->refused_count,
		.bytes = db->arena.used_bytes + db->table_capacity * sizeof(struct tsdb_series *) +
			 db->all.capacity * 2 * sizeof(struct tsdb_series *) +
			 (db->texts.capacity + db->names.capacity) * sizeof(struct map_entry),
		.min_ms = INT64_MAX,
		.max_ms = INT64_MIN,
	};

	for (size_t i = 0; i < db->all.count; i++) {
		const struct chunk_stream *stream = &db->all.items[i]->stream;

		stats.sample_count += stream->count;
		stats.bytes += stream->capacity + stream->mark_capacity * sizeof(struct chunk_mark);
		stats.histogram_series_count += db->all.items[i]->base.has_histograms;
		if (db->all.items[i]->starts)
			stats.bytes +=
				db->all.items[i]->starts->capacity * sizeof(struct tsdb_start);
		if (!stream->count)
			continue;
		int64_t first_ms = first_instant(db->all.items[i]);

		if (first_ms < stats.min_ms)
			stats.min_ms = first_ms;
		if (stream->last.t_ms > stats.max_ms)
			stats.max_ms = stream->last.t_ms;
	}
	return stats;
}
