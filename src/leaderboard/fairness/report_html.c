/* The report as one page: bars in SVG, no script, nothing fetched, both languages in it. */
#include "leaderboard/fairness/fairness.h"

#include <math.h>
#include <stdio.h>

static const char head[] =
	"<meta charset=\"utf-8\"><meta name=\"viewport\" "
	"content=\"width=device-width,initial-scale=1\"><meta "
	"http-equiv=\"Content-Security-Policy\" "
	"content=\"default-src 'none'; style-src 'unsafe-inline'\"><style>:root{color-scheme:light "
	"dark;--bar:#0b62a4;--rule:#ccc}@media(prefers-color-scheme:dark){:root{--bar:#6cb4ee;"
	"--rule:#555}}body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:0 auto;"
	"padding:1rem}svg{width:100%;height:auto;display:block}svg text{fill:currentColor;"
	"font-size:13px}rect{fill:var(--bar)}.answer{font-size:1.3rem;font-weight:600}"
	"#fr:checked~main [lang=en],#en:checked~main [lang=fr]{display:none}</style>";

static void print_escaped(struct buffer *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '<' || c == '>' || c == '&' || c == '"')
			buffer_printf(out, "&#%d;", c);
		else
			buffer_append_char(out, c);
	}
}

static void print_both(struct buffer *out, const char *english, const char *french)
{
	buffer_printf(
		out, "<span lang=\"en\">%s</span><span lang=\"fr\">%s</span>", english, french);
}

static void print_heading(struct buffer *out, const char *english, const char *french)
{
	buffer_append_text(out, "<h2>");
	print_both(out, english, french);
	buffer_append_text(out, "</h2>\n");
}

/* --- bars --- */

enum { WIDTH = 800, ROW = 26, LABEL = 230, VALUE = 90 };

struct bars {
	struct buffer *out;
	double most; // what fills the width
	int count, row;
};

static void begin_bars(struct bars *bars, struct buffer *out, int count, double most)
{
	*bars = (struct bars){.out = out, .most = most, .count = count};
	buffer_printf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\">\n", WIDTH, count * ROW + 4);
}

