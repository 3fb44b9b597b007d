#include "leaderboard/live/private.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"
#include "engine/answers/answers.h"

/*
 * A round asks a server every distinct expression for the same instants: one, with
 * /api/v1/query, or, where there is something to catch up with (a start in the middle of the race,
 * an outage), many at once with query_range. It counts when all have answered; until then it is
 * asked again, so that nothing is skipped.
 *
 * Before the first round, and every minute, the server is asked for its time(): instants are asked
 * for, and taken, on its clock, and everything here is on ours.
 */

enum {
	MAX_STEPS = 500, // of a round; Prometheus gives 11,000 at most
	TIMED_MS = 60000,
	MAX_RETRY_MS = 30000,
	FIRST_RETRY_MS = 1000,
};

struct question *remote_question(struct feeder *feeder, struct str text, bool is_instant)
{
	for (size_t i = 0; i < feeder->question_count; i++)
		if (feeder->questions[i]->is_instant == is_instant &&
			str_equal(feeder->questions[i]->text, text))
			return feeder->questions[i];
	struct question *question = memory_alloc(sizeof *question);

	question->feeder = feeder;
	question->text = text;
	question->is_instant = is_instant;
	question->metric = str_format(&feeder->live->arena, "quest_answer_%zu_%zu", feeder->index,
		feeder->question_count);
	feeder->questions = memory_grow(feeder->questions, &feeder->question_capacity,
		feeder->question_count + 1, sizeof *feeder->questions);
	feeder->questions[feeder->question_count++] = question;
	return question;
}

void remote_finish(struct feeder *feeder)
{
	for (size_t i = 0; i < feeder->question_count; i++) {
		struct question *question = feeder->questions[i];

		for (size_t j = 0; j < question->known_count; j++)
			free(question->known[j]);
		free(question->known);
		map_finish(&question->by_key);
		arena_finish(&question->arena);
		free(question);
	}
	free(feeder->questions);
}

/* --- asking --- */

struct http_fetch live_fetch(const struct quest_access *access, struct arena *arena)
{
	struct http_client_header *headers =
		ARENA_ARRAY(arena, struct http_client_header, access->header_count + 1);

	for (size_t i = 0; i < access->header_count; i++)
		headers[i] = (struct http_client_header){
			access->headers[i].name, access->headers[i].value};
	return (struct http_fetch){
		.headers = headers,
		.header_count = access->header_count,
		.ca_file = access->ca_file,
		.certificate_file = access->certificate_file,
		.key_file = access->key_file,
		.bearer_token_file = access->bearer_token_file,
		.user = access->user,
		.password_file = access->password_file,
		.timeout_ms = access->timeout_ms,
		.max_bytes = access->max_bytes,
		.follow_redirects = true,
	};
}

static void ask(struct feeder *feeder, const char *path, const struct buffer *body,
	http_fetched_fn *done, void *context)
{
	struct arena arena = {0};
	struct http_fetch fetch = live_fetch(&feeder->def->access, &arena);

	fetch.url = str_format(&arena, "%.*s%s", STR_ARG(feeder->def->url), path);
	fetch.method = STR("POST");
	fetch.body = buffer_str(body);
	http_client_fetch(feeder->live->options.client, &fetch, done, context);
	arena_finish(&arena);
}

static void add_seconds(struct buffer *out, const char *name, int64_t t_ms)
{
	buffer_printf(out, "&%s=", name);
	buffer_append_number(out, (double)t_ms / 1000);
}

/* --- the server's clock --- */

static void fail_round(struct feeder *feeder, const struct error *err, int64_t now_ms)
{
	int64_t wait_ms = FIRST_RETRY_MS
			  << (feeder->failures_running < 5 ? feeder->failures_running : 5);

	feeder->failures_running++;
	feeder->failures++;
	feeder->problem = *err;
	feeder->is_up = false;
	feeder->retry_ms = now_ms + (wait_ms < MAX_RETRY_MS ? wait_ms : MAX_RETRY_MS);
	if (feeder->live->failure.kind == ERROR_NONE)
		feeder_note(feeder, now_ms, &feeder->live->failure);
}

