/*
 * scrape/scrape.h — the exposition text formats: OpenMetrics 1.0 and Prometheus text 0.0.4, in;
 * OpenMetrics with timestamps, out. No I/O, no clock: text comes and goes as bytes.
 */
#ifndef SCRAPE_SCRAPE_H
#define SCRAPE_SCRAPE_H

#include "engine/series/series.h"

/* --- reading --- */

/*
 * OpenMetrics: times in seconds, one blank between parts, no empty line, "# EOF" at the end,
 * exemplars (checked and left out). Prometheus: times in milliseconds, any blanks, any comment.
 */
enum scrape_format { SCRAPE_OPENMETRICS, SCRAPE_PROMETHEUS };

/* Valid until the receiver returns. */
struct scrape_sample {
	const struct labels *labels; // with __name__
	bool same_series;	     // the labels of the sample before, at the same address
	bool has_time;
	int64_t t_ms;
	double value;
	size_t line; // from 1
};

enum scrape_metadata_kind { SCRAPE_TYPE, SCRAPE_HELP, SCRAPE_UNIT };

/* A line "# TYPE name text". Help comes with its escapes resolved. Valid until the receiver
 * returns. */
struct scrape_metadata {
	enum scrape_metadata_kind kind;
	struct str name, text;
};

/* Who takes what was read. Returning false stops the reading with *err as it was left. */
struct scrape_receiver {
	bool (*sample)(void *context, const struct scrape_sample *sample, struct error *err);
	bool (*metadata)(void *context, const struct scrape_metadata *metadata,
		struct error *err); // may be NULL
	void *context;
};

/*
 * Reads a whole text, sample by sample in its order.
 *
 * Fails: ERROR_INVALID with "LINE:COLUMN: …", what stands there and what is right, after the
 * samples before it were delivered; ERROR_LIMIT for a line over 1 MiB, more than 256 labels, or
 * max_samples samples (0: 1,000 million); the receiver's own error, with the line in front.
 */
bool scrape_read(struct str text, enum scrape_format format, uint64_t max_samples,
	const struct scrape_receiver *receiver, struct error *err);

/* --- metadata of many texts --- */

/* What a text says of a metric; type is "unknown" where it does not, help and unit empty. */
struct scrape_description {
	struct str name, type, help, unit;
};

/* Descriptions by metric: what several texts say of one metric stands side by side, each once. */
struct scrape_catalog;

struct scrape_catalog *scrape_catalog_create(void);
void scrape_catalog_destroy(struct scrape_catalog *catalog); // takes NULL

/* A line of the text that is being read; copies. Of two lines of a kind the last counts. */
void scrape_catalog_add(struct scrape_catalog *catalog, const struct scrape_metadata *metadata);
/* What was added since the end before becomes visible. */
void scrape_catalog_end_text(struct scrape_catalog *catalog);

/* Sorted by name; valid until the next end of a text. */
const struct scrape_description *scrape_catalog_items(
	const struct scrape_catalog *catalog, size_t *count);

/* --- into a store --- */

/* Samples without a time are an error. */
#define SCRAPE_NO_TIME INT64_MIN

/*
 * Reads a text into a store, as series of rank 0, and its metadata into `catalog` (may be NULL).
 * Samples without a time get `now_ms`, unless it is SCRAPE_NO_TIME. Fails as scrape_read; also
 * where the store refuses a sample because one of the same series at that instant or a later one
 * came before.
 */
bool scrape_load(struct str text, enum scrape_format format, int64_t now_ms,
	struct series_sink *sink, struct scrape_catalog *catalog, struct error *err);

/* OpenMetrics where the last line is "# EOF", else Prometheus's text format. */
enum scrape_format scrape_format_of(struct str text);

/* --- targets: one scrape after the other --- */

/*
 * What Prometheus makes of a target: every series gets the target's labels (one of the same name
 * that was exposed becomes exported_NAME); what a scrape no longer exposes ends with a stale
 * marker; a scrape counts whole or not at all; and `up`, scrape_duration_seconds and
 * scrape_samples_scraped say how it went. Samples with a time of their own keep it, and their
 * series are not ended.
 */
struct scrape_target;

/* Labels are copied. sample_limit 0: none. Caller destroys. */
struct scrape_target *scrape_target_create(
	const struct label *labels, size_t count, size_t sample_limit);
void scrape_target_destroy(struct scrape_target *target); // takes NULL

/*
 * A scrape that began at t_ms and brought `text`. Where it cannot be taken it counts as a failed
 * one, and *err says why: ERROR_INVALID, "LINE:COLUMN: …"; ERROR_LIMIT: past sample_limit, or the
 * store is full.
 */
bool scrape_target_take(struct scrape_target *target, struct str text, enum scrape_format format,
	int64_t t_ms, double duration_s, struct series_sink *sink, struct error *err);
/* One that brought nothing. */
void scrape_target_fail(
	struct scrape_target *target, int64_t t_ms, double duration_s, struct series_sink *sink);

/* How many samples the last scrape had, 0 where it failed. */
size_t scrape_target_samples(const struct scrape_target *target);

/* By a Content-Type: OpenMetrics where it says so, else Prometheus's text. */
enum scrape_format scrape_format_of_type(struct str content_type);
/* What to ask for, as an Accept header. */
#define SCRAPE_ACCEPT \
	"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

/* --- writing --- */

/* What a metric family is, for its # TYPE, # UNIT and # HELP lines; NULL leaves a line out. */
struct scrape_family {
	const char *name; // without _total and other suffixes
	const char *type; // "counter", "gauge", "histogram", … ("gauge" has no suffixes)
	const char *unit, *help;
};

/* What to write. A zeroed struct, but for the times, is everything. */
struct scrape_selection {
	const struct matcher *matchers; // all must hold
	size_t matcher_count;
	bool only_inputs;	// series of rank 0: not what rules recorded
	bool stale_as_nan;	// write NaN where a series ends: no comparison holds for either
	int64_t from_ms, to_ms; // both inclusive
};

/* Takes the next piece of text, tens of kilobytes at a time. Returning false stops with *err as it
 * was left. */
typedef bool scrape_write(void *context, struct str text, struct error *err);

/*
 * Writes samples as OpenMetrics with timestamps: families in order of name, the series of a family
 * in order of labels, the samples of a series ascending, then "# EOF". `promtool tsdb
 * create-blocks-from openmetrics` takes it, and scrape_read gives the same samples to the bit, but
 * for NaNs, which all become one.
 *
 * Stale markers have no form in the format (written as NaN they come back as values) and are left
 * out unless asked for: a reader keeps the last sample for its look-back instead. Samples of a
 * family that is not in `families` are written without metadata, as type unknown.
 *
 * Fails: what the source or the writer says.
 */
bool scrape_write_openmetrics(struct series_source *source,
	const struct scrape_selection *selection, const struct scrape_family *families,
	size_t family_count, scrape_write *write, void *context, struct error *err);

/* A scrape_write on a `FILE *`. Fails: ERROR_SYSTEM. */
bool scrape_write_file(void *context, struct str text, struct error *err);

#endif
