#include "engine/remote/remote.h"

#include "engine/remote/remote.pb-c.h"

#include <snappy-c.h>
#include <stdlib.h>

/* The bytes inside of the block, in memory of the arena. */
static bool unpack(struct str body, struct arena *arena, struct str *out, struct error *err)
{
	size_t len;

	if (snappy_uncompressed_length(body.data, body.len, &len) != SNAPPY_OK)
		return error_set(err, ERROR_INVALID, "snappy: corrupt input");
	if (len > REMOTE_MAX_REQUEST_BYTES)
		return error_set(err, ERROR_LIMIT,
			"the request has %zu bytes; %d are the most that is taken", len,
			REMOTE_MAX_REQUEST_BYTES);
	char *data = arena_alloc(arena, len + 1);

	if (snappy_uncompress(body.data, body.len, data, &len) != SNAPPY_OK)
		return error_set(err, ERROR_INVALID, "snappy: corrupt input");
	*out = (struct str){data, len};
	return true;
}

static struct str text_of(ProtobufCBinaryData bytes)
{
	return (struct str){bytes.data ? (const char *)bytes.data : "", bytes.len};
}

static bool read_matcher(const Remote__LabelMatcher *from, struct arena *arena, struct matcher *out,
	struct error *err)
{
	enum matcher_kind kind;

	switch ((int)from->type) {
	case REMOTE__LABEL_MATCHER__TYPE__EQ:
		kind = MATCHER_EQUAL;
		break;
	case REMOTE__LABEL_MATCHER__TYPE__NEQ:
		kind = MATCHER_NOT_EQUAL;
		break;
	case REMOTE__LABEL_MATCHER__TYPE__RE:
		kind = MATCHER_REGEX;
		break;
	case REMOTE__LABEL_MATCHER__TYPE__NRE:
		kind = MATCHER_NOT_REGEX;
		break;
	default:
		return error_set(err, ERROR_INVALID, "invalid matcher type");
	}
	return matcher_init(out, kind, str_copy(arena, text_of(from->name)),
		str_copy(arena, text_of(from->value)), err);
}

static bool read_query(
	const Remote__Query *from, struct arena *arena, struct remote_query *out, struct error *err)
{
	*out = (struct remote_query){from->start_timestamp_ms, from->end_timestamp_ms,
		ARENA_ARRAY(arena, struct matcher, from->n_matchers + 1), 0};
	if (from->n_matchers > REMOTE_MAX_MATCHERS)
		return error_set(err, ERROR_LIMIT, "more than %d matchers", REMOTE_MAX_MATCHERS);
	for (size_t i = 0; i < from->n_matchers; i++) {
		if (!read_matcher(from->matchers[i], arena, &out->matchers[i], err))
			return false;
		out->matcher_count++;
	}
	return true;
}

/* The first kind of answer that both sides know; who names none means SAMPLES. */
static bool takes_samples(const Remote__ReadRequest *from, struct error *err)
{
	for (size_t i = 0; i < from->n_accepted_response_types; i++)
		if (from->accepted_response_types[i] ==
			REMOTE__READ_REQUEST__RESPONSE_TYPE__SAMPLES)
			return true;
	return from->n_accepted_response_types == 0 ||
	       error_set(err, ERROR_INVALID,
		       "server does not support any of the requested response types: "
		       "[STREAMED_XOR_CHUNKS]; supported: map[SAMPLES:{}]");
}

static bool read_queries(const Remote__ReadRequest *from, struct arena *arena,
	struct remote_request *out, struct error *err)
{
	if (!takes_samples(from, err))
		return false;
	if (from->n_queries > REMOTE_MAX_QUERIES)
		return error_set(err, ERROR_LIMIT, "more than %d queries", REMOTE_MAX_QUERIES);
	out->queries = ARENA_ARRAY(arena, struct remote_query, from->n_queries + 1);
	for (size_t i = 0; i < from->n_queries; i++) {
		out->query_count++;
		if (!read_query(from->queries[i], arena, &out->queries[i], err))
			return false;
	}
	return true;
}

bool remote_request_read(
	struct str body, struct arena *arena, struct remote_request *out, struct error *err)
{
	struct str bytes = {"", 0};

	*out = (struct remote_request){0};
	if (!unpack(body, arena, &bytes, err))
		return false;
	Remote__ReadRequest *from =
		remote__read_request__unpack(NULL, bytes.len, (const unsigned char *)bytes.data);

	if (!from)
		return error_set(err, ERROR_INVALID, "the body is no ReadRequest in protobuf");
	bool ok = read_queries(from, arena, out, err);

	remote__read_request__free_unpacked(from, NULL);
	return ok;
}

void remote_request_finish(struct remote_request *request)
{
	for (size_t i = 0; i < request->query_count; i++)
		for (size_t k = 0; k < request->queries[i].matcher_count; k++)
			matcher_finish(&request->queries[i].matchers[k]);
	*request = (struct remote_request){0};
}
