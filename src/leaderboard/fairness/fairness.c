#include "leaderboard/fairness/draw.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* One player at the end of a race. */
struct result {
	double score;
	size_t done, player;
	int64_t last_ms[QUEST_MAX_EXERCISES]; // completions, the last one first
};

struct lab {
	const struct fairness_options *options;
	struct arena arena;
	struct quest_counting countings[FAIRNESS_MAX_SCORINGS];
	struct draw draw;
	size_t players, places, exercises;
	int64_t *done_ms, *seen_ms; // [player][exercise]
	struct result *results;
	size_t *order;
	bool *is_first; // among the first places, with the scoring looked at
	size_t winner;
	struct fairness_report *out;
	int64_t *instants_ms[QUEST_MAX_EXERCISES]; // a sample, for medians
	size_t instant_counts[QUEST_MAX_EXERCISES];
};

enum { MAX_INSTANTS = 100000 };

/* --- places --- */

static int compare_results(const struct result *a, const struct result *b)
{
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	if (a->done != b->done)
		return a->done > b->done ? -1 : 1;
	for (size_t i = 0; i < a->done; i++)
		if (a->last_ms[i] != b->last_ms[i])
			return a->last_ms[i] < b->last_ms[i] ? -1 : 1;
	return 0;
}

/* Indices, so that little is moved; equal ones in the order of players. */
static int compare_order(const void *a, const void *b, void *context)
{
	const struct result *results = context;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int order = compare_results(&results[left], &results[right]);

	return order ? order : (left > right) - (left < right);
}

static void take_result(const struct lab *lab, const struct quest_counting *counting, size_t player,
	const int64_t *done_ms, int64_t now_ms)
{
	struct result *result = &lab->results[player];

	result->player = player;
	result->done = 0;
	result->score = quest_counting_score(counting, done_ms, 0, now_ms);
	// Exercises follow each other here: the last one is done last.
	for (size_t i = lab->exercises; i-- > 0;)
		if (done_ms[i] <= now_ms)
			result->last_ms[result->done++] = done_ms[i];
}

static void rank(const struct lab *lab, const struct quest_counting *counting,
	const int64_t *done_ms, int64_t now_ms)
{
	for (size_t i = 0; i < lab->players; i++) {
		take_result(lab, counting, i, done_ms + i * lab->exercises, now_ms);
		lab->order[i] = i;
	}
	qsort_r(lab->order, lab->players, sizeof *lab->order, compare_order, lab->results);
}

/* Who is alone on the first place with something; SIZE_MAX: nobody. */
static size_t winner_of(const struct lab *lab)
{
	const struct result *first = &lab->results[lab->order[0]];

	if (first->done == 0 ||
		(lab->players > 1 && compare_results(first, &lab->results[lab->order[1]]) == 0))
		return SIZE_MAX;
	return first->player;
}

static bool line_cuts_equals(const struct lab *lab)
{
	if (lab->places >= lab->players || lab->results[lab->order[lab->places]].done == 0)
		return false;
	return compare_results(&lab->results[lab->order[lab->places - 1]],
		       &lab->results[lab->order[lab->places]]) == 0;
}

/* How many of the first places others have than with the scoring looked at. */
static double churn_of(const struct lab *lab)
{
	size_t places = lab->places < lab->players ? lab->places : lab->players, others = 0;

	for (size_t i = 0; i < places; i++)
		others += !lab->is_first[lab->order[i]];
	return (double)others;
}

/* --- leads --- */

/* Who leads alone at an instant, SIZE_MAX: nobody does. Needs no order of the others. */
static size_t leader_at(
	const struct lab *lab, const struct quest_counting *counting, int64_t now_ms)
{
	size_t leader = SIZE_MAX;
	bool is_shared = false;

	for (size_t i = 0; i < lab->players; i++) {
		const int64_t *done_ms = lab->done_ms + i * lab->exercises;

		if (done_ms[0] > now_ms)
			continue;
		take_result(lab, counting, i, done_ms, now_ms);
		if (leader == SIZE_MAX ||
			compare_results(&lab->results[i], &lab->results[leader]) < 0) {
			leader = i;
			is_shared = false;
		} else if (compare_results(&lab->results[i], &lab->results[leader]) == 0) {
			is_shared = true;
		}
	}
	return is_shared ? SIZE_MAX : leader;
}

static void count_leads(struct lab *lab, const struct quest_counting *counting)
{
	int64_t end_ms = counting->start_ms + counting->duration_ms;
	size_t leader = SIZE_MAX, changes = 0;

	for (int64_t t_ms = counting->start_ms; t_ms <= end_ms; t_ms += counting->unit_ms) {
		size_t now = leader_at(lab, counting, t_ms);

		if (now == SIZE_MAX || now == leader)
			continue;
		changes += leader != SIZE_MAX;
		leader = now;
	}
	lab->out->lead_changes += (double)changes;
	lab->out->leads[changes < FAIRNESS_LEADS ? changes : FAIRNESS_LEADS]++;
}