static void observe_date(struct feeder *feeder, const struct http_fetched *answer)
{
	if (answer->error.kind == ERROR_NONE && answer->date_ms != INT64_MIN)
		skew_observe(&feeder->skew, answer->sent_ms, answer->received_ms, answer->date_ms,
			answer->date_ms + 999);
}

static void take_time(void *context, const struct http_fetched *answer)
{
	struct feeder *feeder = context;
	struct answers_result parsed;
	struct arena arena = {0};
	struct error err = answer->error;
	int64_t t_ms;

	feeder->is_timing = false;
	if (err.kind == ERROR_NONE &&
		answers_read(answer->body, answer->status, 10, &arena, &parsed, &err) &&
		answers_instant(&parsed, &t_ms)) {
		// Whole seconds may be cut off ones.
		skew_observe(&feeder->skew, answer->sent_ms, answer->received_ms, t_ms,
			t_ms + (t_ms % 1000 ? 1 : 999));
		feeder->timed_ms = answer->received_ms;
	} else {
		if (err.kind == ERROR_NONE)
			error_set(&err, ERROR_INVALID,
				"the server does not say its time as one number");
		fail_round(feeder, &err, answer->received_ms);
	}
	arena_finish(&arena);
}

static void ask_time(struct feeder *feeder)
{
	struct buffer body = {0};

	feeder->is_timing = true;
	buffer_append_text(&body, "query=time%28%29&nocache=1");
	ask(feeder, "/api/v1/query", &body, take_time, feeder);
	buffer_finish(&body);
}

/* --- answers into the store --- */

static int64_t step_of(const struct feeder *feeder)
{
	return feeder->def->interval_ms;
}

static struct series *make_series(
	struct question *question, const struct labels *labels, struct error *err)
{
	struct live *live = question->feeder->live;
	struct series_sink *sink = tsdb_sink(live->db);
	struct arena arena = {0};
	struct label *pairs = ARENA_ARRAY(&arena, struct label, labels->count + 2);
	size_t count = 0;

	for (size_t i = 0; i < labels->count; i++) {
		pairs[count] = labels->items[i];
		if (str_equal(pairs[count].name, SERIES_METRIC_NAME))
			pairs[count].name = QUEST_SERIES_LABEL;
		count++;
	}
	pairs[count++] = (struct label){SERIES_METRIC_NAME, question->metric};
	if (question->feeder->def->cluster.len)
		pairs[count++] = (struct label){
			live->file->participants.cluster_label, question->feeder->def->cluster};
	struct series *series =
		sink->ops->series(sink, labels_make(&arena, pairs, count, false), 0, err);

	arena_finish(&arena);
	return series;
}

static struct answered *find_answered(
	struct question *question, const struct labels *labels, struct error *err)
{
	struct buffer key = {0};

	labels_print(&key, labels);
	struct answered *known = map_get(&question->by_key, buffer_str(&key));

	if (!known) {
		struct series *series = make_series(question, labels, err);

		if (series) {
			known = memory_alloc(sizeof *known);
			known->series = series;
			question->known = memory_grow(question->known, &question->known_capacity,
				question->known_count + 1, sizeof *question->known);
			question->known[question->known_count++] = known;
			map_set(&question->by_key,
				str_copy(&question->feeder->live->arena, buffer_str(&key)), known);
		}
	}
	buffer_finish(&key);
	return known;
}

// On our clock, and one of the round's instants; QUEST_NEVER for another.
static int64_t instant_of(
	const struct feeder *feeder, const struct answers_result *answer, int64_t t_ms)
{
	int64_t since_ms = t_ms - feeder->round_ahead_ms - feeder->round_from_ms;

	if (answer->kind == ANSWERS_VECTOR)
		return feeder->round_from_ms;
	int64_t step = (since_ms + step_of(feeder) / 2) / step_of(feeder);

	return since_ms >= 0 && step < (int64_t)feeder->round_steps
		       ? feeder->round_from_ms + step * step_of(feeder)
		       : QUEST_NEVER;
}

