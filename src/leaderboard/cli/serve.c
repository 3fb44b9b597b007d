#include "base/log.h"
#include "base/number.h"
#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/query_features.h"
#include "leaderboard/cli/load.h"
#include "leaderboard/cli/quest_option.h"
#include "leaderboard/cli/quest_warnings.h"
#include "leaderboard/server/server.h"

struct serve_options {
	const char *quest;
	const char *rehearse;
	const char *speed;
	const char *listen;
	const char *scoring;
	struct option_list rules, set;
	int64_t players, clusters, seed;
	int64_t scrape_interval_ms;
	int64_t duration_ms;
	bool loop;
	const char *log;
	const char *range_selectors;
	struct option_list load, features;
	struct cli_load loading;
	int64_t lookback_ms, query_timeout_ms, query_max_samples, query_max_concurrency;
};

static const char *const range_selectors[] = {"open", "closed", NULL};
static const struct option serve_table[] = {
	{.name = "quest",
		.kind = OPTION_FILE,
		.offset = offsetof(struct serve_options, quest),
		.placeholder = "FILE",
		.help = "a real race: its quest file says where metrics come from"},
	{.name = "rehearse",
		.kind = OPTION_FILE,
		.offset = offsetof(struct serve_options, rehearse),
		.placeholder = "SCENARIO",
		.help = "what to play: bench, workshop (the default), or a scenario file"},
	CLI_LOAD_OPTIONS(offsetof(struct serve_options, load),
		offsetof(struct serve_options, loading.format),
		offsetof(struct serve_options, loading.origin)),
	{.name = "speed",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct serve_options, speed),
		.placeholder = "N|max",
		.help = "virtual seconds that pass in a second; max: as many as the machine can",
		.fallback = "60"},
	{.name = "listen",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct serve_options, listen),
		.placeholder = "HOST:PORT",
		.help = "address to listen on; port 0 picks a free one",
		.fallback = "127.0.0.1:8080",
		.environment = "RAILQUEST_LISTEN"},
	{.name = "scoring",
		.kind = OPTION_CHOICE,
		.offset = offsetof(struct serve_options, scoring),
		.placeholder = "NAME",
		.help = "how completions become points",
		.choices = quest_scoring_names},
	{.name = "rules",
		.kind = OPTION_LIST,
		.offset = offsetof(struct serve_options, rules),
		.placeholder = "FILE",
		.help = "score by recording rules instead; several files are evaluated in this "
			"order"},
	{.name = "set",
		.kind = OPTION_LIST,
		.offset = offsetof(struct serve_options, set),
		.placeholder = "NAME=VALUE",
		.help = "value of ${NAME} in the scenario and the rules"},
	{.name = "players",
		.kind = OPTION_INT,
		.offset = offsetof(struct serve_options, players),
		.placeholder = "N",
		.help = "seats of a simulated workshop",
		.min = 1,
		.max = QUEST_MAX_PLAYERS},
	{.name = "clusters",
		.kind = OPTION_INT,
		.offset = offsetof(struct serve_options, clusters),
		.placeholder = "N",
		.help = "clusters that the seats are spread over",
		.min = 1,
		.max = 64},
	{.name = "seed",
		.kind = OPTION_INT,
		.offset = offsetof(struct serve_options, seed),
		.placeholder = "N",
		.help = "another seed, another workshop; the same seed, the same one",
		.max = 9007199254740991.0},
	{.name = "scrape-interval",
		.kind = OPTION_DURATION,
		.offset = offsetof(struct serve_options, scrape_interval_ms),
		.placeholder = "TIME",
		.help = "time between two scrapes: the same race, sampled otherwise",
		.min = 1000,
		.max = 86400000},
	{.name = "duration",
		.kind = OPTION_DURATION,
		.offset = offsetof(struct serve_options, duration_ms),
		.placeholder = "TIME",
		.help = "stop serving after this much real time, instead of on Ctrl-C"},
	{.name = "loop",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct serve_options, loop),
		.help = "start the race again 15 s after its end"},
	{.name = "log",
		.kind = OPTION_FILE,
		.offset = offsetof(struct serve_options, log),
		.placeholder = "FILE",
		.help = "keep the event log in this SQLite file"},
	{.name = "range-selectors",
		.kind = OPTION_CHOICE,
		.offset = offsetof(struct serve_options, range_selectors),
		.placeholder = "EDGE",
		.help = "whether a window includes its left edge: closed is Prometheus 2.x",
		.fallback = "open",
		.choices = range_selectors},
	CLI_FEATURE_OPTION(offsetof(struct serve_options, features)),
	{.name = "lookback",
		.kind = OPTION_DURATION,
		.offset = offsetof(struct serve_options, lookback_ms),
		.placeholder = "DURATION",
		.help = "how long a sample counts where no later one follows",
		.fallback = "5m",
		.min = 1,
		.max = 1e13},
	{.name = "query-timeout",
		.kind = OPTION_DURATION,
		.offset = offsetof(struct serve_options, query_timeout_ms),
		.placeholder = "DURATION",
		.help = "how long a query may take",
		.fallback = "2m",
		.min = 1,
		.max = 1e10},
	{.name = "query-max-samples",
		.kind = OPTION_INT,
		.offset = offsetof(struct serve_options, query_max_samples),
		.placeholder = "N",
		.help = "how many samples a query may hold at once",
		.fallback = "50000000",
		.min = 1,
		.max = 9e15},
	{.name = "query-max-concurrency",
		.kind = OPTION_INT,
		.offset = offsetof(struct serve_options, query_max_concurrency),
		.placeholder = "N",
		.help = "how many queries may run at once; others wait",
		.fallback = "20",
		.min = 1,
		.max = 256},
	{0},
};

