/*
 * Replays the author's bench as it ran for real on Prometheus 2.42, 2.53 and 3.5, restarts
 * included: given `up` as it was scraped and the instants at which each group was evaluated, every
 * recorded sample must come out again.
 *
 *   bench_runs ROOT
 *
 * Reads the study folder (RAILQUEST_SHARED, else ROOT/../shared); exits 77, "skipped", where there
 * is none.
 */
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/number.h"
#include "engine/rules/rules.h"
#include "engine/tsdb/tsdb.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_BYTES = 64 << 20, GROUP_COUNT = 3, SKIPPED = 77, EXPECTED_SAMPLES = 13512 };

struct row {
	struct str metric, user;
	int64_t t_ms;
	double value;
};

struct replay {
	const char *name;
	struct arena arena;
	struct rules_file rules;
	struct row *rows;
	size_t row_count;
	int64_t *times_ms[GROUP_COUNT];
	size_t time_count[GROUP_COUNT];
	struct tsdb *db;
	size_t compared, wrong;
};

static struct str take_until(struct str *rest, char end)
{
	const char *at = memchr(rest->data, end, rest->len);
	size_t len = at ? (size_t)(at - rest->data) : rest->len;
	struct str taken = {rest->data, len};

	len += at ? 1 : 0;
	rest->data += len;
	rest->len -= len;
	return taken;
}

// metric,user,ts_ms_minus_TS_NOW,value
static bool read_rows(struct replay *replay, struct str text)
{
	size_t capacity = 0;

	take_until(&text, '\n');
	while (text.len) {
		struct str line = str_trim(take_until(&text, '\n'));
		struct row row;

		row.metric = take_until(&line, ',');
		row.user = take_until(&line, ',');
		if (!number_parse_int(take_until(&line, ','), &row.t_ms) ||
			!number_parse(line, &row.value))
			return false;
		replay->rows = memory_grow(
			replay->rows, &capacity, replay->row_count + 1, sizeof *replay->rows);
		replay->rows[replay->row_count++] = row;
	}
	return true;
}

static const struct labels *labels_of(struct replay *replay, const struct row *row)
{
	const struct label of_up[] = {{SERIES_METRIC_NAME, row->metric},
		{STR("job"), STR("prometheus")}, {STR("instance"), STR("localhost:9090")}};
	const struct label of_user[] = {
		{SERIES_METRIC_NAME, row->metric}, {STR("user"), row->user}};

	return row->user.len ? labels_make(&replay->arena, of_user, 2, false)
			     : labels_make(&replay->arena, of_up, 3, false);
}

static bool is_input(const struct row *row)
{
	return str_equal(row->metric, STR("up"));
}

static size_t group_of(const struct replay *replay, struct str metric)
{
	for (size_t g = 0; g < replay->rules.group_count; g++)
		for (size_t r = 0; r < replay->rules.groups[g].rule_count; r++)
			if (str_equal(replay->rules.groups[g].rules[r].name, metric))
				return g;
	return GROUP_COUNT;
}

