#include "leaderboard/fairness/fairness.h"

#include "base/json.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>

/* --- text --- */

struct words {
	const char *races, *of, *places, *minutes, *exercise, *first, *leader, *stays, *finish, *at;
	const char *leads, *tie, *scorings, *churn, *winner, *samplings, *exact, *assumed;
	const char *answers[3], *because;
};

static const struct words english = {"races on paper", "players", "places",
	"What one minute more costs at the end, in points", "exercise", "first to complete it wins",
	"who leads at its nominal end wins", "… stays above the line", "complete it", "median",
	"changes of the lead", "equals on the prize line", "Other scorings on the same races",
	"of the first places change", "another winner", "The same races, seen at intervals",
	"exact instants",
	"The quest file says nothing of durations: these are made up around the "
	"nominal ends (lognormal, spread 0.3, correlation 0.5).",
	{"Yes: an early lead decides the race.",
		"It helps, but it does not decide: an early lead is often lost.",
		"No: an early lead does not decide the race."},
	"Whoever completes %s first wins %.1f %% of races; by chance it would be %.1f %%."};
static const struct words french = {"courses sur papier", "joueurs", "places",
	"Ce que coûte une minute de plus à la fin, en points", "exercice",
	"le premier à le terminer gagne", "qui mène à sa fin nominale gagne",
	"… reste au-dessus de la ligne", "le terminent", "médiane", "changements de tête",
	"ex æquo sur la ligne des lots", "D'autres barèmes sur les mêmes courses",
	"des premières places changent", "un autre vainqueur",
	"Les mêmes courses, vues par intervalles", "instants exacts",
	"Le fichier de quête ne dit rien des durées : celles-ci sont supposées autour des fins "
	"nominales (lognormales, dispersion 0,3, corrélation 0,5).",
	{"Oui : une avance précoce décide de la course.",
		"Elle aide, mais ne décide pas : une avance précoce est souvent perdue.",
		"Non : une avance précoce ne décide pas de la course."},
	"Qui termine %s en premier gagne %.1f %% des courses ; au hasard ce serait %.1f %%."};

static void print_ratio(struct buffer *out, const struct fairness_report *report,
	const struct fairness_scoring *own)
{
	for (size_t i = 0; i < report->exercise_count && own->ratio[0]; i++)
		buffer_printf(out, "%s%lld", i ? ":" : "  = ", (long long)own->ratio[i]);
}

static void print_minutes(struct buffer *out, const struct fairness_report *report)
{
	for (size_t i = 0; i < report->scoring_count; i++) {
		const struct fairness_scoring *own = &report->scorings[i];

		buffer_printf(out, "  %-16.*s", STR_ARG(own->name));
		for (size_t j = 0; j < report->exercise_count; j++)
			buffer_printf(out, "%9.3g", own->minutes[j]);
		print_ratio(out, report, own);
		buffer_append_char(out, '\n');
	}
}

static void print_answer(
	struct buffer *out, const struct fairness_report *report, const struct words *words)
{
	char name[128];

	snprintf(name, sizeof name, "%.*s", STR_ARG(report->exercises[0].name));
	buffer_printf(out, "%s ", words->answers[fairness_answer(report)]);
	// The format is one of two literals above.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buffer_printf(out, words->because, name, 100 * report->exercises[0].first_wins,
		100.0 / (double)report->players);
#pragma GCC diagnostic pop
	buffer_append_char(out, '\n');
}

void fairness_print_text(struct buffer *out, const struct fairness_report *report, bool is_french)
{
	const struct words *words = is_french ? &french : &english;
	const struct fairness_scoring *own = &report->scorings[report->scoring];

	buffer_printf(out, "%.*s: %lld %s, %lld %s, %lld %s, seed %lld\n", STR_ARG(own->name),
		(long long)report->runs, words->races, (long long)report->players, words->of,
		(long long)report->places, words->places, (long long)report->seed);
	if (report->assumed)
		buffer_printf(out, "%s\n", words->assumed);
	buffer_append_char(out, '\n');
	print_answer(out, report, words);
	buffer_printf(out, "\n%s\n  %-16s", words->minutes, "");
	for (size_t i = 0; i < report->exercise_count; i++)
		buffer_printf(out, "%9.*s", STR_ARG(report->exercises[i].name));
	buffer_append_char(out, '\n');
	print_minutes(out, report);
	buffer_append_char(out, '\n');
	for (size_t i = 0; i < report->exercise_count; i++) {
		const struct fairness_exercise *exercise = &report->exercises[i];

		buffer_printf(out,
			"  %.*s: %.1f %% %s (%s %.1f min)\n"
			"    %5.1f %%  %s\n    %5.1f %%  %s\n    %5.1f %%  %s\n",
			STR_ARG(exercise->name), 100 * exercise->finished, words->finish, words->at,
			exercise->median_s / 60, 100 * exercise->first_wins, words->first,
			100 * exercise->leader_wins, words->leader, 100 * exercise->leader_prize,
			words->stays);
	}
	buffer_printf(out, "\n  %.2f %s\n  %.1f %% %s (%s)\n", report->lead_changes, words->leads,
		100 * report->tie, words->tie, words->exact);
	buffer_printf(out, "\n%s\n", words->scorings);
	for (size_t i = 0; i < report->scoring_count; i++)
		if (i != report->scoring)
			buffer_printf(out, "  %-16.*s %6.2f %s, %5.1f %% %s\n",
				STR_ARG(report->scorings[i].name), report->scorings[i].churn,
				words->churn, 100 * report->scorings[i].other_winner,
				words->winner);
	if (report->sampling_count)
		buffer_printf(out, "\n%s\n", words->samplings);
	for (size_t i = 0; i < report->sampling_count; i++)
		buffer_printf(out, "  %6lld s         %6.2f %s, %5.1f %% %s, %5.1f %% %s\n",
			(long long)report->samplings[i].interval_ms / 1000,
			report->samplings[i].churn, words->churn,
			100 * report->samplings[i].other_winner, words->winner,
			100 * report->samplings[i].tie, words->tie);
}

