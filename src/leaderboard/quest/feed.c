#include "leaderboard/quest/tracker.h"

#include "base/memory.h"

#include <math.h>

/* --- subjects --- */

static size_t add_subject(struct subjects *subjects, struct str key, size_t player)
{
	if (subjects->count == 0)
		subjects->count = 1; // everybody
	subjects->player_of = memory_grow(subjects->player_of, &subjects->capacity,
		subjects->count + 1, sizeof *subjects->player_of);
	subjects->player_of[subjects->count] = player;
	map_set(&subjects->by_key, key, (void *)(uintptr_t)subjects->count);
	return subjects->count++;
}

static size_t subjects_cluster(struct subjects *subjects, struct str cluster)
{
	if (cluster.len == 0)
		return 0;
	uintptr_t known = (uintptr_t)map_get(&subjects->by_key, cluster);

	return known ? known
		     : add_subject(subjects, str_copy(&subjects->arena, cluster), QUEST_NOBODY);
}

static void add_player(
	struct subjects *subjects, struct str key, struct str cluster, struct str user)
{
	size_t capacity = subjects->player_capacity, index = subjects->player_count;

	subjects->players =
		memory_grow(subjects->players, &capacity, index + 1, sizeof *subjects->players);
	if (capacity != subjects->player_capacity) {
		subjects->player_subject =
			memory_resize_array(subjects->player_subject, capacity, sizeof(size_t));
		subjects->player_cluster =
			memory_resize_array(subjects->player_cluster, capacity, sizeof(size_t));
		subjects->player_capacity = capacity;
	}
	subjects->players[index] = (struct quest_player){
		str_copy(&subjects->arena, cluster), str_copy(&subjects->arena, user)};
	subjects->player_cluster[index] = subjects_cluster(subjects, cluster);
	subjects->player_subject[index] = add_subject(subjects, key, index);
	subjects->player_count++;
}

size_t subjects_player(struct subjects *subjects, struct str cluster, struct str user)
{
	struct buffer key = {0};

	buffer_append_str(&key, cluster);
	buffer_append_char(&key, '\0');
	buffer_append_str(&key, user);
	uintptr_t known = (uintptr_t)map_get(&subjects->by_key, buffer_str(&key));
	size_t player = known ? subjects->player_of[known] : subjects->player_count;

	if (!known && player < QUEST_MAX_PLAYERS)
		add_player(subjects, str_copy(&subjects->arena, buffer_str(&key)), cluster, user);
	buffer_finish(&key);
	return player < QUEST_MAX_PLAYERS ? player : SIZE_MAX;
}

size_t subjects_of(struct subjects *subjects, const struct labels *labels)
{
	struct str cluster = labels_get(labels,
			   subjects->cluster_label.len ? subjects->cluster_label : STR("cluster")),
		   user = labels_get(
			   labels, subjects->user_label.len ? subjects->user_label : STR("user"));

	if (user.len == 0)
		return subjects_cluster(subjects, cluster);
	size_t player = subjects_player(subjects, cluster, user);

	return player == SIZE_MAX ? SIZE_MAX : subjects->player_subject[player];
}

void subjects_finish(struct subjects *subjects)
{
	map_finish(&subjects->by_key);
	free(subjects->player_of);
	free(subjects->players);
	free(subjects->player_subject);
	free(subjects->player_cluster);
	arena_finish(&subjects->arena);
}

/* --- feeds --- */

static void make_rows(struct feed *feed)
{
	size_t needed = feed->subjects->count ? feed->subjects->count : 1,
	       before = feed->row_capacity;

	if (needed <= before)
		return;
	feed->rows = memory_grow(feed->rows, &feed->row_capacity, needed, sizeof *feed->rows);
	memset(feed->rows + before, 0, (feed->row_capacity - before) * sizeof *feed->rows);
	if (feed->kind == FEED_INSTANT)
		feed->instants_ms = memory_grow(feed->instants_ms, &feed->instant_capacity,
			feed->row_capacity, sizeof *feed->instants_ms);
}

