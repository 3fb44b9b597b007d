/* /api/v1/metadata: type, unit and help of what was loaded. */
#include "base/json.h"
#include "base/number.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/server_private.h"

struct listing {
	const struct scrape_description *items; // sorted by name; the catalog's
	size_t count, next;
	size_t limit, limit_per_metric; // SIZE_MAX: none
	struct str metric;		// empty: all
	size_t listed;
	bool is_begun;
};

static void write_description(struct buffer *out, const struct scrape_description *description)
{
	buffer_append_text(out, "{\"type\":");
	json_string(out, description->type);
	buffer_append_text(out, ",\"unit\":");
	json_string(out, description->unit);
	buffer_append_text(out, ",\"help\":");
	json_string(out, description->help);
	buffer_append_char(out, '}');
}

/* All that is said of the metric at `next`. */
static void write_metric(struct listing *listing, struct buffer *out)
{
	struct str name = listing->items[listing->next].name;
	size_t written = 0;

	buffer_append_text(out, listing->listed++ ? "," : "");
	json_string(out, name);
	buffer_append_text(out, ":[");
	for (; listing->next < listing->count &&
		str_equal(listing->items[listing->next].name, name);
		listing->next++) {
		if (written >= listing->limit_per_metric)
			continue;
		buffer_append_text(out, written++ ? "," : "");
		write_description(out, &listing->items[listing->next]);
	}
	buffer_append_char(out, ']');
}

static bool next(void *state, struct buffer *out)
{
	struct listing *listing = state;

	if (!listing->is_begun) {
		listing->is_begun = true;
		prometheus_begin(out);
		buffer_append_char(out, '{');
	}
	while (listing->next < listing->count && listing->metric.len &&
		!str_equal(listing->items[listing->next].name, listing->metric))
		listing->next++;
	if (listing->next < listing->count && listing->listed < listing->limit) {
		write_metric(listing, out);
		return true;
	}
	buffer_append_char(out, '}');
	prometheus_end(out, NULL, false);
	return false;
}

/* A negative number means none, as does no number at all. */
static bool read_limit(struct http_request *request, const char *name, size_t *out)
{
	struct str text = form_get(&request->form, name);
	int64_t number = -1;

	if (text.len && !number_parse_int(text, &number)) {
		api_fail(request, "bad_data",
			str_format(request->arena, "%s must be a number", name));
		return false;
	}
	*out = number < 0 ? SIZE_MAX : (size_t)number;
	return true;
}

void prometheus_metadata(struct http_request *request, void *context)
{
	const struct server *server = context;
	struct listing *listing = ARENA_NEW(request->arena, struct listing);
	struct http_producer producer = {next, NULL, listing};

	if (!read_limit(request, "limit", &listing->limit) ||
		!read_limit(request, "limit_per_metric", &listing->limit_per_metric))
		return;
	if (listing->limit_per_metric == 0) // as in Prometheus, that is no limit
		listing->limit_per_metric = SIZE_MAX;
	listing->metric = form_get(&request->form, "metric");
	if (server->options.catalog)
		listing->items = scrape_catalog_items(server->options.catalog, &listing->count);
	http_answer_produced(request, 200, PROMETHEUS_JSON, &producer);
}
