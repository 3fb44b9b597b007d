/* /api/v1/status: what program this is, and how it was started, in Prometheus's words. */
#include "base/clock.h"
#include "base/json.h"
#include "base/number.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/server_private.h"

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

static void answer(struct http_request *request, struct buffer out)
{
	prometheus_end(&out, NULL, false);
	http_answer_buffer(request, 200, PROMETHEUS_JSON, out);
}

static void write_text(struct buffer *out, const char *name, struct str value)
{
	buffer_printf(out, "\"%s\":", name);
	json_string(out, value);
}

/* Grafana reads the version to know what it may ask: that of the API we speak. */
void prometheus_build_info(struct http_request *request, void *context)
{
	(void)context;
	http_answer(request, 200, PROMETHEUS_JSON,
		STR("{\"status\":\"success\",\"data\":{\"version\":\"3.5.0\",\"revision\":"
		    "\"railquest-" RAILQUEST_VERSION "\",\"branch\":\"\",\"buildUser\":\"\","
		    "\"buildDate\":\"\",\"goVersion\":\"\"}}"));
}

/* --- the configuration --- */

static void write_duration(struct buffer *out, const char *name, int64_t ms)
{
	buffer_append_text(out, name);
	promql_print_duration(out, ms);
	buffer_append_char(out, '\n');
}

static void write_yaml(struct buffer *out, const struct server *server)
{
	const struct rehearse_options *options = &server->options.rehearsal;

	if (!server->race) {
		buffer_append_text(out, "global: {}\n");
		return;
	}
	const struct quest_scenario *scenario = rehearsal_scenario(server->race->rehearsal);

	buffer_append_text(out, "global:\n");
	write_duration(out, "  scrape_interval: ", scenario->scrape_interval_ms);
	write_duration(out, "  evaluation_interval: ", scenario->step_ms);
	if (options->rule_file_count)
		buffer_append_text(out, "rule_files:\n");
	for (size_t i = 0; i < options->rule_file_count; i++) {
		buffer_append_text(out, "- ");
		json_string_bare(out, str_from(options->rule_files[i]));
		buffer_append_char(out, '\n');
	}
}

/* The part of a Prometheus configuration that has a meaning here. */
void prometheus_config(struct http_request *request, void *context)
{
	struct buffer out = {0}, yaml = {0};

	write_yaml(&yaml, context);
	prometheus_begin(&out);
	buffer_append_text(&out, "{\"yaml\":");
	json_string(&out, buffer_str(&yaml));
	buffer_append_char(&out, '}');
	buffer_finish(&yaml);
	answer(request, out);
}

/* --- how it runs --- */

/* Threads of this process. */
static size_t count_threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	size_t count = 0;

	if (!folder)
		return 1;
	for (struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

static void write_place(struct buffer *out)
{
	char folder[PATH_MAX] = "", host[HOST_NAME_MAX + 1] = "";

	if (!getcwd(folder, sizeof folder))
		folder[0] = '\0';
	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	buffer_append_char(out, ',');
	write_text(out, "CWD", str_from(folder));
	buffer_append_char(out, ',');
	write_text(out, "hostname", str_from(host));
}

/* What a Go program says of its runtime is said of ours: threads, processors, no limit on memory,
 * and samples that are kept for ever (0s). */
void prometheus_runtime_info(struct http_request *request, void *context)
{
	const struct server *server = context;
	struct buffer out = {0};
	char started[32], now[32];

	clock_print_instant(started, server->started_ms);
	clock_print_instant(now, clock_wall_ms());
	prometheus_begin(&out);
	buffer_printf(&out, "{\"startTime\":\"%s\"", started);
	write_place(&out);
	buffer_printf(&out,
		",\"serverTime\":\"%s\",\"reloadConfigSuccess\":true,\"lastConfigTime\":\"%s\","
		"\"corruptionCount\":0,\"goroutineCount\":%zu,\"GOMAXPROCS\":%ld,"
		"\"GOMEMLIMIT\":9223372036854775807,\"GOGC\":\"\",\"GODEBUG\":\"\","
		"\"storageRetention\":\"0s\"}",
		now, started, count_threads(), sysconf(_SC_NPROCESSORS_ONLN));
	answer(request, out);
}

/* There is no log to replay: reading it was done before it began. */
void prometheus_replay_status(struct http_request *request, void *context)
{
	(void)context;
	http_answer(request, 200, PROMETHEUS_JSON,
		STR("{\"status\":\"success\",\"data\":{\"min\":0,\"max\":0,\"current\":0}}"));
}
