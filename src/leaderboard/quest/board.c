/*
 * Places at instants that follow each other. What does not change is computed once: each player's
 * completions in the order of time, what they gave for good, and the order of names. The order of
 * one instant is where sorting begins at the next: between two steps few players pass each other.
 */
#include "leaderboard/quest/counting_private.h"

#include "base/memory.h"

struct row {
	double score;
	uint32_t done, player;
};

struct quest_board {
	const struct quest_counting *counting;
	size_t player_count, exercise_count;
	int64_t *sorted_ms;	// [player][exercise], earliest first
	double *fixed;		// [player][exercise]: of the first i + 1 of these together
	double *since_start_ms; // the same, of the instants after the start
	uint8_t *exercise_of;	// [player][exercise]: which one it is
	uint32_t *name_order;	// by player
	double *extra;		// by player, at the instant at hand
	const struct quest_adjustment *adjustments;
	size_t adjustment_count;
	struct row *rows, *spare;
	size_t *runs;
	bool is_constant; // a formula that knows no "now": its values are in `fixed`
};

/* --- making --- */

static void sort_completions(struct quest_board *board, size_t player, const int64_t *done_ms)
{
	int64_t *sorted_ms = board->sorted_ms + player * board->exercise_count;
	uint8_t *exercise_of = board->exercise_of + player * board->exercise_count;

	for (size_t i = 0; i < board->exercise_count; i++) {
		size_t at = i;

		for (; at > 0 && sorted_ms[at - 1] > done_ms[i]; at--) {
			sorted_ms[at] = sorted_ms[at - 1];
			exercise_of[at] = exercise_of[at - 1];
		}
		sorted_ms[at] = done_ms[i];
		exercise_of[at] = (uint8_t)i;
	}
}

/* What a completion gives for good; 0 for a formula that has to be asked again and again. */
static double value_of(const struct quest_board *board, size_t exercise, int64_t t_ms)
{
	if (!board->counting->formula)
		return counting_fixed(board->counting, exercise, t_ms);
	return board->is_constant ? counting_formula(board->counting, exercise, t_ms, 0, t_ms) : 0;
}

static void sum_up(struct quest_board *board, size_t player, const int64_t *done_ms)
{
	size_t first = player * board->exercise_count;
	double values[QUEST_MAX_EXERCISES] = {0}, since_start_ms = 0;
	uint64_t is_done = 0;

	for (size_t i = 0; i < board->exercise_count && board->sorted_ms[first + i] != QUEST_NEVER;
		i++) {
		size_t exercise = board->exercise_of[first + i];
		double fixed = 0;

		values[exercise] = value_of(board, exercise, done_ms[exercise]);
		is_done |= (uint64_t)1 << exercise;
		// In the order of exercises, as quest_counting_score adds.
		for (size_t j = 0; j < board->exercise_count; j++)
			fixed += is_done >> j & 1 ? values[j] : 0;
		since_start_ms += (double)(done_ms[exercise] - board->counting->start_ms);
		board->fixed[first + i] = fixed;
		board->since_start_ms[first + i] = since_start_ms;
	}
}

static int compare_players(const void *a, const void *b, void *context)
{
	const struct quest_player *players = context;

	return quest_player_compare(&players[*(const uint32_t *)a], &players[*(const uint32_t *)b]);
}

static void order_names(struct quest_board *board, const struct quest_player *players)
{
	uint32_t *by_name = memory_alloc_array(board->player_count + 1, sizeof *by_name);

	for (size_t i = 0; i < board->player_count; i++)
		by_name[i] = (uint32_t)i;
	qsort_r(by_name, board->player_count, sizeof *by_name, compare_players, (void *)players);
	for (size_t i = 0; i < board->player_count; i++) {
		board->name_order[by_name[i]] = (uint32_t)i;
		board->rows[i].player = by_name[i];
	}
	free(by_name);
}

struct quest_board *quest_board_create(const struct quest_counting *counting,
	const struct quest_player *players, size_t player_count, const int64_t *done_ms,
	const struct quest_adjustment *adjustments, size_t adjustment_count)
{
	struct quest_board *board = memory_alloc(sizeof *board);
	size_t cells = player_count * counting->exercise_count + 1;

	*board = (struct quest_board){
		.counting = counting,
		.player_count = player_count,
		.exercise_count = counting->exercise_count,
		.sorted_ms = memory_alloc_array(cells, sizeof *board->sorted_ms),
		.fixed = memory_alloc_array(cells, sizeof *board->fixed),
		.since_start_ms = memory_alloc_array(cells, sizeof *board->since_start_ms),
		.exercise_of = memory_alloc_array(cells, sizeof *board->exercise_of),
		.name_order = memory_alloc_array(player_count + 1, sizeof *board->name_order),
		.extra = memory_alloc_array(player_count + 1, sizeof *board->extra),
		.adjustments = adjustments,
		.adjustment_count = adjustment_count,
		.rows = memory_alloc_array(player_count + 1, sizeof *board->rows),
		.spare = memory_alloc_array(player_count + 1, sizeof *board->spare),
		.runs = memory_alloc_array(player_count + 2, sizeof *board->runs),
		.is_constant = counting->formula &&
			       !quest_formula_uses(counting->formula, QUEST_FORMULA_NOW) &&
			       !quest_formula_uses(counting->formula, QUEST_FORMULA_DONE),
	};
	for (size_t i = 0; i < player_count; i++) {
		sort_completions(board, i, done_ms + i * counting->exercise_count);
		sum_up(board, i, done_ms + i * counting->exercise_count);
	}
	order_names(board, players);
	return board;
}

