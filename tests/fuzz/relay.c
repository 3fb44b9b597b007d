/*
 * Whatever stands in the topic of commands: no crash, what is passed over has a reason, and an arm
 * never goes on with more time than it had, or twice. The first byte says how old it is and how it
 * came; structured mode is the JSON alone, binary mode lines NAME=VALUE, an empty one, the data.
 */
#include "train/decision_service/relay.h"

#include <assert.h>
#include <stdlib.h>

enum { MAX_HEADERS = 32 };
#define WALL_MS ((int64_t)1764200000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts the lines off the front of *rest; ends them with NUL in place. */
static size_t headers_of(struct str *rest, struct wire_cloud_header out[MAX_HEADERS])
{
	size_t count = 0;

	while (count < MAX_HEADERS && rest->len) {
		char *line = (char *)rest->data;
		char *end = memchr(line, '\n', rest->len), *equals;

		if (!end)
			break;
		rest->data = end + 1;
		rest->len -= (size_t)(end + 1 - line);
		if (end == line)
			break;
		equals = memchr(line, '=', (size_t)(end - line));
		if (!equals)
			continue;
		*equals = '\0';
		out[count].name = line;
		out[count++].value = (struct str){equals + 1, (size_t)(end - equals - 1)};
	}
	return count;
}

static void judge(const struct relay_record *record, int64_t wall_ms)
{
	struct relay relay = {.train = STR("red"), .clock = {{7}}};
	struct wire_command command;
	struct error err = {0};

	switch (relay_judge(&relay, record, wall_ms, 1000, &command, &err)) {
	case RELAY_PASSED:
		assert(!wire_id_is_zero(&command.id));
		if (command.verb == WIRE_VERB_ARM)
			assert(!record->is_behind && command.deadline_ms >= 1 &&
				command.deadline_ms <= WIRE_MAX_DEADLINE_MS &&
				command.sent_monotonic_us == 1000);
		relay_remember(&relay, &command);
		assert(relay_judge(&relay, record, wall_ms, 1000, &command, &err) == RELAY_KNOWN);
		break;
	case RELAY_REFUSED:
		assert(command.verb == WIRE_VERB_ARM && err.text[0]);
		break;
	case RELAY_UNREADABLE:
		assert(err.kind != ERROR_NONE && err.text[0]);
		break;
	case RELAY_OTHER:
		break;
	case RELAY_KNOWN:
	case RELAY_VERDICTS:
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_cloud_header headers[MAX_HEADERS] = {
		{"content-type", STR("application/cloudevents+json")}};
	struct relay_record record = {headers, 1, {"", 0}, false};

	if (size == 0)
		return 0;
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size);

	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	record.value = (struct str){copy, size - 1};
	record.is_behind = data[0] & 1;
	if (data[0] & 2)
		record.header_count = headers_of(&record.value, headers);
	judge(&record, WALL_MS + (data[0] >> 2) * 100);
	free(copy);
	return 0;
}
