#include "train/monitor/presence.h"

#include <jansson.h>

enum { MAX_BYTES = 4096 };

static bool is_text(const json_t *value, struct str wanted)
{
	return json_is_string(value) &&
	       str_equal((struct str){json_string_value(value), json_string_length(value)}, wanted);
}

bool presence_read(struct str payload, struct str service, bool *is_up, struct error *err)
{
	json_error_t problem;

	if (payload.len > MAX_BYTES)
		return error_set(err, ERROR_INVALID, "a state message: %zu bytes, at most %d",
			payload.len, MAX_BYTES);
	json_t *root = json_loadb(payload.data, payload.len, JSON_REJECT_DUPLICATES, &problem);
	const json_t *up = json_object_get(root, "is_up");
	bool ok = is_text(json_object_get(root, "kind"), STR("state")) &&
		  is_text(json_object_get(root, "service"), service) && json_is_boolean(up);

	*is_up = json_is_true(up);
	json_decref(root);
	return ok || error_set(err, ERROR_INVALID,
			     "a state message of %.*s: it must be a JSON object with \"kind\" "
			     "\"state\", \"service\" \"%.*s\" and \"is_up\" true or false",
			     STR_ARG(service), STR_ARG(service));
}