// Asks once for each meaning of the columns whom they speak for.
static bool name_columns(struct feed *feed, const struct promql_block *block, struct error *err)
{
	feed->columns = memory_grow(feed->columns, &feed->column_capacity, block->series_count + 1,
		sizeof *feed->columns);
	for (size_t i = 0; i < block->series_count; i++) {
		feed->columns[i] = subjects_of(feed->subjects, block->labels[i]);
		if (feed->columns[i] == SIZE_MAX)
			return error_set(
				err, ERROR_LIMIT, "more than %d players", QUEST_MAX_PLAYERS);
	}
	feed->generation = block->generation;
	make_rows(feed);
	return true;
}

static void take_truth(struct feed *feed, size_t subject, const double *column, size_t count)
{
	struct bits *row = &feed->rows[subject];

	for (size_t i = 0; i < count; i++) {
		size_t step = feed->filled + i;

		row->words[step / 64] |= (uint64_t)(column[i] > 0) << (step % 64);
	}
}

static void take_instants(struct feed *feed, size_t subject, const double *column, size_t count)
{
	struct bits *row = &feed->rows[subject];
	int64_t *instants_ms = feed->instants_ms[subject];

	for (size_t i = 0; i < count; i++) {
		size_t step = feed->filled + i;
		uint64_t bit = UINT64_C(1) << (step % 64);

		if (!(fabs(column[i]) < 1e12))
			continue;
		int64_t instant_ms = llround(column[i] * 1000);

		if (!(row->words[step / 64] & bit) || instant_ms > instants_ms[step])
			instants_ms[step] = instant_ms;
		row->words[step / 64] |= bit;
	}
}

static bool receive(void *context, const struct promql_block *block, struct error *err)
{
	struct feed *feed = context;

	if (block->type == PROMQL_STRING)
		return error_set(err, ERROR_INVALID, "a text says nothing about players");
	if (feed->generation != block->generation || feed->generation == 0)
		if (!name_columns(feed, block, err))
			return false;
	for (size_t i = 0; i < block->series_count; i++)
		if (feed->kind == FEED_TRUTH)
			take_truth(feed, feed->columns[i], block->columns[i], block->step_count);
		else
			take_instants(feed, feed->columns[i], block->columns[i], block->step_count);
	feed->filled += block->step_count;
	return true;
}

bool feed_run(struct feed *feed, const int64_t *times_ms, size_t count, struct error *err)
{
	make_rows(feed);
	memset(feed->rows, 0, feed->row_capacity * sizeof *feed->rows);
	feed->filled = 0;
	return promql_plan_run(feed->plan, times_ms, count, receive, feed, err);
}

void feed_finish(struct feed *feed)
{
	promql_plan_destroy(feed->plan);
	free(feed->columns);
	free(feed->rows);
	free(feed->instants_ms);
}

static void subjects_for(const struct feed *feed, size_t player, size_t out[3])
{
	out[0] = feed->subjects->player_subject[player];
	out[1] = feed->subjects->player_cluster[player];
	out[2] = 0;
}

struct bits feed_bits(const struct feed *feed, size_t player)
{
	struct bits all = {0};
	size_t subjects[3];

	subjects_for(feed, player, subjects);
	for (size_t i = 0; i < 3; i++)
		for (size_t word = 0; word < CHUNK_WORDS && subjects[i] < feed->row_capacity;
			word++)
			all.words[word] |= feed->rows[subjects[i]].words[word];
	return all;
}

int64_t feed_instant(const struct feed *feed, size_t player, size_t step)
{
	int64_t latest_ms = INT64_MIN;
	size_t subjects[3];

	subjects_for(feed, player, subjects);
	for (size_t i = 0; i < 3; i++) {
		if (subjects[i] >= feed->row_capacity ||
			!(feed->rows[subjects[i]].words[step / 64] >> (step % 64) & 1))
			continue;
		if (feed->instants_ms[subjects[i]][step] > latest_ms)
			latest_ms = feed->instants_ms[subjects[i]][step];
	}
	return latest_ms;
}
