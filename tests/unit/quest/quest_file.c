#include "base/file.h"
#include "leaderboard/quest/quest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static const char head[] = "quest: first\n"
			   "start: 2026-06-12T14:00:00+02:00\n"
			   "duration: 2h\n"
			   "unit: 5m\n";
static const char exercises[] = "exercises:\n"
				"  - name: hello\n"
				"    nominal_end: 60m\n"
				"    points: 50\n"
				"    conditions:\n"
				"      - {name: deployed, expr: 'deployed > 0'}\n";

static struct quest_file file;
static struct arena arena;

static bool read_text(struct str text, struct error *err)
{
	static const struct quest_variable given[] = {{{"GIVEN", 5}, {"given", 5}}};

	quest_file_release(&file);
	arena_finish(&arena);
	return quest_file_read(text, "dir/race.yaml", given, 1, &arena, &file, err);
}

static void check_read(const char *a, const char *b, const char *c)
{
	struct buffer text = {0};
	struct error err = {0};

	buffer_printf(&text, "%s%s%s", a, b, c);
	if (!read_text(buffer_str(&text), &err))
		fail_msg("%s", err.text);
	buffer_finish(&text);
}

static void check_fails(const char *a, const char *b, const char *c, const char *says)
{
	struct buffer text = {0};
	struct error err = {0};

	buffer_printf(&text, "%s%s%s", a, b, c);
	if (read_text(buffer_str(&text), &err))
		fail_msg("was read: %.*s", STR_ARG(buffer_str(&text)));
	assert_int_equal(err.kind, ERROR_INVALID);
	if (strncmp(err.text, says, strlen(says)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", err.text, says);
	buffer_finish(&text);
}

static void check_text(struct str actual, const char *expected)
{
	if (!str_equal(actual, str_from(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(actual), expected);
}

static struct quest_player player(const char *user, const char *cluster)
{
	return (struct quest_player){.cluster = str_from(cluster), .user = str_from(user)};
}

static void little_is_needed(void **state)
{
	(void)state;
	check_read(head, exercises, "");
	check_text(file.name, "first");
	check_text(file.title.fr, "first");
	assert_int_equal(file.start_ms, INT64_C(1781265600000));
	assert_int_equal(file.step_ms, 5000);
	assert_true(file.freeze_ms == QUEST_NEVER);
	assert_int_equal(file.environment_count, 1);
	assert_int_equal(file.environments[0].len, 0);
	assert_int_equal(file.quests[0].exercise_count, 1);
	assert_int_equal(file.language_count, 2);
	assert_int_equal(file.scoring_count, QUEST_SCORING_COUNT);
	assert_int_equal(file.source_count, 0);
	assert_true(file.clocks == QUEST_CLOCKS_CORRECT);
	// One number is the weight under every scoring.
	assert_true(file.quests[0].exercises[0].points[QUEST_AUTHOR_2024].weight == 50);
	assert_true(file.quests[0].exercises[0].points[QUEST_OCTAVE_DESIGN].weight == 50);
	assert_true(file.scorings[QUEST_ARRIVAL].parameters[0].weight == 50);
}

static void each_environment_has_its_own_queries(void **state)
{
	(void)state;
	check_read(head,
		"environments: [dev, prod]\n"
		"environment: prod\n"
		"variables: {NAME: up}\n",
		"exercises:\n"
		"  - name: hello\n"
		"    nominal_end: 60m\n"
		"    conditions:\n"
		"      - {name: deployed, expr: '${NAME}{env=\"${ENV}\",who=\"${GIVEN}\"}'}\n"
		"      - {name: jury, award: true}\n");
	assert_int_equal(file.environment_count, 2);
	assert_int_equal(file.environment, 1);
	check_text(file.quests[0].exercises[0].conditions[0].expr.text,
		"up{env=\"dev\",who=\"given\"}");
	check_text(file.quests[1].exercises[0].conditions[0].expr.text,
		"up{env=\"prod\",who=\"given\"}");
	check_text(file.quests[1].exercises[0].conditions[1].instant.text,
		"quest_condition_time_seconds{exercise=\"hello\",condition=\"jury\",environment="
		"\"prod\"}");
	assert_int_equal(quest_file_environment(&file, STR("dev")), 0);
	assert_true(quest_file_environment(&file, STR("preprod")) == SIZE_MAX);
}

static void a_condition_may_be_a_probe(void **state)
{
	const struct quest_probe *probe;

	(void)state;
	check_read(head,
		"exercises:\n"
		"  - name: hello\n"
		"    nominal_end: 60m\n"
		"    conditions:\n"
		"      - name: answers\n"
		"        probe:\n"
		"          url: https://hello-{user}.apps.{cluster}.example/api\n"
		"          status: 200-204\n"
		"          contains: 'hell[oa]'\n"
		"          timeout: 2s\n",
		"");
	const struct quest_condition *condition = &file.quests[0].exercises[0].conditions[0];

	assert_true(condition->kind == QUEST_BY_PROBE);
	probe = condition->probe;
	assert_int_equal(probe->status_low, 200);
	assert_int_equal(probe->status_high, 204);
	assert_int_equal(probe->timeout_ms, 2000);
	assert_int_equal(probe->interval_ms, 15000);
	assert_true(regex_matches(probe->contains, STR("oh\nhella!\n")));
	assert_false(regex_matches(probe->contains, STR("good bye")));
	// When it was probed is when it was seen.
	check_text(condition->seen.text, "timestamp(quest_condition{exercise=\"hello\",condition="
					 "\"answers\",environment=\"\"})");
}

static void scorings_have_formulas_and_points(void **state)
{
	(void)state;
	check_read(head,
		"scoring: soft\n"
		"scorings:\n"
		"  - name: soft\n"
		"    title: {en: Soft, fr: Doux}\n"
		"    formula: weight + slope\n"
		"  - name: block\n"
		"    formula: |\n"
		"      weight\n"
		"exercises:\n"
		"  - name: hello\n"
		"    nominal_end: 60m\n"
		"    points:\n"
		"      author-2024: {weight: 55}\n"
		"      octave-design: {weight: 54, slope: 2}\n"
		"      soft: {weight: 7, ramp: 0.5}\n"
		"    conditions: [{name: deployed, expr: up}]\n",
		"prize: {places: 30, ties: jury}\n");
	assert_int_equal(file.scoring_count, QUEST_SCORING_COUNT + 2);
	assert_int_equal(file.scoring, QUEST_SCORING_COUNT);
	const struct quest_scoring_rule *soft = &file.scorings[file.scoring];

	check_text(soft->formula.text, "weight + slope");
	assert_int_equal(soft->formula.line, 9);
	assert_int_equal(soft->formula.column, 14);
	assert_int_equal(file.scorings[file.scoring + 1].formula.line, 12);
	assert_int_equal(file.scorings[file.scoring + 1].formula.column, 7);
	assert_true(soft->parameters[0].weight == 7);
	assert_true(soft->parameters[0].ramp == 0.5);
	assert_true(soft->parameters[0].slope == 1);
	assert_true(file.quests[0].exercises[0].points[QUEST_OCTAVE_DESIGN].slope == 2);
	assert_int_equal(file.prize.places, 30);
	assert_false(file.prize.split_ties);
}

static void people_are_listed_renamed_and_hidden(void **state)
{
	(void)state;
	check_read(head, exercises,
		"participants:\n"
		"  list:\n"
		"    - batman@gotham\n"
		"    - {user: hulk, cluster: wakanda, name: Dr Banner, table: green, prize: "
		"false}\n"
		"  aliases:\n"
		"    - {from: bruce@gotham, to: batman@gotham}\n"
		"    - {from: batman@wakanda, to: batman@gotham}\n"
		"    - {from: selina, to: catwoman}\n"
		"  hide: ['rh[0-9]+', '.+@lab']\n"
		"  no_prize: [staff-.+]\n"
		"tables:\n"
		"  - {name: green}\n"
		"  - {name: gotham, clusters: [gotham]}\n"
		"teams:\n"
		"  - {name: bats, players: [robin@gotham, batman]}\n");
	struct quest_player batman = player("batman", "gotham"), hulk = player("hulk", "wakanda"),
			    test_user = player("rh1", "gotham"), other = player("rh1x", "gotham"),
			    lab = player("x", "lab"), staff = player("staff-1", "gotham");
	struct quest_player renamed = quest_file_person(&file, player("bruce", "gotham"));

	check_text(renamed.user, "batman");
	renamed = quest_file_person(&file, player("bruce", "wakanda"));
	check_text(renamed.user, "bruce");
	renamed = quest_file_person(&file, player("batman", "wakanda"));
	check_text(renamed.cluster, "gotham");
	renamed = quest_file_person(&file, player("selina", "wakanda"));
	check_text(renamed.user, "catwoman");
	check_text(renamed.cluster, "wakanda");
	check_text(quest_file_find(&file, &hulk)->name, "Dr Banner");
	assert_null(quest_file_find(&file, &test_user));
	assert_true(quest_file_hides(&file, &test_user));
	assert_true(quest_file_hides(&file, &lab));
	assert_false(quest_file_hides(&file, &other));
	assert_false(quest_file_hides(&file, &batman));
	assert_true(quest_file_no_prize(&file, &hulk));
	assert_true(quest_file_no_prize(&file, &staff));
	assert_false(quest_file_no_prize(&file, &batman));
	assert_int_equal(quest_file_table(&file, &hulk), 0);
	assert_int_equal(quest_file_table(&file, &batman), 1);
	assert_true(quest_file_table(&file, &lab) == SIZE_MAX);
	assert_int_equal(quest_file_team(&file, &batman), 0);
}

static void a_closed_list_hides_everybody_else(void **state)
{
	struct quest_player listed = player("a", "x"), other = player("b", "x");

	(void)state;
	check_read(head, exercises, "participants: {list: [a], only_list: true}\n");
	assert_false(quest_file_hides(&file, &listed));
	assert_true(quest_file_hides(&file, &other));
}

static void sources_are_asked_or_scraped(void **state)
{
	(void)state;
	check_read(head, exercises,
		"sources:\n"
		"  - cluster: gotham\n"
		"    prometheus: https://prometheus.example/base/\n"
		"    ca_file: ca.pem\n"
		"    bearer_token_file: /run/token\n"
		"    headers: {X-Scope-OrgID: demo}\n"
		"    delay: 30s\n"
		"  - name: lab\n"
		"    scrape:\n"
		"      - http://127.0.0.1:8080/metrics\n"
		"      - {url: 'http://[::1]:80/metrics?x=1', job: ksm, labels: {namespace: dev}}\n"
		"    interval: 2s\n"
		"    sample_limit: 100\n"
		"push: {token_file: push.token}\n");
	const struct quest_source *remote = &file.sources[0], *scraped = &file.sources[1];

	assert_true(remote->kind == QUEST_REMOTE);
	check_text(remote->name, "gotham");
	check_text(remote->url, "https://prometheus.example/base");
	check_text(remote->access.ca_file, "dir/ca.pem");
	check_text(remote->access.bearer_token_file, "/run/token");
	check_text(remote->access.headers[0].value, "demo");
	assert_int_equal(remote->delay_ms, 30000);
	assert_true(scraped->kind == QUEST_SCRAPE);
	assert_int_equal(scraped->endpoint_count, 2);
	check_text(scraped->endpoints[0].labels[0].value, "quest");
	check_text(scraped->endpoints[0].labels[1].value, "127.0.0.1:8080");
	check_text(scraped->endpoints[1].labels[1].value, "[::1]:80");
	check_text(scraped->endpoints[1].labels[2].value, "dev");
	assert_int_equal(scraped->sample_limit, 100);
	assert_int_equal(scraped->interval_ms, 2000);
	check_text(file.push_token_file, "dir/push.token");
}

static void durations_spread_and_go_together(void **state)
{
	(void)state;
	check_read(head,
		"exercises:\n"
		"  - name: a\n"
		"    nominal_end: 10m\n"
		"    duration: {median: 50m, spread: 0.3, finish: 0.9}\n"
		"    conditions: [{name: up, expr: up}]\n"
		"  - name: b\n"
		"    nominal_end: 20m\n"
		"    duration: {distribution: observed, values: [5m, 7m30s]}\n"
		"    conditions: [{name: up, expr: up}]\n",
		"fairness: {players: 74, correlation: 0.5, sampling: [1s, 300s]}\n");
	assert_true(file.fairness.durations[0].kind == QUEST_LOGNORMAL);
	assert_true(file.fairness.durations[0].median_ms == 3000000);
	assert_true(file.fairness.durations[0].finish == 0.9);
	assert_int_equal(file.fairness.durations[1].values_ms[1], 450000);
	assert_true(file.fairness.durations[1].finish == 1);
	assert_true(file.fairness.correlation[0] == 1);
	assert_true(file.fairness.correlation[1] == 0.5);
	assert_int_equal(file.fairness.sampling_ms[1], 300000);
	assert_int_equal(file.fairness.players, 74);
}

static void mistakes_are_named_with_their_place(void **state)
{
	static const struct {
		const char *extra, *says;
	} cases[] = {
		{"freze: 1h\n", "dir/race.yaml:11:1: "},
		{"step: 1500ms\n", "dir/race.yaml:11:7: step must be whole seconds"},
		{"freeze: 3h\n", "dir/race.yaml:11:9: freeze is counted from the start"},
		{"languages: [en, de]\n",
			"dir/race.yaml:11:17: a language must be en or fr, not \"de\""},
		{"languages: [fr, fr]\n", "dir/race.yaml:11:17: language \"fr\" is there already"},
		{"environment: prod\n", "dir/race.yaml:11:14: environment says which one"},
		{"environments: [prod]\nenvironment: dev\n",
			"dir/race.yaml:12:14: environment \"dev\" is none of those"},
		{"environments: [prod]\nvariables: {ENV: dev}\n",
			"dir/race.yaml:12:13: ${ENV} is each of the environments"},
		{"scoring: author\n", "dir/race.yaml:11:10: scoring must be author-2024, "},
		{"scorings: [{name: soft}]\n",
			"dir/race.yaml:11:12: scoring \"soft\" needs a formula"},
		{"scorings: [{name: arrival, formula: '1'}]\n",
			"dir/race.yaml:11:12: scoring \"arrival\" is there already"},
		{"participants: {expr: 'sum('}\n", "dir/race.yaml:11:"},
		{"participants: {expr: '1'}\n",
			"dir/race.yaml:11:22: expr must be an instant vector"},
		{"participants: {hide: ['(']}\n",
			"dir/race.yaml:11:23: hide must be a regular expression"},
		{"participants: {list: [a@]}\n",
			"dir/race.yaml:11:23: a participant must be USER@CLUSTER"},
		{"participants: {list: [a@x, a@x]}\n",
			"dir/race.yaml:11:28: a@x is on the list already"},
		{"participants: {list: [{user: a, table: x}]}\n",
			"dir/race.yaml:11:23: table \"x\" is not listed under tables"},
		{"prize: -1\n", "dir/race.yaml:11:8: a prize has 0 to 10000 places"},
		{"clocks: fix\n", "dir/race.yaml:11:9: clocks must be correct or show"},
		{"participants: {list: [{cluster: a}]}\n",
			"dir/race.yaml:11:23: a participant needs user"},
		{"participants: {aliases: [{from: a}]}\n",
			"dir/race.yaml:11:26: an alias needs to"},
		{"push: {}\n", "dir/race.yaml:11:7: push needs a token_file"},
		{"fairness: {correlation: 2}\n",
			"dir/race.yaml:11:25: correlation must lie between -1 and 1"},
		{"sources: [{cluster: a}]\n",
			"dir/race.yaml:11:11: a source has either prometheus"},
		{"sources: [{prometheus: 'http://x'}]\n",
			"dir/race.yaml:11:11: a source without a cluster needs name"},
		{"sources: [{cluster: a, prometheus: 'ftp://x'}]\n",
			"dir/race.yaml:11:36: prometheus must be an address"},
		{"sources: [{cluster: a, prometheus: 'http://me:secret@x'}]\n",
			"dir/race.yaml:11:36: prometheus must not hold a password"},
		{"sources: [{cluster: a, prometheus: 'http://x', headers: {Authorization: y}}]\n",
			"dir/race.yaml:11:58: a secret does not belong here"},
		{"sources: [{cluster: a, prometheus: 'http://x', key_file: y}]\n",
			"dir/race.yaml:11:11: certificate_file and key_file go together"},
		{"sources: [{cluster: a, prometheus: 'http://x'}, {cluster: a, prometheus: "
		 "'http://y'}]\n",
			"dir/race.yaml:11:49: source \"a\" is there already"},
		{"sources: [{cluster: a, scrape: []}]\n",
			"dir/race.yaml:11:32: scrape must be a list of 1 to 1000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_fails(head, exercises, cases[i].extra, cases[i].says);
	check_fails("", "", "", "dir/race.yaml: the file is empty");
	check_fails(head, "", "", "dir/race.yaml:1:1: a quest file needs exercises");
}

static void mistakes_in_conditions_are_named_with_their_place(void **state)
{
	static const struct {
		const char *condition, *says;
	} cases[] = {
		{"{name: x}", "dir/race.yaml:8:18: condition \"x\" has no expr"},
		{"{name: x, expr: up, push: true}",
			"dir/race.yaml:8:18: condition \"x\" must have one of expr, probe, push"},
		{"{name: x, award: false}", "dir/race.yaml:8:35: award: true, or leave"},
		{"{name: x, award: true, seen: up}", "dir/race.yaml:8:47: seen goes with expr"},
		{"{name: x, push: true}", "dir/race.yaml:6:5: condition \"x\" waits for a push"},
		{"{name: x, probe: {url: example}}",
			"dir/race.yaml:8:41: url of a probe must be an address"},
		{"{name: x, probe: {url: 'http://x', status: 700}}",
			"dir/race.yaml:8:61: status must be one of 100 to 599"},
		{"{name: x, probe: {url: 'http://x', method: PUT}}",
			"dir/race.yaml:8:61: method must be GET, HEAD or POST"},
		{"{name: x, probe: {url: 'http://x', contains: '('}}",
			"dir/race.yaml:8:63: contains must be a regular expression"},
		{"{name: x, probe: {url: 'http://x', interval: 1ms}}",
			"dir/race.yaml:8:63: interval must lie between"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buffer text = {0};

		buffer_printf(&text,
			"exercises:\n  - name: hello\n    nominal_end: 60m\n    conditions: [%s]\n",
			cases[i].condition);
		check_fails(head, text.data, "", cases[i].says);
		buffer_finish(&text);
	}
	check_fails(head,
		"exercises:\n"
		"  - {name: a, nominal_end: 1m, conditions: [{name: u, expr: u}], "
		"duration: {median: 1m, spread: 0.3}}\n"
		"  - {name: b, nominal_end: 2m, conditions: [{name: u, expr: u}]}\n",
		"", "dir/race.yaml:6:3: a duration is given for 1 of 2 exercises");
	check_fails(head,
		"exercises:\n"
		"  - {name: a, nominal_end: 1m, conditions: [{name: u, expr: u}], "
		"points: {soft: {weight: 1}}}\n",
		"", "dir/race.yaml:6:");
}

static void no_times_go_together_against_each_other_all_three(void **state)
{
	static const char three[] =
		"exercises:\n"
		"  - {name: a, nominal_end: 1m, conditions: [{name: u, expr: u}]}\n"
		"  - {name: b, nominal_end: 1m, conditions: [{name: u, expr: u}]}\n"
		"  - {name: c, nominal_end: 1m, conditions: [{name: u, expr: u}]}\n";

	(void)state;
	check_read(head, three, "fairness: {correlation: [[1, 1, 1], [1, 1, 1], [1, 1, 1]]}\n");
	check_fails(head, three,
		"fairness: {correlation: [[1, -0.9, -0.9], [-0.9, 1, -0.9], [-0.9, -0.9, 1]]}\n",
		"dir/race.yaml:9:25: no times can be correlated like this");
	check_fails(head, three, "fairness: {correlation: [[1, 0, 0], [0, 1, 0]]}\n",
		"dir/race.yaml:9:25: correlation must be one number, or 3 rows of 3");
	check_fails(head, three, "fairness: {correlation: [[1, 0.5, 0], [0, 1, 0], [0, 0, 1]]}\n",
		"dir/race.yaml:9:25: correlation must lie between");
}

static int finish(void **state)
{
	(void)state;
	quest_file_release(&file);
	arena_finish(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_is_needed),
		cmocka_unit_test(each_environment_has_its_own_queries),
		cmocka_unit_test(a_condition_may_be_a_probe),
		cmocka_unit_test(scorings_have_formulas_and_points),
		cmocka_unit_test(people_are_listed_renamed_and_hidden),
		cmocka_unit_test(a_closed_list_hides_everybody_else),
		cmocka_unit_test(sources_are_asked_or_scraped),
		cmocka_unit_test(durations_spread_and_go_together),
		cmocka_unit_test(mistakes_are_named_with_their_place),
		cmocka_unit_test(mistakes_in_conditions_are_named_with_their_place),
		cmocka_unit_test(no_times_go_together_against_each_other_all_three),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
