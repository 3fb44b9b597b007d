#include "leaderboard/quest/quest_file_reader.h"

/*
 * Where metrics come from. Secrets are never in the file: it names files that hold them.
 */

static bool read_headers(
	const struct quest_reader *reader, const struct yaml_node *node, struct quest_access *out)
{
	const struct scenario_reader *own = &reader->scenario;

	if (!node)
		return true;
	if (node->kind != YAML_MAPPING || node->count > 20)
		return yaml_error(own->err, own->file, node,
			"headers must be a mapping of at most 20, such as {X-Scope-OrgID: demo}");
	out->headers = ARENA_ARRAY(own->arena, struct label, node->count);
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_pair *pair = &node->pairs[i];
		struct str name = pair->key->text, value;

		if (!yaml_string(pair->value, own->file, "a header", &value, own->err))
			return false;
		bool ok = name.len > 0 && name.len <= 100 && value.len <= 1000;

		for (size_t j = 0; ok && j < name.len; j++)
			ok = (unsigned char)name.data[j] > ' ' && name.data[j] < 0x7f &&
			     name.data[j] != ':';
		for (size_t j = 0; ok && j < value.len; j++)
			ok = (unsigned char)value.data[j] >= ' ' && value.data[j] != 0x7f;
		if (!ok)
			return yaml_error(own->err, own->file, pair->key,
				"\"%.*s\" and its value cannot be sent as a header",
				(int)(name.len > 80 ? 80 : name.len), name.data);
		if (strncasecmp(name.data, "authorization", name.len) == 0 && name.len == 13)
			return yaml_error(own->err, own->file, pair->key,
				"a secret does not belong here: name a bearer_token_file, or a "
				"user and a password_file");
		out->headers[out->header_count++] = (struct label){name, value};
	}
	return true;
}

static bool read_access(const struct quest_reader *reader, const struct yaml_node *node,
	struct quest_source *source)
{
	static const struct scenario_field fields[] = {
		{"timeout", SCENARIO_DURATION, offsetof(struct quest_access, timeout_ms), 100,
			300000, true},
		{0},
	};
	const struct scenario_reader *own = &reader->scenario;
	struct quest_access *out = &source->access;

	out->timeout_ms = source->kind == QUEST_REMOTE ? 30000 : source->interval_ms;
	if (out->timeout_ms > 10000 && source->kind == QUEST_SCRAPE)
		out->timeout_ms = 10000;
	out->max_bytes = 64 << 20;
	if (!scenario_read_fields(own, node, fields, out) ||
		!quest_read_path(own, node, "ca_file", &out->ca_file) ||
		!quest_read_path(own, node, "certificate_file", &out->certificate_file) ||
		!quest_read_path(own, node, "key_file", &out->key_file) ||
		!quest_read_path(own, node, "bearer_token_file", &out->bearer_token_file) ||
		!quest_read_optional(reader, node, "user", &out->user) ||
		!quest_read_path(own, node, "password_file", &out->password_file) ||
		!read_headers(reader, yaml_get(node, "headers"), out))
		return false;
	if (!out->certificate_file.len != !out->key_file.len)
		return yaml_error(
			own->err, own->file, node, "certificate_file and key_file go together");
	if (!out->user.len != !out->password_file.len)
		return yaml_error(own->err, own->file, node, "user and password_file go together");
	return !out->user.len || !out->bearer_token_file.len ||
	       yaml_error(own->err, own->file, node,
		       "a source has a user with a password_file, or a bearer_token_file, not "
		       "both");
}

// The part of an address that Prometheus makes the label `instance`.
static struct str instance_of(struct str url)
{
	const char *begin = memmem(url.data, url.len, "://", 3);

	begin = begin ? begin + 3 : url.data;
	size_t left = url.len - (size_t)(begin - url.data), len = 0;

	while (len < left && begin[len] != '/' && begin[len] != '?')
		len++;
	return (struct str){begin, len};
}

