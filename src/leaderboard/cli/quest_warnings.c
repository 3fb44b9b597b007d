#include "leaderboard/cli/quest_warnings.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <unistd.h>

/* What is collected; `items` grows on the heap and moves to the arena at the end. */
struct collector {
	struct arena *arena;
	struct str *items;
	size_t count, capacity;
};

static void add(struct collector *out, struct str text)
{
	out->items = memory_grow(out->items, &out->capacity, out->count + 1, sizeof *out->items);
	out->items[out->count++] = text;
}

/* --- files --- */

/* Files that are named and cannot be read: on the day this would be an outage. */
static void check_readable(struct collector *out, struct str name, const char *what)
{
	if (name.len && access(arena_copy(out->arena, name.data, name.len), R_OK) != 0)
		add(out, str_format(out->arena, "%s %.*s cannot be read", what, STR_ARG(name)));
}

/* --- secrets --- */

// 127.0.0.0/8, ::1 and localhost; a name that merely begins like them is somebody else's.
static bool is_loopback(struct str host)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in_addr four;
	struct in6_addr six;

	if (str_equal(host, STR("localhost")))
		return true;
	if (host.len >= sizeof text)
		return false;
	memcpy(text, host.data, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET, text, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, text, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

// Without the brackets of an IPv6 address. The reader has seen that there is no user in front.
static struct str host_of(struct str url)
{
	const char *scheme = memmem(url.data, url.len, "://", 3);
	struct str rest = url;
	size_t len = 0;

	if (scheme) {
		rest.data = scheme + 3;
		rest.len = url.len - (size_t)(rest.data - url.data);
	}
	if (rest.len && rest.data[0] == '[') {
		const char *end = memchr(rest.data, ']', rest.len);

		return end ? (struct str){rest.data + 1, (size_t)(end - rest.data) - 1} : rest;
	}
	while (len < rest.len && !strchr("/?:", rest.data[len]))
		len++;
	return (struct str){rest.data, len};
}

static void check_clear(struct collector *out, struct str url, struct str secret_file)
{
	if (!secret_file.len || !str_starts_with(url, STR("http://")) || is_loopback(host_of(url)))
		return;
	add(out, str_format(out->arena,
			 "what is in %.*s goes to %.*s in clear, and whoever is on the way can "
			 "read it: use https://",
			 STR_ARG(secret_file), STR_ARG(url)));
}

/* --- the file --- */

static void check_source(struct collector *out, const struct quest_source *source)
{
	const struct quest_access *own = &source->access;
	struct str secret =
		own->bearer_token_file.len ? own->bearer_token_file : own->password_file;

	check_readable(out, own->ca_file, "ca_file");
	check_readable(out, own->certificate_file, "certificate_file");
	check_readable(out, own->key_file, "key_file");
	check_readable(out, own->bearer_token_file, "bearer_token_file");
	check_readable(out, own->password_file, "password_file");
	if (source->kind == QUEST_REMOTE)
		check_clear(out, source->url, secret);
	for (size_t i = 0; i < source->endpoint_count; i++)
		check_clear(out, source->endpoints[i].url, secret);
}

static void check_probes(struct collector *out, const struct quest *quest)
{
	for (size_t i = 0; i < quest->exercise_count; i++)
		for (size_t j = 0; j < quest->exercises[i].condition_count; j++) {
			const struct quest_probe *probe = quest->exercises[i].conditions[j].probe;

			if (!probe)
				continue;
			check_readable(out, probe->ca_file, "ca_file");
			check_readable(out, probe->bearer_token_file, "bearer_token_file");
			check_clear(out, probe->url, probe->bearer_token_file);
		}
}

struct quest_warnings cli_quest_warnings(const struct quest_file *file, struct arena *arena)
{
	struct collector found = {.arena = arena};
	struct quest_warnings out;

	check_readable(&found, file->push_token_file, "token_file");
	check_readable(&found, file->admin_token_file, "token_file");
	check_probes(&found, &file->quests[file->environment]);
	for (size_t i = 0; i < file->source_count; i++)
		check_source(&found, &file->sources[i]);
	if (file->source_count == 0)
		add(&found, STR("without sources only pushes, probes and awards complete "
				"anything"));
	out.count = found.count;
	out.items = ARENA_ARRAY(arena, struct str, found.count);
	if (found.count)
		memcpy(out.items, found.items, found.count * sizeof *out.items);
	free(found.items);
	return out;
}
