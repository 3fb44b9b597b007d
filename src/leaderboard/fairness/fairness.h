/*
 * fairness/fairness.h — ten thousand races on paper: what a scoring makes of how long exercises
 * take. Durations and how they go together are the quest file's. Pure, and the same bytes for the
 * same seed.
 */
#ifndef FAIRNESS_FAIRNESS_H
#define FAIRNESS_FAIRNESS_H

#include "leaderboard/quest/quest.h"

enum {
	FAIRNESS_MAX_RUNS = 10000000,
	FAIRNESS_MAX_SCORINGS = QUEST_MAX_SCORINGS + QUEST_SCORING_COUNT,
	FAIRNESS_MAX_SAMPLINGS = 16,
	FAIRNESS_LEADS = 16, // more changes of the lead are counted with these
};

struct fairness_options {
	const struct quest_file *file;
	int64_t runs, seed;
	int64_t players; // 0: the file's
	int64_t places;	 // of the prize line; 0: the file's, or 30
	size_t scoring;	 // the one that is looked at closely
};

struct fairness_scoring {
	struct str name;
	double minutes[QUEST_MAX_EXERCISES]; // points that a minute more costs at the end
	int64_t ratio[QUEST_MAX_EXERCISES];  // the same as small whole numbers; all 0: none found
	double churn;	     // of the first places, beside the scoring looked at: how many change
	double other_winner; // share of races that another wins
};

/* What one exercise decides, under the scoring that is looked at. */
struct fairness_exercise {
	struct str name;
	double first_wins;   // share of races that the first to complete it wins
	double leader_wins;  // that whoever leads at its nominal end wins
	double leader_prize; // that he stays above the line
	double finished;     // share of players who complete it
	double median_s;     // when, of those
};

/* The same races, seen at intervals. */
struct fairness_sampling {
	int64_t interval_ms;
	double churn, other_winner; // beside the exact instants
	double tie;		    // share of races in which the line cuts through equals
};

struct fairness_report {
	int64_t runs, seed, players, places;
	size_t scoring; // index of the one looked at
	bool assumed;	// the file says nothing of durations: they were made up from nominal ends
	size_t exercise_count, scoring_count, sampling_count;
	struct fairness_exercise exercises[QUEST_MAX_EXERCISES];
	struct fairness_scoring scorings[FAIRNESS_MAX_SCORINGS];
	struct fairness_sampling samplings[FAIRNESS_MAX_SAMPLINGS];
	double tie;			  // with exact instants
	double lead_changes;		  // mean, the first leader not counted
	double leads[FAIRNESS_LEADS + 1]; // share of races with so many
	double no_winner;		  // share of races in which rank 1 is shared or empty
};

/* Fails: ERROR_INVALID for a formula or for no players. Texts are borrowed from the file. */
bool fairness_run(
	const struct fairness_options *options, struct fairness_report *out, struct error *err);

/* The question that all this is about. */
enum fairness_answer { FAIRNESS_DECIDES, FAIRNESS_HELPS, FAIRNESS_OPEN };
/* From two of three up the first to complete the first exercise decides the race; from two of five
 * it helps. */
enum fairness_answer fairness_answer(const struct fairness_report *report);

void fairness_print_text(struct buffer *out, const struct fairness_report *report, bool is_french);
void fairness_print_json(struct buffer *out, const struct fairness_report *report);
/* One page without scripts, in both languages. */
void fairness_print_html(struct buffer *out, const struct quest_title *title,
	const struct fairness_report *report, bool is_french);

#endif
