#include "leaderboard/server/acts.h"

#include "base/number.h"

#include <jansson.h>
#include <math.h>

struct member {
	const char *name;
	size_t offset;
};

#define MEMBER(name)                                         \
	{                                                    \
#name, offsetof(struct ledger_request, name) \
	}
static const struct member members[] = {MEMBER(who), MEMBER(why), MEMBER(player), MEMBER(cluster),
	MEMBER(exercise), MEMBER(condition), MEMBER(env), MEMBER(time), MEMBER(from), MEMBER(to)};
enum { MEMBER_COUNT = sizeof members / sizeof *members, MAX_TEXT = 4096 };

static bool read_kind(const json_t *value, enum event_kind *out, struct error *err)
{
	struct str name = {json_string_value(value), json_string_length(value)};

	return (name.data && event_kind_parse(name, out)) ||
	       error_set(err, ERROR_INVALID,
		       "\"act\" must be void, add, adjust, award, exclude, switch-env, confirm, "
		       "thaw, prize or undo");
}

/* Texts; an instant may be a number, too: Unix seconds, or seconds after the start. */
static bool read_text(const struct member *member, const json_t *value, struct arena *arena,
	struct ledger_request *out, struct error *err)
{
	bool is_instant = member >= &members[MEMBER_COUNT - 3];
	struct str text = {json_string_value(value), json_string_length(value)};
	char digits[NUMBER_TEXT_SIZE];

	if (is_instant && json_is_number(value) && fabs(json_number_value(value)) < 1e12) {
		number_print(digits, json_number_value(value));
		text = str_from(digits);
	}
	if (!text.data || text.len > MAX_TEXT)
		return error_set(err, ERROR_INVALID, "\"%s\" must be a text of up to %d bytes",
			member->name, MAX_TEXT);
	*(const char **)((char *)out + member->offset) = str_copy(arena, text).data;
	return true;
}

static bool read_number(
	const char *name, const json_t *value, struct ledger_request *out, struct error *err)
{
	double number = json_number_value(value);

	if (strcmp(name, "points") == 0) {
		out->points = number;
		return (json_is_number(value) && fabs(number) <= 1e6) ||
		       error_set(err, ERROR_INVALID,
			       "\"points\" must be a number from -1000000 to 1000000");
	}
	if (strcmp(name, "places") == 0) {
		out->places = json_integer_value(value);
		return json_is_integer(value) ||
		       error_set(err, ERROR_INVALID, "\"places\" must be a whole number");
	}
	out->of = json_integer_value(value);
	return (json_is_integer(value) && out->of > 0) ||
	       error_set(err, ERROR_INVALID, "\"of\" must be the number of an event");
}

static bool read_member(const char *name, const json_t *value, struct arena *arena,
	struct ledger_request *out, struct error *err)
{
	if (strcmp(name, "act") == 0)
		return read_kind(value, &out->kind, err);
	if (strcmp(name, "points") == 0 || strcmp(name, "places") == 0 || strcmp(name, "of") == 0)
		return read_number(name, value, out, err);
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (strcmp(members[i].name, name) == 0)
			return read_text(&members[i], value, arena, out, err);
	return error_set(err, ERROR_INVALID,
		"\"%.60s\" is not known; an act has act, who, why, player, exercise, condition, "
		"cluster, env, time, from, to, points, places and of",
		name);
}

bool act_read(struct str body, struct arena *arena, struct ledger_request *out, struct error *err)
{
	json_error_t problem;
	json_t *root =
		json_loadb(body.data ? body.data : "", body.len, JSON_REJECT_DUPLICATES, &problem);
	const char *name;
	json_t *value;
	bool ok = true;

	*out = (struct ledger_request){0};
	if (!root)
		return error_set(err, ERROR_INVALID, "%d:%d: %s", problem.line, problem.column,
			problem.text);
	if (!json_is_object(root) || !json_object_get(root, "act"))
		ok = error_set(err, ERROR_INVALID,
			"an act is an object, such as {\"act\": \"void\", \"of\": 412, \"who\": "
			"\"anna\", \"why\": \"seeded by staff\"}");
	json_object_foreach(root, name, value)
	{
		ok = ok && read_member(name, value, arena, out, err);
	}
	json_decref(root);
	return ok;
}