static bool read_labels(
	const struct quest_reader *reader, const struct yaml_node *node, struct quest_endpoint *out)
{
	const struct scenario_reader *own = &reader->scenario;

	if (!node)
		return true;
	if (node->kind != YAML_MAPPING || node->count > QUEST_MAX_LABELS)
		return yaml_error(own->err, own->file, node,
			"labels must be a mapping of at most %d, NAME: value", QUEST_MAX_LABELS);
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_pair *pair = &node->pairs[i];
		struct str name = pair->key->text, value;

		if (!labels_is_plain_name(name, false) || str_starts_with(name, STR("__")))
			return yaml_error(own->err, own->file, pair->key,
				"\"%.*s\" cannot be the name of a label",
				(int)(name.len > 80 ? 80 : name.len), name.data);
		if (!yaml_string(pair->value, own->file, "a label", &value, own->err))
			return false;
		out->labels[out->label_count++] = (struct label){name, value};
	}
	return true;
}

static bool read_endpoint(
	const struct quest_reader *reader, const struct yaml_node *node, struct quest_endpoint *out)
{
	static const char *const allowed[] = {"url", "job", "instance", "labels", NULL};
	const struct scenario_reader *own = &reader->scenario;
	bool is_mapping = node->kind == YAML_MAPPING;
	const struct yaml_node *url =
		is_mapping ? quest_need(own, node, "url", "an endpoint") : node;
	struct str job = STR("quest"), instance;

	if (!url ||
		(is_mapping && !yaml_check_keys(node, own->file, "an endpoint", allowed, own->err)))
		return false;
	if (!scenario_read_text(own, url, "url of an endpoint", &out->url) ||
		!quest_check_url(own, url, "url of an endpoint", out->url))
		return false;
	instance = instance_of(out->url);
	if (!quest_read_optional(reader, node, "job", &job) ||
		!quest_read_optional(reader, node, "instance", &instance))
		return false;
	out->labels = ARENA_ARRAY(own->arena, struct label, QUEST_MAX_LABELS + 2);
	out->labels[0] = (struct label){STR("job"), job};
	out->labels[1] = (struct label){STR("instance"), instance};
	out->label_count = 2;
	return read_labels(reader, yaml_get(node, "labels"), out);
}

static bool read_endpoints(
	const struct quest_reader *reader, const struct yaml_node *node, struct quest_source *out)
{
	const struct scenario_reader *own = &reader->scenario;

	if (node->kind != YAML_SEQUENCE || node->count == 0 || node->count > QUEST_MAX_ENDPOINTS)
		return yaml_error(own->err, own->file, node,
			"scrape must be a list of 1 to %d addresses of /metrics",
			QUEST_MAX_ENDPOINTS);
	out->endpoints = ARENA_ARRAY(own->arena, struct quest_endpoint, node->count);
	for (size_t i = 0; i < node->count; i++) {
		if (!read_endpoint(reader, node->items[i], &out->endpoints[i]))
			return false;
		out->endpoint_count++;
	}
	return true;
}

static bool read_target(
	const struct quest_reader *reader, const struct yaml_node *node, struct quest_source *out)
{
	const struct scenario_reader *own = &reader->scenario;
	const struct yaml_node *remote = yaml_get(node, "prometheus"),
			       *scrape = yaml_get(node, "scrape");

	if (!remote == !scrape)
		return yaml_error(own->err, own->file, node,
			"a source has either prometheus (the address of a server that is asked) "
			"or scrape (a list of /metrics addresses)");
	out->kind = remote ? QUEST_REMOTE : QUEST_SCRAPE;
	if (scrape)
		return read_endpoints(reader, scrape, out);
	if (!scenario_read_text(own, remote, "prometheus", &out->url) ||
		!quest_check_url(own, remote, "prometheus", out->url))
		return false;
	while (out->url.data[out->url.len - 1] == '/')
		out->url.len--;
	return true;
}

