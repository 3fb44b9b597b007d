#include "leaderboard/live/private.h"

/*
 * All sources share one store, so that it can be asked about all of them; the expressions of a
 * source that is scraped must see that source alone, as they would on its own Prometheus.
 */

static bool view_select(struct series_source *source, const struct matcher *matchers, size_t count,
	struct arena *arena, struct series_list *out, struct error *err)
{
	struct view *view = (struct view *)source;
	struct matcher *own = ARENA_ARRAY(arena, struct matcher, count + 1);

	if (!view->has_cluster)
		return view->all->ops->select(view->all, matchers, count, arena, out, err);
	if (count)
		memcpy(own, matchers, count * sizeof *own);
	own[count] = view->cluster;
	return view->all->ops->select(view->all, own, count + 1, arena, out, err);
}

static void view_open(struct series_source *source, const struct series *series, int64_t from_ms,
	struct series_cursor *cursor)
{
	struct view *view = (struct view *)source;

	view->all->ops->open(view->all, series, from_ms, cursor);
}

static size_t view_read(struct series_source *source, struct series_cursor *cursor,
	int64_t until_ms, struct sample *out, size_t max)
{
	struct view *view = (struct view *)source;

	return view->all->ops->read(view->all, cursor, until_ms, out, max);
}

static uint64_t view_series_count(struct series_source *source)
{
	struct view *view = (struct view *)source;

	return view->all->ops->series_count(view->all);
}

static const struct series_source_ops view_ops = {
	view_select, view_open, view_read, view_series_count};

bool view_init(struct view *view, struct series_source *all, const struct label *cluster,
	struct error *err)
{
	*view = (struct view){.source = {&view_ops}, .all = all, .has_cluster = cluster->value.len};
	return !view->has_cluster ||
	       matcher_init(&view->cluster, MATCHER_EQUAL, cluster->name, cluster->value, err);
}

void view_finish(struct view *view)
{
	if (view->has_cluster)
		matcher_finish(&view->cluster);
}