static void print_bar(struct bars *bars, struct str label, double value, const char *text)
{
	double length = bars->most > 0 ? value / bars->most * (WIDTH - LABEL - VALUE) : 0;
	int y = bars->row++ * ROW + 4;

	buffer_printf(bars->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", LABEL - 8, y + 15);
	print_escaped(bars->out, label);
	buffer_printf(bars->out,
		"</text><rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>"
		"<text x=\"%.1f\" y=\"%d\">%s</text>\n",
		LABEL, y, length > 0 ? length : 0, ROW - 8, LABEL + (length > 0 ? length : 0) + 6,
		y + 15, text);
}

static void end_bars(struct bars *bars)
{
	buffer_append_text(bars->out, "</svg>\n");
}

static void print_share(struct bars *bars, struct str label, double share)
{
	char text[32];

	snprintf(text, sizeof text, "%.1f %%", 100 * share);
	print_bar(bars, label, share, text);
}

/* --- sections --- */

static void print_answer(struct buffer *out, const struct fairness_report *report)
{
	static const char *const english[] = {"Yes: an early lead decides the race.",
		"An early lead helps, but it does not decide the race.",
		"No: an early lead does not decide the race."};
	static const char *const french[] = {"Oui : une avance précoce décide de la course.",
		"Une avance précoce aide, mais ne décide pas de la course.",
		"Non : une avance précoce ne décide pas de la course."};
	enum fairness_answer answer = fairness_answer(report);

	buffer_append_text(out, "<p class=\"answer\">");
	print_both(out, english[answer], french[answer]);
	buffer_append_text(out, "</p>\n");
	if (!report->assumed)
		return;
	buffer_append_text(out, "<p>");
	print_both(out,
		"The quest file says nothing of durations: these are made up around the nominal "
		"ends.",
		"Le fichier de quête ne dit rien des durées : celles-ci sont supposées autour des "
		"fins nominales.");
	buffer_append_text(out, "</p>\n");
}

static void print_minutes(struct buffer *out, const struct fairness_report *report)
{
	print_heading(out, "What one minute more costs at the end",
		"Ce que coûte une minute de plus à la fin");
	for (size_t i = 0; i < report->scoring_count; i++) {
		const struct fairness_scoring *own = &report->scorings[i];
		struct bars bars;
		double most = 0;

		for (size_t j = 0; j < report->exercise_count; j++)
			most = fmax(most, fabs(own->minutes[j]));
		buffer_append_text(out, "<p><b>");
		print_escaped(out, own->name);
		buffer_append_text(out, "</b>");
		for (size_t j = 0; j < report->exercise_count && own->ratio[0]; j++)
			buffer_printf(out, "%s%lld", j ? " : " : " ", (long long)own->ratio[j]);
		buffer_append_text(out, "</p>\n");
		begin_bars(&bars, out, (int)report->exercise_count, most);
		for (size_t j = 0; j < report->exercise_count; j++) {
			char text[32];

			snprintf(text, sizeof text, "%.3g", own->minutes[j]);
			print_bar(&bars, report->exercises[j].name, own->minutes[j], text);
		}
		end_bars(&bars);
	}
}

static void print_exercises(struct buffer *out, const struct fairness_report *report)
{
	struct bars bars;

	print_heading(out, "Whoever completes an exercise first wins",
		"Qui termine un exercice en premier gagne");
	begin_bars(&bars, out, (int)report->exercise_count, 1);
	for (size_t i = 0; i < report->exercise_count; i++)
		print_share(&bars, report->exercises[i].name, report->exercises[i].first_wins);
	end_bars(&bars);
	print_heading(out, "Whoever leads at the nominal end of an exercise wins",
		"Qui mène à la fin nominale d'un exercice gagne");
	begin_bars(&bars, out, (int)report->exercise_count, 1);
	for (size_t i = 0; i < report->exercise_count; i++)
		print_share(&bars, report->exercises[i].name, report->exercises[i].leader_wins);
	end_bars(&bars);
}

static void print_leads(struct buffer *out, const struct fairness_report *report)
{
	struct bars bars;
	double most = 0;
	size_t last = 0;

	for (size_t i = 0; i <= FAIRNESS_LEADS; i++) {
		most = fmax(most, report->leads[i]);
		if (report->leads[i] > 0.0005)
			last = i;
	}
	print_heading(out, "Changes of the lead", "Changements de tête");
	begin_bars(&bars, out, (int)last + 1, most);
	for (size_t i = 0; i <= last; i++) {
		char label[16];

		snprintf(label, sizeof label, "%zu%s", i, i == FAIRNESS_LEADS ? "+" : "");
		print_share(&bars, str_from(label), report->leads[i]);
	}
	end_bars(&bars);
}

static void print_churn(struct buffer *out, const struct fairness_report *report)
{
	struct bars bars;
	char text[48];

	buffer_append_text(out, "<h2>");
	print_both(out, "Places above the line that change",
		"Places au-dessus de la ligne qui changent");
	buffer_printf(out, " (%lld)</h2>\n", (long long)report->places);
	begin_bars(&bars, out, (int)(report->scoring_count - 1 + report->sampling_count),
		(double)report->places);
	for (size_t i = 0; i < report->scoring_count; i++) {
		if (i == report->scoring)
			continue;
		snprintf(text, sizeof text, "%.2f", report->scorings[i].churn);
		print_bar(&bars, report->scorings[i].name, report->scorings[i].churn, text);
	}
	for (size_t i = 0; i < report->sampling_count; i++) {
		char label[32];

		snprintf(label, sizeof label, "%lld s",
			(long long)report->samplings[i].interval_ms / 1000);
		snprintf(text, sizeof text, "%.2f", report->samplings[i].churn);
		print_bar(&bars, str_from(label), report->samplings[i].churn, text);
	}
	end_bars(&bars);
	print_heading(out, "Races in which the line cuts through equals",
		"Courses où la ligne sépare des ex æquo");
	begin_bars(&bars, out, (int)report->sampling_count + 1, 1);
	print_share(&bars, STR("0 s"), report->tie);
	for (size_t i = 0; i < report->sampling_count; i++) {
		char label[32];

		snprintf(label, sizeof label, "%lld s",
			(long long)report->samplings[i].interval_ms / 1000);
		print_share(&bars, str_from(label), report->samplings[i].tie);
	}
	end_bars(&bars);
}

void fairness_print_html(struct buffer *out, const struct quest_title *title,
	const struct fairness_report *report, bool is_french)
{
	buffer_printf(
		out, "<!DOCTYPE html>\n<html lang=\"%s\"><head><title>", is_french ? "fr" : "en");
	print_escaped(out, is_french ? title->fr : title->en);
	buffer_printf(out,
		"</title>%s</head><body>\n<input type=\"radio\" name=\"l\" id=\"en\"%s>"
		"<label for=\"en\">English</label> <input type=\"radio\" name=\"l\" id=\"fr\"%s>"
		"<label for=\"fr\">Français</label>\n<main><h1><span lang=\"en\">",
		head, is_french ? "" : " checked", is_french ? " checked" : "");
	print_escaped(out, title->en);
	buffer_append_text(out, "</span><span lang=\"fr\">");
	print_escaped(out, title->fr);
	buffer_printf(out, "</span></h1>\n<p>");
	print_escaped(out, report->scorings[report->scoring].name);
	buffer_printf(out, ": %lld × %lld, seed %lld</p>\n", (long long)report->runs,
		(long long)report->players, (long long)report->seed);
	print_answer(out, report);
	print_minutes(out, report);
	print_exercises(out, report);
	print_leads(out, report);
	print_churn(out, report);
	buffer_append_text(out, "</main></body></html>\n");
}
