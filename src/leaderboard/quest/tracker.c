#include "leaderboard/quest/tracker.h"

#include "base/memory.h"

/*
 * Steps come in chunks. In a chunk each distinct expression is evaluated once, for all players and
 * steps; what it says of a player is a row of bits. An exercise is complete at the first step at
 * which the rows of its counting conditions share a bit: an AND and a count of trailing zeros. Only
 * then, and only there, the queries for instants and evidence are asked.
 *
 * Two facts make the interval honest. A false value is as old as the sample it rests on, not as the
 * evaluation: `seen` says how old. And a false value of something that has restarted proves
 * nothing: `doubt` says so.
 */

/* --- bits --- */

static size_t first_bit(const struct bits *bits)
{
	for (size_t word = 0; word < CHUNK_WORDS; word++)
		if (bits->words[word])
			return word * 64 + (size_t)__builtin_ctzll(bits->words[word]);
	return SIZE_MAX;
}

static size_t last_bit(const struct bits *bits)
{
	for (size_t word = CHUNK_WORDS; word-- > 0;)
		if (bits->words[word])
			return word * 64 + 63 - (size_t)__builtin_clzll(bits->words[word]);
	return SIZE_MAX;
}

// The first `count` bits.
static struct bits bits_below(size_t count)
{
	struct bits out = {0};

	for (size_t word = 0; word < CHUNK_WORDS; word++)
		if (count >= (word + 1) * 64)
			out.words[word] = ~UINT64_C(0);
		else if (count > word * 64)
			out.words[word] = (UINT64_C(1) << (count - word * 64)) - 1;
	return out;
}

static struct bits bits_and(struct bits a, struct bits b)
{
	for (size_t word = 0; word < CHUNK_WORDS; word++)
		a.words[word] &= b.words[word];
	return a;
}

static struct bits bits_without(struct bits a, struct bits b)
{
	for (size_t word = 0; word < CHUNK_WORDS; word++)
		a.words[word] &= ~b.words[word];
	return a;
}

/* --- making --- */

static struct feed *make_feed(struct quest_tracker *tracker, const struct quest_query *query,
	enum feed_kind kind, struct series_source *source, const struct promql_options *options,
	struct error *err)
{
	for (size_t i = 0; i < tracker->feed_count; i++)
		if (tracker->feeds[i]->kind == kind &&
			str_equal(tracker->feeds[i]->text, query->text))
			return tracker->feeds[i];
	struct promql_plan *plan = promql_plan_create(query->expr, source, options, err);

	if (!plan)
		return NULL;
	struct feed *feed = memory_alloc(sizeof *feed);

	*feed = (struct feed){
		.text = query->text, .kind = kind, .plan = plan, .subjects = &tracker->subjects};
	tracker->feeds = memory_grow(tracker->feeds, &tracker->feed_capacity,
		tracker->feed_count + 1, sizeof *tracker->feeds);
	tracker->feeds[tracker->feed_count++] = feed;
	return feed;
}

static bool make_condition(struct quest_tracker *tracker, struct condition *condition,
	struct series_source *source, const struct promql_options *options, struct error *err)
{
	const struct quest_condition *def = condition->def;

	condition->holds = make_feed(tracker, &def->expr, FEED_TRUTH, source, options, err);
	if (!condition->holds)
		return error_wrap(err, "expr");
	condition->proof = promql_plan_create(def->expr.expr, source, options, err);
	if (!condition->proof)
		return error_wrap(err, "expr");
	if (def->seen.expr && !(condition->seen = make_feed(
					tracker, &def->seen, FEED_INSTANT, source, options, err)))
		return error_wrap(err, "seen");
	if (def->doubt.expr && !(condition->doubt = make_feed(
					 tracker, &def->doubt, FEED_TRUTH, source, options, err)))
		return error_wrap(err, "doubt");
	if (def->instant.expr &&
		!(condition->since = promql_plan_create(def->instant.expr, source, options, err)))
		return error_wrap(err, "instant");
	return true;
}

static bool make_exercise(struct quest_tracker *tracker, struct exercise *exercise,
	struct series_source *source, const struct promql_options *options, struct error *err)
{
	const struct quest_exercise *def = exercise->def;

	exercise->conditions = ARENA_ARRAY(&tracker->arena, struct condition, def->condition_count);
	for (size_t i = 0; i < def->condition_count; i++) {
		struct condition *condition = &exercise->conditions[i];

		condition->def = &def->conditions[i];
		condition->index = tracker->condition_count++;
		if (!make_condition(tracker, condition, source, options, err))
			return error_wrap(err, "condition %.*s of %.*s",
				STR_ARG(condition->def->name), STR_ARG(def->name));
	}
	return true;
}

