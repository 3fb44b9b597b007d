/*
 * server/exposition_format.h — which of Prometheus's text formats a client gets, and how names that
 * are not plain ones are written in it. Pure. Source: prometheus/common, expfmt.Negotiate and
 * model/metric.go, EscapeName.
 */
#ifndef SERVER_EXPOSITION_FORMAT_H
#define SERVER_EXPOSITION_FORMAT_H

#include "base/str.h"

enum exposition_escaping {
	EXPOSITION_UNDERSCORES, // an underscore for each character that old names may not have
	EXPOSITION_ALLOW_UTF8,	// as it is, in quotes
	EXPOSITION_DOTS,	// _dot_ for a dot, __ for an underscore and for any other character
	EXPOSITION_VALUES,	// U__ in front, _HEX_ for a character
};

struct exposition_format {
	bool is_1_0; // version 1.0.0, else 0.0.4
	enum exposition_escaping escaping;
};

/* By the Accept header; what it asks for in vain is 0.0.4 with underscores. */
struct exposition_format exposition_negotiate(struct str accept);

/* text/plain; version=0.0.4; charset=utf-8; escaping=underscores — a literal. */
const char *exposition_content_type(const struct exposition_format *format);

/* "…" with \\, \" and \n: a label's value, or a name that is not plain. */
void exposition_write_quoted(struct buffer *out, struct str text);

/* The name as the format has it, in quotes where it needs them; `metric`: colons are plain. */
void exposition_write_name(struct buffer *out, struct str name, bool metric,
	enum exposition_escaping escaping, bool *is_quoted);

#endif