static void store_series(
	struct question *question, const struct answers_series *series, struct answered *known)
{
	struct feeder *feeder = question->feeder;
	struct series_sink *sink = tsdb_sink(feeder->live->db);

	for (size_t i = 0; i < series->sample_count; i++) {
		int64_t t_ms = instant_of(feeder, question->answer, series->samples[i].t_ms);
		double value = series->samples[i].value;

		if (t_ms == QUEST_NEVER)
			continue;
		if (known->is_live && t_ms > known->last_ms + step_of(feeder))
			sink->ops->append(sink, known->series, known->last_ms + step_of(feeder),
				sample_stale());
		if (question->is_instant)
			value -= (double)feeder->round_ahead_ms / 1000;
		sink->ops->append(sink, known->series, t_ms, value);
		known->last_ms = t_ms;
		known->is_live = true;
	}
}

static bool store(struct question *question, struct error *err)
{
	struct feeder *feeder = question->feeder;
	struct series_sink *sink = tsdb_sink(feeder->live->db);
	int64_t last_ms =
		feeder->round_from_ms + (int64_t)(feeder->round_steps - 1) * step_of(feeder);

	for (size_t i = 0; question->answer && i < question->answer->series_count; i++) {
		const struct answers_series *series = &question->answer->series[i];
		struct answered *known = find_answered(question, series->labels, err);

		if (!known)
			return false;
		store_series(question, series, known);
		feeder->samples += series->sample_count;
	}
	for (size_t i = 0; i < question->known_count; i++) {
		struct answered *known = question->known[i];

		if (!known->is_live || known->last_ms >= last_ms)
			continue;
		sink->ops->append(
			sink, known->series, known->last_ms + step_of(feeder), sample_stale());
		known->is_live = false;
	}
	return true;
}

/* --- a round's end --- */

static void forget_answers(struct feeder *feeder)
{
	for (size_t i = 0; i < feeder->question_count; i++) {
		arena_finish(&feeder->questions[i]->arena);
		feeder->questions[i]->answer = NULL;
	}
}

static bool store_all(struct feeder *feeder, struct error *err)
{
	feeder->samples = 0;
	for (size_t i = 0; i < feeder->question_count; i++)
		if (!store(feeder->questions[i], err))
			return error_wrap(err, "%.*s", STR_ARG(feeder->questions[i]->text));
	return true;
}

static void conclude(struct feeder *feeder, int64_t now_ms)
{
	int64_t times_ms[MAX_STEPS];
	struct error *failure = &feeder->live->failure, problem = {0};

	if (feeder->round_failed) {
		problem = feeder->round_problem;
		forget_answers(feeder);
		fail_round(feeder, &problem, now_ms);
		return;
	}
	if (!store_all(feeder, &problem)) {
		forget_answers(feeder);
		fail_round(feeder, &problem, now_ms);
		return;
	}
	forget_answers(feeder);
	for (size_t i = 0; i < feeder->round_steps; i++) {
		times_ms[i] = feeder->round_from_ms + (int64_t)i * step_of(feeder);
		// Of what a partial answer lacks nothing was learnt.
		if (!feeder->is_partial)
			feeder_saw(feeder, times_ms[i], times_ms[i]);
	}
	feeder->failures_running = 0;
	feeder->rounds++;
	feeder->is_up = true;
	feeder->problem = feeder->round_problem;
	feeder->next_ms = feeder->round_from_ms + (int64_t)feeder->round_steps * step_of(feeder);
	if (failure->kind == ERROR_NONE &&
		feeder_run(feeder, times_ms, feeder->round_steps, failure))
		feeder_note(feeder, now_ms, failure);
}

