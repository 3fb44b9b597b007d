#include "leaderboard/server/parameters.h"

#include "base/clock.h"
#include "base/number.h"
#include "engine/promql/promql.h"

#include <math.h>

/* Smaller numbers are offsets from the start of the race, larger ones Unix seconds: 2001-09-09. */
#define FIRST_UNIX_SECOND 1e9
/* int64 nanoseconds, as Go's durations have them, are 292 years. */
#define MAX_DURATION_S 9223372036.854775807
#define MAX_TIME_S 9e12

/* FORMAT with the text Go-quoted for its %s. */
static bool refuse(struct str text, const char *format, struct error *err)
{
	struct buffer quoted = {0};

	labels_quote(&quoted, text);
	error_set(err, ERROR_INVALID, "%.*s%s%s", (int)strcspn(format, "%"), format, quoted.data,
		strchr(format, '%') + 2);
	buffer_finish(&quoted);
	return false;
}

static bool seconds_to_ms(double seconds, int64_t *out_ms)
{
	double whole, fraction = modf(seconds, &whole);

	if (!(fabs(seconds) < MAX_TIME_S))
		return false;
	*out_ms = (int64_t)whole * 1000 + (int64_t)round(fraction * 1000);
	return true;
}

bool parameter_time(struct str text, int64_t *out_ms, struct error *err)
{
	double seconds;

	if (number_parse(text, &seconds) ? seconds_to_ms(seconds, out_ms)
					 : clock_parse_instant(text.data, text.len, out_ms))
		return true;
	return refuse(text, "cannot parse %s to a valid timestamp", err);
}

bool parameter_duration(struct str text, double *out_s, struct error *err)
{
	struct error ignored = {0};
	int64_t ms;

	if (number_parse(text, out_s)) {
		if (fabs(*out_s) <= MAX_DURATION_S)
			return true;
		return refuse(text, "cannot parse %s to a valid duration. It overflows int64", err);
	}
	if (!promql_parse_duration(text, &ms, &ignored))
		return refuse(text, "cannot parse %s to a valid duration", err);
	*out_s = (double)ms / 1000;
	return true;
}

bool parameter_limit(struct str text, size_t *out, struct error *err)
{
	int64_t number;

	*out = 0;
	if (!text.len)
		return true;
	if (!number_parse_int(text, &number))
		return refuse(text, "strconv.Atoi: parsing %s: invalid syntax", err);
	if (number < 0)
		return error_set(err, ERROR_INVALID, "limit must be non-negative");
	*out = (size_t)number;
	return true;
}

bool parameter_race_instant(struct str text, int64_t start_ms, int64_t *out_ms, struct error *err)
{
	struct error ignored = {0};
	double seconds;

	if (number_parse(text, &seconds)) {
		if (seconds_to_ms(seconds, out_ms)) {
			*out_ms += seconds < FIRST_UNIX_SECOND ? start_ms : 0;
			return true;
		}
	} else if (promql_parse_duration(text, out_ms, &ignored)) {
		*out_ms += start_ms;
		return true;
	} else if (clock_parse_instant(text.data, text.len, out_ms)) {
		return true;
	}
	return refuse(text,
		"invalid parameter \"at\": %s is neither an offset from the start (87m, 5220), nor "
		"Unix "
		"seconds, nor an RFC 3339 date",
		err);
}

/* The code point of _HEX_ at `at`; moves behind it. False where none stands there. */
static bool read_escaped(struct str text, size_t *at, uint32_t *out)
{
	uint32_t code = 0;
	size_t i = *at + 1;

	for (; i < text.len && text.data[i] != '_' && i - *at <= 6; i++) {
		const char *digits = "0123456789abcdefABCDEF";
		const char *digit = text.data[i] ? strchr(digits, text.data[i]) : NULL;

		if (!digit)
			return false;
		uint32_t value = (uint32_t)(digit - digits);

		code = code * 16 + (value < 16 ? value : value - 6);
	}
	bool is_character = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);

	if (i >= text.len || text.data[i] != '_' || i == *at + 1 || !is_character)
		return false;
	*at = i + 1;
	*out = code;
	return true;
}

static size_t put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = len - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(0xf00 >> len | code);
	return len;
}

struct str parameter_label_name(struct str text, struct arena *arena)
{
	struct str rest = {text.data + 3, text.len - 3};

	if (!str_starts_with(text, STR("U__")))
		return text;
	char *out = arena_alloc(arena, rest.len + 1); // an escape is longer than what it stands for
	size_t len = 0;

	for (size_t i = 0; i < rest.len;) {
		uint32_t code;

		if (rest.data[i] != '_') {
			out[len++] = rest.data[i++];
		} else if (i + 1 < rest.len && rest.data[i + 1] == '_') {
			out[len++] = '_';
			i += 2;
		} else if (read_escaped(rest, &i, &code)) {
			len += put_utf8(out + len, code);
		} else {
			return text;
		}
	}
	return (struct str){out, len};
}
