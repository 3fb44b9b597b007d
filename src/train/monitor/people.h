/*
 * train/monitor/people.h — who may look, and who may drive: a file of names, roles and hashes of
 * tokens. Pure. docs/monitor.md tells people the file's form.
 */
#ifndef TRAIN_MONITOR_PEOPLE_H
#define TRAIN_MONITOR_PEOPLE_H

#include "base/error.h"
#include "base/str.h"

enum {
	PEOPLE_MAX = 256,
	PEOPLE_MAX_NAME_BYTES = 64,
	PEOPLE_HASH_BYTES = 32,
	PEOPLE_MAX_FILE_BYTES = 64 << 10
};

enum people_role { PEOPLE_VIEWER, PEOPLE_DRIVER };

struct person {
	char name[PEOPLE_MAX_NAME_BYTES + 1];
	enum people_role role;
	uint8_t hash[PEOPLE_HASH_BYTES]; // SHA-256 of the token
};

struct people {
	struct person persons[PEOPLE_MAX];
	size_t count;
};

/*
 * A line for each: NAME ROLE HASH, parted by blanks; empty ones and those that begin with # are
 * passed over. Fails (ERROR_INVALID, ERROR_LIMIT), naming the line and what would be right: another
 * role, a hash that is not 64 hexadecimal digits, a name or a token that was there before, nobody.
 */
bool people_read(struct str text, struct people *out, struct error *err);

/* SHA-256 of a token; false where there is none. Of a hash nothing leads back to its token: they
 * are long and random (docs/monitor.md). */
bool people_hash(struct str token, uint8_t out[PEOPLE_HASH_BYTES]);

/* Whose token it is, or NULL. The token's hash is what is compared. */
const struct person *people_find(const struct people *people, struct str token);
const struct person *people_find_hash(
	const struct people *people, const uint8_t hash[PEOPLE_HASH_BYTES]);

#endif
