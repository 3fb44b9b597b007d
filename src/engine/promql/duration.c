#include "engine/promql/lexer.h"
#include "engine/promql/promql.h"

#include "base/number.h"

/* Largest first, the order they must be written in. Prometheus counts in nanoseconds, up to 2^63.
 */
static const struct {
	const char *name;
	int64_t ms;
	bool exact; // printed only where nothing smaller is left: 90d, not 12w6d
} units[] = {
	{"y", INT64_C(365) * 86400000, true},
	{"w", INT64_C(7) * 86400000, true},
	{"d", 86400000, false},
	{"h", 3600000, false},
	{"m", 60000, false},
	{"s", 1000, false},
	{"ms", 1, false},
};

enum { UNIT_COUNT = sizeof units / sizeof *units };

static bool fail(struct error *err, const char *what, struct str text)
{
	struct buffer quoted = {0};

	labels_quote(&quoted, text);
	error_set(err, ERROR_INVALID, "%s %.*s", what, STR_ARG(buffer_str(&quoted)));
	buffer_finish(&quoted);
	return false;
}

static bool unknown_unit(struct error *err, struct str unit, struct str text)
{
	struct buffer message = {0};

	labels_quote(&message, unit);
	buffer_append_text(&message, " in duration ");
	labels_quote(&message, text);
	error_set(err, ERROR_INVALID, "unknown unit %.*s", STR_ARG(buffer_str(&message)));
	buffer_finish(&message);
	return false;
}

/* Length of the leading bytes that are digits, or that are none. */
static size_t run(struct str text, bool digits)
{
	size_t len = 0;

	while (len < text.len && (text.data[len] >= '0' && text.data[len] <= '9') == digits)
		len++;
	return len;
}

static struct str cut(struct str *rest, size_t len)
{
	struct str head = {rest->data, len};

	rest->data += len;
	rest->len -= len;
	return head;
}

bool promql_parse_duration(struct str text, int64_t *out_ms, struct error *err)
{
	const int64_t largest_ms = INT64_MAX / 1000000;
	struct str rest = text;
	size_t least = 0; // first unit that may come

	*out_ms = 0;
	if (str_equal(text, STR("0")))
		return true;
	if (!text.len)
		return error_set(err, ERROR_INVALID, "empty duration string");
	while (rest.len) {
		struct str digits = cut(&rest, run(rest, true));
		struct str unit = cut(&rest, run(rest, false));
		int64_t count;
		size_t i = 0;

		if (!digits.len || !unit.len || !number_parse_int(digits, &count))
			return fail(err, "not a valid duration string:", text);
		while (i < UNIT_COUNT && !str_equal(unit, str_from(units[i].name)))
			i++;
		if (i == UNIT_COUNT)
			return unknown_unit(err, unit, text);
		if (i < least)
			return fail(err, "not a valid duration string:", text);
		least = i + 1;
		if (count > largest_ms / units[i].ms || *out_ms + count * units[i].ms > largest_ms)
			return error_set(err, ERROR_INVALID, "duration out of range");
		*out_ms += count * units[i].ms;
	}
	return true;
}

void promql_print_duration(struct buffer *out, int64_t ms)
{
	if (ms == 0)
		buffer_append_text(out, "0s");
	if (ms < 0)
		buffer_append_char(out, '-');
	uint64_t left = ms < 0 ? (uint64_t)0 - (uint64_t)ms : (uint64_t)ms;

	for (size_t i = 0; i < UNIT_COUNT; i++) {
		uint64_t unit = (uint64_t)units[i].ms;

		if (left < unit || (units[i].exact && left % unit))
			continue;
		buffer_append_int(out, (int64_t)(left / unit));
		buffer_append_text(out, units[i].name);
		left %= unit;
	}
}
