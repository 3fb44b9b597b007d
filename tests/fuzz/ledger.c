/*
 * Whatever a log says, line by line, an event each: standings, explanations and exports are drawn
 * from it, or an error says why not. Without a quest file, and with one that knows hidden people,
 * aliases, tables and prizes.
 */
#include "leaderboard/ledger/ledger.h"
#include "leaderboard/log/entry.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_EVENTS = 200 };

static const char quest[] =
	"quest: fuzz\n"
	"start: 1728047700\n"
	"duration: 2h30m\n"
	"unit: 5m\n"
	"freeze: 2h\n"
	"environments: [dev, prod]\n"
	"participants:\n"
	"  list: [{user: batman, cluster: gotham, table: t, team: x}, {user: robin, prize: "
	"false}]\n"
	"  hide: ['rh[0-9]+']\n"
	"  aliases: [{from: bruce@wakanda, to: batman@gotham}]\n"
	"tables: [{name: t, clusters: [gotham]}]\n"
	"teams: [{name: x}]\n"
	"prize: {places: 2, ties: split}\n"
	"exercises:\n"
	"  - {name: hero, nominal_end: 55m, points: 55, conditions: [{name: up, expr: up}]}\n"
	"  - {name: fight, nominal_end: 130m, points: 29, conditions: [{name: up, expr: up}]}\n";

static size_t read_events(struct str text, struct arena *arena, struct event_log_entry *out)
{
	size_t count = 0;

	while (text.len && count < MAX_EVENTS) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;
		struct error err = {0};

		if (event_entry_read((struct str){text.data, len}, arena, &out[count], &err)) {
			out[count].id = (int64_t)count + 1;
			count++;
		}
		text.data += end ? len + 1 : len;
		text.len -= end ? len + 1 : len;
	}
	return count;
}

static void explain_all(const struct ledger_print *print, struct arena *arena)
{
	struct buffer out = {0};
	size_t players;

	ledger_players(print->ledger, &players);
	for (size_t i = 0; i < players; i++) {
		struct ledger_explanation why;

		ledger_explain(print->ledger, i, print->now_ms, arena, &why);
		ledger_print_explanation(&out, print, &why);
		ledger_print_explanation_json(&out, print, &why);
	}
	buffer_finish(&out);
}

static void export_all(const struct ledger_print *print)
{
	static void (*const exports[])(struct buffer *, const struct ledger_print *) = {
		ledger_print_text, ledger_print_json, ledger_print_csv, ledger_print_ctftime,
		ledger_print_contest, ledger_print_html};

	for (size_t i = 0; i < sizeof exports / sizeof *exports; i++) {
		struct buffer out = {0};

		exports[i](&out, print);
		assert(out.len);
		buffer_finish(&out);
	}
}

static void draw(const struct quest_file *file, const struct event_log_entry *entries, size_t count)
{
	const struct ledger_options options = {.file = file};
	struct arena arena = {0};
	struct error err = {0};
	struct ledger *ledger = ledger_create(&options, entries, count, &err);

	if (!ledger) {
		assert(err.kind == ERROR_INVALID && err.text[0]);
		return;
	}
	for (int i = 0; i < 3; i++) {
		const struct quest_counting *counting = ledger_counting(ledger);
		struct ledger_print print = {
			.ledger = ledger,
			.now_ms = counting->start_ms + counting->duration_ms / 2 * i,
			.events = (int64_t)count,
			.language = i % 2 ? LEDGER_FRENCH : LEDGER_ENGLISH,
		};

		explain_all(&print, &arena);
		export_all(&print);
	}
	ledger_destroy(ledger);
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_log_entry entries[MAX_EVENTS];
	static struct quest_file file;
	static struct arena of_file;
	struct arena arena = {0};
	struct error err = {0};

	if (!file.path.len &&
		!quest_file_read(str_from(quest), "fuzz.yaml", NULL, 0, &of_file, &file, &err))
		abort();
	size_t count = read_events((struct str){(const char *)data, size}, &arena, entries);

	draw(NULL, entries, count);
	draw(&file, entries, count);
	arena_finish(&arena);
	return 0;
}
