#include "net/guard.h"

#include <strings.h>

/* "127.0.0.1:8085" without its port; brackets stay. */
static struct str without_port(struct str host)
{
	for (size_t i = host.len; i > 0 && host.data[i - 1] != ']'; i--)
		if (host.data[i - 1] == ':')
			return (struct str){host.data, i - 1};
	return host;
}

static bool equals_ignoring_case(struct str a, struct str b)
{
	return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

/* 127.a.b.c and nothing that merely begins so: 127.0.0.1.example.org is a name. */
static bool is_loopback_number(struct str host)
{
	int dots = 0;

	if (!str_starts_with(host, STR("127.")) || host.len > 15)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		if (host.data[i] != '.' && (host.data[i] < '0' || host.data[i] > '9'))
			return false;
		dots += host.data[i] == '.';
	}
	return dots == 3;
}

static bool is_this_machine(struct str host)
{
	struct str name = without_port(host);

	return is_loopback_number(name) || str_equal(name, STR("[::1]")) ||
	       equals_ignoring_case(name, STR("localhost"));
}

bool guard_init(struct guard *guard, const char *listen, struct str token, struct error *err)
{
	struct str host = without_port(str_from(listen));

	*guard = (struct guard){
		.is_loopback = is_this_machine(str_from(listen)) || host.len == 0, .token = token};
	if (!token.len && !guard->is_loopback)
		return error_set(err, ERROR_INVALID,
			"--listen %s can be reached from other machines: give --token-file, or "
			"listen on 127.0.0.1",
			listen);
	if (!token.len)
		return true;
	if (token.len < GUARD_MIN_TOKEN_BYTES || token.len > GUARD_MAX_TOKEN_BYTES)
		return error_set(err, ERROR_INVALID,
			"the token has %zu bytes; it must have %d to %d, on the file's first line",
			token.len, GUARD_MIN_TOKEN_BYTES, GUARD_MAX_TOKEN_BYTES);
	for (size_t i = 0; i < token.len; i++)
		if (token.data[i] <= ' ' || token.data[i] > '~')
			return error_set(err, ERROR_INVALID,
				"the token may only have printable ASCII characters and no blanks");
	return true;
}

void guard_init_many(struct guard *guard, const char *listen,
	bool (*knows)(const void *context, struct str token), const void *context)
{
	*guard = (struct guard){
		.is_loopback = is_this_machine(str_from(listen)) ||
			       without_port(str_from(listen)).len == 0,
		.knows = knows,
		.context = context,
	};
}

bool guard_is_token(const struct guard *guard, struct str said)
{
	struct str token = guard->token;
	unsigned different = said.len != token.len;

	if (guard->knows)
		return guard->knows(guard->context, said);
	if (!token.len)
		return true;

	for (size_t i = 0; i < token.len; i++)
		different |= (unsigned)(i < said.len ? said.data[i] : 0) ^ (unsigned)token.data[i];
	return different == 0;
}

struct str guard_bearer(struct str authorization)
{
	struct str scheme = {authorization.data, authorization.len < 7 ? 0 : 7};

	if (!equals_ignoring_case(scheme, STR("Bearer ")))
		return STR("");
	return str_trim((struct str){authorization.data + 7, authorization.len - 7});
}

static bool has_token(const struct guard *guard, struct str authorization)
{
	struct str token = guard_bearer(authorization);

	return token.len && guard_is_token(guard, token);
}

static bool is_same_origin(struct str origin, struct str host)
{
	size_t scheme = str_starts_with(origin, STR("http://"))	   ? 7
			: str_starts_with(origin, STR("https://")) ? 8
								   : 0;

	return scheme &&
	       equals_ignoring_case((struct str){origin.data + scheme, origin.len - scheme}, host);
}

static bool is_json(struct str type)
{
	const char *end = type.len ? memchr(type.data, ';', type.len) : NULL;

	if (end)
		type.len = (size_t)(end - type.data);
	return equals_ignoring_case(str_trim(type), STR("application/json"));
}

int guard_admit(const struct guard *guard, const struct guard_request *request, const char **why)
{
	*why = "";
	if (guard->is_loopback && !is_this_machine(request->host)) {
		*why = "ask for 127.0.0.1 or localhost: this program answers under no other name";
		return 403;
	}
	if (request->origin.len && !is_same_origin(request->origin, request->host)) {
		*why = "a page of another site may not ask here";
		return 403;
	}
	if ((guard->token.len || guard->knows) && !has_token(guard, request->authorization)) {
		*why = "send the token: Authorization: Bearer TOKEN";
		return 401;
	}
	if (request->is_command && !is_json(request->content_type)) {
		*why = "send Content-Type: application/json";
		return 415;
	}
	return 200;
}