void quest_board_destroy(struct quest_board *board)
{
	if (!board)
		return;
	free(board->sorted_ms);
	free(board->fixed);
	free(board->since_start_ms);
	free(board->exercise_of);
	free(board->name_order);
	free(board->extra);
	free(board->rows);
	free(board->spare);
	free(board->runs);
	free(board);
}

/* --- scores --- */

static double formula_sum(
	const struct quest_board *board, size_t first, size_t done, int64_t now_ms)
{
	// In the order of exercises, as quest_counting_score adds: sums are equal to the last bit.
	double values[QUEST_MAX_EXERCISES], sum = 0;
	uint64_t is_done = 0;

	for (size_t i = 0; i < done; i++) {
		size_t exercise = board->exercise_of[first + i];

		values[exercise] = counting_formula(
			board->counting, exercise, board->sorted_ms[first + i], done, now_ms);
		is_done |= (uint64_t)1 << exercise;
	}
	for (size_t i = 0; i < board->exercise_count; i++)
		sum += is_done >> i & 1 ? values[i] : 0;
	return sum;
}

static double ramp_sum(const struct quest_board *board, size_t first, size_t done, int64_t now_ms)
{
	const struct quest_counting *counting = board->counting;
	int64_t unit_ms = counting->unit_ms, steps = 0;

	if (counting->preset == QUEST_ARRIVAL)
		return 0;
	if (counting->preset == QUEST_OCTAVE_DESIGN)
		return (double)done * (double)(now_ms - counting->start_ms) -
		       board->since_start_ms[first + done - 1];
	for (size_t i = 0; i < done; i++)
		steps += (now_ms - board->sorted_ms[first + i]) / unit_ms + 1;
	return (double)(steps * unit_ms);
}

static void score_row(const struct quest_board *board, struct row *row, int64_t now_ms)
{
	const struct quest_counting *counting = board->counting;
	size_t first = (size_t)row->player * board->exercise_count, done = 0;
	double sum = 0;

	while (done < board->exercise_count && board->sorted_ms[first + done] <= now_ms)
		done++;
	if (done && counting->formula && !board->is_constant)
		sum = formula_sum(board, first, done, now_ms);
	else if (done)
		sum = board->fixed[first + done - 1] +
		      (counting->formula ? 0 : ramp_sum(board, first, done, now_ms));
	row->done = (uint32_t)done;
	row->score = counting_total(counting, sum, board->extra[row->player]);
}

static void take_adjustments(struct quest_board *board, int64_t now_ms)
{
	for (size_t i = 0; i < board->adjustment_count; i++)
		board->extra[board->adjustments[i].player] = 0;
	for (size_t i = 0; i < board->adjustment_count; i++)
		if (board->adjustments[i].t_ms <= now_ms)
			board->extra[board->adjustments[i].player] += board->adjustments[i].points;
}

/* --- order --- */

/* The rank's key: 0 where two share a rank. */
static int compare_keys(const struct quest_board *board, const struct row *a, const struct row *b)
{
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	if (a->done != b->done)
		return a->done > b->done ? -1 : 1;
	const int64_t *left = board->sorted_ms + (size_t)a->player * board->exercise_count;
	const int64_t *right = board->sorted_ms + (size_t)b->player * board->exercise_count;

	for (size_t i = a->done; i-- > 0;)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

static bool comes_before(const struct quest_board *board, const struct row *a, const struct row *b)
{
	if (a->score != b->score)
		return a->score > b->score;
	int order = compare_keys(board, a, b);

	return order ? order < 0 : board->name_order[a->player] < board->name_order[b->player];
}

static void sort_few(struct quest_board *board)
{
	for (size_t i = 1; i < board->player_count; i++) {
		struct row row = board->rows[i];
		size_t at = i;

		for (; at > 0 && comes_before(board, &row, &board->rows[at - 1]); at--)
			board->rows[at] = board->rows[at - 1];
		board->rows[at] = row;
	}
}

static void merge(const struct quest_board *board, struct row *out, const struct row *rows,
	size_t from, size_t middle, size_t to)
{
	size_t left = from, right = middle;

	for (size_t i = from; i < to; i++)
		if (left < middle &&
			(right == to || !comes_before(board, &rows[right], &rows[left])))
			out[i] = rows[left++];
		else
			out[i] = rows[right++];
}

/* Merges what is in order already: the fewer passed each other, the fewer runs there are. */
static void sort_many(struct quest_board *board)
{
	size_t count = board->player_count, runs = 1;

	board->runs[0] = 0;
	for (size_t i = 1; i < count; i++)
		if (comes_before(board, &board->rows[i], &board->rows[i - 1]))
			board->runs[runs++] = i;
	while (runs > 1) {
		size_t left = 0;

		for (size_t i = 0; i < runs; i += 2) {
			size_t middle = i + 1 < runs ? board->runs[i + 1] : count;
			size_t to = i + 2 < runs ? board->runs[i + 2] : count;

			merge(board, board->spare, board->rows, board->runs[i], middle, to);
			board->runs[left++] = board->runs[i];
		}
		struct row *rows = board->rows;

		board->rows = board->spare;
		board->spare = rows;
		runs = left;
	}
}

void quest_board_at(struct quest_board *board, int64_t now_ms, struct quest_standing *out)
{
	enum { FEW = 200 };

	take_adjustments(board, now_ms);
	for (size_t i = 0; i < board->player_count; i++)
		score_row(board, &board->rows[i], now_ms);
	if (board->player_count <= FEW)
		sort_few(board);
	else
		sort_many(board);
	for (size_t i = 0; i < board->player_count; i++) {
		const struct row *row = &board->rows[i];
		bool shares = i > 0 && compare_keys(board, &board->rows[i - 1], row) == 0;

		out[i] = (struct quest_standing){
			.player = row->player,
			.rank = shares ? out[i - 1].rank : i + 1,
			.score = row->score,
			.done = row->done,
		};
	}
}