/* "60" or "max", which is 0 for the server. */
static bool read_speed(const char *text, double *speed)
{
	*speed = 0;
	if (strcmp(text, "max") == 0)
		return true;
	return number_parse(str_from(text), speed) && *speed > 0 && *speed <= 1e6;
}

static int fail(const struct error *err)
{
	fprintf(stderr, "railquest serve: %s\n", err->text);
	return 1;
}

static int serve(const struct server_options *options)
{
	struct error err = {0};
	struct server *server = server_create(options, &err);

	if (!server)
		return fail(&err);
	printf("listening on http://%s\n", server_address(server));
	fflush(stdout);
	bool ok = server_run(server, &err);

	server_destroy(server);
	return ok ? 0 : fail(&err);
}

/* What is served: a real race, or what --load read, or, with neither, a rehearsal. */
struct subject {
	const struct quest_file *quest;
	struct tsdb *db;
	const struct scrape_catalog *catalog;
};

static int serve_with(const struct serve_options *options, struct subject subject)
{
	const unsigned features = cli_features(&options->features);
	struct server_options server = {
		.rehearsal =
			{
				.scenario = options->rehearse ? options->rehearse : "workshop",
				.players = options->players,
				.clusters = options->clusters,
				.seed = options->seed,
				.scrape_interval_ms = options->scrape_interval_ms,
				.scoring = options->scoring,
				.rule_files = options->rules.items,
				.rule_file_count = options->rules.count,
				.settings = options->set.items,
				.setting_count = options->set.count,
				.closed_ranges = strcmp(options->range_selectors, "closed") == 0,
				.features = features,
				.log_path = options->log,
			},
		.quest = subject.quest,
		.log_path = options->log,
		.loaded = subject.db,
		.catalog = subject.catalog,
		.features = features,
		.lookback_ms = options->lookback_ms,
		.query_timeout_ms = options->query_timeout_ms,
		.query_max_samples = (uint64_t)options->query_max_samples,
		.query_max_concurrency = (size_t)options->query_max_concurrency,
		.listen = options->listen,
		.duration_ms = options->duration_ms,
		.loop = options->loop,
	};

	if (subject.quest)
		server.speed = 1;
	else if (!read_speed(options->speed, &server.speed))
		return options_usage_error(&cli_serve_command,
			"--speed \"%s\": a number above 0 and up to 1000000, or max",
			options->speed);
	if (options->loop && options->log)
		return options_usage_error(&cli_serve_command,
			"--loop and --log: a log holds one race; leave one of them out");
	return serve(&server);
}

