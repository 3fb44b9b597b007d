#include "leaderboard/ledger/ledger.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* The author's bench as a quest: minutes of the day. */
static const char quest_text[] =
	"quest: bench\n"
	"title: {en: Bench, fr: Banc}\n"
	"start: 2024-10-08T13:00:00Z\n"
	"duration: 150m\n"
	"unit: 5m\n"
	"freeze: 140m\n"
	"environments: [dev, prod]\n"
	"environment: prod\n"
	"prize: {places: 2, ties: jury}\n"
	"teams: [{name: bats}]\n"
	"scorings:\n"
	"  - {name: soft, formula: 'weight + (nominal - t) / unit / 3'}\n"
	"exercises:\n"
	"  - name: hero\n"
	"    nominal_end: 55m\n"
	"    points: {author-2024: {weight: 55}, octave-design: {weight: 55, slope: 1}, soft: "
	"{weight: 55}}\n"
	"    conditions: [{name: done, award: true}]\n"
	"  - name: villain\n"
	"    nominal_end: 85m\n"
	"    points: {author-2024: {weight: 25}, octave-design: {weight: 24, slope: 2}, soft: "
	"{weight: 25}}\n"
	"    conditions: [{name: done, award: true}]\n"
	"  - name: fight\n"
	"    nominal_end: 130m\n"
	"    points: {author-2024: {weight: 29}, octave-design: {weight: 27, slope: 3}, soft: "
	"{weight: 29}}\n"
	"    conditions: [{name: done, award: true}]\n"
	"participants:\n"
	"  hide: ['rh[0-9]+']\n"
	"  no_prize: ['staff']\n"
	"  list:\n"
	"    - {user: batman, cluster: gotham, team: bats}\n"
	"    - {user: catwoman, cluster: gotham, team: bats}\n"
	"    - {user: superman, cluster: metropolis}\n"
	"    - {user: invisibleman, cluster: metropolis}\n"
	"  aliases:\n"
	"    - {from: bruce, to: batman}\n";

static struct arena arena;
static struct quest_file file;
static struct event_log_entry entries[64];
static size_t entry_count;
static struct ledger *ledger;

static const int64_t start_ms = 1728392400000;

static int64_t at(double minutes)
{
	return start_ms + (int64_t)(minutes * 60000);
}

static void need(bool ok, const struct error *err)
{
	if (!ok)
		fail_msg("%s", err->text);
}

static struct event_log_entry *add(enum event_kind kind, const char *cluster, const char *user)
{
	struct event_log_entry *entry = &entries[entry_count++];

	*entry = EVENT_ENTRY;
	entry->id = (int64_t)entry_count;
	entry->kind = kind;
	entry->who = STR("jury");
	entry->why = STR("a test");
	entry->cluster = str_from(cluster);
	entry->user = str_from(user);
	entry->when_ms = at(150);
	return entry;
}

static struct event_log_entry *complete(
	const char *cluster, const char *user, const char *exercise, double minutes)
{
	struct event_log_entry *entry = add(EVENT_COMPLETION, cluster, user);

	entry->env = STR("prod");
	entry->exercise = str_from(exercise);
	entry->t_ms = entry->earliest_ms = entry->latest_ms = at(minutes);
	return entry;
}

static void complete_all(
	const char *cluster, const char *user, double hero, double villain, double fight)
{
	complete(cluster, user, "hero", hero);
	complete(cluster, user, "villain", villain);
	complete(cluster, user, "fight", fight);
}

