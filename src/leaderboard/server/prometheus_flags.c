/*
 * /api/v1/status/flags: Prometheus's options, each with the value by which this program behaves as
 * it does. Tools look some of them up (Thanos the block durations, Grafana the features). What an
 * option is about and we do not have (alert managers, an agent, consoles) is off, empty or 0.
 */
#include "base/json.h"
#include "base/number.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/server_private.h"

/* Sorted by name, as Go prints a map; NULL: write_own knows. */
static const struct flag {
	const char *name, *value;
} flags[] = {
	{"agent", "false"},
	{"alertmanager.drain-notification-queue-on-shutdown", "false"},
	{"alertmanager.notification-batch-size", "0"},
	{"alertmanager.notification-queue-capacity", "0"},
	{"auto-gomaxprocs", "false"},
	{"auto-gomemlimit", "false"},
	{"auto-gomemlimit.ratio", "0"},
	{"config.auto-reload-interval", "0s"},
	{"config.file", ""},
	{"enable-feature", NULL},
	{"log.format", "logfmt"},
	{"log.level", "info"},
	{"query.lookback-delta", NULL},
	{"query.max-concurrency", NULL},
	{"query.max-samples", NULL},
	{"query.timeout", NULL},
	{"rules.alert.for-grace-period", "0s"},
	{"rules.alert.for-outage-tolerance", "0s"},
	{"rules.alert.resend-delay", "0s"},
	{"rules.max-concurrent-evals", "1"},
	{"scrape.adjust-timestamps", "false"},
	{"scrape.discovery-reload-interval", "0s"},
	{"scrape.timestamp-tolerance", "0s"},
	{"storage.agent.no-lockfile", "false"},
	{"storage.agent.path", ""},
	{"storage.agent.retention.max-time", "0s"},
	{"storage.agent.retention.min-time", "0s"},
	{"storage.agent.wal-compression", "false"},
	{"storage.agent.wal-compression-type", "none"},
	{"storage.agent.wal-segment-size", "0B"},
	{"storage.agent.wal-truncate-frequency", "0s"},
	{"storage.remote.flush-deadline", "0s"},
	{"storage.remote.read-concurrent-limit", NULL},
	{"storage.remote.read-max-bytes-in-frame", "0"},
	{"storage.remote.read-sample-limit", NULL},
	{"storage.tsdb.allow-overlapping-compaction", "false"},
	{"storage.tsdb.delayed-compaction.max-percent", "0"},
	{"storage.tsdb.head-chunks-write-queue-size", "0"},
	{"storage.tsdb.max-block-chunk-segment-size", "0B"},
	{"storage.tsdb.max-block-duration", "0s"},
	{"storage.tsdb.min-block-duration", "0s"},
	{"storage.tsdb.no-lockfile", "true"},
	{"storage.tsdb.path", ""},
	{"storage.tsdb.retention.size", "0B"},
	{"storage.tsdb.retention.time", "0s"},
	{"storage.tsdb.samples-per-chunk", "0"},
	{"storage.tsdb.wal-compression", "false"},
	{"storage.tsdb.wal-compression-type", "none"},
	{"storage.tsdb.wal-segment-size", "0B"},
	{"web.config.file", ""},
	{"web.console.libraries", ""},
	{"web.console.templates", ""},
	{"web.cors.origin", ".*"},
	{"web.enable-admin-api", "false"},
	{"web.enable-lifecycle", "false"},
	{"web.enable-remote-write-receiver", "false"},
	{"web.external-url", ""},
	{"web.listen-address", NULL},
	{"web.local-assets", ""},
	{"web.max-connections", "1024"},
	{"web.max-notifications-subscribers", "0"},
	{"web.page-title", "Railquest"},
	{"web.read-timeout", "20s"},
	{"web.remote-write-receiver.accepted-protobuf-messages", ""},
	{"web.route-prefix", "/"},
	{"web.user-assets", ""},
};

static void write_features(struct buffer *out, unsigned features)
{
	static const struct {
		unsigned feature;
		const char *name;
	} names[] = {
		{PROMQL_EXPERIMENTAL_FUNCTIONS, "promql-experimental-functions"},
		{PROMQL_DURATION_EXPRESSIONS, "promql-duration-expr"},
		{PROMQL_EXTENDED_SELECTORS, "promql-extended-range-selectors"},
		{PROMQL_FILL_MODIFIERS, "promql-binop-fill-modifiers"},
		{PROMQL_DELAYED_NAMES, "promql-delayed-name-removal"},
		{PROMQL_START_TIMESTAMPS, "use-start-timestamps"},
		{PROMQL_TYPE_AND_UNIT, "type-and-unit-labels"},
	};
	size_t written = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (features & names[i].feature)
			buffer_printf(out, "%s%s", written++ ? "," : "", names[i].name);
}

/* Those that the program was started with. */
static void write_own(struct buffer *out, const struct server *server, const char *name)
{
	const struct server_options *options = &server->options;

	if (strcmp(name, "enable-feature") == 0)
		write_features(out, options->features);
	else if (strcmp(name, "query.lookback-delta") == 0)
		promql_print_duration(out, options->lookback_ms);
	else if (strcmp(name, "query.timeout") == 0)
		promql_print_duration(out, options->query_timeout_ms);
	else if (strcmp(name, "web.listen-address") == 0)
		buffer_append_text(out, http_server_address(server->http));
	else if (strstr(name, "concurren"))
		buffer_append_int(out, (int64_t)options->query_max_concurrency);
	else
		buffer_append_int(out, (int64_t)options->query_max_samples);
}

void prometheus_flags(struct http_request *request, void *context)
{
	struct buffer out = {0}, own = {0};

	prometheus_begin(&out);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		buffer_clear(&own);
		if (!flags[i].value)
			write_own(&own, context, flags[i].name);
		buffer_printf(&out, "%c\"%s\":", i ? ',' : '{', flags[i].name);
		json_string(&out, flags[i].value ? str_from(flags[i].value) : buffer_str(&own));
	}
	buffer_append_char(&out, '}');
	prometheus_end(&out, NULL, false);
	buffer_finish(&own);
	http_answer_buffer(request, 200, PROMETHEUS_JSON, out);
}
