#include "leaderboard/log/entry.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>

const char *const event_kind_names[] = {"completion", "push", "award", "void", "add", "adjust",
	"exclude", "switch-env", "scoring", "undo", "confirm", "thaw", "prize", "seat", "source",
	NULL};

bool event_kind_parse(struct str name, enum event_kind *out)
{
	for (size_t i = 0; event_kind_names[i]; i++)
		if (str_equal(name, str_from(event_kind_names[i]))) {
			*out = (enum event_kind)i;
			return true;
		}
	return false;
}

/* --- members --- */

enum member_kind { MEMBER_TEXT, MEMBER_INSTANT, MEMBER_COUNT, MEMBER_POINTS, MEMBER_JSON };

struct member {
	const char *name;
	enum member_kind kind;
	size_t offset;
};

#define MEMBER(name, kind)                                          \
	{                                                           \
#name, kind, offsetof(struct event_log_entry, name) \
	}

/* In the order of their names, which is RFC 8785's; "kind" and "n" come in between. */
static const struct member members[] = {
	MEMBER(after, MEMBER_TEXT),
	MEMBER(before, MEMBER_TEXT),
	MEMBER(cluster, MEMBER_TEXT),
	MEMBER(condition, MEMBER_TEXT),
	MEMBER(earliest_ms, MEMBER_INSTANT),
	MEMBER(env, MEMBER_TEXT),
	MEMBER(evidence, MEMBER_TEXT),
	MEMBER(exercise, MEMBER_TEXT),
	MEMBER(from_ms, MEMBER_INSTANT),
	{"kind", MEMBER_TEXT, SIZE_MAX},
	MEMBER(latest_ms, MEMBER_INSTANT),
	{"n", MEMBER_COUNT, offsetof(struct event_log_entry, id)},
	MEMBER(observed_ms, MEMBER_INSTANT),
	MEMBER(of, MEMBER_COUNT),
	MEMBER(places, MEMBER_COUNT),
	MEMBER(points, MEMBER_POINTS),
	MEMBER(scoring, MEMBER_JSON),
	MEMBER(skew_high_ms, MEMBER_INSTANT),
	MEMBER(skew_low_ms, MEMBER_INSTANT),
	MEMBER(source, MEMBER_TEXT),
	MEMBER(t_ms, MEMBER_INSTANT),
	MEMBER(to_ms, MEMBER_INSTANT),
	MEMBER(user, MEMBER_TEXT),
	MEMBER(version, MEMBER_COUNT),
	MEMBER(when_ms, MEMBER_INSTANT),
	MEMBER(who, MEMBER_TEXT),
	MEMBER(why, MEMBER_TEXT),
};
enum { MEMBER_TOTAL = sizeof members / sizeof members[0] };

/* JSON's integers are exact up to here. */
static const int64_t max_integer = 9007199254740991;

/* --- out --- */

static void print_name(struct buffer *out, const struct member *member)
{
	buffer_append_text(out, out->len > 1 && out->data[out->len - 1] != '{' ? "," : "");
	canonical_print_string(out, str_from(member->name));
	buffer_append_char(out, ':');
}

static bool print_integer(struct buffer *out, const struct member *member, int64_t value,
	int64_t absent, struct error *err)
{
	if (value == absent)
		return true;
	if (value > max_integer || value < -max_integer)
		return error_set(err, ERROR_INVALID, "%s of an event is too large: %lld",
			member->name, (long long)value);
	print_name(out, member);
	canonical_print_number(out, (double)value);
	return true;
}

static bool print_points(
	struct buffer *out, const struct member *member, double value, struct error *err)
{
	if (!isfinite(value))
		return error_set(err, ERROR_INVALID, "points of an event must be a number");
	if (value != 0) {
		print_name(out, member);
		canonical_print_number(out, value);
	}
	return true;
}

static bool print_json(
	struct buffer *out, const struct member *member, struct str text, struct error *err)
{
	json_error_t why;

	if (text.len == 0)
		return true;
	json_t *value = json_loadb(text.data, text.len, CANONICAL_INPUT, &why);

	if (!json_is_object(value)) {
		json_decref(value);
		return error_set(err, ERROR_INVALID, "%s of an event is no JSON object: %s",
			member->name, value ? "it is something else" : why.text);
	}
	print_name(out, member);
	canonical_print(out, value);
	json_decref(value);
	return true;
}

