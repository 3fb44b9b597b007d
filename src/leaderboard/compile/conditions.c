/*
 * Conditions as rules. For each: when it was first seen to hold in the present span
 * (railquest_condition_rose) and since when it holds (railquest_condition_since): the metric's own
 * instant, or without one the last observation in doubt, or when it rose. A rule may read what it
 * recorded itself: where the condition stops holding the series ends, and a new span begins.
 */
#include "leaderboard/compile/compile_private.h"

#include "base/memory.h"

/* Whom the series of a query speak for. */
enum scope { SCOPE_PLAYER, SCOPE_CLUSTER, SCOPE_ALL };

static bool names_hold(const struct promql_expr *expr, const char *name)
{
	for (size_t i = 0; i < expr->aggregate.name_count; i++)
		if (str_equal(expr->aggregate.names[i], str_from(name)))
			return true;
	return false;
}

/* Known where the outermost operation says which labels stay; else players have series. */
static enum scope scope_of(const struct promql_expr *expr)
{
	while (expr->kind == PROMQL_PAREN)
		expr = expr->paren;
	if (expr->kind != PROMQL_AGGREGATE || expr->aggregate.without || names_hold(expr, "user"))
		return SCOPE_PLAYER;
	return names_hold(expr, "cluster") ? SCOPE_CLUSTER : SCOPE_ALL;
}

/* --- where queries are evaluated --- */

/* Metrics of the platform are known to each cluster's own Prometheus; those of the workshop's
 * services come from user-workload monitoring, which cannot compute before it sends. */
static bool is_platform(struct str name)
{
	static const char *const prefixes[] = {"kube_", "openshift_", "cluster_", "node_",
		"container_", "machine_", "kubelet_", "up", NULL};

	for (size_t i = 0; prefixes[i]; i++)
		if (str_starts_with(name, str_from(prefixes[i])))
			return true;
	return false;
}

struct metric_walk {
	struct compile_rules *rules;
	bool all_platform;
};

static bool visit(const struct promql_expr *expr, void *context)
{
	struct metric_walk *walk = context;

	if (expr->kind == PROMQL_SELECTOR &&
		(expr->selector.name.len == 0 || !is_platform(expr->selector.name)))
		walk->all_platform = false;
	return true;
}

static bool forward(const struct promql_expr *expr, void *context)
{
	struct compile_rules *rules = ((struct metric_walk *)context)->rules;

	if (expr->kind != PROMQL_SELECTOR || expr->selector.name.len == 0)
		return true;
	for (size_t i = 0; i < rules->forwarded_count; i++)
		if (str_equal(rules->forwarded[i], expr->selector.name))
			return true;
	rules->forwarded = memory_grow(rules->forwarded, &rules->forwarded_capacity,
		rules->forwarded_count + 1, sizeof *rules->forwarded);
	rules->forwarded[rules->forwarded_count++] = expr->selector.name;
	return true;
}

static struct str print_query(struct compile_rules *rules, const struct quest_query *query)
{
	struct buffer text = {0};

	promql_print(&text, query->expr);
	struct str out = str_copy(rules->arena, buffer_str(&text));

	buffer_finish(&text);
	return out;
}

/* The query's text, or the name of what the spokes record of it. */
static struct str place_query(struct compile_rules *rules, const struct quest_query *query,
	const char *what, struct str environment, struct str exercise, struct str condition)
{
	struct metric_walk walk = {rules, true};
	struct str text = print_query(rules, query);

	if (!rules->has_spokes)
		return text;
	promql_walk(query->expr, visit, &walk);
	if (!walk.all_platform) {
		promql_walk(query->expr, forward, &walk);
		return text;
	}
	// A spoke has no groups and no labels to add: the name says all.
	struct str name =
		str_format(rules->arena, "railquest_%s:%.*s%s%.*s:%.*s", what, STR_ARG(exercise),
			environment.len ? ":" : "", STR_ARG(environment), STR_ARG(condition));
	char *bytes = arena_copy(rules->arena, name.data, name.len);

	for (size_t i = 0; i < name.len; i++)
		if (bytes[i] == '-')
			bytes[i] = '_';
	name.data = bytes;
	compile_add(rules, (struct compile_rule){.record = name, .expr = text, .on_spoke = true});
	return name;
}

/* --- texts --- */

/* `value` for each player of `holds` (one series each), whomever it speaks for. */
static struct str for_players(struct compile_rules *rules, struct str holds, struct str value,
	enum scope scope, const char *aggregator)
{
	switch (scope) {
	case SCOPE_PLAYER:
		return str_format(rules->arena,
			"(%.*s * 0 + on (cluster, user) %s by (cluster, user) (%.*s))",
			STR_ARG(holds), aggregator, STR_ARG(value));
	case SCOPE_CLUSTER:
		return str_format(rules->arena,
			"(%.*s * 0 + on (cluster) group_left () %s by (cluster) (%.*s))",
			STR_ARG(holds), aggregator, STR_ARG(value));
	case SCOPE_ALL:
		return str_format(rules->arena, "(%.*s * 0 + scalar(%s(%.*s)))", STR_ARG(holds),
			aggregator, STR_ARG(value));
	}
	abort();
}

