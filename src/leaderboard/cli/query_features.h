/* cli/query_features.h — --enable-feature, with Prometheus's names. */
#ifndef LEADERBOARD_CLI_QUERY_FEATURES_H
#define LEADERBOARD_CLI_QUERY_FEATURES_H

#include "base/options.h"

/*
 * The bits (enum promql_feature) of lists such as
 * "promql-duration-expr,promql-delayed-name-removal". As in Prometheus a name that nobody knows is
 * warned of, and no error.
 */
unsigned cli_features(const struct option_list *lists);

/* A row for a command's table; `offset` is that of a struct option_list. */
#define CLI_FEATURE_OPTION(at)                                                 \
	{                                                                      \
		.name = "enable-feature", .kind = OPTION_LIST, .offset = (at), \
		.placeholder = "NAME,…",                                       \
		.help = "what Prometheus has behind the same flag, such as "   \
			"promql-experimental-functions"                        \
	}

#endif