static bool read_source(
	const struct quest_reader *reader, const struct yaml_node *node, struct quest_source *out)
{
	static const char *const allowed[] = {"name", "title", "cluster", "prometheus", "scrape",
		"interval", "timeout", "delay", "sample_limit", "ca_file", "certificate_file",
		"key_file", "bearer_token_file", "user", "password_file", "headers", NULL};
	static const struct scenario_field fields[] = {
		{"interval", SCENARIO_DURATION, offsetof(struct quest_source, interval_ms), 1000,
			3600000, true},
		{"delay", SCENARIO_DURATION, offsetof(struct quest_source, delay_ms), 0, 3600000,
			true},
		{0},
	};
	const struct scenario_reader *own = &reader->scenario;
	int64_t sample_limit = 1000000;

	out->interval_ms = 15000;
	if (!yaml_check_keys(node, own->file, "a source", allowed, own->err) ||
		!quest_read_optional(reader, node, "cluster", &out->cluster))
		return false;
	out->name = out->cluster;
	if (!out->cluster.len && !quest_need(own, node, "name", "a source without a cluster"))
		return false;
	if (yaml_get(node, "name") &&
		!quest_read_label(reader, yaml_get(node, "name"), "name of a source", &out->name))
		return false;
	if (!scenario_read_title(own, yaml_get(node, "title"), out->name, &out->title) ||
		!read_target(reader, node, out) || !scenario_read_fields(own, node, fields, out) ||
		!read_access(reader, node, out) ||
		(yaml_get(node, "sample_limit") &&
			!yaml_int(yaml_get(node, "sample_limit"), own->file, "sample_limit",
				&sample_limit, own->err)))
		return false;
	if (sample_limit < 1 || sample_limit > 10000000)
		return yaml_error(own->err, own->file, yaml_get(node, "sample_limit"),
			"sample_limit must lie between 1 and 10000000, not %lld",
			(long long)sample_limit);
	out->sample_limit = (size_t)sample_limit;
	return true;
}

static bool read_token(const struct quest_reader *reader, const struct yaml_node *root,
	const char *key, struct str *out)
{
	static const char *const allowed[] = {"token_file", NULL};
	const struct scenario_reader *own = &reader->scenario;
	const struct yaml_node *node = yaml_get(root, key);

	if (!node)
		return true;
	if (!yaml_check_keys(node, own->file, key, allowed, own->err))
		return false;
	if (!yaml_get(node, "token_file"))
		return yaml_error(own->err, own->file, node,
			"%s needs a token_file, a file that holds the token", key);
	return quest_read_path(own, node, "token_file", out);
}

// A push must be possible where a condition waits for one.
static bool check_push(const struct quest_reader *reader, const struct yaml_node *root)
{
	const struct quest *quest = &reader->out->quests[0];

	for (size_t i = 0; i < quest->exercise_count; i++)
		for (size_t j = 0; j < quest->exercises[i].condition_count; j++)
			if (quest->exercises[i].conditions[j].kind == QUEST_BY_PUSH &&
				!reader->out->push_token_file.len)
				return yaml_error(reader->scenario.err, reader->scenario.file,
					yaml_get(root, "exercises")->items[i],
					"condition \"%.*s\" waits for a push: say who may, push: "
					"{token_file: push.token}",
					STR_ARG(quest->exercises[i].conditions[j].name));
	return true;
}

bool quest_read_sources(const struct quest_reader *reader, const struct yaml_node *root)
{
	static const char *const clocks[] = {"correct", "show", NULL};
	const struct scenario_reader *own = &reader->scenario;
	const struct yaml_node *node = yaml_get(root, "sources");
	struct quest_file *out = reader->out;
	size_t choice = QUEST_CLOCKS_CORRECT;

	if (!quest_check_list(reader, node, "sources", QUEST_MAX_SOURCES))
		return false;
	out->sources = ARENA_ARRAY(own->arena, struct quest_source, node ? node->count : 0);
	for (size_t i = 0; node && i < node->count; i++) {
		if (!read_source(reader, node->items[i], &out->sources[i]))
			return false;
		for (size_t j = 0; j < i; j++)
			if (str_equal(out->sources[j].name, out->sources[i].name))
				return yaml_error(own->err, own->file, node->items[i],
					"source \"%.*s\" is there already; give this one a name",
					STR_ARG(out->sources[i].name));
		out->source_count++;
	}
	if (yaml_get(root, "clocks") &&
		!quest_read_choice(reader, yaml_get(root, "clocks"), "clocks", clocks, &choice))
		return false;
	out->clocks = (enum quest_clocks)choice;
	return read_token(reader, root, "push", &out->push_token_file) &&
	       read_token(reader, root, "admin", &out->admin_token_file) &&
	       check_push(reader, root);
}
