#include "train/monitor/record.h"

#include "train/ring/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const int64_t NOON = INT64_C(1790000000000), HOUR = 3600000;

static const struct service_settings settings = {
	.listen = "127.0.0.1:0", .train = "red", .compat = "none", .log_level = "warn"};

struct fixture {
	char folder[64];
	struct monitor monitor;
};

static int start(void **state)
{
	const struct service_options options = {
		.name = "monitor", .settings = &settings, .has_no_bus = true};
	struct fixture *fixture = calloc(1, sizeof *fixture);
	struct error err = {0};

	snprintf(fixture->folder, sizeof fixture->folder, "/tmp/rq-record-XXXXXX");
	fleet_init(&fixture->monitor.fleet, &(struct fleet_setup){.state.stale_ms = 1000});
	fixture->monitor.service = service_create(&options, &err);
	*state = fixture;
	if (!mkdtemp(fixture->folder) || !fixture->monitor.service ||
		!monitor_record_start(&fixture->monitor,
			&(struct record_settings){.folder = fixture->folder, .size_mb = 4}, &err)) {
		print_error("%s\n", err.text);
		return 1;
	}
	return 0;
}

static int stop(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	monitor_record_stop(&fixture->monitor);
	service_destroy(fixture->monitor.service);
	fleet_finish(&fixture->monitor.fleet);
	snprintf(command, sizeof command, "rm -rf %s", fixture->folder);
	int status = system(command); // NOLINT: a test's own folder

	free(fixture);
	return status;
}

static void say(struct fixture *fixture, const char *train, int64_t time_ms, bool is_late)
{
	struct error err = {0};
	const struct fleet_message message = {.kind = STATE_OF_TELEMETRY,
		.payload = STR("{}"),
		.wall_ms = NOON,
		.time_ms = time_ms,
		.is_late = is_late};

	monitor_record(&fixture->monitor, fleet_get(&fixture->monitor.fleet, str_from(train), &err),
		&message);
}

static struct ring_span span_of(const struct fixture *fixture, const char *train)
{
	struct error err = {0};
	struct ring_reader *reader = ring_reader_open_train(fixture->folder, str_from(train), &err);

	if (!reader)
		fail_msg("%s", err.text);
	struct ring_span span = ring_reader_span(reader);

	ring_reader_close(reader);
	return span;
}

static void each_trains_clock_is_judged_by_itself(void **state)
{
	struct fixture *fixture = *state;

	say(fixture, "fast", NOON + 3 * HOUR, false);
	say(fixture, "fast", NOON + 2 * HOUR, true);
	say(fixture, "right", NOON - 200, false);
	say(fixture, "right", NOON - HOUR - 200, true);
	monitor_record_command(&fixture->monitor, fleet_find(&fixture->monitor.fleet, STR("right")),
		STR("{}"), NOON);
	monitor_record_stop(&fixture->monitor);
	assert_int_equal(span_of(fixture, "fast").oldest_ms, NOON - HOUR);
	assert_int_equal(span_of(fixture, "fast").newest_ms, NOON);
	assert_int_equal(span_of(fixture, "right").oldest_ms, NOON - HOUR - 200);
	assert_int_equal(span_of(fixture, "right").newest_ms, NOON);
	assert_int_equal(span_of(fixture, "right").last, 3);
}

static void without_a_folder_nothing_is_recorded_and_nothing_fails(void **state)
{
	struct fixture *fixture = *state;
	struct error err = {0};

	monitor_record_stop(&fixture->monitor);
	assert_true(monitor_record_start(
		&fixture->monitor, &(struct record_settings){.size_mb = 4}, &err));
	assert_null(monitor_record_folder(&fixture->monitor));
	say(fixture, "red", NOON, false);
	monitor_record_command(&fixture->monitor, fleet_find(&fixture->monitor.fleet, STR("red")),
		STR("{}"), NOON);
	monitor_record_tick(&fixture->monitor, NOON);
	monitor_record_collect(&fixture->monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_trains_clock_is_judged_by_itself, start, stop),
		cmocka_unit_test_setup_teardown(
			without_a_folder_nothing_is_recorded_and_nothing_fails, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
