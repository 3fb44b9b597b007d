/* A counting as JSON, so that a log can be scored without its quest file. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/clock.h"
#include "base/json.h"

void ledger_print_scoring(struct buffer *out, const struct quest_counting *counting)
{
	buffer_append_text(out, "{\"name\":");
	json_string_bare(out, counting->name);
	if (counting->is_preset) {
		buffer_printf(out, ",\"preset\":\"%s\"", quest_scoring_names[counting->preset]);
	} else {
		buffer_append_text(out, ",\"formula\":");
		json_string_bare(out, counting->formula_text.text);
	}
	buffer_printf(out,
		",\"start_ms\":%lld,\"unit_ms\":%lld,\"duration_ms\":%lld,\"exercises\":[",
		(long long)counting->start_ms, (long long)counting->unit_ms,
		(long long)counting->duration_ms);
	for (size_t i = 0; i < counting->exercise_count; i++) {
		const struct quest_counted *own = &counting->exercises[i];

		buffer_append_text(out, i ? ",{\"name\":" : "{\"name\":");
		json_string_bare(out, own->name);
		buffer_printf(out,
			",\"nominal_end_ms\":%lld,\"weight\":", (long long)own->nominal_end_ms);
		json_number(out, own->parameters.weight);
		buffer_append_text(out, ",\"slope\":");
		json_number(out, own->parameters.slope);
		buffer_append_text(out, ",\"ramp\":");
		json_number(out, own->parameters.ramp);
		buffer_append_char(out, '}');
	}
	buffer_append_text(out, "]}");
}

struct str ledger_race_name(const struct quest_file *file, struct arena *arena)
{
	char start[32];

	clock_print_instant(start, file->start_ms);
	return str_format(arena, "%.*s of %s", STR_ARG(file->name), start);
}
