/*
 * net/form.h — application/x-www-form-urlencoded: bodies and query strings to names and values.
 * Pure.
 */
#ifndef NET_FORM_H
#define NET_FORM_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct form_field {
	struct str name, value;
};

/* Fields in the order given; a name may come again. */
struct form {
	struct form_field *fields;
	size_t count, capacity;
};

/* How many fields one request may have. */
enum { FORM_MAX_FIELDS = 1000 };

/*
 * Appends the fields of `a=1&b=x+y&b=%C3%A9`. Texts are decoded copies in the arena, as is the
 * array. Fails: ERROR_INVALID at a bad escape, in Go's words: invalid URL escape "%zz"; ERROR_LIMIT
 * past FORM_MAX_FIELDS.
 */
bool form_parse(struct str text, struct arena *arena, struct form *form, struct error *err);

/* Appends one field that is decoded already. */
bool form_add(struct form *form, struct arena *arena, struct str name, struct str value,
	struct error *err);

/* The first value under a name; the empty text where there is none. */
struct str form_get(const struct form *form, const char *name);
bool form_has(const struct form *form, const char *name);

/* Percent-decodes; `plus` turns + into a blank. Fails as form_parse. */
bool form_decode(
	struct str text, bool plus, struct arena *arena, struct str *out, struct error *err);

#endif
