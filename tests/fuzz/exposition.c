/*
 * Whatever the bytes are: no crash in either format. A text that loads is written as one that loads
 * and writes the same.
 */
#include "engine/scrape/scrape.h"
#include "engine/tsdb/tsdb.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool collect(void *context, struct str text, struct error *err)
{
	(void)err;
	buffer_append_str(context, text);
	return true;
}

static struct buffer write_all(struct tsdb *db)
{
	const struct scrape_selection all = {.from_ms = INT64_MIN / 4, .to_ms = INT64_MAX / 4};
	struct buffer out = {0};
	struct error err = {0};

	assert(scrape_write_openmetrics(tsdb_source(db), &all, NULL, 0, collect, &out, &err));
	return out;
}

static void check(struct str text, enum scrape_format format)
{
	struct tsdb *db = tsdb_create(1000), *again = tsdb_create(1000);
	struct error err = {0};

	struct scrape_catalog *catalog = scrape_catalog_create();

	if (!scrape_load(text, format, 1000, tsdb_sink(db), catalog, &err))
		assert(err.kind != ERROR_NONE && err.text[0]);
	scrape_catalog_destroy(catalog);
	// What came before an error was loaded: it must survive too.
	struct buffer once = write_all(db);

	if (!scrape_load(buffer_str(&once), SCRAPE_OPENMETRICS, SCRAPE_NO_TIME, tsdb_sink(again),
		    NULL, &err))
		abort();
	struct buffer twice = write_all(again);

	assert(str_equal(buffer_str(&once), buffer_str(&twice)));
	buffer_finish(&once);
	buffer_finish(&twice);
	tsdb_destroy(db);
	tsdb_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	check((struct str){copy, size}, SCRAPE_OPENMETRICS);
	check((struct str){copy, size}, SCRAPE_PROMETHEUS);
	free(copy);
	return 0;
}
