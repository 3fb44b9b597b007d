#include "leaderboard/quest/quest.h"

#include <stdlib.h>

/*
 * Points are kept as one fraction over the unit until the end, and divided once. Its parts are sums
 * of whole milliseconds and of weights times the unit, exact in a double as long as weights have
 * few bits: so two players whose completion times have the same sum have the same points to the
 * last bit, whatever the order of adding, and a tie is a tie.
 */

const char *const quest_scoring_names[] = {"author-2024", "octave-design", "arrival", NULL};

bool quest_scoring_parse(struct str name, enum quest_scoring *out)
{
	for (size_t i = 0; quest_scoring_names[i]; i++)
		if (str_equal(name, str_from(quest_scoring_names[i]))) {
			*out = (enum quest_scoring)i;
			return true;
		}
	return false;
}

static size_t count_done(const struct quest *quest, const int64_t *done_ms, int64_t now_ms)
{
	size_t count = 0;

	for (size_t i = 0; i < quest->exercise_count; i++)
		count += done_ms[i] <= now_ms;
	return count;
}

// Σ w + (r − t)/u + floor((T − t)/u) + 1
static double score_author_2024(const struct quest *quest, const int64_t *done_ms, int64_t now_ms)
{
	double weights = 0;
	int64_t early_ms = 0, steps = 0;

	for (size_t i = 0; i < quest->exercise_count; i++) {
		const struct quest_exercise *exercise = &quest->exercises[i];

		if (done_ms[i] > now_ms)
			continue;
		weights += exercise->points[QUEST_AUTHOR_2024].weight;
		early_ms += quest->start_ms + exercise->nominal_end_ms - done_ms[i];
		steps += (now_ms - done_ms[i]) / quest->unit_ms + 1;
	}
	return (weights * (double)quest->unit_ms + (double)(early_ms + steps * quest->unit_ms)) /
	       (double)quest->unit_ms;
}

// Σ w + s (r − t)/u + (T − t)/u
static double score_octave_design(const struct quest *quest, const int64_t *done_ms, int64_t now_ms)
{
	double weights = 0, early = 0;
	int64_t since_ms = 0;

	for (size_t i = 0; i < quest->exercise_count; i++) {
		const struct quest_exercise *exercise = &quest->exercises[i];
		const struct quest_points *points = &exercise->points[QUEST_OCTAVE_DESIGN];

		if (done_ms[i] > now_ms)
			continue;
		weights += points->weight;
		early += points->slope *
			 (double)(quest->start_ms + exercise->nominal_end_ms - done_ms[i]);
		since_ms += now_ms - done_ms[i];
	}
	return (weights * (double)quest->unit_ms + early + (double)since_ms) /
	       (double)quest->unit_ms;
}

double quest_score(const struct quest *quest, enum quest_scoring scoring, const int64_t *done_ms,
	int64_t now_ms)
{
	switch (scoring) {
	case QUEST_AUTHOR_2024:
		return score_author_2024(quest, done_ms, now_ms);
	case QUEST_OCTAVE_DESIGN:
		return score_octave_design(quest, done_ms, now_ms);
	case QUEST_ARRIVAL:
		return (double)count_done(quest, done_ms, now_ms);
	}
	abort();
}

/* --- rank --- */

struct ranking {
	const struct quest *quest;
	const struct quest_player *players;
	const int64_t *done_ms;
	int64_t now_ms;
};

static int compare_instants(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

// Completions up to now, earliest first, behind each other in `out`. Returns their number.
static size_t sort_completions(const struct ranking *ranking, size_t player, int64_t *out)
{
	size_t exercises = ranking->quest->exercise_count, count = 0;
	const int64_t *done_ms = ranking->done_ms + player * exercises;

	for (size_t i = 0; i < exercises; i++)
		if (done_ms[i] <= ranking->now_ms)
			out[count++] = done_ms[i];
	qsort(out, count, sizeof *out, compare_instants);
	return count;
}

// The one with the earlier last completion comes first; where equal the one before it decides.
static int compare_completions(const struct ranking *ranking, size_t a, size_t b)
{
	int64_t left[QUEST_MAX_EXERCISES], right[QUEST_MAX_EXERCISES];
	size_t count = sort_completions(ranking, a, left);

	sort_completions(ranking, b, right);
	while (count-- > 0) {
		int order = compare_instants(&left[count], &right[count]);

		if (order)
			return order;
	}
	return 0;
}

// The rank's key: 0 where two share a rank.
static int compare_keys(const struct ranking *ranking, const struct quest_standing *a,
	const struct quest_standing *b)
{
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	if (a->done != b->done)
		return a->done > b->done ? -1 : 1;
	return a->done ? compare_completions(ranking, a->player, b->player) : 0;
}

static int compare_standings(const void *a, const void *b, void *context)
{
	const struct quest_standing *left = a, *right = b;
	const struct ranking *ranking = context;
	int order = compare_keys(ranking, left, right);

	return order ? order
		     : quest_player_compare(
			       &ranking->players[left->player], &ranking->players[right->player]);
}

void quest_rank(const struct quest *quest, enum quest_scoring scoring,
	const struct quest_player *players, size_t player_count, const int64_t *done_ms,
	int64_t now_ms, struct quest_standing *out)
{
	struct ranking ranking = {quest, players, done_ms, now_ms};

	for (size_t i = 0; i < player_count; i++) {
		const int64_t *own_ms = done_ms + i * quest->exercise_count;

		out[i] = (struct quest_standing){
			.player = i,
			.score = quest_score(quest, scoring, own_ms, now_ms),
			.done = count_done(quest, own_ms, now_ms),
		};
	}
	qsort_r(out, player_count, sizeof *out, compare_standings, &ranking);
	for (size_t i = 0; i < player_count; i++) {
		bool shares = i > 0 && compare_keys(&ranking, &out[i - 1], &out[i]) == 0;

		out[i].rank = shares ? out[i - 1].rank : i + 1;
	}
}

size_t quest_leader(const struct quest_standing *standings, size_t count)
{
	if (count == 0 || !(standings[0].score > 0))
		return QUEST_NOBODY;
	if (count > 1 && standings[1].rank == standings[0].rank)
		return QUEST_NOBODY;
	return standings[0].player;
}

/* --- players --- */

void quest_player_print(struct buffer *out, const struct quest_player *player)
{
	buffer_append_str(out, player->user);
	if (player->cluster.len == 0)
		return;
	buffer_append_char(out, '@');
	buffer_append_str(out, player->cluster);
}

// Byte i of USER@CLUSTER, -1 past its end.
static int name_byte(const struct quest_player *player, size_t i)
{
	if (i < player->user.len)
		return (unsigned char)player->user.data[i];
	i -= player->user.len;
	if (player->cluster.len == 0 || i > player->cluster.len)
		return -1;
	return i == 0 ? '@' : (unsigned char)player->cluster.data[i - 1];
}

int quest_player_compare(const struct quest_player *a, const struct quest_player *b)
{
	for (size_t i = 0;; i++) {
		int left = name_byte(a, i), right = name_byte(b, i);

		if (left != right || left < 0)
			return (left > right) - (left < right);
	}
}
