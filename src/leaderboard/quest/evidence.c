#include "leaderboard/quest/tracker.h"

#include "base/clock.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>

/* What a plan is asked at completions, and where its answers go. */
struct question {
	struct quest_tracker *tracker;
	size_t exercise, condition;
	bool asks_since;
	const size_t *steps; // of the chunk, ascending
	size_t answered;     // steps of those
};

static bool speaks_for(const struct subjects *subjects, size_t subject, size_t player)
{
	return subject == 0 || subject == subjects->player_subject[player] ||
	       subject == subjects->player_cluster[player];
}

static void take_answer(struct proof *proof, const struct question *question,
	const struct labels *labels, double value)
{
	if (!question->asks_since) {
		if (!proof->labels) {
			proof->labels = labels;
			proof->value = value;
		}
		return;
	}
	if (!(value < 1e12))
		return;
	int64_t since_ms = llround(value * 1000) - question->tracker->ahead_ms;

	if (proof->since_ms != INT64_MIN && proof->since_ms <= since_ms)
		return;
	proof->since_ms = since_ms;
	proof->since_labels = labels;
}

static void take_column(const struct question *question, const struct promql_block *block,
	size_t series, size_t subject)
{
	struct quest_tracker *tracker = question->tracker;

	for (size_t i = 0; i < block->step_count; i++) {
		double value = block->columns[series][i];

		if (!(value > 0))
			continue;
		for (size_t j = 0; j < tracker->finding_count; j++) {
			struct finding *finding = &tracker->findings[j];

			if (finding->exercise == question->exercise &&
				finding->step == question->steps[question->answered + i] &&
				speaks_for(&tracker->subjects, subject, finding->player))
				take_answer(&finding->proofs[question->condition], question,
					block->labels[series], value);
		}
	}
}

static bool receive(void *context, const struct promql_block *block, struct error *err)
{
	struct question *question = context;
	struct subjects *subjects = &question->tracker->subjects;

	for (size_t i = 0; i < block->series_count; i++) {
		size_t subject = subjects_of(subjects, block->labels[i]);

		if (subject == SIZE_MAX)
			return error_set(
				err, ERROR_LIMIT, "more than %d players", QUEST_MAX_PLAYERS);
		take_column(question, block, i, subject);
	}
	question->answered += block->step_count;
	return true;
}

static bool ask(struct question question, struct promql_plan *plan, bool asks_since,
	const int64_t *instants_ms, size_t count, struct error *err)
{
	question.asks_since = asks_since;
	return !plan || promql_plan_run(plan, instants_ms, count, receive, &question, err);
}

bool evidence_collect(
	struct quest_tracker *tracker, size_t exercise, const int64_t *times_ms, struct error *err)
{
	const struct exercise *own = &tracker->exercises[exercise];
	int64_t instants_ms[CHUNK_STEPS];
	size_t steps[CHUNK_STEPS], count = 0;

	// Findings are in order of their steps.
	for (size_t i = 0; i < tracker->finding_count; i++) {
		const struct finding *finding = &tracker->findings[i];

		if (finding->exercise != exercise || (count && steps[count - 1] == finding->step))
			continue;
		steps[count] = finding->step;
		instants_ms[count++] = times_ms[finding->step];
	}
	for (size_t i = 0; i < own->def->condition_count && count; i++) {
		const struct condition *condition = &own->conditions[i];
		struct question question = {
			.tracker = tracker, .exercise = exercise, .condition = i, .steps = steps};

		if (!condition->def->counts)
			continue;
		if (!ask(question, condition->proof, false, instants_ms, count, err) ||
			!ask(question, condition->since, true, instants_ms, count, err))
			return error_wrap(err, "condition %.*s of %.*s",
				STR_ARG(condition->def->name), STR_ARG(own->def->name));
	}
	return true;
}

static int64_t held_since_ms(const struct proof *proof)
{
	return proof->since_ms != INT64_MIN ? proof->since_ms : proof->rose_ms;
}

static void print_instant(struct buffer *out, int64_t t_ms)
{
	char text[32];

	clock_print_instant(text, t_ms);
	buffer_append_text(out, text);
}