/* --- JSON --- */

static void print_number(struct buffer *out, const char *name, double value)
{
	buffer_printf(out, ",\"%s\":", name);
	json_number(out, value);
}

static void print_exercises_json(struct buffer *out, const struct fairness_report *report)
{
	buffer_append_text(out, ",\"exercises\":[");
	for (size_t i = 0; i < report->exercise_count; i++) {
		const struct fairness_exercise *own = &report->exercises[i];

		buffer_append_text(out, i ? ",{\"name\":" : "{\"name\":");
		json_string(out, own->name);
		print_number(out, "first_wins", own->first_wins);
		print_number(out, "leader_wins", own->leader_wins);
		print_number(out, "leader_prize", own->leader_prize);
		print_number(out, "finished", own->finished);
		print_number(out, "median_s", own->median_s);
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, ']');
}

static void print_scorings_json(struct buffer *out, const struct fairness_report *report)
{
	buffer_append_text(out, ",\"scorings\":[");
	for (size_t i = 0; i < report->scoring_count; i++) {
		const struct fairness_scoring *own = &report->scorings[i];

		buffer_append_text(out, i ? ",{\"name\":" : "{\"name\":");
		json_string(out, own->name);
		buffer_append_text(out, ",\"minutes\":[");
		for (size_t j = 0; j < report->exercise_count; j++) {
			buffer_append_text(out, j ? "," : "");
			json_number(out, own->minutes[j]);
		}
		buffer_append_text(out, "],\"ratio\":");
		if (own->ratio[0] == 0)
			buffer_append_text(out, "null");
		for (size_t j = 0; j < report->exercise_count && own->ratio[0]; j++)
			buffer_printf(out, "%s%lld", j ? "," : "[", (long long)own->ratio[j]);
		buffer_append_text(out, own->ratio[0] ? "]" : "");
		print_number(out, "churn", own->churn);
		print_number(out, "other_winner", own->other_winner);
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, ']');
}

void fairness_print_json(struct buffer *out, const struct fairness_report *report)
{
	static const char *const answers[] = {"decides", "helps", "open"};

	buffer_printf(out,
		"{\"runs\":%lld,\"seed\":%lld,\"players\":%lld,\"places\":%lld,\"scoring\":",
		(long long)report->runs, (long long)report->seed, (long long)report->players,
		(long long)report->places);
	json_string(out, report->scorings[report->scoring].name);
	buffer_printf(out, ",\"assumed_durations\":%s,\"early_lead\":\"%s\"",
		report->assumed ? "true" : "false", answers[fairness_answer(report)]);
	print_number(out, "lead_changes", report->lead_changes);
	buffer_append_text(out, ",\"lead_change_shares\":[");
	for (size_t i = 0; i <= FAIRNESS_LEADS; i++) {
		buffer_append_text(out, i ? "," : "");
		json_number(out, report->leads[i]);
	}
	buffer_append_char(out, ']');
	print_number(out, "tie_on_line", report->tie);
	print_number(out, "no_winner", report->no_winner);
	print_exercises_json(out, report);
	print_scorings_json(out, report);
	buffer_append_text(out, ",\"samplings\":[");
	for (size_t i = 0; i < report->sampling_count; i++) {
		const struct fairness_sampling *own = &report->samplings[i];

		buffer_printf(out, "%s{\"interval_s\":%lld", i ? "," : "",
			(long long)own->interval_ms / 1000);
		print_number(out, "churn", own->churn);
		print_number(out, "other_winner", own->other_winner);
		print_number(out, "tie_on_line", own->tie);
		buffer_append_char(out, '}');
	}
	buffer_append_text(out, "]}\n");
}
