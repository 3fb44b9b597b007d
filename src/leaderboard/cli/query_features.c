#include "leaderboard/cli/query_features.h"

#include "base/log.h"
#include "engine/promql/promql.h"

/* Bits 0: always on here, or about something else than queries. */
static const struct {
	const char *name;
	unsigned bits;
} features[] = {
	{"promql-experimental-functions", PROMQL_EXPERIMENTAL_FUNCTIONS},
	{"promql-duration-expr", PROMQL_DURATION_EXPRESSIONS},
	{"promql-extended-range-selectors", PROMQL_EXTENDED_SELECTORS},
	{"promql-binop-fill-modifiers", PROMQL_FILL_MODIFIERS},
	{"promql-delayed-name-removal", PROMQL_DELAYED_NAMES},
	{"use-start-timestamps", PROMQL_START_TIMESTAMPS},
	{"type-and-unit-labels", PROMQL_TYPE_AND_UNIT},
	{"promql-at-modifier", 0},
	{"promql-negative-offset", 0},
	{"promql-per-step-stats", PROMQL_PER_STEP_STATS},
	{"native-histograms", 0},
};

static unsigned bits_of(struct str name)
{
	for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
		if (str_equal(name, str_from(features[i].name)))
			return features[i].bits;
	log_warn("unknown option for --enable-feature: \"%.*s\"", STR_ARG(name));
	return 0;
}

unsigned cli_features(const struct option_list *lists)
{
	unsigned bits = 0;

	for (size_t i = 0; i < lists->count; i++)
		for (const char *at = lists->items[i]; at; at = strchr(at, ',')) {
			at += *at == ',';
			struct str name = str_trim((struct str){at, strcspn(at, ",")});

			bits |= name.len ? bits_of(name) : 0;
		}
	return bits;
}