/* Under the name of what it stands for. */
static void print_series(struct buffer *out, const struct labels *labels, struct arena *arena)
{
	struct label *pairs = ARENA_ARRAY(arena, struct label, labels->count + 1);
	size_t count = 0;

	for (size_t i = 0; i < labels->count; i++)
		if (!str_starts_with(labels->items[i].name, STR("__")))
			pairs[count++] = labels->items[i];
	struct str name = labels_get(labels, QUEST_SERIES_LABEL);

	pairs[count++] = (struct label){
		SERIES_METRIC_NAME, name.len ? name : labels_get(labels, SERIES_METRIC_NAME)};
	labels_print_metric(out, labels_make(arena, pairs, count, false));
}

/* pipeline: kube_pod_status_phase{…} = 1, since 2024-10-04T14:10:05Z (kube_pod_completion_time{…})
 */
static struct str describe(struct quest_tracker *tracker, const struct quest_condition *condition,
	const struct proof *proof)
{
	struct buffer text = {0};
	struct arena arena = {0};

	buffer_append_str(&text, condition->name);
	if (proof->labels) {
		buffer_append_text(&text, ": ");
		print_series(&text, proof->labels, &arena);
		buffer_append_text(&text, " = ");
		buffer_append_number(&text, proof->value);
	}
	if (proof->since_ms == INT64_MIN) {
		buffer_append_text(&text, ", first seen ");
		print_instant(&text, proof->rose_ms);
	} else {
		buffer_append_text(&text, ", since ");
		print_instant(&text, proof->since_ms);
		buffer_append_text(&text, " as ");
		print_series(&text, proof->since_labels, &arena);
		buffer_append_text(&text, " says");
		if (tracker->ahead_ms)
			buffer_printf(&text, " (its clock is %lld s %s, corrected)",
				(long long)llabs(tracker->ahead_ms) / 1000,
				tracker->ahead_ms > 0 ? "ahead" : "behind");
	}
	struct str copy = str_copy(&tracker->arena, buffer_str(&text));

	buffer_finish(&text);
	arena_finish(&arena);
	return copy;
}

/*
 * Before this instant the exercise was not complete: one of its conditions had not held yet. A
 * condition that is in doubt proves nothing, not even by what was seen before the doubt showed: its
 * sample may be older than the restart.
 */
static int64_t earliest_ms(const struct quest_tracker *tracker, const struct finding *finding)
{
	const struct exercise *exercise = &tracker->exercises[finding->exercise];
	int64_t out_ms = tracker->quest->start_ms;

	for (size_t i = 0; i < exercise->def->condition_count; i++) {
		const struct condition *condition = &exercise->conditions[i];
		const struct proof *proof = &finding->proofs[i];

		if (!condition->def->counts ||
			condition_in_doubt(condition, finding->player, finding->step))
			continue;
		if (proof->false_ms > out_ms)
			out_ms = proof->false_ms;
		if (proof->since_ms > out_ms)
			out_ms = proof->since_ms;
	}
	return out_ms;
}

void evidence_judge(struct quest_tracker *tracker, const struct finding *finding,
	const int64_t *times_ms, struct quest_event *out)
{
	const struct quest_exercise *exercise = tracker->exercises[finding->exercise].def;
	int64_t from_ms = earliest_ms(tracker, finding), to_ms;
	size_t last = SIZE_MAX;

	for (size_t i = 0; i < exercise->condition_count; i++)
		if (exercise->conditions[i].counts &&
			(last == SIZE_MAX || held_since_ms(&finding->proofs[i]) >
						     held_since_ms(&finding->proofs[last])))
			last = i;
	to_ms = held_since_ms(&finding->proofs[last]);
	*out = (struct quest_event){
		.player = finding->player,
		.exercise = finding->exercise,
		.t_ms = to_ms,
		.earliest_ms = from_ms < to_ms ? from_ms : to_ms,
		.latest_ms = to_ms,
		.observed_ms = times_ms[finding->step],
		.evidence = describe(tracker, &exercise->conditions[last], &finding->proofs[last]),
	};
}