static bool print_member(struct buffer *out, const struct member *member,
	const struct event_log_entry *entry, struct error *err)
{
	if (member->offset == SIZE_MAX) {
		print_name(out, member);
		canonical_print_string(out, str_from(event_kind_names[entry->kind]));
		return true;
	}
	const void *at = (const char *)entry + member->offset;

	switch (member->kind) {
	case MEMBER_TEXT:
		if (((const struct str *)at)->len == 0)
			return true;
		print_name(out, member);
		canonical_print_string(out, *(const struct str *)at);
		return true;
	case MEMBER_INSTANT:
		return print_integer(out, member, *(const int64_t *)at, EVENT_NO_INSTANT, err);
	case MEMBER_COUNT:
		return print_integer(out, member, *(const int64_t *)at, 0, err);
	case MEMBER_POINTS:
		return print_points(out, member, *(const double *)at, err);
	case MEMBER_JSON:
		return print_json(out, member, *(const struct str *)at, err);
	}
	return false;
}

bool event_entry_print(struct buffer *out, const struct event_log_entry *entry, struct error *err)
{
	if (entry->when_ms == EVENT_NO_INSTANT)
		return error_set(err, ERROR_INVALID, "an event must say when it is appended");
	buffer_append_char(out, '{');
	for (size_t i = 0; i < MEMBER_TOTAL; i++)
		if (!print_member(out, &members[i], entry, err))
			return false;
	buffer_append_char(out, '}');
	return true;
}

/* --- in --- */

/* What was never written, since it would be no exact number, is not read either: whoever computes
 * with instants of an edited log stays far from where that overflows. */
static bool read_integer(
	const struct member *member, const json_t *value, int64_t *out, struct error *err)
{
	double number = json_number_value(value);

	if (!json_is_number(value) || number != trunc(number))
		return error_set(err, ERROR_INVALID, "its \"%s\" is of another type", member->name);
	if (fabs(number) > (double)max_integer)
		return error_set(err, ERROR_INVALID, "its \"%s\" is too large", member->name);
	*out = (int64_t)number;
	return true;
}

static bool read_member(const struct member *member, const json_t *value, struct arena *arena,
	struct event_log_entry *out, struct error *err)
{
	struct str text = {json_string_value(value), json_string_length(value)};
	struct buffer object = {0};

	if (member->offset == SIZE_MAX)
		return (text.data && event_kind_parse(text, &out->kind)) ||
		       error_set(err, ERROR_INVALID, "it is of no known kind");
	void *at = (char *)out + member->offset;

	switch (member->kind) {
	case MEMBER_TEXT:
		if (!text.data)
			break;
		*(struct str *)at = str_copy(arena, text);
		return true;
	case MEMBER_INSTANT:
	case MEMBER_COUNT:
		return read_integer(member, value, at, err);
	case MEMBER_POINTS:
		if (!json_is_number(value))
			break;
		*(double *)at = json_number_value(value);
		return true;
	case MEMBER_JSON:
		if (!json_is_object(value))
			break;
		canonical_print(&object, value);
		*(struct str *)at = str_copy(arena, buffer_str(&object));
		buffer_finish(&object);
		return true;
	}
	return error_set(err, ERROR_INVALID, "its \"%s\" is of another type", member->name);
}

bool event_entry_read(
	struct str body, struct arena *arena, struct event_log_entry *out, struct error *err)
{
	json_error_t why;
	json_t *object = json_loadb(body.data, body.len, CANONICAL_INPUT, &why);
	bool ok = json_is_object(object) ||
		  error_set(err, ERROR_INVALID, "it is no JSON object: %s", why.text);

	*out = EVENT_ENTRY;
	for (size_t i = 0; ok && i < MEMBER_TOTAL; i++) {
		const json_t *value = json_object_get(object, members[i].name);

		if (value)
			ok = read_member(&members[i], value, arena, out, err);
		else if (members[i].offset == SIZE_MAX)
			ok = error_set(err, ERROR_INVALID, "it has no \"kind\"");
	}
	json_decref(object);
	// Who draws boards from events compares these instants, and computes with them.
	if (ok && out->when_ms == EVENT_NO_INSTANT)
		ok = error_set(err, ERROR_INVALID,
			"it has no \"when_ms\": every event says when it was appended");
	return ok;
}

/* --- the chain --- */

struct event_hash event_chain(const struct event_hash *previous, struct str body)
{
	struct event_hash out;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	// It fails where memory runs out, and where a machine's policy forbids SHA-256.
	if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL) ||
		!EVP_DigestUpdate(context, previous->bytes, sizeof previous->bytes) ||
		!EVP_DigestUpdate(context, body.data, body.len) ||
		!EVP_DigestFinal_ex(context, out.bytes, NULL))
		abort();
	EVP_MD_CTX_free(context);
	return out;
}

void event_hash_print(char out[EVENT_HEX_SIZE], const struct event_hash *hash)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof hash->bytes; i++) {
		out[2 * i] = digits[hash->bytes[i] >> 4];
		out[2 * i + 1] = digits[hash->bytes[i] & 15];
	}
	out[EVENT_HEX_SIZE - 1] = '\0';
}