static size_t first_to_complete(const struct lab *lab, size_t exercise)
{
	size_t first = SIZE_MAX;
	int64_t best_ms = QUEST_NEVER;

	for (size_t i = 0; i < lab->players; i++) {
		int64_t t_ms = lab->done_ms[i * lab->exercises + exercise];

		if (t_ms < best_ms) {
			best_ms = t_ms;
			first = i;
		}
	}
	return first;
}

static void look_at_exercises(struct lab *lab, const struct quest_counting *counting)
{
	for (size_t i = 0; i < lab->exercises; i++) {
		struct fairness_exercise *own = &lab->out->exercises[i];
		size_t first = first_to_complete(lab, i);
		size_t leader = leader_at(
			lab, counting, counting->start_ms + counting->exercises[i].nominal_end_ms);

		own->first_wins += first != SIZE_MAX && first == lab->winner;
		own->leader_wins += leader != SIZE_MAX && leader == lab->winner;
		own->leader_prize += leader != SIZE_MAX && lab->is_first[leader];
	}
}

/* --- a race --- */

static void draw_race(struct lab *lab, const struct quest_counting *counting)
{
	for (size_t i = 0; i < lab->players; i++) {
		int64_t *done_ms = lab->done_ms + i * lab->exercises;

		draw_player(&lab->draw, counting, done_ms);
		for (size_t j = 0; j < lab->exercises && done_ms[j] != QUEST_NEVER; j++) {
			lab->out->exercises[j].finished++;
			if (lab->instant_counts[j] < MAX_INSTANTS)
				lab->instants_ms[j][lab->instant_counts[j]++] =
					done_ms[j] - counting->start_ms;
		}
	}
}

static void compare_scorings(struct lab *lab, int64_t end_ms)
{
	for (size_t i = 0; i < lab->out->scoring_count; i++) {
		if (i == lab->options->scoring)
			continue;
		rank(lab, &lab->countings[i], lab->done_ms, end_ms);
		lab->out->scorings[i].churn += churn_of(lab);
		lab->out->scorings[i].other_winner += winner_of(lab) != lab->winner;
	}
}

/* What is seen at the next sample, on a grid from the start on. */
static void compare_samplings(
	struct lab *lab, const struct quest_counting *counting, int64_t end_ms)
{
	for (size_t i = 0; i < lab->out->sampling_count; i++) {
		struct fairness_sampling *own = &lab->out->samplings[i];

		for (size_t j = 0; j < lab->players * lab->exercises; j++) {
			int64_t since_ms = lab->done_ms[j] - counting->start_ms;

			lab->seen_ms[j] =
				lab->done_ms[j] == QUEST_NEVER
					? QUEST_NEVER
					: counting->start_ms + (since_ms + own->interval_ms - 1) /
								       own->interval_ms *
								       own->interval_ms;
			// The last sample is at the end.
			if (lab->seen_ms[j] != QUEST_NEVER && lab->seen_ms[j] > end_ms)
				lab->seen_ms[j] = end_ms;
		}
		rank(lab, counting, lab->seen_ms, end_ms);
		own->churn += churn_of(lab);
		own->other_winner += winner_of(lab) != lab->winner;
		own->tie += line_cuts_equals(lab);
	}
}

static void run_race(struct lab *lab)
{
	const struct quest_counting *counting = &lab->countings[lab->options->scoring];
	int64_t end_ms = counting->start_ms + counting->duration_ms;

	draw_race(lab, counting);
	rank(lab, counting, lab->done_ms, end_ms);
	lab->winner = winner_of(lab);
	lab->out->no_winner += lab->winner == SIZE_MAX;
	lab->out->tie += line_cuts_equals(lab);
	for (size_t i = 0; i < lab->players; i++)
		lab->is_first[lab->order[i]] = i < lab->places;
	compare_scorings(lab, end_ms);
	compare_samplings(lab, counting, end_ms);
	look_at_exercises(lab, counting);
	count_leads(lab, counting);
}

/* --- the report --- */

/* Whole numbers in the same proportion, where there are some below a hundred or so. */
static void find_ratio(struct fairness_scoring *scoring, size_t count)
{
	double least = INFINITY;

	for (size_t i = 0; i < count; i++)
		if (scoring->minutes[i] > 1e-9 && scoring->minutes[i] < least)
			least = scoring->minutes[i];
	for (int64_t times = 1; times <= 50 && isfinite(least); times++) {
		bool fits = true;

		for (size_t i = 0; i < count; i++) {
			double share = scoring->minutes[i] / least * (double)times;

			scoring->ratio[i] = (int64_t)rint(share);
			fits &= fabs(share - rint(share)) < 1e-6 * (double)times;
		}
		if (fits)
			return;
	}
	for (size_t i = 0; i < count; i++)
		scoring->ratio[i] = 0;
}

