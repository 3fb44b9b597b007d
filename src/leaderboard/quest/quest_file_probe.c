#include "leaderboard/quest/quest_file_reader.h"

#include "base/number.h"

/*
 * Conditions that are no metrics become metrics: whoever probes, or takes pushes and awards,
 * records quest_condition{exercise,condition,environment,cluster,user} as 1 or 0, and where the
 * instant is known quest_condition_time_seconds. So a tracker need not know of them, and they have
 * evidence and intervals as any other.
 */

static struct str selector(const struct scenario_reader *reader, const char *metric,
	struct str exercise, const struct quest_condition *condition)
{
	return str_format(reader->arena,
		"%s{exercise=\"%.*s\",condition=\"%.*s\",environment=\"%.*s\"}", metric,
		STR_ARG(exercise), STR_ARG(condition->name), STR_ARG(reader->environment));
}

static bool make_queries(
	const struct scenario_reader *reader, struct str exercise, struct quest_condition *out)
{
	struct str holds = selector(reader, "quest_condition", exercise, out);

	if (!scenario_make_query(reader, holds, &out->expr))
		return false;
	if (out->kind == QUEST_BY_PROBE)
		return scenario_make_query(reader,
			str_format(reader->arena, "timestamp(%.*s)", STR_ARG(holds)), &out->seen);
	return scenario_make_query(reader,
		selector(reader, "quest_condition_time_seconds", exercise, out), &out->instant);
}

bool quest_check_url(const struct scenario_reader *reader, const struct yaml_node *node,
	const char *what, struct str url)
{
	size_t scheme = str_starts_with(url, STR("http://"))	? 7
			: str_starts_with(url, STR("https://")) ? 8
								: 0;
	bool ok = scheme && url.len > scheme && url.len <= 2000 && url.data[scheme] != '/';

	for (size_t i = 0; ok && i < url.len; i++)
		ok = (unsigned char)url.data[i] > ' ' && url.data[i] != 0x7f && url.data[i] != '#';
	if (!ok)
		return yaml_error(reader->err, reader->file, node,
			"%s must be an address such as https://prometheus.example:9090, not "
			"\"%.*s\"",
			what, (int)(url.len > 200 ? 200 : url.len), url.data);
	const char *end = memchr(url.data + scheme, '/', url.len - scheme);
	size_t authority = end ? (size_t)(end - url.data) - scheme : url.len - scheme;

	return !memchr(url.data + scheme, '@', authority) ||
	       yaml_error(reader->err, reader->file, node,
		       "%s must not hold a password: name a user and a password_file, or a "
		       "bearer_token_file",
		       what);
}

/* "200", or "200-299". */
static bool read_status(
	const struct scenario_reader *reader, const struct yaml_node *node, struct quest_probe *out)
{
	struct str text, low, high;

	out->status_low = 200;
	out->status_high = 299;
	if (!node)
		return true;
	if (!yaml_string(node, reader->file, "status", &text, reader->err))
		return false;
	const char *dash = memchr(text.data, '-', text.len);

	low = high = text;
	if (dash) {
		low.len = (size_t)(dash - text.data);
		high = (struct str){dash + 1, text.len - low.len - 1};
	}
	if (number_parse_int(low, &out->status_low) && number_parse_int(high, &out->status_high) &&
		out->status_low >= 100 && out->status_low <= out->status_high &&
		out->status_high <= 599)
		return true;
	return yaml_error(reader->err, reader->file, node,
		"status must be one of 100 to 599, such as 200, or a range such as 200-299, not "
		"\"%.*s\"",
		STR_ARG(text));
}

