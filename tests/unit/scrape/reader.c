#include "engine/scrape/scrape.h"

#include "base/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* What is delivered, a line each: `SERIES VALUE [MS]`, or `KIND NAME TEXT`. */
static bool note_sample(void *context, const struct scrape_sample *sample, struct error *err)
{
	struct buffer *out = context;

	(void)err;
	labels_print_metric(out, sample->labels);
	buffer_append_char(out, ' ');
	buffer_append_number(out, sample->value);
	if (sample->has_time)
		buffer_printf(out, " %lld", (long long)sample->t_ms);
	buffer_append_char(out, '\n');
	return true;
}

static bool note_metadata(void *context, const struct scrape_metadata *metadata, struct error *err)
{
	static const char *const kinds[] = {"type", "help", "unit"};

	(void)err;
	buffer_printf(context, "%s %.*s %.*s\n", kinds[metadata->kind], STR_ARG(metadata->name),
		STR_ARG(metadata->text));
	return true;
}

static void check(enum scrape_format format, const char *text, const char *wanted)
{
	struct buffer out = {0};
	struct error err = {0};
	struct scrape_receiver receiver = {note_sample, note_metadata, &out};

	if (!scrape_read(str_from(text), format, 0, &receiver, &err))
		buffer_append_text(&out, err.text);
	assert_string_equal(buffer_str(&out).data, wanted);
	buffer_finish(&out);
}

static void check_openmetrics(const char *text, const char *wanted)
{
	check(SCRAPE_OPENMETRICS, text, wanted);
}

static void check_prometheus(const char *text, const char *wanted)
{
	check(SCRAPE_PROMETHEUS, text, wanted);
}

static void openmetrics_gives_samples_and_metadata(void **state)
{
	(void)state;
	check_openmetrics("# EOF\n", "");
	check_openmetrics("# EOF", "");
	check_openmetrics("# TYPE pods gauge\n# HELP pods How many \\\\ \\\"pods\\\".\n"
			  "pods{ns=\"a\",pod=\"b-1\"} 3 1700000000.5\npods{ns=\"a\",pod=\"b-1\"} 4 "
			  "1700000005\npods 5\n# EOF\n",
		"type pods gauge\nhelp pods How many \\ \"pods\".\n"
		"pods{ns=\"a\", pod=\"b-1\"} 3 1700000000500\n"
		"pods{ns=\"a\", pod=\"b-1\"} 4 1700000005000\npods 5\n");
	check_openmetrics(
		"# TYPE s_seconds counter\n# UNIT s_seconds seconds\ns_seconds_total 1\n# EOF\n",
		"type s_seconds counter\nunit s_seconds seconds\ns_seconds_total 1\n");
	check_openmetrics(
		"a NaN\na +Inf\na -Inf\na 1e-3\n# EOF\n", "a NaN\na +Inf\na -Inf\na 0.001\n");
}

static void times_in_seconds_round_to_milliseconds(void **state)
{
	(void)state;
	check_openmetrics("a 1 1.001\na 1 -0.5\na 1 1.0010001\na 1 1e3\n# EOF\n",
		"a 1 1001\na 1 -500\na 1 1001\na 1 1000000\n");
}

static void exemplars_are_checked_and_left_out(void **state)
{
	(void)state;
	check_openmetrics(
		"a_bucket{le=\"1\"} 3 # {trace=\"x\"} 0.5\na_bucket{le=\"1\"} 4 5 # {} 0.5 "
		"4.9\n# EOF\n",
		"a_bucket{le=\"1\"} 3\na_bucket{le=\"1\"} 4 5000\n");
	check_openmetrics(
		"a 3 # 0.5\n", "1:7: expected the exemplar's labels in braces, got \"0.5\"");
	check_openmetrics("a 3 # {x=\"y\"}\n", "1:14: expected one blank, got the end of the line");
}

