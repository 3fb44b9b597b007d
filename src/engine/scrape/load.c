#include "engine/scrape/scrape.h"

struct loading {
	struct series_sink *sink;
	struct scrape_catalog *catalog; // NULL: nobody wants metadata
	struct series *series;		// of the sample before
	int64_t now_ms;
};

static bool fail_refused(const struct scrape_sample *sample, int64_t t_ms, struct error *err)
{
	struct buffer text = {0};

	labels_print_metric(&text, sample->labels);
	error_set(err, ERROR_INVALID,
		"sample of %.*s at %lld ms: expected a later time than its sample before, or the "
		"same value",
		STR_ARG(buffer_str(&text)), (long long)t_ms);
	buffer_finish(&text);
	return false;
}

static bool load(void *context, const struct scrape_sample *sample, struct error *err)
{
	struct loading *loading = context;
	int64_t t_ms = sample->has_time ? sample->t_ms : loading->now_ms;

	if (t_ms == SCRAPE_NO_TIME)
		return error_set(err, ERROR_INVALID, "expected a time behind the value, got none");
	if (!sample->same_series)
		loading->series = loading->sink->ops->series(loading->sink, sample->labels, 0, err);
	if (!loading->series)
		return false;
	return loading->sink->ops->append(loading->sink, loading->series, t_ms, sample->value) ||
	       fail_refused(sample, t_ms, err);
}

static bool catalogue(void *context, const struct scrape_metadata *metadata, struct error *err)
{
	struct loading *loading = context;

	(void)err;
	if (loading->catalog)
		scrape_catalog_add(loading->catalog, metadata);
	return true;
}

bool scrape_load(struct str text, enum scrape_format format, int64_t now_ms,
	struct series_sink *sink, struct scrape_catalog *catalog, struct error *err)
{
	struct loading loading = {.sink = sink, .catalog = catalog, .now_ms = now_ms};
	struct scrape_receiver receiver = {
		.sample = load, .metadata = catalogue, .context = &loading};
	bool ok = scrape_read(text, format, 0, &receiver, err);

	if (catalog)
		scrape_catalog_end_text(catalog);
	return ok;
}

enum scrape_format scrape_format_of(struct str text)
{
	static const char end[] = "# EOF";
	size_t len = sizeof end - 1;

	text = str_trim(text);
	if (text.len < len || memcmp(text.data + text.len - len, end, len) != 0)
		return SCRAPE_PROMETHEUS;
	return text.len == len || text.data[text.len - len - 1] == '\n' ? SCRAPE_OPENMETRICS
									: SCRAPE_PROMETHEUS;
}
