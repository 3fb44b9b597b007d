/* /api/v1/rules: the groups of the race's rule files, as Grafana asks for them when it connects. */
#include "base/json.h"
#include "base/clock.h"
#include "base/number.h"
#include "engine/rules/rules.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_json.h"
#include "leaderboard/server/server_private.h"

static void write_rule(struct buffer *out, const struct rules_rule *rule, const char *now)
{
	struct buffer query = {0};

	promql_print(&query, rule->expr);
	buffer_append_text(out, "{\"name\":");
	json_string(out, rule->name);
	buffer_append_text(out, ",\"query\":");
	json_string(out, buffer_str(&query));
	if (rule->labels && rule->labels->count) {
		buffer_append_text(out, ",\"labels\":");
		prometheus_json_labels(out, rule->labels);
	}
	buffer_printf(out,
		",\"health\":\"ok\",\"evaluationTime\":0,\"lastEvaluation\":\"%s\",\"type\":"
		"\"recording\"}",
		now);
	buffer_finish(&query);
}

/* What of the rules is wanted; a filter that is not given lets all through. Source: api.go, rules.
 */
struct filter {
	const struct form *form;
	bool wants_recording;
};

/* Is it among the values that were given under a name, if any were? */
static bool passes(const struct filter *filter, const char *parameter, struct str value)
{
	bool is_given = false;

	for (size_t i = 0; i < filter->form->count; i++) {
		const struct form_field *field = &filter->form->fields[i];

		if (!str_equal(field->name, str_from(parameter)))
			continue;
		if (str_equal(field->value, value))
			return true;
		is_given = true;
	}
	return !is_given;
}

static bool is_wanted(const struct filter *filter, const struct rules_rule *rule)
{
	return rule->kind == RULES_RECORD && filter->wants_recording &&
	       passes(filter, "rule_name[]", rule->name);
}

static bool is_group_wanted(const struct filter *filter, const struct rules_group *group)
{
	if (!passes(filter, "rule_group[]", group->name) ||
		!passes(filter, "file[]", str_from(group->file)))
		return false;
	for (size_t i = 0; i < group->rule_count; i++)
		if (is_wanted(filter, &group->rules[i]))
			return true;
	return false;
}

static void write_group(struct buffer *out, const struct filter *filter,
	const struct rules_group *group, int64_t step_ms, const char *now)
{
	size_t written = 0;

	buffer_append_text(out, "{\"name\":");
	json_string(out, group->name);
	buffer_append_text(out, ",\"file\":");
	json_string(out, str_from(group->file));
	buffer_append_text(out, ",\"rules\":[");
	for (size_t i = 0; i < group->rule_count; i++) {
		if (!is_wanted(filter, &group->rules[i]))
			continue;
		buffer_append_text(out, written++ ? "," : "");
		write_rule(out, &group->rules[i], now);
	}
	buffer_append_text(out, "],\"interval\":");
	buffer_append_number(
		out, (double)(group->interval_ms ? group->interval_ms : step_ms) / 1000);
	buffer_printf(out, ",\"limit\":%zu,\"evaluationTime\":0,\"lastEvaluation\":\"%s\"}",
		group->limit, now);
}

void prometheus_rules(struct http_request *request, void *context)
{
	struct server *server = context;
	size_t count = 0;
	struct rules_group *const *groups =
		server->race ? rehearsal_rules(server->race->rehearsal, &count) : NULL;
	struct str type = form_get(&request->form, "type");
	struct filter filter = {&request->form, !type.len || str_equal(type, STR("record"))};
	struct buffer out = {0};
	size_t written = 0;
	char now[32];

	if (!filter.wants_recording && !str_equal(type, STR("alert"))) {
		struct error err = {0};

		error_set(&err, ERROR_INVALID, "not supported value \"%.*s\"", STR_ARG(type));
		prometheus_fail_parameter(request, "type", &err);
		return;
	}
	clock_print_instant(now, server_now_ms(server));
	buffer_append_text(&out, "{\"status\":\"success\",\"data\":{\"groups\":[");
	for (size_t i = 0; i < count; i++) {
		if (!is_group_wanted(&filter, groups[i]))
			continue;
		buffer_append_text(&out, written++ ? "," : "");
		write_group(
			&out, &filter, groups[i], rehearsal_step_ms(server->race->rehearsal), now);
	}
	buffer_append_text(&out, "]}}");
	http_answer_buffer(request, 200, "application/json", out);
}