static void names_outside_the_classic_alphabet_stand_in_quotes(void **state)
{
	(void)state;
	check_openmetrics("# TYPE \"a.b\" gauge\n{\"a.b\",\"l.x\"=\"y\",z=\"\xC3\xA9\"} 1\n# EOF\n",
		"type a.b gauge\n{\"a.b\", \"l.x\"=\"y\", z=\"\xC3\xA9\"} 1\n");
	check_openmetrics("a.b 1\n", "1:2: expected a blank behind the series, got \".b\"");
	check_openmetrics("{a=\"b\"} 1\n", "1:1: expected a metric name (letters, digits, _ and :; "
					   "others in quotes inside the "
					   "braces), got \"{a=\\\"b\\\"}\"");
	check_openmetrics("a{\"b\"} 1\n", "1:3: expected no second metric name");
}

static void label_values_resolve_their_escapes(void **state)
{
	(void)state;
	check_openmetrics("a{b=\"x\\\\y\\\"z\\n\"} 1\n# EOF\n", "a{b=\"x\\\\y\\\"z\\n\"} 1\n");
	check_openmetrics("a{b=\"\"} 1\n# EOF\n", "a 1\n");
	check_openmetrics("a{b=\"\\d\"} 1\n",
		"1:6: expected an escape (\\\\, \\\" or \\n), got \"\\\\d\\\"}\"");
	check_openmetrics(
		"a{b=\"x} 1\n", "1:10: expected a closing quote, got the end of the line");
	check_openmetrics("a{b=\"\xff\"} 1\n", "1:6: expected UTF-8, got \"\\xff\\\"}\"");
}

static void prometheus_text_allows_blanks_and_comments(void **state)
{
	(void)state;
	check_prometheus("# a comment\n\n# HELP a Help\n# TYPE a untyped\n"
			 "a { b = \"c\" , } \t 1 \t 1500 \n  a 2\n# EOF is a comment\n",
		"help a Help\ntype a untyped\na{b=\"c\"} 1 1500\na 2\n");
	check_prometheus("up 1\nup {a=\"b\"} 2\nup 3\n", "up 1\nup{a=\"b\"} 2\nup 3\n");
	check_prometheus("a 1 1.5\n",
		"1:5: expected a time in milliseconds, a whole number up to 2.25e15, got \"1.5\"");
	check_prometheus("a 1", "1:4: expected a newline, got the end of the line");
	check_prometheus("", "");
}

static void errors_name_line_column_text_and_what_is_right(void **state)
{
	(void)state;
	check_openmetrics("a 1\na{b=\"c\"} one\n# EOF\n",
		"a 1\n2:10: expected a value (a number, NaN, +Inf or -Inf), got \"one\"");
	check_openmetrics(
		"a 0x1F\n", "1:3: expected a value (a number, NaN, +Inf or -Inf), got \"0x1F\"");
	check_openmetrics("a\n", "1:2: expected one blank, got the end of the line");
	check_openmetrics(
		"a  1\n", "1:3: expected no second blank: OpenMetrics has one between parts");
	check_openmetrics("a 1 \n",
		"1:5: expected a time or an exemplar behind the blank, got the end of the line");
	check_openmetrics("a 1 2 3\n", "1:7: expected the end of the line, got \"3\"");
	check_openmetrics("a 1 soon\n",
		"1:5: expected a time in seconds, a number up to 2.25e12, got \"soon\"");
	check_openmetrics("a 1 4402790101288.152\n", "1:5: expected a time in seconds, a number up "
						     "to 2.25e12, got \"4402790101288.152\"");
	check_openmetrics("a{b} 1\n", "1:4: expected = behind the label's name, got \"}\"");
	check_openmetrics(
		"a{b=c} 1\n", "1:5: expected the label's value in double quotes, got \"c}\"");
	check_openmetrics(
		"a{b=\"c\" d=\"e\"} 1\n", "1:8: expected , or } behind a label, got \" \"");
	check_openmetrics("a{b=\"c\",} 1\n", "1:9: expected a label name or }, got \"}\"");
	check_openmetrics(
		"a{b=\"c\",b=\"d\"} 1\n", "1:9: expected no second label \"b\" in one series");
	check_openmetrics("# TYPE a gague\n",
		"1:10: expected a type (counter, gauge, histogram, gaugehistogram, summary, info, "
		"stateset or unknown), got \"gague\"");
	check_openmetrics("# UNIT a seconds\n", "1:10: expected a unit that the metric's name ends "
						"in, behind a _, got \"seconds\"");
	check_openmetrics("# hello\n", "1:1: expected # TYPE, # HELP, # UNIT or # EOF (OpenMetrics "
				       "has no other comments), "
				       "got \"#\"");
	check_openmetrics("a 1\r\n# EOF\n",
		"1:3: expected a value (a number, NaN, +Inf or -Inf), got \"1\\r\"");
}