/* What is about a rehearsal has no meaning for a real race, or samples that are there already. */
static bool is_about_rehearsal(const struct serve_options *options)
{
	return options->rehearse || options->scoring || options->rules.count || options->loop ||
	       options->players >= 0 || options->clusters >= 0 || options->seed >= 0 ||
	       options->scrape_interval_ms;
}

static int serve_quest(const struct serve_options *options)
{
	struct arena arena = {0};
	struct quest_file file;
	struct error err = {0};
	int exit_code;

	if (is_about_rehearsal(options) || options->load.count)
		return options_usage_error(&cli_serve_command,
			"--quest is a real race, and its file says all about it; leave out what is "
			"about a rehearsal");
	if (!cli_quest_read(options->quest, &options->set, &arena, &file, NULL, &err)) {
		arena_finish(&arena);
		return fail(&err);
	}
	struct quest_warnings warnings = cli_quest_warnings(&file, &arena);

	for (size_t i = 0; i < warnings.count; i++)
		log_warn("%s: %.*s", options->quest, STR_ARG(warnings.items[i]));
	exit_code = serve_with(options, (struct subject){.quest = &file});
	quest_file_release(&file);
	arena_finish(&arena);
	return exit_code;
}

static int serve_loaded(const struct serve_options *options)
{
	if (is_about_rehearsal(options) || options->set.count || options->log)
		return options_usage_error(&cli_serve_command,
			"--load serves samples that are there; leave out what plays a race");
	struct tsdb *db = tsdb_create(0);
	struct scrape_catalog *catalog = scrape_catalog_create();
	int exit_code = cli_load_files(
		&cli_serve_command, &options->load, &options->loading, tsdb_sink(db), catalog);

	if (!exit_code)
		exit_code = serve_with(options, (struct subject){.db = db, .catalog = catalog});
	scrape_catalog_destroy(catalog);
	tsdb_destroy(db);
	return exit_code;
}

static int run(int argc, char **argv)
{
	struct serve_options options = {.players = -1, .clusters = -1, .seed = -1};
	int exit_code;

	if (!options_read(&cli_serve_command, &options, &argc, argv, &exit_code))
		return exit_code;
	exit_code = options.quest	 ? serve_quest(&options)
		    : options.load.count ? serve_loaded(&options)
					 : serve_with(&options, (struct subject){0});
	options_list_finish(&options.load);
	options_list_finish(&options.features);
	options_list_finish(&options.rules);
	options_list_finish(&options.set);
	return exit_code;
}

const struct command cli_serve_command = {
	.name = "serve",
	.summary = "show a race on the network, a real one or a rehearsal",
	.description =
		"With --quest: a real race. Its sources are asked or scraped, what they prove is "
		"kept in the log (--log FILE; in memory without), and the board is drawn from it; "
		"started again with the same log it goes on where it was.\n\n"
		"Else it plays a rehearsal in virtual time. Either way it serves it over HTTP: the "
		"pages / and "
		"/stage, "
		"the race as "
		"JSON and as a live stream under /api/quest, and Prometheus's query API under "
		"/api/v1 on the race's "
		"series, for Grafana and scripts. After the end the final board stays. The "
		"address is printed on "
		"standard output once it is listened on.\n\n"
		"With --load no race is played: the files' samples are served under /api/v1. A "
		"file "
		"is OpenMetrics text (its last line is # EOF), Prometheus's text format (times in "
		"milliseconds), or in the test language that `railquest promqltest` runs: what its "
		"load blocks leave at its end, native histograms included. Samples without a time "
		"get the time of the start.\n\n"
		"It listens on this machine alone unless --listen says otherwise: what it serves "
		"is not protected by "
		"any password. Ends on Ctrl-C or SIGTERM with 0.",
	.examples =
		"  railquest serve --quest quest.yaml --log race.db\n"
		"  railquest serve --rehearse bench --speed 1\n"
		"  railquest serve --load metrics.om --load histograms.test --listen 127.0.0.1:0\n"
		"  railquest serve --players 96 --seed 7 --speed 60 --listen 127.0.0.1:0\n"
		"  railquest serve --speed max --scoring arrival --loop\n",
	.options = serve_table,
	.run = run,
};