/* The four heroes: events 1 to 12. */
static int set_up(void **state)
{
	struct error err = {0};

	(void)state;
	entry_count = 0;
	if (!quest_file_read(str_from(quest_text), "bench.yaml", NULL, 0, &arena, &file, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	complete_all("gotham", "batman", 65, 70, 100);
	complete_all("gotham", "catwoman", 50, 75, 115);
	complete_all("metropolis", "superman", 55, 85, 130);
	complete_all("metropolis", "invisibleman", 60, 95, 145);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ledger_destroy(ledger);
	ledger = NULL;
	quest_file_release(&file);
	arena_finish(&arena);
	return 0;
}

static void fold_with(struct ledger_options options)
{
	struct error err = {0};

	ledger_destroy(ledger);
	options.file = &file;
	ledger = ledger_create(&options, entries, entry_count, &err);
	need(ledger != NULL, &err);
}

static void fold(void)
{
	fold_with((struct ledger_options){0});
}

static size_t player(const char *name)
{
	struct error err = {0};
	size_t found = ledger_find(ledger, str_from(name), &err);

	need(found != SIZE_MAX, &err);
	return found;
}

static struct ledger_row row(const char *name, double minutes)
{
	static struct ledger_row rows[64];
	size_t count = ledger_standings(ledger, at(minutes), rows), wanted = player(name);

	for (size_t i = 0; i < count; i++)
		if (rows[i].player == wanted)
			return rows[i];
	fail();
	return rows[0];
}

static void check(const char *name, double minutes, size_t rank, double score)
{
	struct ledger_row found = row(name, minutes);

	if (found.score != score || found.rank != rank)
		fail_msg("%s at %g: #%zu %.17g, not #%zu %.17g", name, minutes, found.rank,
			found.score, rank, score);
}

/* --- oracles of leaderboard.md, section 7 --- */

static void the_bench_ends_as_the_author_saw_it(void **state)
{
	(void)state;
	fold();
	check("batman", 150, 1, 162);
	check("catwoman", 150, 2, 160);
	check("superman", 150, 3, 148);
	check("invisibleman", 150, 4, 136);
}

static void batman_comes_back(void **state)
{
	(void)state;
	fold();
	for (int t = 50; t <= 150; t += 5) {
		bool leads = (t >= 70 && t < 75) || t >= 100;

		assert_true((row("batman", t).rank == 1) == leads);
		assert_true((row("catwoman", t).rank == 1) == !leads);
	}
}

static void the_design_and_the_arrival_rank_otherwise(void **state)
{
	struct quest_counting counting;
	struct error err = {0};

	(void)state;
	need(quest_counting_of_file(&file, QUEST_OCTAVE_DESIGN, &arena, &counting, &err), &err);
	fold_with((struct ledger_options){.counting = &counting});
	check("batman", 150, 1, 171);
	check("catwoman", 150, 2, 162);
	check("superman", 150, 3, 142);
	check("invisibleman", 150, 4, 122);
	need(quest_counting_of_file(&file, QUEST_ARRIVAL, &arena, &counting, &err), &err);
	fold_with((struct ledger_options){.counting = &counting});
	check("batman", 150, 1, 3);
	check("catwoman", 120, 2, 3);
	check("invisibleman", 140, 4, 2);
}

static void finishers_differ_by_their_sums_at_any_time(void **state)
{
	(void)state;
	fold();
	for (int t = 145; t < 300; t += 7)
		assert_true(fabs(row("batman", t).score - row("superman", t).score -
				    0.4 / 1 * (270 - 235)) < 1e-9);
}

/* --- acts --- */

static void a_void_takes_a_completion_away_and_undo_gives_it_back(void **state)
{
	(void)state;
	add(EVENT_VOID, "gotham", "batman")->of = 3; // his fight
	fold();
	check("batman", 150, 4, 162 - 29 - 6 - 11);
	add(EVENT_UNDO, "", "")->of = 13;
	fold();
	check("batman", 150, 1, 162);
	add(EVENT_UNDO, "", "")->of = 14;
	fold();
	check("batman", 150, 4, 162 - 29 - 6 - 11);
}

static void an_added_completion_counts_instead(void **state)
{
	struct event_log_entry *entry = add(EVENT_ADD, "metropolis", "superman");

	(void)state;
	entry->exercise = STR("fight");
	entry->t_ms = at(95);
	fold();
	// As many points as batman, and the last completion 5 min earlier.
	check("superman", 150, 1, 148 + 14);
	assert_true(ledger_mark(ledger, player("superman"), 2)->by_hand);
	check("batman", 150, 2, 162);
	entry->env = STR("dev");
	fold();
	check("superman", 150, 3, 148);
}

static void points_by_hand_count_from_their_instant(void **state)
{
	struct event_log_entry *entry = add(EVENT_ADJUST, "gotham", "catwoman");

	(void)state;
	entry->points = 2.5;
	entry->t_ms = at(120);
	fold();
	check("catwoman", 119, 2, 139);
	check("catwoman", 150, 1, 162.5);
}

static void an_outage_moves_its_own_cluster_alone(void **state)
{
	struct event_log_entry *entry = add(EVENT_EXCLUDE, "metropolis", "");

	(void)state;
	entry->from_ms = at(70);
	entry->to_ms = at(80);
	fold();
	// Completed before: as it was. After: 10 min earlier. 148 + 2 * (2 + 2)
	check("superman", 150, 3, 148 + 8);
	check("batman", 150, 1, 162);
	assert_int_equal(ledger_mark(ledger, player("superman"), 0)->t_ms, at(55));
	assert_int_equal(ledger_mark(ledger, player("superman"), 1)->t_ms, at(75));
	assert_int_equal(ledger_mark(ledger, player("superman"), 1)->recorded_ms, at(85));
	// Within: to its beginning. Overlapping spans count once.
	entry = add(EVENT_EXCLUDE, "metropolis", "");
	entry->from_ms = at(75);
	entry->to_ms = at(90);
	fold();
	assert_int_equal(ledger_mark(ledger, player("superman"), 1)->t_ms, at(70));
	assert_int_equal(ledger_mark(ledger, player("superman"), 2)->t_ms, at(110));
	add(EVENT_UNDO, "", "")->of = entry->id;
	fold();
	assert_int_equal(ledger_mark(ledger, player("superman"), 2)->t_ms, at(120));
}

static void an_outage_without_its_instants_moves_nothing(void **state)
{
	(void)state;
	// No program of ours writes one, but a log may come from anybody.
	add(EVENT_EXCLUDE, "metropolis", "")->to_ms = at(80);
	add(EVENT_EXCLUDE, "metropolis", "")->from_ms = at(20);
	fold();
	assert_int_equal(ledger_mark(ledger, player("superman"), 1)->t_ms, at(85));
}

static void another_environment_ranks_anew(void **state)
{
	(void)state;
	complete("metropolis", "superman", "hero", 20)->env = STR("dev");
	add(EVENT_SWITCH_ENV, "", "")->env = STR("dev");
	fold();
	assert_true(str_equal(ledger_env(ledger), STR("dev")));
	check("superman", 150, 1, 55 + 7 + 27);
	check("batman", 150, 2, 0);
	add(EVENT_UNDO, "", "")->of = 14;
	fold();
	check("batman", 150, 1, 162);
}

static void versions_of_the_scoring_follow_each_other(void **state)
{
	struct quest_counting counting;
	struct buffer text = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		buffer_clear(&text);
		need(quest_counting_of_file(&file, i, &arena, &counting, &err), &err);
		ledger_print_scoring(&text, &counting);
		struct event_log_entry *entry = add(EVENT_SCORING, "", "");

		entry->scoring = str_copy(&arena, buffer_str(&text));
		entry->version = (int64_t)i + 1;
	}
	fold();
	assert_int_equal(ledger_version(ledger), 3);
	check("batman", 150, 1, 3);
	fold_with((struct ledger_options){.version = 2});
	check("batman", 150, 1, 171);
	add(EVENT_UNDO, "", "")->of = 15;
	fold();
	assert_int_equal(ledger_version(ledger), 2);
	check("batman", 150, 1, 171);
	fold_with((struct ledger_options){.through = 13});
	check("batman", 150, 1, 162);
	// The log alone is enough.
	ledger_destroy(ledger);
	ledger = ledger_create(&(struct ledger_options){.env = STR("prod")}, entries, 13, &err);
	need(ledger != NULL, &err);
	check("batman", 150, 1, 162);
	assert_null(ledger_create(&(struct ledger_options){0}, entries, 12, &err));
	assert_null(ledger_create(
		&(struct ledger_options){.file = &file, .version = 9}, entries, entry_count, &err));
	buffer_finish(&text);
}

/* --- people --- */

static void the_hidden_move_nobody(void **state)
{
	(void)state;
	complete_all("gotham", "rh1", 1, 2, 3);
	complete_all("metropolis", "rh1", 1, 2, 3);
	fold();
	check("batman", 150, 1, 162);
	struct error err = {0};

	assert_true(ledger_find(ledger, STR("rh1"), &err) == SIZE_MAX);
}

static void the_same_name_on_two_clusters_is_two_players(void **state)
{
	struct error err = {0};

	(void)state;
	complete("gotham", "robin", "hero", 40);
	complete("wakanda", "robin", "hero", 45);
	fold();
	assert_true(row("gotham/robin", 150).rank < row("wakanda/robin", 150).rank);
	assert_true(ledger_find(ledger, STR("robin"), &err) == SIZE_MAX);
	assert_non_null(strstr(err.text, "robin@gotham, robin@wakanda"));
}

static void a_renamed_user_keeps_what_he_did(void **state)
{
	(void)state;
	complete("gotham", "bruce", "hero", 60);
	complete("gotham", "bruce", "fight", 120);
	fold();
	// The earlier of two completions is his: hero 60 instead of 65, his fight stays at 100.
	check("batman", 150, 1, 162 + 2);
}

static void staff_takes_no_place_above_the_line(void **state)
{
	(void)state;
	complete_all("gotham", "staff", 10, 20, 30);
	fold();
	assert_int_equal(row("staff", 150).rank, 1);
	assert_false(row("staff", 150).prize);
	assert_true(row("batman", 150).prize);
	assert_true(row("catwoman", 150).prize);
	assert_false(row("superman", 150).prize);
}

static void equals_on_the_line_are_listed(void **state)
{
	(void)state;
	complete_all("gotham", "alfred", 50, 75, 115);
	fold();
	assert_int_equal(row("alfred", 150).rank, 2);
	assert_int_equal(row("catwoman", 150).rank, 2);
	assert_int_equal(row("superman", 150).rank, 4);
	assert_true(row("alfred", 150).on_line && row("catwoman", 150).on_line);
	assert_false(row("alfred", 150).prize || row("catwoman", 150).prize); // the jury decides
	assert_true(row("batman", 150).prize);
	assert_false(row("batman", 150).on_line);
	file.prize.split_ties = true;
	fold();
	assert_true(row("alfred", 150).prize && row("catwoman", 150).prize);
}

static void a_team_takes_one_prize(void **state)
{
	(void)state;
	file.prize.one_per = QUEST_PER_TEAM;
	fold();
	// batman's team has catwoman, too: who comes after her moves up to the line.
	assert_true(row("batman", 150).prize && row("superman", 150).prize);
	assert_false(row("catwoman", 150).prize || row("invisibleman", 150).prize);
	assert_int_equal(row("catwoman", 150).rank, 2); // ranks are everybody's
	file.prize.one_per = QUEST_PER_TABLE;		// nobody sits at one
	fold();
	assert_true(row("batman", 150).prize && row("catwoman", 150).prize);
}

static void equals_of_one_team_take_one_place(void **state)
{
	(void)state;
	file.prize.one_per = QUEST_PER_TEAM;
	complete("gotham", "catwoman", "hero", 65)->kind = EVENT_ADD;
	complete("gotham", "catwoman", "villain", 70)->kind = EVENT_ADD;
	complete("gotham", "catwoman", "fight", 100)->kind = EVENT_ADD;
	fold();
	assert_int_equal(row("catwoman", 150).rank, row("batman", 150).rank);
	assert_true(row("batman", 150).prize && !row("batman", 150).on_line);
	assert_false(row("catwoman", 150).prize);
	assert_true(row("superman", 150).prize);
}

static const char *const heroes[] = {"batman", "catwoman", "superman", "invisibleman"};
enum { HEROES = sizeof heroes / sizeof *heroes };

static void fold_with_everybody(void)
{
	static struct quest_player seen[HEROES];

	for (size_t i = 0; i < HEROES; i++)
		seen[i] =
			(struct quest_player){.cluster = i < 2 ? STR("gotham") : STR("metropolis"),
				.user = str_from(heroes[i])};
	fold_with((struct ledger_options){.seen = seen, .seen_count = HEROES});
}

/* Whether one would win who completes at `minute` all that he has not, in the log as it is. */
static bool would_win(const char *name, double minute)
{
	static const char *const exercises[] = {"hero", "villain", "fight"};
	size_t kept = entry_count;

	for (size_t i = 0; i < 3 && minute >= 0; i++) {
		bool is_done = false;

		for (size_t j = 0; j < kept; j++)
			is_done |= str_equal(entries[j].user, str_from(name)) &&
				   str_equal(entries[j].exercise, str_from(exercises[i]));
		if (!is_done)
			complete(name[0] == 'b' || name[0] == 'c' ? "gotham" : "metropolis", name,
				exercises[i], minute);
	}
	fold_with_everybody();
	bool wins = row(name, 150).prize;

	entry_count = kept;
	return wins;
}

/* Against every minute of everybody, tried. */
static void check_suspense(double now, double step)
{
	struct ledger_suspense found;
	size_t kept = 0, contenders = 0;
	double until = -1;

	for (size_t i = 0; i < entry_count; i++)
		if (entries[i].t_ms <= at(now)) {
			entries[kept] = entries[i];
			entries[kept].id = (int64_t)kept + 1;
			kept++;
		}
	entry_count = kept;
	for (size_t i = 0; i < HEROES; i++) {
		if (would_win(heroes[i], -1) || !would_win(heroes[i], now))
			continue;
		contenders++;
		for (double minute = now; minute <= 150; minute += step)
			if (would_win(heroes[i], minute) && minute > until)
				until = minute;
	}
	fold_with_everybody();
	assert_true(ledger_find_suspense(ledger, at(now), &found));
	if (found.contenders != contenders ||
		found.until_ms != (contenders ? at(until) : QUEST_NEVER))
		fail_msg("at %g: %zu until %g, not %zu until %g", now, found.contenders,
			(double)(found.until_ms - start_ms) / 60000, contenders, until);
}

static void who_may_still_pass_the_line_is_told_and_until_when(void **state)
{
	static const double instants[] = {0, 10, 52, 58, 66, 72, 86, 101, 117, 131, 146, 149};
	static const size_t places[] = {1, 2, 3, 4};

	for (size_t i = 0; i < sizeof instants / sizeof *instants * 8; i++) {
		tear_down(state);
		assert_int_equal(set_up(state), 0);
		file.prize.places = places[i % 4];
		file.prize.one_per = i / 4 % 2 ? QUEST_PER_TEAM : QUEST_PER_PLAYER;
		check_suspense(instants[i / 8], 1);
	}
	struct ledger_suspense found;

	assert_true(ledger_find_suspense(ledger, at(150), &found)); // it is over
	assert_true(found.contenders == 0 && found.until_ms == QUEST_NEVER);
	file.prize.places = 0;
	fold();
	assert_false(ledger_find_suspense(ledger, at(100), &found));
}

static void an_act_moves_the_prize_line_and_its_undo_back(void **state)
{
	struct event_log_entry *moved = add(EVENT_PRIZE, "", "");

	(void)state;
	moved->places = 3;
	fold();
	assert_int_equal(ledger_prize(ledger).places, 3);
	assert_true(row("superman", 150).prize && !row("invisibleman", 150).prize);
	add(EVENT_UNDO, "", "")->of = moved->id;
	fold();
	assert_int_equal(ledger_prize(ledger).places, 2);
	assert_false(row("superman", 150).prize);
}

static void intervals_that_overlap_are_a_photo_finish(void **state)
{
	(void)state;
	fold();
	assert_false(row("catwoman", 150).photo_finish);
	// 2 points are 5 min: catwoman's fight may have been up to 6 min earlier.
	entries[5].earliest_ms = at(109);
	fold();
	assert_true(row("catwoman", 150).photo_finish);
	assert_true(row("catwoman", 150).margin_s == 360);
	assert_false(row("catwoman", 150).confirmed);
	assert_false(row("superman", 150).photo_finish);
	entries[5].earliest_ms = at(111);
	fold();
	assert_false(row("catwoman", 150).photo_finish);
	entries[5].earliest_ms = at(109);
	add(EVENT_CONFIRM, "gotham", "catwoman");
	fold();
	assert_true(row("catwoman", 150).confirmed);
	// Of the one before, too; but whoever looked did not see what was found later.
	entries[entry_count - 1].user = STR("batman");
	fold();
	assert_true(row("catwoman", 150).confirmed);
	complete("metropolis", "superman", "fight", 60);
	fold();
	assert_true(row("catwoman", 150).confirmed);
	complete("gotham", "batman", "hero", 65)->kind = EVENT_ADD;
	fold();
	assert_true(row("catwoman", 150).photo_finish);
	assert_false(row("catwoman", 150).confirmed);
}

static struct event_log_entry *measure(const char *source, double low_s, double high_s)
{
	struct event_log_entry *entry = add(EVENT_SOURCE, "", "");

	entry->source = str_from(source);
	entry->condition = STR("skew");
	entry->skew_low_ms = (int64_t)(low_s * 1000);
	entry->skew_high_ms = (int64_t)(high_s * 1000);
	return entry;
}

static void check_skew(double seconds, const char *text, const char *json)
{
	const struct ledger_print print = {.ledger = ledger, .now_ms = at(150)};
	struct ledger_explanation explanation;
	struct buffer out = {0};

	assert_true(row("catwoman", 150).photo_finish);
	assert_true(row("catwoman", 150).skew_s == seconds);
	// Nobody else's: whoever is no photo finish has nothing to look at.
	assert_true(row("batman", 150).skew_s == 0 && row("superman", 150).skew_s == 0);
	ledger_print_text(&out, &print);
	ledger_print_html(&out, &print);
	if (!strstr(out.data, text))
		fail_msg("\"%s\" is not in %s", text, out.data);
	buffer_clear(&out);
	ledger_print_json(&out, &print);
	ledger_explain(ledger, player("catwoman"), at(150), &arena, &explanation);
	assert_non_null(strstr(out.data, json));
	buffer_clear(&out);
	ledger_print_explanation_json(&out, &print, &explanation);
	assert_non_null(strstr(out.data, json));
	buffer_finish(&out);
}

static void a_clock_that_is_off_flags_the_photo_finishes_it_decides(void **state)
{
	struct ledger_explanation explanation;
	struct buffer out = {0};

	(void)state;
	for (size_t i = 0; i < 12; i++)
		entries[i].source = i < 3 ? STR("east") : i < 6 ? STR("west") : STR("south");
	entries[5].earliest_ms = at(109);
	// Two seconds are not more than two; and the source of neither matters to nobody.
	measure("west", 1.9, 2.1);
	measure("south", 30, 30.2);
	fold();
	check_skew(0, "photo finish ±360 s\n", "{\"margin_s\":360,\"skew_s\":null,");
	// The one behind.
	entries[12].skew_low_ms = -7500;
	entries[12].skew_high_ms = -7100;
	fold();
	check_skew(-7.3, "±360 s, horloge -7.3 s", "{\"margin_s\":360,\"skew_s\":-7.3,");
	// The one before him, by more: the farthest is told.
	measure("east", 29.9, 30.1);
	fold();
	check_skew(30, "photo finish ±360 s, clock +30.0 s\n", "{\"margin_s\":360,\"skew_s\":30,");
	ledger_explain(ledger, player("batman"), at(150), &arena, &explanation);
	ledger_print_explanation(
		&out, &(struct ledger_print){.ledger = ledger, .now_ms = at(150)}, &explanation);
	assert_non_null(strstr(out.data, "(event 1, by a clock that is off by +30.0 s)"));
	buffer_finish(&out);
}

static void a_clock_counts_as_it_was_when_the_completion_was_found(void **state)
{
	struct ledger_mark mark;

	(void)state;
	measure("west", 40, 40);
	complete("wakanda", "early", "hero", 40)->source = STR("west");
	measure("west", 0.1, 0.3);
	complete("wakanda", "late", "hero", 50)->source = STR("west");
	complete("wakanda", "before", "hero", 50)->source = STR("north");
	measure("north", 9, 9);
	measure("north", 0, 0);
	struct event_log_entry *by_hand = add(EVENT_ADD, "wakanda", "judged");

	by_hand->exercise = STR("hero");
	by_hand->source = STR("west");
	by_hand->t_ms = at(60);
	fold();
	assert_int_equal(ledger_mark(ledger, player("early"), 0)->skew_ms, 40000);
	assert_int_equal(ledger_mark(ledger, player("late"), 0)->skew_ms, 200);
	// Found before its clock was measured: the first measurement counts.
	assert_int_equal(ledger_mark(ledger, player("before"), 0)->skew_ms, 9000);
	mark = *ledger_mark(ledger, player("judged"), 0);
	assert_true(mark.by_hand && mark.skew_ms == 0);
}

static void clusters_and_teams_rank_by_the_mean(void **state)
{
	struct ledger_group_row rows[8];

	(void)state;
	fold();
	size_t count = ledger_teams(ledger, at(150), rows);

	assert_int_equal(count, 1);
	assert_int_equal(rows[0].members, 2);
	assert_true(rows[0].score == 161);
}

static void the_public_sees_nothing_after_the_freeze(void **state)
{
	(void)state;
	fold();
	assert_int_equal(ledger_public_ms(ledger, at(100)), at(100));
	assert_int_equal(ledger_public_ms(ledger, at(145)), at(140));
}

/* --- explanations --- */

__extension__ typedef __int128 wide;

/* Sums decimals of up to 15 digits behind the point exactly. */
static wide exact(struct str text)
{
	bool negative = text.len && text.data[0] == '-';
	wide value = 0;
	int decimals = -1;

	for (size_t i = negative; i < text.len; i++) {
		if (text.data[i] == '.') {
			decimals = 0;
			continue;
		}
		value = value * 10 + (text.data[i] - '0');
		decimals += decimals >= 0;
	}
	for (int i = decimals < 0 ? 0 : decimals; i < 22; i++)
		value *= 10;
	return negative ? -value : value;
}

static void check_explanation(const char *name, double minutes)
{
	struct ledger_explanation explanation;
	char shown[NUMBER_TEXT_SIZE];
	wide sum = 0;

	ledger_explain(ledger, player(name), at(minutes), &arena, &explanation);
	for (size_t i = 0; i < explanation.line_count; i++)
		sum += exact(explanation.lines[i].points);
	number_print(shown, row(name, minutes).score);
	assert_true(str_equal(explanation.score, str_from(shown)));
	if (sum != exact(explanation.score))
		fail_msg("%s at %g: the lines miss %s", name, minutes, shown);
}

static void lines_add_up_to_the_last_digit(void **state)
{
	struct quest_counting counting;
	struct error err = {0};

	(void)state;
	add(EVENT_ADJUST, "gotham", "batman")->points = 0.4;
	entries[12].t_ms = at(80);
	for (size_t i = 0; i < 12; i++)
		entries[i].t_ms += (int64_t)(i * 7919 % 100000); // thirds of a unit and the like
	for (size_t scoring = 0; scoring < file.scoring_count; scoring++) {
		need(quest_counting_of_file(&file, scoring, &arena, &counting, &err), &err);
		fold_with((struct ledger_options){.counting = &counting});
		for (int i = 0; i <= 1500; i += 37) {
			check_explanation("batman", i / 10.0);
			check_explanation("catwoman", i / 10.0);
			check_explanation("superman", i / 10.0);
		}
	}
}

static void each_line_says_its_arithmetic(void **state)
{
	static const char *const wanted[] = {
		"55", "(55:00 - 1:05:00) / 5:00", "floor((2:30:00 - 1:05:00) / 5:00) + 1"};
	static const char *const points[] = {"55", "-2", "18"};
	struct ledger_explanation explanation;

	(void)state;
	fold();
	ledger_explain(ledger, player("batman"), at(150), &arena, &explanation);
	assert_int_equal(explanation.line_count, 9);
	assert_int_equal(explanation.rank, 1);
	assert_int_equal(explanation.players, 4);
	for (size_t i = 0; i < 3; i++) {
		assert_true(str_equal(explanation.lines[i].arithmetic, str_from(wanted[i])));
		assert_true(str_equal(explanation.lines[i].points, str_from(points[i])));
		assert_int_equal(explanation.lines[i].event, 1);
	}
}

/* --- preparing acts --- */

static void check_act(struct event_log_entry act, bool ok, const char *says)
{
	struct error err = {0};

	if (act.who.len == 0) {
		act.who = STR("jury");
		act.why = STR("a test");
	}
	bool found = ledger_prepare(ledger, &act, &arena, &err);

	if (found != ok)
		fail_msg("%s", found ? "was accepted" : err.text);
	const char *text = ok ? str_format(&arena, "%.*s", STR_ARG(act.after)).data : err.text;

	if (!strstr(text, says))
		fail_msg("\"%s\" is not in \"%s\"", says, text);
}

static struct event_log_entry act_of(enum event_kind kind)
{
	struct event_log_entry act = EVENT_ENTRY;

	act.kind = kind;
	act.when_ms = at(100);
	act.cluster = STR("gotham");
	act.user = STR("batman");
	act.exercise = STR("fight");
	return act;
}

static void acts_are_checked_before_they_are_appended(void **state)
{
	struct event_log_entry act = act_of(EVENT_VOID);

	(void)state;
	fold();
	check_act(act, true, "event 3 does not count");
	act.exercise = STR("figth");
	check_act(act, false, "there are hero, villain, fight");
	act.of = 99;
	check_act(act, false, "no event of that number");
	act = act_of(EVENT_UNDO);
	act.of = 3;
	check_act(act, false, "void it");
	act = act_of(EVENT_ADD);
	check_act(act, false, "when");
	act.t_ms = at(90);
	check_act(act, true, "complete at 1:30:00");
	act = act_of(EVENT_ADJUST);
	check_act(act, false, "not 0");
	act.points = -3;
	check_act(act, true, "-3 points");
	act = act_of(EVENT_EXCLUDE);
	act.from_ms = at(20);
	act.to_ms = at(20);
	check_act(act, false, "a later one");
	act.to_ms = at(70);
	check_act(act, true, "6 completions");
	act = act_of(EVENT_SWITCH_ENV);
	act.env = STR("prod");
	check_act(act, false, "already");
	act.env = STR("qa");
	check_act(act, false, "no environment \"qa\"");
	act.env = STR("dev");
	check_act(act, true, "dev");
	act = act_of(EVENT_PRIZE);
	check_act(act, false, "1 to ");
	act.places = 2;
	check_act(act, false, "there already");
	act.places = 25;
	check_act(act, true, "25 places");
	act = act_of(EVENT_COMPLETION);
	check_act(act, false, "no acts of people");
	act = act_of(EVENT_AWARD);
	check_act(act, true, "fight holds since 1:40:00");
	act.condition = STR("quiz");
	check_act(act, false, "no condition \"quiz\" that is awarded");
	act.condition = STR("done");
	act.t_ms = at(90);
	check_act(act, true, "done holds since 1:30:00");
	act.env = STR("qa");
	check_act(act, false, "no environment \"qa\"");
	act.exercise = STR("");
	check_act(act, false, "there are hero");
	act.points = 2.5;
	check_act(act, true, "2.5 points from 1:30:00");
	act.user = STR("");
	check_act(act, false, "names a player");
	act = act_of(EVENT_ADJUST);
	act.points = 1;
	act.who = STR("jury");
	check_act(act, false, "who does it and why");
}

static void a_look_that_was_had_already_is_no_act(void **state)
{
	struct event_log_entry act = act_of(EVENT_CONFIRM);

	(void)state;
	fold();
	check_act(act, true, "were looked at");
	act.user = STR("nobody");
	check_act(act, false, "nobody of that name");
	act.user = STR("batman");
	add(EVENT_CONFIRM, "gotham", "batman");
	measure("gotham", 0, 1);
	fold();
	check_act(act, false, "looked at already");
	act.user = STR("catwoman");
	check_act(act, true, "were looked at");
	complete("metropolis", "clark", "hero", 20);
	fold();
	act.user = STR("batman");
	check_act(act, true, "were looked at");
}

/* --- exports --- */

static void exports_hold_everybody(void **state)
{
	const struct event_hash head = {{0xab}};
	struct buffer out = {0};

	(void)state;
	complete("wakanda", "<b>&", "hero", 70);
	complete("wakanda", "=cmd,\"x\"", "hero", 71);
	fold();
	const struct ledger_print print = {
		.ledger = ledger, .now_ms = at(150), .events = 14, .head = &head};

	ledger_print_csv(&out, &print);
	assert_non_null(
		strstr(out.data, "1,batman,gotham,batman,,bats,162,3,1,1,0,0,,3900,4200,6000"));
	assert_non_null(strstr(out.data, "\"'=cmd,\"\"x\"\"\""));
	buffer_clear(&out);
	ledger_print_html(&out, &print);
	assert_non_null(strstr(out.data, "&lt;b&gt;&amp;"));
	assert_null(strstr(out.data, "<b>&"));
	assert_null(strstr(out.data, "<script"));
	assert_non_null(strstr(out.data, "ab00000000"));
	buffer_clear(&out);
	ledger_print_ctftime(&out, &print);
	assert_non_null(strstr(out.data, "{\"pos\":1,\"team\":\"batman@gotham\",\"score\":162,"));
	buffer_clear(&out);
	ledger_print_contest(&out, &print);
	assert_non_null(strstr(out.data, "\"contest_time\":\"2:30:00.000\""));
	assert_non_null(
		strstr(out.data, "{\"id\":\"first-to-solve-hero\",\"citation\":\"First to complete "
				 "hero\",\"team_ids\":[\"catwoman@gotham\"]}"));
	buffer_clear(&out);
	ledger_print_text(&out, &print);
	assert_non_null(strstr(out.data, "prize line"));
	buffer_clear(&out);
	ledger_print_json(&out, &print);
	assert_non_null(strstr(out.data, "\"rank\":1,\"id\":\"batman@gotham\""));
	buffer_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(the_bench_ends_as_the_author_saw_it),
		TEST(batman_comes_back),
		TEST(the_design_and_the_arrival_rank_otherwise),
		TEST(finishers_differ_by_their_sums_at_any_time),
		TEST(a_void_takes_a_completion_away_and_undo_gives_it_back),
		TEST(an_added_completion_counts_instead),
		TEST(points_by_hand_count_from_their_instant),
		TEST(an_outage_moves_its_own_cluster_alone),
		TEST(an_outage_without_its_instants_moves_nothing),
		TEST(another_environment_ranks_anew),
		TEST(versions_of_the_scoring_follow_each_other),
		TEST(the_hidden_move_nobody),
		TEST(the_same_name_on_two_clusters_is_two_players),
		TEST(a_renamed_user_keeps_what_he_did),
		TEST(staff_takes_no_place_above_the_line),
		TEST(equals_on_the_line_are_listed),
		TEST(a_team_takes_one_prize),
		TEST(equals_of_one_team_take_one_place),
		TEST(who_may_still_pass_the_line_is_told_and_until_when),
		TEST(an_act_moves_the_prize_line_and_its_undo_back),
		TEST(intervals_that_overlap_are_a_photo_finish),
		TEST(a_clock_that_is_off_flags_the_photo_finishes_it_decides),
		TEST(a_clock_counts_as_it_was_when_the_completion_was_found),
		TEST(clusters_and_teams_rank_by_the_mean),
		TEST(the_public_sees_nothing_after_the_freeze),
		TEST(lines_add_up_to_the_last_digit),
		TEST(each_line_says_its_arithmetic),
		TEST(acts_are_checked_before_they_are_appended),
		TEST(a_look_that_was_had_already_is_no_act),
		TEST(exports_hold_everybody),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