static void openmetrics_ends_with_its_mark(void **state)
{
	(void)state;
	check_openmetrics("a 1\n",
		"a 1\n2:1: expected # EOF, got the end of the text: it was cut, or "
		"is no OpenMetrics");
	check_openmetrics(
		"a 1\n# EOF\nb 1\n", "a 1\n3:1: expected nothing behind # EOF, got \"b\"");
	check_openmetrics("a 1\n\n# EOF\n",
		"a 1\n2:1: expected a sample or a comment (OpenMetrics has "
		"no empty lines), got the end of the line");
	check_openmetrics("# EOF x\n", "1:6: expected the end of the line behind # EOF, got \" \"");
}

static void what_grows_is_capped(void **state)
{
	struct buffer text = {0}, out = {0};
	struct error err = {0};
	struct scrape_receiver receiver = {note_sample, NULL, &out};

	(void)state;
	assert_false(
		scrape_read(STR("a 1\na 2\na 3\n# EOF\n"), SCRAPE_OPENMETRICS, 2, &receiver, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_string_equal(err.text, "3:1: more than 2 samples");
	buffer_append_text(&text, "a{");
	for (int i = 0; i < 300; i++)
		buffer_printf(&text, "l%d=\"x\",", i);
	buffer_append_text(&text, "} 1\n");
	assert_false(scrape_read(buffer_str(&text), SCRAPE_PROMETHEUS, 0, &receiver, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	buffer_clear(&text);
	for (int i = 0; i < (1 << 20) + 1; i++)
		buffer_append_char(&text, 'a');
	buffer_append_char(&text, '\n');
	assert_false(scrape_read(buffer_str(&text), SCRAPE_PROMETHEUS, 0, &receiver, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	buffer_finish(&text);
	buffer_finish(&out);
}

static bool refuse(void *context, const struct scrape_sample *sample, struct error *err)
{
	(void)context;
	return sample->line < 2 || error_set(err, ERROR_EXECUTION, "enough");
}

static void a_receiver_may_stop_the_reading(void **state)
{
	struct error err = {0};
	struct scrape_receiver receiver = {refuse, NULL, NULL};

	(void)state;
	assert_false(scrape_read(STR("a 1\nb 1\n"), SCRAPE_OPENMETRICS, 0, &receiver, &err));
	assert_int_equal(err.kind, ERROR_EXECUTION);
	assert_string_equal(err.text, "2:1: enough");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openmetrics_gives_samples_and_metadata),
		cmocka_unit_test(times_in_seconds_round_to_milliseconds),
		cmocka_unit_test(exemplars_are_checked_and_left_out),
		cmocka_unit_test(names_outside_the_classic_alphabet_stand_in_quotes),
		cmocka_unit_test(label_values_resolve_their_escapes),
		cmocka_unit_test(prometheus_text_allows_blanks_and_comments),
		cmocka_unit_test(errors_name_line_column_text_and_what_is_right),
		cmocka_unit_test(openmetrics_ends_with_its_mark),
		cmocka_unit_test(what_grows_is_capped),
		cmocka_unit_test(a_receiver_may_stop_the_reading),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
