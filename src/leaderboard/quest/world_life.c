#include "leaderboard/quest/world_life.h"

/*
 * An exercise: a database pod (not for the last one), a pipeline in dev that may fail before it
 * succeeds, then the service in dev, preprod and prod, one after the other. Villain's first run
 * always fails, at its image check: the workshop plants that. Some deploy to prod by hand before
 * the pipeline is through, so that the pipeline is what completes; some run the pipeline again
 * after they are done, which changes nothing.
 */

enum { SECOND_MS = 1000, MINUTE_S = 60 };

static const int64_t mean_work_s[EXERCISE_COUNT] = {56 * MINUTE_S, 33 * MINUTE_S, 51 * MINUTE_S};

static const int64_t pace_permille[QUEST_PERSONA_COUNT] = {
	[QUEST_FAST] = 860,
	[QUEST_STEADY] = 1000,
	[QUEST_SLOW] = 1160,
	[QUEST_STUCK] = 1100,
	[QUEST_FLAPPING] = 1000,
	[QUEST_ABSENT] = 1000,
};

struct living {
	struct life *life;
	enum quest_persona persona;
	double restarts_per_hour;
	int64_t end_ms;
	struct dice *dice;
};

static int64_t seconds(const struct living *living, int64_t low, int64_t high)
{
	return dice_between(living->dice, low, high) * SECOND_MS;
}

void life_name(char out[8], struct dice *dice)
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";

	for (int i = 0; i < 5; i++)
		out[i] = letters[dice_between(dice, 0, (int64_t)sizeof letters - 2)];
	out[5] = '\0';
}

/* --- spans --- */

bool spans_contain(const struct spans *spans, int64_t t_ms)
{
	for (size_t i = 0; i < spans->count; i++)
		if (t_ms >= spans->items[i].from_ms && t_ms < spans->items[i].to_ms)
			return true;
	return false;
}

void spans_add(struct spans *spans, int64_t from_ms, int64_t to_ms)
{
	if (spans->count == MAX_SPANS || from_ms >= to_ms)
		return;
	spans->items[spans->count].from_ms = from_ms;
	spans->items[spans->count++].to_ms = to_ms;
}

/* --- services --- */

// How long until the next crash, QUEST_NEVER where there is none.
static int64_t next_crash_ms(const struct living *living, bool is_first)
{
	// Once in four days is never, and keeps the mean in range.
	if (living->persona == QUEST_FLAPPING && living->restarts_per_hour >= 0.01) {
		int64_t mean_s = (int64_t)(3600 / living->restarts_per_hour);

		return seconds(living, mean_s * 3 / 10, mean_s * 17 / 10);
	}
	return is_first && dice_chance(living->dice, 60) ? seconds(living, 30, 3600) : QUEST_NEVER;
}

static void add_restart(struct service *service, int64_t t_ms)
{
	if (service->restart_count < MAX_SPANS)
		service->restarts_ms[service->restart_count++] = t_ms;
}

/* Throws dice of its own: how often a service crashes does not change what its owner does next. */
static void run_service(
	const struct living *owner, struct service *service, int64_t deployed_ms, int64_t ready_ms)
{
	struct dice dice = {dice_next(owner->dice)};
	struct living living = *owner;

	living.dice = &dice;
	service->deployed_ms = deployed_ms;
	// Its database may not be there yet when it starts: it crashes before it was ever ready.
	if (ready_ms - deployed_ms > 30 * SECOND_MS && dice_chance(&dice, 100))
		add_restart(service, deployed_ms + seconds(&living, 5, 25));
	for (bool is_first = true; ready_ms < living.end_ms; is_first = false) {
		int64_t crash_ms = next_crash_ms(&living, is_first);

		if (crash_ms == QUEST_NEVER || service->ready.count == MAX_SPANS - 1)
			break;
		crash_ms += ready_ms;
		spans_add(&service->ready, ready_ms, crash_ms);
		add_restart(service, crash_ms + seconds(&living, 1, 10));
		ready_ms = crash_ms + seconds(&living, 12, 90);
	}
	spans_add(&service->ready, ready_ms, QUEST_NEVER);
}

