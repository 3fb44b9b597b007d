#include "leaderboard/server/push.h"

#include "base/clock.h"

#include <jansson.h>
#include <math.h>

enum { MAX_PUSHES = 1000 };

static bool read_text(const json_t *item, const char *name, bool is_needed, struct arena *arena,
	struct str *out, struct error *err)
{
	const json_t *value = json_object_get(item, name);

	*out = STR("");
	if (!value && !is_needed)
		return true;
	if (!json_is_string(value) || json_string_length(value) == 0)
		return error_set(err, ERROR_INVALID, "\"%s\" must be a text", name);
	*out = str_copy(arena, (struct str){json_string_value(value), json_string_length(value)});
	return true;
}

static bool read_time(const json_t *item, int64_t *out_ms, struct error *err)
{
	const json_t *value = json_object_get(item, "time");
	double t_s = json_number_value(value);

	*out_ms = QUEST_NEVER;
	if (!value)
		return true;
	if (json_is_string(value) &&
		clock_parse_instant(json_string_value(value), json_string_length(value), out_ms))
		return true;
	if (!json_is_number(value) || !(fabs(t_s) < 1e12))
		return error_set(err, ERROR_INVALID,
			"\"time\" must be Unix seconds, or a text such as 2024-10-08T13:15:00Z");
	*out_ms = llround(t_s * 1000);
	return true;
}

static bool read_push(
	const json_t *item, struct arena *arena, struct live_push *out, struct error *err)
{
	static const char *const names[] = {
		"cluster", "user", "exercise", "condition", "env", "time", "who", NULL};
	const char *name;
	const json_t *value;

	if (!json_is_object(item))
		return error_set(err, ERROR_INVALID, "an event must be an object");
	json_object_foreach((json_t *)item, name, value)
	{
		size_t i = 0;

		while (names[i] && strcmp(names[i], name) != 0)
			i++;
		if (!names[i])
			return error_set(err, ERROR_INVALID,
				"\"%.60s\" is not known; an event has cluster, user, exercise, "
				"condition, env, time and who",
				name);
	}
	return read_text(item, "cluster", false, arena, &out->player.cluster, err) &&
	       read_text(item, "user", true, arena, &out->player.user, err) &&
	       read_text(item, "exercise", true, arena, &out->exercise, err) &&
	       read_text(item, "condition", true, arena, &out->condition, err) &&
	       read_text(item, "env", false, arena, &out->env, err) &&
	       read_text(item, "who", false, arena, &out->who, err) &&
	       read_time(item, &out->t_ms, err);
}

bool push_read(struct str body, struct arena *arena, struct live_push **out, size_t *count,
	struct error *err)
{
	json_error_t problem;
	json_t *root =
		json_loadb(body.data ? body.data : "", body.len, JSON_REJECT_DUPLICATES, &problem);
	bool ok = true;

	if (!root)
		return error_set(err, ERROR_INVALID, "%d:%d: %s", problem.line, problem.column,
			problem.text);
	*count = json_is_array(root) ? json_array_size(root) : 1;
	if (*count > MAX_PUSHES)
		ok = error_set(err, ERROR_LIMIT, "at most %d events at once", MAX_PUSHES);
	*out = ARENA_ARRAY(arena, struct live_push, ok ? *count : 0);
	for (size_t i = 0; ok && i < *count; i++) {
		const json_t *item = json_is_array(root) ? json_array_get(root, i) : root;

		ok = read_push(item, arena, &(*out)[i], err) ||
		     (json_is_array(root) && error_wrap(err, "event %zu", i + 1));
	}
	json_decref(root);
	return ok;
}
