#include "train/monitor/overview.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { SECOND = 1000000 };

struct fixture {
	struct fleet fleet;
	struct overview viewer;
	struct buffer said;
};

static int setup(void **state)
{
	static struct fixture fixture;
	struct fleet_setup setup = {.state = {.stale_ms = 1000}};
	struct error err = {0};

	fixture = (struct fixture){.viewer = {.fleet = &fixture.fleet, .wants_results = true}};
	fleet_init(&fixture.fleet, &setup);
	assert_non_null(fleet_get(&fixture.fleet, STR("blue"), &err));
	assert_non_null(fleet_get(&fixture.fleet, STR("red"), &err));
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	buffer_finish(&fixture->said);
	fleet_finish(&fixture->fleet);
	return 0;
}

/* What it is told now; NULL: nothing. */
static const char *told(struct fixture *fixture, int64_t now_us)
{
	struct http_block *block =
		overview_news(&fixture->viewer, now_us, STR("{\"up\":true}"), STR("<"), STR(">"));

	if (!block)
		return NULL;
	buffer_clear(&fixture->said);
	buffer_append(&fixture->said, block->data, block->len);
	buffer_append_char(&fixture->said, '\0');
	http_block_drop(block);
	return fixture->said.data;
}

static void find(struct fixture *fixture, size_t place, const char *section)
{
	struct state *state = &fixture->fleet.trains[place]->state;

	buffer_clear(&state->sections[STATE_RESULT]);
	buffer_append_text(&state->sections[STATE_RESULT], section);
	state->generations[STATE_RESULT]++;
}

static void a_new_viewer_is_told_all_trains_with_their_places(void **state)
{
	const char *said = told(*state, 10 * SECOND);

	assert_non_null(strstr(said, "<{\"now_us\":10000000,\"run\":\""));
	assert_non_null(
		strstr(said, "{\"train\":\"blue\",\"place\":0,\"heard\":true,\"alive\":false"));
	assert_non_null(strstr(said, "{\"train\":\"red\",\"place\":1,"));
	assert_non_null(strstr(said, "\"kafka\":{\"up\":true}}>"));
	assert_null(strstr(said, "results"));
	assert_null(told(*state, 10 * SECOND + 1));
}

static void rows_wait_for_their_pace_and_results_do_not(void **state)
{
	struct fixture *fixture = *state;

	told(fixture, 10 * SECOND);
	fixture->fleet.trains[1]->state.generations[STATE_FRAME]++;
	assert_null(told(fixture, 10 * SECOND + 10));
	find(fixture, 1, "\"result\":{\"trace\":\"a\"}");
	assert_non_null(strstr(told(fixture, 10 * SECOND + 20),
		"\"trains\":[],\"results\":[{\"place\":1,\"result\":{\"trace\":\"a\"}}]}>"));
	assert_null(told(fixture, 10 * SECOND + 30));
	const char *said = told(fixture, 10 * SECOND + OVERVIEW_PACE_US);

	assert_non_null(strstr(said, "\"trains\":[{\"train\":\"red\""));
	assert_null(strstr(said, "blue"));
}

static void of_several_results_the_newest_of_each_train_is_told(void **state)
{
	struct fixture *fixture = *state;

	told(fixture, 10 * SECOND);
	find(fixture, 0, "\"result\":1");
	find(fixture, 1, "\"result\":2");
	find(fixture, 0, "\"result\":3");
	assert_non_null(strstr(told(fixture, 10 * SECOND + 1),
		"\"results\":[{\"place\":0,\"result\":3},{\"place\":1,\"result\":2}]}>"));
}

static void who_does_not_want_results_is_not_woken_by_them(void **state)
{
	struct fixture *fixture = *state;

	fixture->viewer.wants_results = false;
	told(fixture, 10 * SECOND);
	find(fixture, 0, "\"result\":1");
	assert_null(told(fixture, 10 * SECOND + OVERVIEW_PACE_US));
}

static void a_train_of_which_only_a_recording_is_known_is_no_alert(void **state)
{
	struct fixture *fixture = *state;
	struct error err = {0};

	assert_non_null(fleet_know(&fixture->fleet, STR("old"), &err));
	assert_non_null(strstr(told(fixture, 10 * SECOND),
		"{\"train\":\"old\",\"place\":2,\"heard\":false,\"alive\":false,\"alerts\":[]}"));
	assert_non_null(fleet_get(&fixture->fleet, STR("old"), &err));
	assert_non_null(strstr(told(fixture, 11 * SECOND),
		"\"place\":2,\"heard\":true,\"alive\":false,\"alerts\":[\"silent\"]"));
}

static void who_is_behind_is_told_results_of_trains_whose_pictures_it_was_sent(void **state)
{
	struct fixture *fixture = *state;

	told(fixture, 10 * SECOND);
	find(fixture, 0, "\"result\":1");
	find(fixture, 1, "\"result\":2");
	fixture->viewer.is_behind = true;
	assert_null(told(fixture, 10 * SECOND + 1));
	fixture->viewer.was_sent[1] = true;
	assert_non_null(strstr(
		told(fixture, 10 * SECOND + 2), "\"results\":[{\"place\":1,\"result\":2}]}>"));
	find(fixture, 1, "\"result\":3"); // of a picture that it was not sent
	assert_null(told(fixture, 10 * SECOND + 3));
	fixture->viewer.is_behind = false;
	assert_non_null(strstr(told(fixture, 10 * SECOND + 4),
		"\"results\":[{\"place\":0,\"result\":1},{\"place\":1,\"result\":3}]}>"));
}

static void silence_lasts_a_second_at_most(void **state)
{
	struct fixture *fixture = *state;

	told(fixture, 10 * SECOND);
	assert_null(told(fixture, 11 * SECOND - 1));
	assert_non_null(strstr(told(fixture, 11 * SECOND), "\"trains\":[],\"kafka\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_viewer_is_told_all_trains_with_their_places),
		TEST(rows_wait_for_their_pace_and_results_do_not),
		TEST(of_several_results_the_newest_of_each_train_is_told),
		TEST(who_does_not_want_results_is_not_woken_by_them),
		TEST(a_train_of_which_only_a_recording_is_known_is_no_alert),
		TEST(who_is_behind_is_told_results_of_trains_whose_pictures_it_was_sent),
		TEST(silence_lasts_a_second_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