struct quest_tracker *quest_tracker_create(const struct quest *quest, struct series_source *source,
	const struct promql_options *options, struct error *err)
{
	struct quest_tracker *tracker = memory_alloc(sizeof *tracker);

	tracker->quest = quest;
	tracker->exercises = ARENA_ARRAY(&tracker->arena, struct exercise, quest->exercise_count);
	for (size_t i = 0; i < quest->exercise_count; i++) {
		tracker->exercises[i].def = &quest->exercises[i];
		if (make_exercise(tracker, &tracker->exercises[i], source, options, err))
			continue;
		quest_tracker_destroy(tracker);
		return NULL;
	}
	return tracker;
}

void quest_tracker_destroy(struct quest_tracker *tracker)
{
	if (!tracker)
		return;
	for (size_t i = 0; i < tracker->feed_count; i++) {
		feed_finish(tracker->feeds[i]);
		free(tracker->feeds[i]);
	}
	for (size_t i = 0; i < tracker->quest->exercise_count; i++) {
		struct exercise *exercise = &tracker->exercises[i];

		for (size_t j = 0; exercise->conditions && j < exercise->def->condition_count;
			j++) {
			promql_plan_destroy(exercise->conditions[j].proof);
			promql_plan_destroy(exercise->conditions[j].since);
		}
	}
	subjects_finish(&tracker->subjects);
	arena_finish(&tracker->arena);
	free(tracker->feeds);
	free(tracker->latched);
	free(tracker->traces);
	free(tracker->findings);
	free(tracker);
}

/* --- players --- */

// Rows for players met since the last time.
static void prepare_players(struct quest_tracker *tracker)
{
	size_t players = tracker->subjects.player_count, exercises = tracker->quest->exercise_count;

	tracker->latched = memory_grow(tracker->latched, &tracker->latched_capacity,
		players * exercises + 1, sizeof *tracker->latched);
	tracker->traces = memory_grow(tracker->traces, &tracker->trace_capacity,
		players * tracker->condition_count + 1, sizeof *tracker->traces);
	for (size_t i = tracker->prepared_players; i < players; i++) {
		for (size_t j = 0; j < exercises; j++)
			tracker->latched[i * exercises + j] = false;
		for (size_t j = 0; j < tracker->condition_count; j++)
			tracker->traces[i * tracker->condition_count + j] =
				(struct trace){.false_ms = INT64_MIN};
	}
	tracker->prepared_players = players;
}

size_t quest_tracker_player(struct quest_tracker *tracker, struct str cluster, struct str user)
{
	return subjects_player(&tracker->subjects, cluster, user);
}

const struct quest_player *quest_tracker_players(const struct quest_tracker *tracker, size_t *count)
{
	*count = tracker->subjects.player_count;
	return tracker->subjects.players;
}

void quest_tracker_latch(struct quest_tracker *tracker, size_t player, size_t exercise)
{
	prepare_players(tracker);
	tracker->latched[player * tracker->quest->exercise_count + exercise] = true;
}

void quest_tracker_names(
	struct quest_tracker *tracker, struct str user_label, struct str cluster_label)
{
	tracker->subjects.user_label = str_copy(&tracker->arena, user_label);
	tracker->subjects.cluster_label = str_copy(&tracker->arena, cluster_label);
}

void quest_tracker_clock(struct quest_tracker *tracker, int64_t ahead_ms)
{
	tracker->ahead_ms = ahead_ms;
}

void quest_tracker_watch(struct quest_tracker *tracker, quest_watch *watch, void *context)
{
	tracker->watch = watch;
	tracker->watch_context = context;
}

/* --- running --- */

bool condition_in_doubt(const struct condition *condition, size_t player, size_t step)
{
	if (!condition->doubt)
		return false;
	struct bits doubt = feed_bits(condition->doubt, player);

	return doubt.words[step / 64] >> (step % 64) & 1;
}

int64_t condition_seen_ms(
	const struct condition *condition, size_t player, size_t step, const int64_t *times_ms)
{
	int64_t seen_ms = condition->seen ? feed_instant(condition->seen, player, step) : INT64_MIN;

	return seen_ms == INT64_MIN ? times_ms[step] : seen_ms;
}

/*
 * Of the steps at which a condition does not hold, the latest observation that proves it had not
 * held before, INT64_MIN where there is none. Observations do not go back in time: the last step
 * decides.
 */