/* Through the environments; returns when prod was first ready. */
static int64_t deploy(const struct living *living, struct stage *stage, int64_t success_ms,
	int64_t begin_ms, int64_t work_s)
{
	int64_t ready_ms = success_ms + seconds(living, 10, 45);

	run_service(
		living, &stage->services[ENV_DEV], success_ms - seconds(living, 5, 25), ready_ms);
	for (size_t env = ENV_PREPROD; env < ENV_COUNT; env++) {
		int64_t deployed_ms = ready_ms + seconds(living, 20, 20 + work_s / 12);

		ready_ms = deployed_ms + seconds(living, 15, 60);
		if (env == ENV_PROD && dice_chance(living->dice, 100)) {
			ready_ms = begin_ms + work_s * 4 / 10 * SECOND_MS;
			deployed_ms = ready_ms - 40 * SECOND_MS;
		}
		run_service(living, &stage->services[env], deployed_ms, ready_ms);
	}
	return ready_ms;
}

/* --- pipelines --- */

static void add_run(
	const struct living *living, struct stage *stage, int64_t end_ms, bool succeeded)
{
	if (stage->run_count == MAX_RUNS)
		return;
	struct pipeline_run *run = &stage->runs[stage->run_count++];

	*run = (struct pipeline_run){
		.begin_ms = end_ms - seconds(living, 150, 400),
		.end_ms = end_ms,
		.pruned_ms = end_ms + seconds(living, 3600, 5400),
		.succeeded = succeeded,
	};
	life_name(run->name, living->dice);
}

static void run_pipelines(const struct living *living, size_t exercise, struct stage *stage,
	int64_t begin_ms, int64_t success_ms)
{
	size_t failures = (exercise == EXERCISE_VILLAIN) + dice_chance(living->dice, 200);
	int64_t room_ms = success_ms - begin_ms;

	// Failed runs end one after the other in the second half of the time before the successful
	// one begins.
	for (size_t i = 0; i < failures; i++)
		add_run(living, stage,
			begin_ms + (room_ms * (int64_t)(50 + 15 * i) / 100) / SECOND_MS * SECOND_MS,
			false);
	add_run(living, stage, success_ms, true);
	if (dice_chance(living->dice, 300))
		add_run(living, stage, success_ms + seconds(living, 300, 1200), true);
}

static void keep_failing(const struct living *living, struct stage *stage, int64_t begin_ms)
{
	int64_t t_ms = begin_ms + seconds(living, 900, 1800);

	for (; t_ms < living->end_ms && stage->run_count < MAX_RUNS;
		t_ms += seconds(living, 500, 1100))
		add_run(living, stage, t_ms, false);
}

/* --- calls --- */

static void call_service(const struct living *living, size_t env)
{
	const struct spans *ready = &living->life->stages[EXERCISE_FIGHT].services[env].ready;
	struct dice dice = {dice_next(living->dice)};
	struct call *calls = living->life->calls[env];
	size_t *count = &living->life->call_count[env];

	for (size_t i = 0; i < ready->count; i++) {
		int64_t t_ms = ready->items[i].from_ms + dice_between(&dice, 8000, 150000);

		for (; t_ms < ready->items[i].to_ms && t_ms < living->end_ms && *count < MAX_FIGHTS;
			t_ms += dice_between(&dice, 15000, 240000))
			calls[(*count)++] = (struct call){t_ms, dice_chance(&dice, 450)};
	}
}

/* --- a life --- */

/* Returns when the exercise is about done, QUEST_NEVER where it never is. */
static int64_t work(const struct living *living, size_t exercise, int64_t begin_ms, bool is_stuck)
{
	struct stage *stage = &living->life->stages[exercise];
	int64_t work_s = dice_spread(living->dice, mean_work_s[exercise]) *
			 pace_permille[living->persona] / 1000;

	if (exercise != EXERCISE_FIGHT) {
		stage->database_ms = begin_ms + seconds(living, 60, work_s / 4);
		if (dice_chance(living->dice, 50))
			stage->database_restart_ms =
				stage->database_ms + seconds(living, 60, work_s);
	}
	if (is_stuck) {
		keep_failing(living, stage, begin_ms);
		return QUEST_NEVER;
	}
	int64_t success_ms = begin_ms + work_s * 8 / 10 * SECOND_MS;

	run_pipelines(living, exercise, stage, begin_ms, success_ms);
	int64_t ready_ms = deploy(living, stage, success_ms, begin_ms, work_s);

	return ready_ms > success_ms ? ready_ms : success_ms;
}

