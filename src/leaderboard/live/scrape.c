#include "leaderboard/live/private.h"

#include "base/log.h"
#include "base/memory.h"

/*
 * Endpoints are scraped each on its own beat. Conditions are evaluated up to the last instant for
 * which nothing is on its way any more: a scrape's samples carry the instant at which it began, so
 * an endpoint that takes its time delays the evaluation and changes nothing in it.
 */

enum {
	MAX_RUN_STEPS = 256,
	/*
	 * Until the clock behind an endpoint is known, scrapes follow each other at this odd
	 * distance, so that the whole seconds of their Date headers tell more and more of it; who
	 * sends no Date after a few is believed.
	 */
	UNSETTLED_MS = 1130,
	UNDATED_COUNT = 3,
};

static bool knows_clock(const struct feeder *feeder)
{
	return skew_is_settled(&feeder->skew) ||
	       (!feeder->skew.is_known &&
		       feeder->rounds >= UNDATED_COUNT * feeder->def->endpoint_count);
}

void scrape_open(struct feeder *feeder)
{
	struct live *live = feeder->live;
	const struct quest_source *def = feeder->def;

	feeder->endpoints = memory_alloc_array(def->endpoint_count, sizeof *feeder->endpoints);
	for (size_t i = 0; i < def->endpoint_count; i++) {
		const struct quest_endpoint *own = &def->endpoints[i];
		struct label labels[QUEST_MAX_LABELS + 3];
		size_t count = own->label_count;

		memcpy(labels, own->labels, count * sizeof *labels);
		labels[count++] =
			(struct label){live->file->participants.cluster_label, def->cluster};
		feeder->endpoints[i] = (struct endpoint){
			.feeder = feeder,
			.def = own,
			.target = scrape_target_create(labels, count, def->sample_limit),
			// Spread over the interval, as many hands as there are endpoints.
			.due_ms = live->now_ms +
				  def->interval_ms * (int64_t)i / (int64_t)def->endpoint_count,
			.good_ms = QUEST_NEVER,
		};
	}
}

void scrape_finish(struct feeder *feeder)
{
	for (size_t i = 0; feeder->endpoints && i < feeder->def->endpoint_count; i++)
		scrape_target_destroy(feeder->endpoints[i].target);
	free(feeder->endpoints);
}

/* --- one scrape --- */

static void note_scrape(struct endpoint *endpoint, const struct error *err, int64_t now_ms)
{
	struct feeder *feeder = endpoint->feeder;
	bool all_good = true;

	if (err->kind != ERROR_NONE) {
		feeder->failures++;
		endpoint->good_ms = QUEST_NEVER;
		if (endpoint->problem.kind == ERROR_NONE)
			log_warn("source %.*s: %s", STR_ARG(feeder->def->name), err->text);
		feeder->problem = *err;
	} else {
		feeder->rounds++;
		endpoint->good_ms = endpoint->begun_ms;
	}
	endpoint->problem = *err;
	feeder->samples = 0;
	for (size_t i = 0; i < feeder->def->endpoint_count; i++) {
		const struct endpoint *other = &feeder->endpoints[i];

		// One that was not scraped yet says nothing.
		all_good &= other->problem.kind == ERROR_NONE;
		feeder->samples += scrape_target_samples(other->target);
	}
	feeder->is_up = all_good;
	if (all_good)
		feeder->problem = (struct error){0};
	if (feeder->live->failure.kind == ERROR_NONE)
		feeder_note(feeder, now_ms, &feeder->live->failure);
}

static void take_scrape(void *context, const struct http_fetched *answer)
{
	struct endpoint *endpoint = context;
	struct feeder *feeder = endpoint->feeder;
	struct series_sink *sink = tsdb_sink(feeder->live->db);
	double took_s = (double)answer->took_us / 1e6;
	struct error err = answer->error;

	endpoint->is_busy = false;
	live_reach(feeder->live, answer->received_ms);
	if (err.kind == ERROR_NONE && answer->date_ms != INT64_MIN)
		skew_observe(&feeder->skew, answer->sent_ms, answer->received_ms, answer->date_ms,
			answer->date_ms + 999);
	if (err.kind == ERROR_NONE && answer->status != 200)
		error_set(&err, ERROR_SYSTEM, "%.*s: HTTP status %d", STR_ARG(endpoint->def->url),
			answer->status);
	if (err.kind != ERROR_NONE)
		scrape_target_fail(endpoint->target, endpoint->begun_ms, took_s, sink);
	else if (!scrape_target_take(endpoint->target, answer->body,
			 scrape_format_of_type(answer->content_type), endpoint->begun_ms, took_s,
			 sink, &err))
		error_wrap(&err, "%.*s", STR_ARG(endpoint->def->url));
	note_scrape(endpoint, &err, answer->received_ms);
}