static int64_t last_false_ms(const struct condition *condition, size_t player, struct bits missing,
	const int64_t *times_ms)
{
	if (condition->doubt)
		missing = bits_without(missing, feed_bits(condition->doubt, player));
	if (condition->seen)
		missing = bits_and(missing, feed_bits(condition->seen, player));
	size_t step = last_bit(&missing);

	return step == SIZE_MAX ? INT64_MIN : condition_seen_ms(condition, player, step, times_ms);
}

// Moves the trace of a condition on over `steps`, which follow those of the call before.
static void follow(const struct quest_tracker *tracker, const struct condition *condition,
	size_t player, struct bits steps, const int64_t *times_ms)
{
	struct trace *trace =
		&tracker->traces[player * tracker->condition_count + condition->index];
	struct bits missing = bits_without(steps, feed_bits(condition->holds, player));
	size_t last = last_bit(&steps), last_missing = last_bit(&missing);
	size_t rose = last_missing == SIZE_MAX ? first_bit(&steps) : last_missing + 1;

	if (last == SIZE_MAX)
		return;
	int64_t false_ms = last_false_ms(condition, player, missing, times_ms);

	if (false_ms > trace->false_ms)
		trace->false_ms = false_ms;
	if (last_missing != last && (!trace->holds || last_missing != SIZE_MAX))
		trace->rose_ms = condition_seen_ms(condition, player, rose, times_ms);
	trace->holds = last_missing != last;
}

static void tell_changes(const struct quest_tracker *tracker, size_t exercise,
	const struct condition *condition, size_t player, const int64_t *times_ms, size_t count)
{
	struct bits holds = feed_bits(condition->holds, player);
	bool before = tracker->traces[player * tracker->condition_count + condition->index].holds;
	size_t index = (size_t)(condition - tracker->exercises[exercise].conditions);

	for (size_t step = 0; step < count; step++) {
		bool now = holds.words[step / 64] >> (step % 64) & 1;

		if (now != before)
			tracker->watch(tracker->watch_context, player, exercise, index,
				times_ms[step], now);
		before = now;
	}
}

// Every condition of an exercise over some steps.
static void follow_all(const struct quest_tracker *tracker, const struct exercise *exercise,
	size_t player, struct bits steps, const int64_t *times_ms)
{
	for (size_t i = 0; i < exercise->def->condition_count; i++)
		follow(tracker, &exercise->conditions[i], player, steps, times_ms);
}

/*
 * What restarted may have been gone between two observations that both saw it hold: it is certain
 * only since the last.
 */
static int64_t held_since_ms(const struct quest_tracker *tracker, const struct condition *condition,
	size_t player, size_t step, const int64_t *times_ms)
{
	if (condition_in_doubt(condition, player, step))
		return condition_seen_ms(condition, player, step, times_ms);
	return tracker->traces[player * tracker->condition_count + condition->index].rose_ms;
}

static void add_finding(struct quest_tracker *tracker, size_t player, size_t number, size_t step,
	const int64_t *times_ms)
{
	const struct exercise *exercise = &tracker->exercises[number];

	tracker->findings = memory_grow(tracker->findings, &tracker->finding_capacity,
		tracker->finding_count + 1, sizeof *tracker->findings);
	struct finding *finding = &tracker->findings[tracker->finding_count++];

	*finding = (struct finding){.player = player, .exercise = number, .step = step};
	for (size_t i = 0; i < exercise->def->condition_count; i++) {
		const struct condition *condition = &exercise->conditions[i];
		size_t row = player * tracker->condition_count + condition->index;

		finding->proofs[i] = (struct proof){
			.rose_ms = held_since_ms(tracker, condition, player, step, times_ms),
			.false_ms = tracker->traces[row].false_ms,
			.since_ms = INT64_MIN,
		};
	}
}

// The first step at which all counting conditions hold, SIZE_MAX where there is none.
static size_t first_together(const struct exercise *exercise, size_t player, struct bits steps)
{
	for (size_t i = 0; i < exercise->def->condition_count; i++)
		if (exercise->conditions[i].def->counts)
			steps = bits_and(steps, feed_bits(exercise->conditions[i].holds, player));
	return first_bit(&steps);
}

/*
 * Samples of different targets may be far apart. What restarted and carries no instant is known to
 * hold at its last observation alone: if that is older than what it is to hold together with, they
 * were not seen together.
 */