static bool read_method(
	const struct scenario_reader *reader, const struct yaml_node *node, struct quest_probe *out)
{
	const struct yaml_node *method = yaml_get(node, "method"), *body = yaml_get(node, "body");

	out->method = body ? STR("POST") : STR("GET");
	out->body_type = STR("application/json");
	if (method && !yaml_string(method, reader->file, "method", &out->method, reader->err))
		return false;
	if (!str_equal(out->method, STR("GET")) && !str_equal(out->method, STR("HEAD")) &&
		!str_equal(out->method, STR("POST")))
		return yaml_error(reader->err, reader->file, method,
			"method must be GET, HEAD or POST, not \"%.*s\"", STR_ARG(out->method));
	if (body && !str_equal(out->method, STR("POST")))
		return yaml_error(reader->err, reader->file, body, "only POST has a body");
	return (!body || yaml_string(body, reader->file, "body", &out->body, reader->err)) &&
	       (!yaml_get(node, "body_type") ||
		       yaml_string(yaml_get(node, "body_type"), reader->file, "body_type",
			       &out->body_type, reader->err));
}

static bool read_probe(
	const struct scenario_reader *reader, const struct yaml_node *node, struct quest_probe *out)
{
	static const char *const allowed[] = {"url", "method", "body", "body_type", "interval",
		"timeout", "status", "contains", "ca_file", "bearer_token_file", "follow_redirects",
		NULL};
	static const struct scenario_field fields[] = {
		{"interval", SCENARIO_DURATION, offsetof(struct quest_probe, interval_ms), 1000,
			240000, true},
		{"timeout", SCENARIO_DURATION, offsetof(struct quest_probe, timeout_ms), 100, 60000,
			true},
		{0},
	};

	out->interval_ms = 15000;
	out->timeout_ms = 5000;
	out->follow_redirects = true;
	if (!yaml_check_keys(node, reader->file, "a probe", allowed, reader->err) ||
		!quest_need(reader, node, "url", "a probe") ||
		!scenario_read_text(reader, yaml_get(node, "url"), "url of a probe", &out->url) ||
		!quest_check_url(reader, yaml_get(node, "url"), "url of a probe", out->url) ||
		!scenario_read_fields(reader, node, fields, out) ||
		!read_method(reader, node, out) ||
		!read_status(reader, yaml_get(node, "status"), out) ||
		!quest_read_path(reader, node, "ca_file", &out->ca_file) ||
		!quest_read_path(reader, node, "bearer_token_file", &out->bearer_token_file))
		return false;
	if (yaml_get(node, "follow_redirects") &&
		!yaml_bool(yaml_get(node, "follow_redirects"), reader->file, "follow_redirects",
			&out->follow_redirects, reader->err))
		return false;
	return !yaml_get(node, "contains") ||
	       quest_read_regex(reader, yaml_get(node, "contains"), "contains", ".*(?:", ").*",
		       &out->contains_text, &out->contains);
}

bool quest_file_read_kind(const struct scenario_reader *reader, struct str exercise,
	const struct yaml_node *node, struct quest_condition *out)
{
	static const char *const kinds[] = {"expr", "probe", "push", "award"};
	static const char *const queries[] = {"instant", "seen", "doubt"};
	size_t given = 0;
	bool is_set = true;

	for (size_t i = 0; i < 4; i++)
		if (yaml_get(node, kinds[i])) {
			given++;
			out->kind = (enum quest_condition_kind)i;
		}
	if (given > 1)
		return yaml_error(reader->err, reader->file, node,
			"condition \"%.*s\" must have one of expr, probe, push and award, not %zu",
			STR_ARG(out->name), given);
	for (size_t i = 0; i < 3; i++)
		if (yaml_get(node, queries[i]))
			return yaml_error(reader->err, reader->file, yaml_get(node, queries[i]),
				"%s goes with expr; a %s knows its own instant", queries[i],
				kinds[out->kind]);
	const struct yaml_node *own = yaml_get(node, kinds[out->kind]);

	if (out->kind == QUEST_BY_PROBE) {
		out->probe = ARENA_NEW(reader->arena, struct quest_probe);
		return read_probe(reader, own, out->probe) && make_queries(reader, exercise, out);
	}
	if (!yaml_bool(own, reader->file, kinds[out->kind], &is_set, reader->err))
		return false;
	return is_set ? make_queries(reader, exercise, out)
		      : yaml_error(reader->err, reader->file, own,
				"%s: true, or leave the line out", kinds[out->kind]);
}
