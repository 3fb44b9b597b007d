/*
 * quest/counting.h — how completions become points, and points places. Part of quest's front door
 * (quest.h includes it). Pure. docs/scoring.md says it for people.
 *
 * A counting is all that a score needs beside the completions: it can be written down in the log
 * (ledger.h does) and read back, and then the quest file is not needed any more.
 */
#ifndef QUEST_COUNTING_H
#define QUEST_COUNTING_H

#include "leaderboard/quest/quest.h"
#include "leaderboard/quest/quest_file.h"

/* --- formulas --- */

/* What a formula may name. Times are seconds; t, nominal and now count from the start. */
enum quest_formula_name {
	QUEST_FORMULA_T,	// of the completion
	QUEST_FORMULA_NOMINAL,	// the exercise's nominal end
	QUEST_FORMULA_NOW,	// what the score is asked for
	QUEST_FORMULA_UNIT,	// of the scoring
	QUEST_FORMULA_DURATION, // of the race
	QUEST_FORMULA_WEIGHT,	// the exercise's parameters
	QUEST_FORMULA_SLOPE,
	QUEST_FORMULA_RAMP,
	QUEST_FORMULA_DONE,  // exercises that the player has done by now
	QUEST_FORMULA_INDEX, // of the exercise, from 1
	QUEST_FORMULA_COUNT, // of exercises
	QUEST_FORMULA_NAMES
};
extern const char *const quest_formula_names[]; // "t", "nominal", …; NULL at the end

struct quest_formula;

/*
 * Reads an expression: numbers, the names above (`points` is `weight`), + - * / % ^, comparisons
 * (1 or 0), parentheses, and abs ceil clamp exp floor if ln max min round sqrt. There are no loops
 * and no recursion: a formula takes as long as it is, and is capped at 256 operations. The result
 * is the arena's. Fails: ERROR_INVALID "LINE:COLUMN: …", counted from where the text begins.
 */
struct quest_formula *quest_formula_parse(
	const struct quest_place *formula, struct arena *arena, struct error *err);
/* Whether it names something. */
bool quest_formula_uses(const struct quest_formula *formula, enum quest_formula_name name);
/* Its value; NaN and infinities count as 0. */
double quest_formula_run(
	const struct quest_formula *formula, const double values[QUEST_FORMULA_NAMES]);

/* --- countings --- */

struct quest_counted {
	struct str name; // of the exercise
	int64_t nominal_end_ms;
	struct quest_parameters parameters;
};

struct quest_counting {
	struct str name;
	int64_t start_ms, unit_ms, duration_ms;
	bool is_preset;
	enum quest_scoring preset;
	struct quest_place formula_text;
	const struct quest_formula *formula; // NULL for a preset
	struct quest_counted *exercises;
	size_t exercise_count;
};

/* That of a quest file's scoring; the arena's, texts borrowed. Fails: ERROR_INVALID for a formula,
 * "FILE:LINE:COLUMN: …". */
bool quest_counting_of_file(const struct quest_file *file, size_t scoring, struct arena *arena,
	struct quest_counting *out, struct error *err);
/* A preset on a scenario's quest. */
void quest_counting_of_preset(const struct quest *quest, enum quest_scoring preset,
	int64_t duration_ms, struct arena *arena, struct quest_counting *out);

/*
 * Points of one player at now_ms; `done_ms` as for quest_score, `extra` what acts gave him. Presets
 * are divided once, so that equal sums of times give equal points to the last bit; a formula's sum
 * is rounded to a billionth, so that sums that should be equal are.
 */
double quest_counting_score(const struct quest_counting *counting, const int64_t *done_ms,
	double extra, int64_t now_ms);

/* One line of the sum. */
enum quest_part_kind {
	QUEST_PART_WEIGHT, // the exercise's points
	QUEST_PART_BONUS,  // for being early, or late
	QUEST_PART_RAMP,   // what grows from the completion on
	QUEST_PART_FORMULA
};
struct quest_part {
	enum quest_part_kind kind;
	size_t exercise;
	double numerator, denominator; // its points; as exact as the score
};
enum { QUEST_MAX_PARTS = 3 * QUEST_MAX_EXERCISES };

/* The lines whose sum is the score (without extra), in the order of exercises. `out` has room for
 * QUEST_MAX_PARTS. Returns their number. */
size_t quest_counting_parts(const struct quest_counting *counting, const int64_t *done_ms,
	int64_t now_ms, struct quest_part *out);

/*
 * What one minute more in each exercise costs at the end, in points, when exercises follow each
 * other and every later completion moves with it: the derivative around the nominal ends. Where
 * points do not depend on time at all (arrival), the last completion decides: 1 each.
 */
void quest_counting_minutes(const struct quest_counting *counting, double *out);

/*
 * The formula's points of an exercise as PromQL: `done` is a vector with the instant of completion
 * (Unix seconds) of each player, and so is the result; time() is now. The arena's. Fails:
 * ERROR_UNSUPPORTED where the formula names `done`, ERROR_LIMIT where it grows too long.
 */
bool quest_formula_promql(const struct quest_counting *counting, size_t exercise, struct str done,
	struct arena *arena, struct str *out, struct error *err);

/* --- boards --- */

/* Points that a person gave, from t_ms on. */
struct quest_adjustment {
	size_t player;
	int64_t t_ms;
	double points;
};

struct quest_board;

/*
 * Everybody's places at any instant, fast for instants that follow each other. Borrows all it is
 * given. done_ms is [player_count][exercise_count]; the order is quest_rank's.
 */
struct quest_board *quest_board_create(const struct quest_counting *counting,
	const struct quest_player *players, size_t player_count, const int64_t *done_ms,
	const struct quest_adjustment *adjustments, size_t adjustment_count);
void quest_board_destroy(struct quest_board *board); // takes NULL
/* `out` has player_count rows, best first. */
void quest_board_at(struct quest_board *board, int64_t now_ms, struct quest_standing *out);

#endif
