#include "leaderboard/rehearse/private.h"

#include "base/memory.h"

/*
 * On the day the rules without groups ran on every participant cluster and their results were sent
 * to the hub. Here a spoke is a narrow view of the one store: reading adds a matcher on the cluster
 * and hides what ranks behind its own rules, writing adds the cluster's label.
 */

static bool source_select(struct series_source *source, const struct matcher *matchers,
	size_t count, struct arena *arena, struct series_list *out, struct error *err)
{
	struct spoke *spoke = (struct spoke *)((char *)source - offsetof(struct spoke, source));
	struct matcher *own = ARENA_ARRAY(arena, struct matcher, count + 1);
	size_t kept = 0;

	if (count)
		memcpy(own, matchers, count * sizeof *own);
	own[count] = spoke->cluster;
	if (!spoke->hub_source->ops->select(spoke->hub_source, own, count + 1, arena, out, err))
		return false;
	for (size_t i = 0; i < out->count; i++)
		if (out->items[i]->rank <= spoke->last_rank)
			out->items[kept++] = out->items[i];
	out->count = kept;
	return true;
}

static void source_open(struct series_source *source, const struct series *series, int64_t from_ms,
	struct series_cursor *cursor)
{
	struct spoke *spoke = (struct spoke *)((char *)source - offsetof(struct spoke, source));

	spoke->hub_source->ops->open(spoke->hub_source, series, from_ms, cursor);
}

static size_t source_read(struct series_source *source, struct series_cursor *cursor,
	int64_t until_ms, struct sample *out, size_t max)
{
	struct spoke *spoke = (struct spoke *)((char *)source - offsetof(struct spoke, source));

	return spoke->hub_source->ops->read(spoke->hub_source, cursor, until_ms, out, max);
}

static uint64_t source_series_count(struct series_source *source)
{
	struct spoke *spoke = (struct spoke *)((char *)source - offsetof(struct spoke, source));

	return spoke->hub_source->ops->series_count(spoke->hub_source);
}

static const struct series_source_ops source_ops = {
	source_select, source_open, source_read, source_series_count};

static struct series *sink_series(
	struct series_sink *sink, const struct labels *labels, uint32_t rank, struct error *err)
{
	struct spoke *spoke = (struct spoke *)((char *)sink - offsetof(struct spoke, sink));
	struct arena arena = {0};
	struct series *series = spoke->hub_sink->ops->series(spoke->hub_sink,
		labels_with(&arena, labels, STR("cluster"), spoke->cluster.value), rank, err);

	arena_finish(&arena);
	return series;
}

static bool sink_append(struct series_sink *sink, struct series *series, int64_t t_ms, double value)
{
	struct spoke *spoke = (struct spoke *)((char *)sink - offsetof(struct spoke, sink));

	return spoke->hub_sink->ops->append(spoke->hub_sink, series, t_ms, value);
}

static size_t sink_append_run(struct series_sink *sink, struct series *series, int64_t t_ms,
	int64_t step_ms, size_t count, double value)
{
	struct spoke *spoke = (struct spoke *)((char *)sink - offsetof(struct spoke, sink));

	return spoke->hub_sink->ops->append_run(
		spoke->hub_sink, series, t_ms, step_ms, count, value);
}

static bool sink_append_histogram(struct series_sink *sink, struct series *series, int64_t t_ms,
	const struct histogram *histogram)
{
	struct spoke *spoke = (struct spoke *)((char *)sink - offsetof(struct spoke, sink));

	return spoke->hub_sink->ops->append_histogram(spoke->hub_sink, series, t_ms, histogram);
}

static bool sink_append_start(
	struct series_sink *sink, struct series *series, int64_t t_ms, int64_t start_ms)
{
	struct spoke *spoke = (struct spoke *)((char *)sink - offsetof(struct spoke, sink));

	return spoke->hub_sink->ops->append_start(spoke->hub_sink, series, t_ms, start_ms);
}

static const struct series_sink_ops sink_ops = {
	sink_series, sink_append, sink_append_run, sink_append_histogram, sink_append_start};

/* Players come cluster by cluster. */
static size_t count_clusters(const struct quest_player *players, size_t count)
{
	size_t clusters = 0;

	for (size_t i = 0; i < count; i++)
		clusters += i == 0 || !str_equal(players[i].cluster, players[i - 1].cluster);
	return clusters;
}

bool spokes_open(
	struct rehearsal *rehearsal, const struct rules_engine_options *options, struct error *err)
{
	struct rehearse_rules *rules = &rehearsal->rules;
	const struct quest_player *players;
	uint32_t rule_count = 0;
	size_t count;

	if (rules->spoke_group_count == 0)
		return true;
	for (size_t i = 0; i < rules->spoke_group_count; i++)
		rule_count += (uint32_t)rules->spoke_groups[i]->rule_count;
	players = quest_simulation_players(rehearsal->simulation, &count);
	rules->spokes = memory_alloc_array(count_clusters(players, count), sizeof *rules->spokes);
	for (size_t i = 0; i < count; i++) {
		if (i && str_equal(players[i].cluster, players[i - 1].cluster))
			continue;
		struct spoke *spoke = &rules->spokes[rules->spoke_count++];

		*spoke = (struct spoke){
			.source = {&source_ops},
			.sink = {&sink_ops},
			.hub_source = tsdb_source(rehearsal->db),
			.hub_sink = tsdb_sink(rehearsal->db),
			.last_rank = rule_count,
		};
		if (!matcher_init(&spoke->cluster, MATCHER_EQUAL, STR("cluster"),
			    players[i].cluster, err))
			return false;
		spoke->engine = rules_engine_create(rules->spoke_groups, rules->spoke_group_count,
			&spoke->source, &spoke->sink, options, err);
		if (!spoke->engine)
			return false;
	}
	return true;
}

bool spokes_run(struct rehearsal *rehearsal, int64_t end_ms, struct error *err)
{
	const struct rehearse_rules *rules = &rehearsal->rules;

	for (size_t i = 0; i < rules->spoke_count; i++)
		if (!rules_engine_run(rules->spokes[i].engine, rehearsal->scenario.quest.start_ms,
			    end_ms, err))
			return error_wrap(
				err, "cluster %.*s", STR_ARG(rules->spokes[i].cluster.value));
	return true;
}

void spokes_close(struct rehearse_rules *rules)
{
	for (size_t i = 0; i < rules->spoke_count; i++) {
		rules_engine_destroy(rules->spokes[i].engine);
		matcher_finish(&rules->spokes[i].cluster);
	}
	free(rules->spokes);
}
