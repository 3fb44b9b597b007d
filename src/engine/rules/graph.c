/*
 * Who reads whom. An edge runs from a reader to each rule that may record a series one of its
 * selectors matches; strongly connected components (Tarjan) are what feeds on itself. Everything is
 * decided on what can be known before any data: a record's name and the labels that its rule sets.
 * Where that does not exclude it, it is a yes.
 */
#include "engine/rules/engine.h"

#include "base/memory.h"

#include <stdlib.h>

struct edges {
	size_t *to;
	size_t count, capacity;
};

struct graph {
	struct state *states;
	size_t count;
	struct edges *edges;
	struct map by_name; // record -> first state's index + 1
	size_t *same_name;  // next state with the same record, SIZE_MAX at the end
	size_t *writers;    // union-find over rules that may write the same series
	size_t *read_by;    // the last reader that got an edge to it, + 1
	bool *has_subquery;
	bool *reads_later; // a selector may match what ranks at or after the reader
	size_t reader;	   // of the walk
};

// The same edge twice does no harm.
static void add_edge(struct graph *graph, size_t from, size_t to)
{
	struct edges *edges = &graph->edges[from];

	edges->to = memory_grow(edges->to, &edges->capacity, edges->count + 1, sizeof *edges->to);
	edges->to[edges->count++] = to;
}

static bool is_dropped(const struct rules_rule *rule, struct str name)
{
	for (size_t i = 0; i < rule->dropped_count; i++)
		if (str_equal(rule->dropped[i], name))
			return true;
	return false;
}

// The value that a rule gives a label, whatever its expression returns; false where that decides.
static bool fixed_label(const struct rules_rule *rule, struct str name, struct str *out)
{
	*out = str_equal(name, SERIES_METRIC_NAME) ? rule->name : labels_get(rule->labels, name);
	return out->len || is_dropped(rule, name);
}

static bool may_match(const struct promql_expr *selector, const struct rules_rule *rule)
{
	for (size_t i = 0; i < selector->selector.matcher_count; i++) {
		const struct matcher *matcher = &selector->selector.matchers[i];
		struct str value;

		if (fixed_label(rule, matcher->name, &value) && !matcher_matches(matcher, value))
			return false;
	}
	return true;
}

static bool fixes_differently(const struct rules_rule *a, const struct rules_rule *b)
{
	struct str other;

	for (size_t i = 0; i < a->labels->count; i++) {
		const struct label *label = &a->labels->items[i];

		if (fixed_label(b, label->name, &other) && !str_equal(label->value, other))
			return true;
	}
	return false;
}

static bool may_write_same(const struct rules_rule *a, const struct rules_rule *b)
{
	return !fixes_differently(a, b) && !fixes_differently(b, a);
}

static void link_reader(struct graph *graph, const struct promql_expr *selector, size_t writer)
{
	// A reader's selectors are walked together, so that one mark per writer tells what it reads
	// already.
	if (graph->read_by[writer] == graph->reader + 1 ||
		!may_match(selector, graph->states[writer].rule))
		return;
	graph->read_by[writer] = graph->reader + 1;
	add_edge(graph, graph->reader, writer);
	if (writer >= graph->reader)
		graph->reads_later[graph->reader] = true;
}

static const struct matcher *exact_name(const struct promql_expr *selector)
{
	for (size_t i = 0; i < selector->selector.matcher_count; i++) {
		const struct matcher *matcher = &selector->selector.matchers[i];

		if (matcher->kind == MATCHER_EQUAL && str_equal(matcher->name, SERIES_METRIC_NAME))
			return matcher;
	}
	return NULL;
}

static size_t first_named(const struct graph *graph, struct str name)
{
	uintptr_t found = (uintptr_t)map_get(&graph->by_name, name);

	return found ? found - 1 : SIZE_MAX;
}

static void note_modifiers(struct graph *graph, const struct promql_modifiers *modifiers)
{
	struct state *state = &graph->states[graph->reader];

	if (modifiers->at != PROMQL_AT_NONE)
		state->stepwise = state->fresh_plan = true;
	if (modifiers->offset_ms < 0 && graph->has_subquery[graph->reader])
		state->stepwise = state->fresh_plan = true;
}

