/* A counting read from the JSON of a log's event; print_scoring.c writes it. */
#include "leaderboard/ledger/ledger_private.h"

#include <jansson.h>
#include <math.h>

static bool read_text(const json_t *object, const char *name, struct arena *arena, struct str *out)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value))
		return false;
	*out = str_copy(arena, (struct str){json_string_value(value), json_string_length(value)});
	return true;
}

static bool read_ms(const json_t *object, const char *name, int64_t *out)
{
	const json_t *value = json_object_get(object, name);

	*out = json_integer_value(value);
	return json_is_integer(value) && *out > -(INT64_C(1) << 53) && *out < INT64_C(1) << 53;
}

static bool read_number(const json_t *object, const char *name, double *out)
{
	const json_t *value = json_object_get(object, name);

	*out = json_number_value(value);
	return json_is_number(value) && fabs(*out) <= 1e6;
}

static bool read_exercise(const json_t *value, struct arena *arena, struct quest_counted *out)
{
	return read_text(value, "name", arena, &out->name) &&
	       read_ms(value, "nominal_end_ms", &out->nominal_end_ms) &&
	       read_number(value, "weight", &out->parameters.weight) &&
	       read_number(value, "slope", &out->parameters.slope) &&
	       read_number(value, "ramp", &out->parameters.ramp);
}

static bool read_exercises(const json_t *list, struct arena *arena, struct quest_counting *out)
{
	size_t count = json_array_size(list);

	if (count == 0 || count > QUEST_MAX_EXERCISES)
		return false;
	out->exercises = ARENA_ARRAY(arena, struct quest_counted, count);
	out->exercise_count = count;
	for (size_t i = 0; i < count; i++)
		if (!read_exercise(json_array_get(list, i), arena, &out->exercises[i]))
			return false;
	return true;
}

static bool read_kind(
	const json_t *object, struct arena *arena, struct quest_counting *out, struct error *err)
{
	struct str preset;

	if (read_text(object, "preset", arena, &preset)) {
		out->is_preset = true;
		return quest_scoring_parse(preset, &out->preset);
	}
	if (!read_text(object, "formula", arena, &out->formula_text.text))
		return false;
	out->formula_text.line = out->formula_text.column = 1;
	out->formula = quest_formula_parse(&out->formula_text, arena, err);
	return out->formula != NULL;
}

bool ledger_read_scoring(
	struct str text, struct arena *arena, struct quest_counting *out, struct error *err)
{
	json_t *object = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	struct error cause = {0};

	*out = (struct quest_counting){0};
	bool ok = json_is_object(object) && read_text(object, "name", arena, &out->name) &&
		  read_ms(object, "start_ms", &out->start_ms) &&
		  read_ms(object, "unit_ms", &out->unit_ms) && out->unit_ms > 0 &&
		  read_ms(object, "duration_ms", &out->duration_ms) && out->duration_ms > 0 &&
		  read_exercises(json_object_get(object, "exercises"), arena, out) &&
		  read_kind(object, arena, out, &cause);

	json_decref(object);
	return ok || error_set(err, ERROR_INVALID, "its scoring cannot be read%s%s",
			     cause.kind ? ": " : "", cause.text);
}
