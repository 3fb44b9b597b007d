/*
 * scrape/reader.h — what the reader's files share. Private to scrape.
 */
#ifndef SCRAPE_READER_H
#define SCRAPE_READER_H

#include "engine/scrape/scrape.h"

enum {
	READER_MAX_LINE_BYTES = 1 << 20,
	READER_MAX_LABELS = 256,
};

struct reader {
	struct str text;
	size_t at;   // next byte
	size_t line; // from 1
	size_t line_start, line_end;
	enum scrape_format format;
	struct error *err;
	struct arena arena; // of the current series' labels
	const struct labels *labels;
	struct str series_text; // the current series as written
	size_t pair_count;
	struct label pairs[READER_MAX_LABELS];
};

/* The byte at the current place; a newline at the end of the line. */
static inline char reader_current(const struct reader *reader)
{
	return reader->at < reader->line_end ? reader->text.data[reader->at] : '\n';
}

/* "LINE:COLUMN: expected EXPECTED, got …" about what stands at byte `at` of the text. Always false.
 */
bool reader_expected(struct reader *reader, size_t at, const char *expected);
/* "LINE:COLUMN: …" of any kind. Always false. */
bool reader_fail(struct reader *reader, enum error_kind kind, size_t at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Exactly one blank in OpenMetrics, any number of blanks and tabs, also none, in Prometheus's
 * format. */
bool reader_blank(struct reader *reader);

/* A name as in metadata: bare ([a-zA-Z_:][a-zA-Z0-9_:]*) or quoted. */
bool reader_metric_name(struct reader *reader, struct str *out);

/* name{a="b"} into reader->labels; *same: the text is that of the series before. */
bool reader_series(struct reader *reader, bool *same);
/* {a="b"} of an exemplar: checked, not kept. */
bool reader_exemplar_labels(struct reader *reader);

/*
 * Takes \\, \" and \n for what they mean; the arena's where there was one. Any other escape is an
 * error where `strict`, else stays as it is: help texts are written by hand.
 */
bool reader_unescape(struct reader *reader, size_t start, size_t end, bool strict, struct str *out);

#endif
