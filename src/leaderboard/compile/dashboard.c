/* A Grafana dashboard on what the rules record. Its data source is a variable, so that it can be
 * imported anywhere. */
#include "leaderboard/compile/compile_private.h"

#include "base/json.h"

static void print_text(struct buffer *out, const char *name, const char *value)
{
	buffer_printf(out, "\"%s\":", name);
	json_string(out, str_from(value));
}

static void begin_panel(struct buffer *out, int id, const char *type, const char *title, int x,
	int y, int width, int height)
{
	buffer_printf(out,
		"%s\n{\"id\":%d,\"type\":\"%s\",\"datasource\":{\"type\":\"prometheus\",\"uid\":"
		"\"${datasource}\"},\"gridPos\":{\"x\":%d,\"y\":%d,\"w\":%d,\"h\":%d},",
		id > 1 ? "," : "", id, type, x, y, width, height);
	print_text(out, "title", title);
}

static void print_target(struct buffer *out, const char *expr, bool instant)
{
	buffer_append_text(out, ",\"targets\":[{\"refId\":\"A\",");
	print_text(out, "expr", expr);
	buffer_printf(out,
		",\"legendFormat\":\"{{user}} {{cluster}}\",\"instant\":%s,\"range\":%s%s}]",
		instant ? "true" : "false", instant ? "false" : "true",
		instant ? ",\"format\":\"table\"" : "");
}

static void print_panels(struct buffer *out, const char *environment)
{
	struct buffer expr = {0};

	buffer_printf(&expr, "sort_desc(railquest_points{%suser=~\"${user:regex}\"})", environment);
	begin_panel(out, 1, "barchart", "Leaderboard", 0, 0, 24, 12);
	print_target(out, expr.data, true);
	buffer_append_text(out, ",\"options\":{\"orientation\":\"horizontal\",\"xField\":\"user\"},"
				"\"transformations\":[{\"id\":\"sortBy\",\"options\":{\"sort\":[{"
				"\"field\":\"Value\","
				"\"desc\":true}]}}]}");
	buffer_clear(&expr);
	buffer_printf(&expr, "railquest_points{%suser=~\"${user:regex}\"}", environment);
	begin_panel(out, 2, "timeseries", "Points", 0, 12, 24, 10);
	print_target(out, expr.data, false);
	buffer_append_char(out, '}');
	buffer_clear(&expr);
	buffer_printf(&expr,
		"railquest_completed_timestamp_seconds{%suser=~\"${user:regex}\"} * 1000",
		environment);
	begin_panel(out, 3, "table", "Completions", 0, 22, 16, 10);
	print_target(out, expr.data, true);
	buffer_append_text(out, ",\"fieldConfig\":{\"defaults\":{},\"overrides\":[{\"matcher\":{"
				"\"id\":\"byName\",\"options\":\"Value\"},\"properties\":[{\"id\":"
				"\"unit\",\"value\":\"dateTimeAsIso\"}]}]}}");
	buffer_clear(&expr);
	buffer_printf(&expr,
		"count by (exercise) (railquest_completed_timestamp_seconds{%suser=~\".+\"})",
		environment);
	begin_panel(out, 4, "bargauge", "Exercises completed", 16, 22, 8, 10);
	print_target(out, expr.data, true);
	buffer_append_char(out, '}');
	buffer_finish(&expr);
}

static void print_variable(struct buffer *out, const char *name, const char *query, bool multi)
{
	buffer_append_text(out, ",{\"type\":\"query\",");
	print_text(out, "name", name);
	buffer_append_char(out, ',');
	print_text(out, "definition", query);
	buffer_append_text(out, ",\"query\":{\"refId\":\"A\",");
	print_text(out, "query", query);
	buffer_printf(out,
		"},\"datasource\":{\"type\":\"prometheus\",\"uid\":\"${datasource}\"},\"refresh\":"
		"2,"
		"\"sort\":1,\"multi\":%s,\"includeAll\":%s}",
		multi ? "true" : "false", multi ? "true" : "false");
}

void compile_print_dashboard(struct buffer *out, const struct compile_rules *rules)
{
	const struct quest_file *file = rules->file;
	bool has_environments = file->environments[0].len > 0;

	buffer_append_text(out, "{\"uid\":null,\"title\":");
	json_string(out, file->title.en);
	buffer_append_text(out,
		",\"tags\":[\"railquest\"],\"schemaVersion\":39,\"refresh\":\"5s\",\"time\":{"
		"\"from\":"
		"\"now-3h\",\"to\":\"now\"},\"templating\":{\"list\":[{\"type\":\"datasource\","
		"\"name\":\"datasource\",\"query\":\"prometheus\"}");
	if (has_environments)
		print_variable(
			out, "environment", "label_values(railquest_points, environment)", false);
	print_variable(out, "user", "label_values(railquest_points, user)", true);
	buffer_append_text(out, "]},\"panels\":[");
	print_panels(out, has_environments ? "environment=\"$environment\"," : "");
	buffer_append_text(out, "]}\n");
}
