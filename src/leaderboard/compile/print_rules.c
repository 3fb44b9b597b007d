#include "leaderboard/compile/compile_private.h"

#include <stdio.h>

/*
 * YAML as three readers want it. A rule file and Thanos Ruler's ConfigMap take expressions as they
 * are, in block scalars. ACM's allowlist is read twice: each double quote of an expression has a
 * backslash there, and there are no groups.
 */

static void pad(struct buffer *out, size_t indent)
{
	for (size_t i = 0; i < indent; i++)
		buffer_append_char(out, ' ');
}

static void print_label(struct buffer *out, size_t indent, const char *name, struct str value)
{
	if (value.len == 0)
		return;
	pad(out, indent);
	buffer_printf(out, "%s: \"%.*s\"\n", name, STR_ARG(value));
}

static void print_rule(struct buffer *out, const struct compile_rule *rule, size_t indent)
{
	pad(out, indent);
	buffer_printf(out, "- record: %.*s\n", STR_ARG(rule->record));
	if (rule->environment.len || rule->exercise.len || rule->condition.len) {
		pad(out, indent + 2);
		buffer_append_text(out, "labels:\n");
		print_label(out, indent + 4, "environment", rule->environment);
		print_label(out, indent + 4, "exercise", rule->exercise);
		print_label(out, indent + 4, "condition", rule->condition);
	}
	pad(out, indent + 2);
	buffer_append_text(out, "expr: |-\n");
	pad(out, indent + 4);
	buffer_append_str(out, rule->expr);
	buffer_append_char(out, '\n');
}

void compile_print_rules(struct buffer *out, const struct compile_rules *rules, size_t indent)
{
	pad(out, indent);
	buffer_printf(out, "# Made by railquest compile from %.*s: edit that instead.\n",
		STR_ARG(rules->file->name));
	pad(out, indent);
	buffer_append_text(out, "groups:\n");
	pad(out, indent + 2);
	// One group: a rule sees what those before it recorded at the same instant.
	buffer_printf(out, "- name: railquest_%.*s\n", STR_ARG(rules->file->name));
	pad(out, indent + 4);
	buffer_printf(out, "interval: %llds\n",
		(long long)(rules->file->step_ms < 1000 ? 1 : rules->file->step_ms / 1000));
	pad(out, indent + 4);
	buffer_append_text(out, "rules:\n");
	for (size_t i = 0; i < rules->count; i++)
		if (!rules->items[i].on_spoke)
			print_rule(out, &rules->items[i], indent + 6);
}

static void print_head(struct buffer *out, const char *name)
{
	buffer_printf(out,
		"kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: %s\n"
		"  namespace: open-cluster-management-observability\ndata:\n",
		name);
}

void compile_print_thanos(struct buffer *out, const struct compile_rules *rules)
{
	print_head(out, "thanos-ruler-custom-rules");
	buffer_append_text(out, "  custom_rules.yaml: |\n");
	compile_print_rules(out, rules, 4);
}

static bool is_plain(struct str expr)
{
	for (size_t i = 0; i + 1 < expr.len; i++)
		if ((expr.data[i] == ':' && expr.data[i + 1] == ' ') ||
			(expr.data[i] == ' ' && expr.data[i + 1] == '#') || expr.data[i] == '\\')
			return false;
	return true;
}

static void print_escaped(struct buffer *out, struct str expr)
{
	for (size_t i = 0; i < expr.len; i++) {
		if (expr.data[i] == '"')
			buffer_append_char(out, '\\');
		buffer_append_char(out, expr.data[i]);
	}
}

bool compile_print_allowlist(
	struct buffer *out, const struct compile_rules *rules, struct error *err)
{
	bool any = false;

	print_head(out, "observability-metrics-custom-allowlist");
	if (rules->forwarded_count)
		buffer_append_text(out, "  uwl_metrics_list.yaml: |\n    names:\n");
	for (size_t i = 0; i < rules->forwarded_count; i++)
		buffer_printf(out, "    - %.*s\n", STR_ARG(rules->forwarded[i]));
	buffer_append_text(out, "  metrics_list.yaml: |\n    rules:");
	for (size_t i = 0; i < rules->count; i++) {
		const struct compile_rule *rule = &rules->items[i];

		if (!rule->on_spoke)
			continue;
		if (!is_plain(rule->expr))
			return error_set(err, ERROR_UNSUPPORTED,
				"ACM's allowlist cannot hold the expression of %.*s: it has a "
				"colon "
				"with a blank, a number sign or a backslash in it: %.*s",
				STR_ARG(rule->record), STR_ARG(rule->expr));
		buffer_printf(out, "\n    - record: %.*s\n      expr: ", STR_ARG(rule->record));
		print_escaped(out, rule->expr);
		any = true;
	}
	buffer_append_text(out, any ? "\n" : " []\n");
	return true;
}