// The server does not like one expression: that one proves nothing, and all else goes on.
static bool is_about_expression(const struct error *err)
{
	return err->kind == ERROR_EXECUTION || err->kind == ERROR_LIMIT;
}

static void note_problem(struct question *question, const struct error *err)
{
	struct feeder *feeder = question->feeder;

	if (strcmp(question->problem.text, err->text) != 0)
		log_warn("source %.*s: %s (in: %.*s)", STR_ARG(feeder->def->name), err->text,
			STR_ARG(question->text));
	question->problem = feeder->round_problem = *err;
}

static void take_answer(void *context, const struct http_fetched *answer)
{
	struct question *question = context;
	struct feeder *feeder = question->feeder;
	struct error err = answer->error;

	live_reach(feeder->live, answer->received_ms);
	observe_date(feeder, answer);
	question->answer = ARENA_NEW(&question->arena, struct answers_result);
	if (err.kind == ERROR_NONE &&
		answers_read(answer->body, answer->status, feeder->def->sample_limit,
			&question->arena, question->answer, &err)) {
		feeder->is_partial |= question->answer->is_partial;
		question->problem = (struct error){0};
	} else {
		question->answer = NULL;
		if (answer->error.kind == ERROR_NONE && is_about_expression(&err)) {
			note_problem(question, &err);
		} else {
			feeder->round_failed = true;
			feeder->round_problem = err;
		}
	}
	if (--feeder->round_left == 0)
		conclude(feeder, answer->received_ms);
}

static void begin_round(struct feeder *feeder, size_t steps, int64_t now_ms)
{
	int64_t from_ms;

	feeder->round_from_ms = feeder->next_ms;
	feeder->round_steps = steps;
	feeder->round_left = feeder->question_count;
	feeder->round_failed = feeder->is_partial = false;
	feeder->round_problem = (struct error){0};
	feeder->round_ahead_ms = feeder->live->file->clocks == QUEST_CLOCKS_CORRECT
					 ? skew_correct(&feeder->skew)
					 : 0;
	from_ms = feeder->round_from_ms + feeder->round_ahead_ms;
	for (size_t i = 0; i < feeder->question_count; i++) {
		struct buffer body = {0};

		buffer_append_text(&body, "query=");
		http_escape(&body, feeder->questions[i]->text);
		if (steps == 1) {
			add_seconds(&body, "time", from_ms);
		} else {
			add_seconds(&body, "start", from_ms);
			add_seconds(&body, "end", from_ms + (int64_t)(steps - 1) * step_of(feeder));
			add_seconds(&body, "step", step_of(feeder));
		}
		// VictoriaMetrics moves instants to whole steps otherwise; the others do not know
		// it.
		buffer_append_text(&body, "&nocache=1");
		ask(feeder, steps == 1 ? "/api/v1/query" : "/api/v1/query_range", &body,
			take_answer, feeder->questions[i]);
		buffer_finish(&body);
	}
	if (feeder->question_count == 0)
		conclude(feeder, now_ms);
}

bool remote_turn(struct feeder *feeder, int64_t now_ms, int64_t *next_ms, struct error *err)
{
	int64_t known_ms = now_ms - feeder->def->delay_ms;

	(void)err;
	if (feeder->round_left || feeder->is_timing)
		return true;
	if (now_ms < feeder->retry_ms) {
		*next_ms = feeder->retry_ms;
		return true;
	}
	if (feeder->timed_ms == 0 || now_ms - feeder->timed_ms >= TIMED_MS) {
		ask_time(feeder);
		return true;
	}
	if (known_ms > feeder_last_ms(feeder->live))
		known_ms = feeder_last_ms(feeder->live);
	if (feeder->next_ms > known_ms) {
		*next_ms = feeder->next_ms + feeder->def->delay_ms;
		return true;
	}
	int64_t steps = (known_ms - feeder->next_ms) / step_of(feeder) + 1;

	begin_round(feeder, steps > MAX_STEPS ? MAX_STEPS : (size_t)steps, now_ms);
	return true;
}