static bool visit_selector(const struct promql_expr *expr, void *context)
{
	struct graph *graph = context;

	if (expr->kind == PROMQL_SUBQUERY)
		note_modifiers(graph, &expr->subquery.modifiers);
	if (expr->kind != PROMQL_SELECTOR)
		return true;
	note_modifiers(graph, &expr->selector.modifiers);
	const struct matcher *name = exact_name(expr);

	if (name) {
		for (size_t i = first_named(graph, name->value); i != SIZE_MAX;
			i = graph->same_name[i])
			link_reader(graph, expr, i);
		return true;
	}
	for (size_t i = 0; i < graph->count; i++)
		link_reader(graph, expr, i);
	return true;
}

static bool visit_subquery(const struct promql_expr *expr, void *context)
{
	struct graph *graph = context;

	if (expr->kind == PROMQL_SUBQUERY)
		graph->has_subquery[graph->reader] = true;
	return !graph->has_subquery[graph->reader];
}

static size_t cluster_of(struct graph *graph, size_t i)
{
	while (graph->writers[i] != i)
		i = graph->writers[i] = graph->writers[graph->writers[i]];
	return i;
}

/*
 * Rules that may write one series: their appends must alternate in time, so they are one component.
 * The series takes the lowest of their ranks; inside the component what is there at an instant is
 * what ran before.
 */
static void join_writers(struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++)
		for (size_t j = graph->same_name[i]; j != SIZE_MAX; j = graph->same_name[j]) {
			size_t a = cluster_of(graph, i), b = cluster_of(graph, j);

			if (!may_write_same(graph->states[i].rule, graph->states[j].rule))
				continue;
			add_edge(graph, i, j);
			add_edge(graph, j, i);
			graph->writers[a > b ? a : b] = a < b ? a : b;
		}
	for (size_t i = 0; i < graph->count; i++)
		graph->states[i].recorder.rank = graph->states[cluster_of(graph, i)].rank;
}

/*
 * A reader that runs between two writers of one series sees the one's sample of an instant and not
 * the other's: rank cannot say that, so it joins them.
 */
static void join_readers_between(struct graph *graph)
{
	size_t *last = memory_alloc_array(graph->count, sizeof *last);

	for (size_t i = 0; i < graph->count; i++)
		last[cluster_of(graph, i)] = i;
	for (size_t reader = 0; reader < graph->count; reader++)
		for (size_t k = 0; k < graph->edges[reader].count; k++) {
			size_t writer = graph->edges[reader].to[k];
			size_t first = cluster_of(graph, writer);

			if (writer != reader && first < reader && reader < last[first])
				add_edge(graph, writer, reader);
		}
	free(last);
}

struct tarjan {
	struct graph *graph;
	size_t *index, *low, *stack, *calls, *next_edge;
	bool *on_stack;
	size_t counter, stack_count, call_count, component_count;
	size_t *order, order_count;
};

static void tarjan_enter(struct tarjan *tarjan, size_t node)
{
	tarjan->index[node] = tarjan->low[node] = ++tarjan->counter;
	tarjan->stack[tarjan->stack_count++] = node;
	tarjan->on_stack[node] = true;
	tarjan->calls[tarjan->call_count++] = node;
}

static int compare_sizes(const void *a, const void *b)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	return (left > right) - (left < right);
}

static void tarjan_leave(struct tarjan *tarjan, size_t node)
{
	struct state *states = tarjan->graph->states;
	size_t first = tarjan->order_count, member;

	tarjan->call_count--;
	if (tarjan->call_count) {
		size_t parent = tarjan->calls[tarjan->call_count - 1];

		if (tarjan->low[node] < tarjan->low[parent])
			tarjan->low[parent] = tarjan->low[node];
	}
	if (tarjan->low[node] != tarjan->index[node])
		return;
	do {
		member = tarjan->stack[--tarjan->stack_count];
		tarjan->on_stack[member] = false;
		states[member].component = tarjan->component_count;
		tarjan->order[tarjan->order_count++] = member;
	} while (member != node);
	tarjan->component_count++;
	qsort(tarjan->order + first, tarjan->order_count - first, sizeof *tarjan->order,
		compare_sizes);
}