static int compare_times(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

// The instants of a group are those at which any of its series has a sample.
static void collect_times(struct replay *replay)
{
	for (size_t g = 0; g < GROUP_COUNT; g++)
		replay->times_ms[g] = ARENA_ARRAY(&replay->arena, int64_t, replay->row_count);
	for (size_t i = 0; i < replay->row_count; i++) {
		size_t g = group_of(replay, replay->rows[i].metric);

		if (g < GROUP_COUNT)
			replay->times_ms[g][replay->time_count[g]++] = replay->rows[i].t_ms;
	}
	for (size_t g = 0; g < GROUP_COUNT; g++) {
		size_t unique = 0;

		qsort(replay->times_ms[g], replay->time_count[g], sizeof(int64_t), compare_times);
		for (size_t i = 0; i < replay->time_count[g]; i++)
			if (!unique || replay->times_ms[g][unique - 1] != replay->times_ms[g][i])
				replay->times_ms[g][unique++] = replay->times_ms[g][i];
		replay->time_count[g] = unique;
	}
}

static bool load_up(struct replay *replay, struct error *err)
{
	struct series_sink *sink = tsdb_sink(replay->db);

	for (size_t i = 0; i < replay->row_count; i++) {
		const struct row *row = &replay->rows[i];

		if (!is_input(row))
			continue;
		struct series *series = sink->ops->series(sink, labels_of(replay, row), 0, err);

		if (!series)
			return false;
		sink->ops->append(sink, series, row->t_ms, row->value);
	}
	return true;
}

static bool evaluate(struct replay *replay, bool closed, struct error *err)
{
	const struct rules_engine_options options = {
		.promql = {.closed_ranges = closed}, .interval_ms = 5000};
	struct rules_group *groups[GROUP_COUNT];
	struct rules_instants instants[GROUP_COUNT];

	if (replay->rules.group_count != GROUP_COUNT)
		return error_set(err, ERROR_INVALID, "the bench has three groups");
	for (size_t g = 0; g < GROUP_COUNT; g++) {
		groups[g] = &replay->rules.groups[g];
		instants[g] = (struct rules_instants){replay->times_ms[g], replay->time_count[g]};
	}
	struct rules_engine *engine = rules_engine_create(
		groups, GROUP_COUNT, tsdb_source(replay->db), tsdb_sink(replay->db), &options, err);
	bool ok = engine && rules_engine_run_at(engine, instants, err);

	rules_engine_destroy(engine);
	return ok;
}

static bool value_at(struct replay *replay, const struct labels *labels, int64_t t_ms, double *out)
{
	struct series_source *source = tsdb_source(replay->db);
	struct series_sink *sink = tsdb_sink(replay->db);
	struct error err = {0};
	struct series_cursor cursor;
	// Making a series that is missing does no harm: it has no samples.
	const struct series *series = sink->ops->series(sink, labels, 0, &err);

	source->ops->open(source, series, t_ms, &cursor);
	if (!cursor_next(&cursor) || cursor.t_ms != t_ms)
		return false;
	*out = cursor.value;
	return true;
}

static void compare(struct replay *replay)
{
	for (size_t i = 0; i < replay->row_count; i++) {
		const struct row *row = &replay->rows[i];
		double got = NAN;

		if (is_input(row))
			continue;
		bool found = value_at(replay, labels_of(replay, row), row->t_ms, &got);

		replay->compared += !str_equal(row->metric, STR("opencodequest_users"));
		if (found && fabs(got - row->value) <= 1e-6)
			continue;
		if (replay->wrong++ < 5)
			printf("%s: %.*s{user=\"%.*s\"} at %lld: recorded %.9g, got %.9g\n",
				replay->name, STR_ARG(row->metric), STR_ARG(row->user),
				(long long)row->t_ms, row->value, got);
	}
}

static bool read_rules(struct replay *replay, const char *folder, struct error *err)
{
	const struct rules_read_options options = {0};
	struct str path =
		str_format(&replay->arena, "%s/prometheus/rule-tests/rules4.yaml", folder);
	struct rules_problem *problems;
	size_t problem_count;
	struct str text;

	if (!file_read(path.data, MAX_BYTES, &replay->arena, &text, err))
		return false;
	return rules_read(text, path.data, &options, &replay->arena, &replay->rules, &problems,
		       &problem_count) ||
	       error_set(err, ERROR_INVALID, "%.*s", STR_ARG(problems[0].text));
}

// Adds to *compared; false where anything differs.
static bool replay_file(const char *folder, const char *path, size_t *compared)
{
	struct replay replay = {.name = strrchr(path, '/') + 1};
	bool closed = strstr(replay.name, "_v2.") != NULL;
	struct error err = {0};
	struct str text;

	replay.db = tsdb_create(0);
	bool ok = read_rules(&replay, folder, &err) &&
		  file_read(path, MAX_BYTES, &replay.arena, &text, &err);

	if (ok && !read_rows(&replay, text))
		ok = error_set(&err, ERROR_INVALID, "not the columns that were expected");
	if (ok)
		collect_times(&replay);
	ok = ok && load_up(&replay, &err) && evaluate(&replay, closed, &err);
	if (ok)
		compare(&replay);
	else
		printf("%s: %s\n", replay.name, err.text);
	printf("%s: %zu samples of the leaderboard, %zu wrong\n", replay.name, replay.compared,
		replay.wrong);
	*compared += replay.compared;
	rules_file_release(&replay.rules);
	tsdb_destroy(replay.db);
	free(replay.rows);
	arena_finish(&replay.arena);
	return ok && replay.wrong == 0;
}

int main(int argc, char **argv)
{
	const char *folder = getenv("RAILQUEST_SHARED");
	struct arena arena = {0};
	size_t compared = 0;
	bool ok = true;
	glob_t files;

	if (!folder)
		folder = str_format(&arena, "%s/../shared", argc > 1 ? argv[1] : ".").data;
	struct str pattern =
		str_format(&arena, "%s/prometheus/bench-runs/samples_real_*.csv", folder);

	if (glob(pattern.data, 0, NULL, &files) != 0) {
		puts("the study folder is not here");
		arena_finish(&arena);
		return SKIPPED;
	}
	for (size_t i = 0; i < files.gl_pathc; i++)
		ok = replay_file(folder, files.gl_pathv[i], &compared) && ok;
	globfree(&files);
	arena_finish(&arena);
	printf("%zu samples, %d expected\n", compared, EXPECTED_SAMPLES);
	return ok && compared == EXPECTED_SAMPLES ? 0 : 1;
}