static bool were_together(const struct quest_tracker *tracker, const struct exercise *exercise,
	size_t player, size_t step, const int64_t *times_ms)
{
	const struct trace *traces = &tracker->traces[player * tracker->condition_count];
	int64_t rose_ms = INT64_MIN;

	for (size_t i = 0; i < exercise->def->condition_count; i++) {
		const struct condition *condition = &exercise->conditions[i];

		if (condition->def->counts && traces[condition->index].rose_ms > rose_ms)
			rose_ms = traces[condition->index].rose_ms;
	}
	for (size_t i = 0; i < exercise->def->condition_count; i++) {
		const struct condition *condition = &exercise->conditions[i];

		if (condition->def->counts && !condition->since &&
			condition_in_doubt(condition, player, step) &&
			condition_seen_ms(condition, player, step, times_ms) < rose_ms)
			return false;
	}
	return true;
}

// One exercise of one player, not completed before this chunk. Returns the steps that were looked
// at.
static struct bits examine(struct quest_tracker *tracker, size_t player, size_t number,
	struct bits steps, const int64_t *times_ms)
{
	const struct exercise *exercise = &tracker->exercises[number];
	struct bits left = steps;
	size_t step;

	while ((step = first_together(exercise, player, left)) != SIZE_MAX) {
		struct bits until = bits_below(step + 1);

		follow_all(tracker, exercise, player, bits_and(left, until), times_ms);
		left = bits_without(left, until);
		if (!were_together(tracker, exercise, player, step, times_ms))
			continue;
		add_finding(tracker, player, number, step, times_ms);
		tracker->latched[player * tracker->quest->exercise_count + number] = true;
		return bits_without(steps, left);
	}
	follow_all(tracker, exercise, player, left, times_ms);
	return steps;
}

static void examine_player(
	struct quest_tracker *tracker, size_t player, const int64_t *times_ms, size_t count)
{
	for (size_t i = 0; i < tracker->quest->exercise_count; i++) {
		const struct exercise *exercise = &tracker->exercises[i];
		struct bits all = bits_below(count), seen = {0};

		if (tracker->watch)
			for (size_t j = 0; j < exercise->def->condition_count; j++)
				tell_changes(tracker, i, &exercise->conditions[j], player, times_ms,
					count);
		if (!tracker->latched[player * tracker->quest->exercise_count + i])
			seen = examine(tracker, player, i, all, times_ms);
		if (tracker->watch)
			follow_all(tracker, exercise, player, bits_without(all, seen), times_ms);
	}
}

static int compare_findings(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;

	if (left->step != right->step)
		return left->step < right->step ? -1 : 1;
	if (left->exercise != right->exercise)
		return left->exercise < right->exercise ? -1 : 1;
	return (left->player > right->player) - (left->player < right->player);
}

static bool tell_findings(struct quest_tracker *tracker, const int64_t *times_ms, quest_tell *tell,
	void *context, struct error *err)
{
	qsort(tracker->findings, tracker->finding_count, sizeof *tracker->findings,
		compare_findings);
	for (size_t i = 0; i < tracker->quest->exercise_count; i++)
		if (!evidence_collect(tracker, i, times_ms, err))
			return false;
	for (size_t i = 0; i < tracker->finding_count; i++) {
		struct quest_event event;

		evidence_judge(tracker, &tracker->findings[i], times_ms, &event);
		if (!tell(context, &event, err))
			return false;
	}
	return true;
}

static bool run_chunk(struct quest_tracker *tracker, const int64_t *times_ms, size_t count,
	quest_tell *tell, void *context, struct error *err)
{
	for (size_t i = 0; i < tracker->feed_count; i++)
		if (!feed_run(tracker->feeds[i], times_ms, count, err))
			return error_wrap(err, "%.*s", STR_ARG(tracker->feeds[i]->text));
	prepare_players(tracker);
	tracker->finding_count = 0;
	for (size_t player = 0; player < tracker->subjects.player_count; player++)
		examine_player(tracker, player, times_ms, count);
	return tracker->finding_count == 0 || tell_findings(tracker, times_ms, tell, context, err);
}

bool quest_tracker_run(struct quest_tracker *tracker, const int64_t *times_ms, size_t count,
	quest_tell *tell, void *context, struct error *err)
{
	while (count) {
		size_t chunk = count < CHUNK_STEPS ? count : CHUNK_STEPS;

		if (!run_chunk(tracker, times_ms, chunk, tell, context, err))
			return false;
		times_ms += chunk;
		count -= chunk;
	}
	return true;
}