// One step of the node on top of the call stack: its next edge, or its end.
static void tarjan_step(struct tarjan *tarjan)
{
	size_t node = tarjan->calls[tarjan->call_count - 1];
	const struct edges *edges = &tarjan->graph->edges[node];

	if (tarjan->next_edge[node] == edges->count) {
		tarjan_leave(tarjan, node);
		return;
	}
	size_t to = edges->to[tarjan->next_edge[node]++];

	if (!tarjan->index[to])
		tarjan_enter(tarjan, to);
	else if (tarjan->on_stack[to] && tarjan->index[to] < tarjan->low[node])
		tarjan->low[node] = tarjan->index[to];
}

// Components come out after everything that they have edges to, which is the order wanted.
static void find_components(struct graph *graph, size_t *order)
{
	struct tarjan tarjan = {.graph = graph, .order = order};
	size_t *room = memory_alloc_array(graph->count, 5 * sizeof *room);

	tarjan.index = room;
	tarjan.low = room + graph->count;
	tarjan.stack = room + 2 * graph->count;
	tarjan.calls = room + 3 * graph->count;
	tarjan.next_edge = room + 4 * graph->count;
	tarjan.on_stack = memory_alloc_array(graph->count, sizeof *tarjan.on_stack);
	for (size_t i = 0; i < graph->count; i++) {
		if (!tarjan.index[i])
			tarjan_enter(&tarjan, i);
		while (tarjan.call_count)
			tarjan_step(&tarjan);
	}
	free(room);
	free(tarjan.on_stack);
}

// Cyclic rules go instant by instant, and so do sub-queries that reach what is recorded after their
// instant.
static void decide_steps(struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		struct state *state = &graph->states[i];

		for (size_t k = 0; k < graph->edges[i].count; k++)
			if (graph->states[graph->edges[i].to[k]].component == state->component)
				state->stepwise = true;
		if (graph->has_subquery[i] && (graph->reads_later[i] || state->stepwise))
			state->stepwise = state->fresh_plan = true;
	}
}

static void index_names(struct graph *graph)
{
	for (size_t i = graph->count; i-- > 0;) {
		struct str name = graph->states[i].rule->name;

		graph->same_name[i] = first_named(graph, name);
		map_set(&graph->by_name, name, (void *)(uintptr_t)(i + 1));
	}
}

void graph_order(struct state *states, size_t count, size_t *order)
{
	struct graph graph = {.states = states, .count = count};

	if (!count)
		return;
	graph.edges = memory_alloc_array(count, sizeof *graph.edges);
	graph.same_name = memory_alloc_array(count, sizeof *graph.same_name);
	graph.writers = memory_alloc_array(count, sizeof *graph.writers);
	graph.read_by = memory_alloc_array(count, sizeof *graph.read_by);
	graph.has_subquery = memory_alloc_array(count, sizeof *graph.has_subquery);
	graph.reads_later = memory_alloc_array(count, sizeof *graph.reads_later);
	index_names(&graph);
	for (size_t i = 0; i < count; i++) {
		graph.writers[i] = graph.reader = i;
		promql_walk(states[i].rule->expr, visit_subquery, &graph);
		promql_walk(states[i].rule->expr, visit_selector, &graph);
	}
	join_writers(&graph);
	join_readers_between(&graph);
	find_components(&graph, order);
	decide_steps(&graph);
	for (size_t i = 0; i < count; i++)
		free(graph.edges[i].to);
	free(graph.edges);
	free(graph.same_name);
	free(graph.writers);
	free(graph.read_by);
	free(graph.has_subquery);
	free(graph.reads_later);
	map_finish(&graph.by_name);
}