static int compare_instants(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static void divide_by_runs(struct lab *lab)
{
	struct fairness_report *out = lab->out;
	double runs = (double)out->runs;

	out->tie /= runs;
	out->lead_changes /= runs;
	out->no_winner /= runs;
	for (size_t i = 0; i <= FAIRNESS_LEADS; i++)
		out->leads[i] /= runs;
	for (size_t i = 0; i < out->scoring_count; i++) {
		out->scorings[i].churn /= runs;
		out->scorings[i].other_winner /= runs;
	}
	for (size_t i = 0; i < out->sampling_count; i++) {
		out->samplings[i].churn /= runs;
		out->samplings[i].other_winner /= runs;
		out->samplings[i].tie /= runs;
	}
	for (size_t i = 0; i < out->exercise_count; i++) {
		struct fairness_exercise *own = &out->exercises[i];
		size_t count = lab->instant_counts[i];

		own->first_wins /= runs;
		own->leader_wins /= runs;
		own->leader_prize /= runs;
		own->finished /= runs * (double)lab->players;
		qsort(lab->instants_ms[i], count, sizeof(int64_t), compare_instants);
		own->median_s = count ? (double)lab->instants_ms[i][count / 2] / 1000 : NAN;
	}
}

static bool set_up(struct lab *lab, struct error *err)
{
	const struct fairness_options *options = lab->options;
	const struct quest_file *file = options->file;
	struct fairness_report *out = lab->out;
	int64_t players = options->players ? options->players : file->fairness.players;

	if (players < 1 || players > QUEST_MAX_PLAYERS)
		return error_set(err, ERROR_INVALID,
			"a race on paper has 1 to %d players, not %lld", QUEST_MAX_PLAYERS,
			(long long)players);
	lab->players = (size_t)players;
	lab->places = options->places	   ? (size_t)options->places
		      : file->prize.places ? file->prize.places
					   : 30;
	lab->exercises = out->exercise_count = file->quests[0].exercise_count;
	out->runs = options->runs;
	out->seed = options->seed;
	out->players = players;
	out->places = (int64_t)lab->places;
	out->scoring = options->scoring;
	out->scoring_count = file->scoring_count;
	out->sampling_count = file->fairness.sampling_count < FAIRNESS_MAX_SAMPLINGS
				      ? file->fairness.sampling_count
				      : FAIRNESS_MAX_SAMPLINGS;
	for (size_t i = 0; i < out->scoring_count; i++) {
		if (!quest_counting_of_file(file, i, &lab->arena, &lab->countings[i], err))
			return false;
		out->scorings[i].name = file->scorings[i].name;
		quest_counting_minutes(&lab->countings[i], out->scorings[i].minutes);
		find_ratio(&out->scorings[i], lab->exercises);
	}
	for (size_t i = 0; i < out->exercise_count; i++)
		out->exercises[i].name = file->quests[0].exercises[i].name;
	for (size_t i = 0; i < out->sampling_count; i++)
		out->samplings[i].interval_ms = file->fairness.sampling_ms[i];
	out->assumed = draw_init(&lab->draw, file, (uint64_t)options->seed);
	return true;
}

bool fairness_run(
	const struct fairness_options *options, struct fairness_report *out, struct error *err)
{
	struct lab lab = {.options = options, .out = out};

	*out = (struct fairness_report){0};
	if (!set_up(&lab, err)) {
		arena_finish(&lab.arena);
		return false;
	}
	size_t cells = lab.players * lab.exercises;

	lab.done_ms = memory_alloc_array(cells, sizeof *lab.done_ms);
	lab.seen_ms = memory_alloc_array(cells, sizeof *lab.seen_ms);
	lab.results = memory_alloc_array(lab.players, sizeof *lab.results);
	lab.order = memory_alloc_array(lab.players, sizeof *lab.order);
	lab.is_first = memory_alloc_array(lab.players, sizeof *lab.is_first);
	for (size_t i = 0; i < lab.exercises; i++)
		lab.instants_ms[i] = memory_alloc_array(MAX_INSTANTS, sizeof(int64_t));
	for (int64_t i = 0; i < options->runs; i++)
		run_race(&lab);
	divide_by_runs(&lab);
	for (size_t i = 0; i < lab.exercises; i++)
		free(lab.instants_ms[i]);
	free(lab.done_ms);
	free(lab.seen_ms);
	free(lab.results);
	free(lab.order);
	free(lab.is_first);
	arena_finish(&lab.arena);
	return true;
}

enum fairness_answer fairness_answer(const struct fairness_report *report)
{
	double first = report->exercises[0].first_wins;

	return first >= 2.0 / 3 ? FAIRNESS_DECIDES : first >= 0.4 ? FAIRNESS_HELPS : FAIRNESS_OPEN;
}
