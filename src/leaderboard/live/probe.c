#include "leaderboard/live/private.h"

#include "base/memory.h"

/*
 * A service is asked as long as its exercise is not done, and what came of it is a sample of
 * quest_condition: 1 where it answered as it should, 0 where not. How many are asked at once is the
 * prober's limit; whoever does not answer holds up nobody but himself.
 */

enum { MAX_PROBES = 100000 };

void probe_finish(struct live *live)
{
	for (size_t i = 0; i < live->probe_count; i++)
		free(live->probes[i]);
	free(live->probes);
}

static const struct quest_condition *condition_of(const struct probed *probed)
{
	return &probed->live->file->quests[probed->environment]
			.exercises[probed->exercise]
			.conditions[probed->condition];
}

/* --- making --- */

static void add_probe(struct live *live, size_t person, size_t environment, size_t exercise,
	size_t condition, int64_t now_ms)
{
	const struct quest_exercise *own = &live->file->quests[environment].exercises[exercise];
	const struct quest_condition *def = &own->conditions[condition];

	if (def->kind != QUEST_BY_PROBE || live->probe_count >= MAX_PROBES)
		return;
	struct series *series = live_condition_series(live, "quest_condition",
		&live->people[person].player, environment, own->name, def->name);

	if (!series)
		return;
	struct probed *probed = memory_alloc(sizeof *probed);
	// Spread over the interval by a number that has no pattern.
	uint64_t spread = (live->probe_count * UINT64_C(0x9e3779b97f4a7c15)) >> 33;

	*probed = (struct probed){
		.live = live,
		.person = person,
		.environment = environment,
		.exercise = exercise,
		.condition = condition,
		.series = series,
		.due_ms = now_ms + (int64_t)(spread % (uint64_t)def->probe->interval_ms),
	};
	live->probes = memory_grow(
		live->probes, &live->probe_capacity, live->probe_count + 1, sizeof *live->probes);
	live->probes[live->probe_count++] = probed;
}

static void meet_people(struct live *live, int64_t now_ms)
{
	for (; live->probed_people < live->person_count; live->probed_people++) {
		if (live->people[live->probed_people].is_hidden)
			continue;
		for (size_t i = 0; i < live->file->environment_count; i++)
			for (size_t j = 0; j < live->file->quests[i].exercise_count; j++)
				for (size_t k = 0;
					k < live->file->quests[i].exercises[j].condition_count; k++)
					add_probe(live, live->probed_people, i, j, k, now_ms);
	}
}

/* --- asking --- */

// {user} and {cluster}, escaped as parts of an address, or of a JSON text.
static struct str fill_in(
	struct arena *arena, struct str text, const struct quest_player *player, bool is_address)
{
	static const struct str names[] = {{"{user}", 6}, {"{cluster}", 9}};
	const struct str values[] = {player->user, player->cluster};
	struct buffer out = {0};

	for (size_t i = 0; i < text.len;) {
		struct str left = {text.data + i, text.len - i};
		size_t j = 0;

		while (j < 2 && !str_starts_with(left, names[j]))
			j++;
		if (j == 2) {
			buffer_append_char(&out, text.data[i++]);
			continue;
		}
		if (is_address)
			http_escape(&out, values[j]);
		else
			buffer_append_str(&out, values[j]);
		i += names[j].len;
	}
	struct str copy = str_copy(arena, buffer_str(&out));

	buffer_finish(&out);
	return copy;
}

static void take_probe(void *context, const struct http_fetched *answer)
{
	struct probed *probed = context;
	const struct quest_probe *probe = condition_of(probed)->probe;
	struct series_sink *sink = tsdb_sink(probed->live->db);
	bool holds = answer->error.kind == ERROR_NONE && answer->status >= probe->status_low &&
		     answer->status <= probe->status_high &&
		     (!probe->contains || regex_matches(probe->contains, answer->body));

	probed->is_busy = false;
	sink->ops->append(sink, probed->series, answer->received_ms, holds);
}

static void begin_probe(struct probed *probed, int64_t now_ms)
{
	const struct quest_probe *probe = condition_of(probed)->probe;
	const struct quest_player *player = &probed->live->people[probed->person].player;
	struct arena arena = {0};
	const struct http_fetch fetch = {
		.url = fill_in(&arena, probe->url, player, true),
		.method = probe->method,
		.body = fill_in(&arena, probe->body, player, false),
		.body_type = probe->body_type,
		.ca_file = probe->ca_file,
		.bearer_token_file = probe->bearer_token_file,
		.timeout_ms = probe->timeout_ms,
		.max_bytes = 1 << 20,
		.follow_redirects = probe->follow_redirects,
	};

	probed->is_busy = true;
	while (probed->due_ms <= now_ms)
		probed->due_ms += probe->interval_ms;
	http_client_fetch(probed->live->options.prober, &fetch, take_probe, probed);
	arena_finish(&arena);
}

void probe_turn(struct live *live, int64_t now_ms, int64_t *next_ms)
{
	meet_people(live, now_ms);
	if (now_ms < live->file->start_ms ||
		now_ms > live->file->start_ms + live->file->duration_ms)
		return;
	for (size_t i = 0; i < live->probe_count; i++) {
		struct probed *probed = live->probes[i];

		if (probed->is_over || probed->is_busy)
			continue;
		probed->is_over =
			*live_done(live, probed->person, probed->environment, probed->exercise);
		if (probed->is_over)
			continue;
		if (probed->due_ms <= now_ms)
			begin_probe(probed, now_ms);
		else if (probed->due_ms < *next_ms)
			*next_ms = probed->due_ms;
	}
}