struct compiled {
	struct str holds, seen, instant, doubt; // instant and doubt may be empty
};

static void add_holds(struct compile_rules *rules, const struct quest_condition *condition,
	struct str environment, struct str exercise)
{
	struct str text = place_query(
		rules, &condition->expr, "holds", environment, exercise, condition->name);

	compile_add(rules, (struct compile_rule){
				   .record = STR("railquest_condition_holds"),
				   .environment = environment,
				   .exercise = exercise,
				   .condition = condition->name,
				   .expr = str_format(rules->arena,
					   "max by (cluster, user) (%.*s) > 0", STR_ARG(text)),
			   });
}

static struct compiled place_condition(struct compile_rules *rules,
	const struct quest_condition *condition, struct str environment, struct str exercise)
{
	struct compiled out = {0};
	struct str text;

	out.holds = compile_fresh(rules, compile_selector(rules, "railquest_condition_holds",
						 environment, exercise, condition->name));
	out.seen = str_format(rules->arena, "(%.*s * 0 + time())", STR_ARG(out.holds));
	if (condition->seen.expr) {
		text = place_query(
			rules, &condition->seen, "seen", environment, exercise, condition->name);
		text = for_players(rules, out.holds, text, scope_of(condition->seen.expr), "max");
		out.seen = str_format(rules->arena, "(%.*s or on (cluster, user) %.*s)",
			STR_ARG(text), STR_ARG(out.seen));
	}
	if (condition->instant.expr) {
		text = place_query(rules, &condition->instant, "instant", environment, exercise,
			condition->name);
		text = str_format(rules->arena, "(%.*s) > 0", STR_ARG(text));
		out.instant = for_players(
			rules, out.holds, text, scope_of(condition->instant.expr), "min");
	}
	if (condition->doubt.expr) {
		text = place_query(
			rules, &condition->doubt, "doubt", environment, exercise, condition->name);
		text = for_players(rules, out.holds, text, scope_of(condition->doubt.expr), "max");
		out.doubt = str_format(rules->arena, "(%.*s > 0)", STR_ARG(text));
	}
	return out;
}

/* The metric's instant; without one the last observation in doubt, else the first. */
static struct str since_of(struct compile_rules *rules, const struct compiled *own, struct str rose)
{
	struct str since = str_format(rules->arena, "max by (cluster, user) (%.*s)", STR_ARG(rose));

	if (own->doubt.len)
		since = str_format(rules->arena,
			"(%.*s and on (cluster, user) %.*s) or on (cluster, user) %.*s",
			STR_ARG(own->seen), STR_ARG(own->doubt), STR_ARG(since));
	if (own->instant.len)
		since = str_format(rules->arena, "%.*s or on (cluster, user) %.*s",
			STR_ARG(own->instant), STR_ARG(since));
	return str_format(rules->arena, "(%.*s) and on (cluster, user) %.*s", STR_ARG(since),
		STR_ARG(own->holds));
}

static void add_condition(struct compile_rules *rules, const struct quest_condition *condition,
	struct str environment, struct str exercise)
{
	struct compile_rule rule = {
		.environment = environment, .exercise = exercise, .condition = condition->name};
	struct str rose = compile_selector(
		rules, "railquest_condition_rose", environment, exercise, condition->name);

	add_holds(rules, condition, environment, exercise);
	struct compiled own = place_condition(rules, condition, environment, exercise);

	rule.record = STR("railquest_condition_rose");
	rule.expr = str_format(rules->arena,
		"(max by (cluster, user) (%.*s) and on (cluster, user) %.*s) or on (cluster, user) "
		"%.*s",
		STR_ARG(rose), STR_ARG(own.holds), STR_ARG(own.seen));
	compile_add(rules, rule);
	rule.record = STR("railquest_condition_since");
	rule.expr = since_of(rules, &own, rose);
	compile_add(rules, rule);
	if (!own.doubt.len || own.instant.len)
		return;
	// What restarted and carries no instant was only seen by itself.
	rule.record = STR("railquest_condition_alone");
	rule.expr = str_format(rules->arena, "%.*s and on (cluster, user) %.*s", STR_ARG(own.seen),
		STR_ARG(own.doubt));
	compile_add(rules, rule);
}

bool compile_conditions(struct compile_rules *rules, size_t environment, struct error *err)
{
	const struct quest *quest = &rules->file->quests[environment];
	struct str name = rules->file->environments[environment];

	for (size_t i = 0; i < quest->exercise_count; i++)
		for (size_t j = 0; j < quest->exercises[i].condition_count; j++) {
			const struct quest_condition *condition =
				&quest->exercises[i].conditions[j];

			if (!condition->counts)
				continue;
			if (condition->kind != QUEST_BY_METRICS)
				return error_set(err, ERROR_UNSUPPORTED,
					"condition %.*s of %.*s is known by a probe, a push or an "
					"award: no rule of a distributed stack can know it",
					STR_ARG(condition->name),
					STR_ARG(quest->exercises[i].name));
			add_condition(rules, condition, name, quest->exercises[i].name);
		}
	return true;
}