static size_t stuck_exercise(struct dice *dice)
{
	int64_t face = dice_between(dice, 0, 9);

	return face < 2 ? EXERCISE_HERO : face < 7 ? EXERCISE_VILLAIN : EXERCISE_FIGHT;
}

void life_live(struct life *life, enum quest_persona persona, double restarts_per_hour,
	int64_t start_ms, int64_t end_ms, struct dice *dice)
{
	struct living living = {life, persona, restarts_per_hour, end_ms, dice};
	size_t stuck_at = stuck_exercise(dice);

	*life = (struct life){.workspace_ms = QUEST_NEVER};
	for (size_t i = 0; i < EXERCISE_COUNT; i++) {
		life->stages[i].database_ms = life->stages[i].database_restart_ms = QUEST_NEVER;
		for (size_t env = 0; env < ENV_COUNT; env++)
			life->stages[i].services[env].deployed_ms = QUEST_NEVER;
	}
	if (persona == QUEST_ABSENT)
		return;
	int64_t now_ms = start_ms + seconds(&living, 120, 600);

	life->workspace_ms = now_ms;
	for (size_t i = 0; i < EXERCISE_COUNT && now_ms < end_ms; i++)
		now_ms = work(&living, i, now_ms, persona == QUEST_STUCK && i == stuck_at);
	for (size_t env = 0; env < ENV_COUNT; env++)
		call_service(&living, env);
}

/* --- the truth --- */

// Spans in which what a condition is about holds.
static struct spans pipeline_spans(const struct stage *stage)
{
	struct spans out = {0};

	for (size_t i = 0; i < stage->run_count; i++)
		if (stage->runs[i].succeeded)
			spans_add(&out, stage->runs[i].end_ms, stage->runs[i].pruned_ms);
	return out;
}

/* prod's database is shared and was there before the race. */
static struct spans database_spans(const struct stage *stage, size_t exercise, size_t env)
{
	struct spans out = {0};

	spans_add(&out,
		exercise == EXERCISE_FIGHT || env == ENV_PROD ? INT64_MIN : stage->database_ms,
		QUEST_NEVER);
	return out;
}

/* A counter is above 0 from the first call of a process to the end of that process. */
static struct spans call_spans(const struct life *life, size_t exercise, size_t env)
{
	const struct spans *ready = &life->stages[EXERCISE_FIGHT].services[env].ready;
	struct spans out = {0};

	if (exercise != EXERCISE_FIGHT)
		spans_add(&out, INT64_MIN, QUEST_NEVER);
	for (size_t i = 0; i < ready->count && exercise == EXERCISE_FIGHT; i++)
		for (size_t j = 0; j < life->call_count[env]; j++) {
			int64_t t_ms = life->calls[env][j].t_ms;

			if (t_ms < ready->items[i].from_ms || t_ms >= ready->items[i].to_ms)
				continue;
			spans_add(&out, t_ms, ready->items[i].to_ms);
			break;
		}
	return out;
}

// The first instant not before t_ms that lies in a span.
static int64_t first_within(const struct spans *spans, int64_t t_ms)
{
	int64_t first_ms = QUEST_NEVER;

	for (size_t i = 0; i < spans->count; i++) {
		int64_t from_ms = spans->items[i].from_ms;

		if (spans->items[i].to_ms <= t_ms)
			continue;
		from_ms = from_ms > t_ms ? from_ms : t_ms;
		first_ms = from_ms < first_ms ? from_ms : first_ms;
	}
	return first_ms;
}

int64_t life_truth(const struct life *life, size_t exercise, size_t env)
{
	const struct stage *stage = &life->stages[exercise];
	const struct spans all[] = {
		stage->services[env].ready,
		pipeline_spans(stage),
		database_spans(stage, exercise, env),
		call_spans(life, exercise, env),
	};
	int64_t t_ms = INT64_MIN;

	// Each round moves on to where one of them holds, until none objects.
	for (bool moved = true; moved && t_ms != QUEST_NEVER;) {
		moved = false;
		for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
			int64_t next_ms = first_within(&all[i], t_ms);

			moved |= next_ms != t_ms;
			t_ms = next_ms;
		}
	}
	return t_ms;
}