static void begin_scrape(struct endpoint *endpoint, int64_t now_ms)
{
	struct feeder *feeder = endpoint->feeder;
	struct arena arena = {0};
	struct http_fetch fetch = live_fetch(&feeder->def->access, &arena);
	struct http_client_header *headers =
		ARENA_ARRAY(&arena, struct http_client_header, fetch.header_count + 1);
	int64_t interval_ms = feeder->def->interval_ms;

	memcpy(headers, fetch.headers, fetch.header_count * sizeof *headers);
	headers[fetch.header_count] =
		(struct http_client_header){STR("Accept"), STR(SCRAPE_ACCEPT)};
	fetch.headers = headers;
	fetch.header_count++;
	fetch.url = endpoint->def->url;
	endpoint->is_busy = true;
	endpoint->begun_ms = now_ms;
	// The beat goes on where it was; beats that were missed are not made up for.
	while (endpoint->due_ms <= now_ms)
		endpoint->due_ms += interval_ms;
	if (!knows_clock(feeder))
		endpoint->due_ms = now_ms + UNSETTLED_MS;
	http_client_fetch(feeder->live->options.client, &fetch, take_scrape, endpoint);
	arena_finish(&arena);
}

/* --- evaluating --- */

// When all of the source was seen last, QUEST_NEVER where a part of it is not seen.
static int64_t seen_ms(const struct feeder *feeder)
{
	int64_t oldest_ms = QUEST_NEVER;

	for (size_t i = 0; i < feeder->def->endpoint_count; i++) {
		if (feeder->endpoints[i].good_ms == QUEST_NEVER)
			return QUEST_NEVER;
		if (feeder->endpoints[i].good_ms < oldest_ms)
			oldest_ms = feeder->endpoints[i].good_ms;
	}
	return oldest_ms;
}

static bool run_up_to(struct feeder *feeder, int64_t to_ms, struct error *err)
{
	const struct quest_file *file = feeder->live->file;
	int64_t times_ms[MAX_RUN_STEPS], seen = seen_ms(feeder);
	int64_t step_ms = file->step_ms;
	int64_t from_ms =
		feeder->tracked_ms == QUEST_NEVER ? feeder->next_ms : feeder->tracked_ms + step_ms;

	while (from_ms <= to_ms) {
		size_t count = 0;

		for (; from_ms <= to_ms && count < MAX_RUN_STEPS; from_ms += step_ms) {
			if (seen != QUEST_NEVER)
				feeder_saw(feeder, from_ms, seen < from_ms ? seen : from_ms);
			times_ms[count++] = from_ms;
		}
		if (!feeder_run(feeder, times_ms, count, err))
			return false;
	}
	return true;
}

bool scrape_turn(struct feeder *feeder, int64_t now_ms, int64_t *next_ms, struct error *err)
{
	int64_t horizon_ms = now_ms, last_ms = feeder_last_ms(feeder->live);

	if (feeder->live->file->clocks == QUEST_CLOCKS_CORRECT)
		skew_correct(&feeder->skew);
	for (size_t i = 0; i < feeder->def->endpoint_count; i++) {
		struct endpoint *endpoint = &feeder->endpoints[i];

		if (!endpoint->is_busy && endpoint->due_ms <= now_ms && now_ms <= last_ms)
			begin_scrape(endpoint, now_ms);
		if (endpoint->is_busy && endpoint->begun_ms - 1 < horizon_ms)
			horizon_ms = endpoint->begun_ms - 1;
		if (!endpoint->is_busy && endpoint->due_ms < *next_ms)
			*next_ms = endpoint->due_ms;
	}
	/*
	 * Instants of a clock that is off would be wrong for good: nothing is evaluated before it
	 * is known. For one that is right this is the case after the first scrape.
	 */
	if (feeder->live->file->clocks == QUEST_CLOCKS_CORRECT && !knows_clock(feeder))
		return true;
	return run_up_to(feeder, horizon_ms < last_ms ? horizon_ms : last_ms, err);
}
