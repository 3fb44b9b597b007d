/*
 * net/guard.h — who may look, and who may give commands. Pure.
 *
 * On loopback whoever is at this machine may do both; what has to be kept out is the web: a page of
 * another site that posts here (it names itself in Origin), or whose name was made to mean this
 * machine (it names itself in Host). Off loopback a token is needed for either.
 */
#ifndef NET_GUARD_H
#define NET_GUARD_H

#include "base/error.h"
#include "base/str.h"

enum { GUARD_MIN_TOKEN_BYTES = 16, GUARD_MAX_TOKEN_BYTES = 256 };

struct guard {
	bool is_loopback;
	struct str token; // empty: none is needed
	/* Where there are many: whether it is one of them; NULL: there is `token` at most. */
	bool (*knows)(const void *context, struct str token);
	const void *context;
};

/*
 * `listen` as in HOST:PORT. Fails (ERROR_INVALID): no token off loopback, or one that is too short
 * or could not be sent in a header.
 */
bool guard_init(struct guard *guard, const char *listen, struct str token, struct error *err);

/* The same with many tokens: any that `knows` takes. */
void guard_init_many(struct guard *guard, const char *listen,
	bool (*knows)(const void *context, struct str token), const void *context);

/* What follows "Bearer ", or empty. */
struct str guard_bearer(struct str authorization);

/* Headers of a request, empty where missing. */
struct guard_request {
	struct str host, origin, authorization, content_type;
	bool is_command; // it changes something
};

/* Is it the token, or is none needed? Takes as long whatever is wrong with it. */
bool guard_is_token(const struct guard *guard, struct str said);

/* 200, or the status to answer with; then *why is for people (a literal). */
int guard_admit(const struct guard *guard, const struct guard_request *request, const char **why);

#endif
