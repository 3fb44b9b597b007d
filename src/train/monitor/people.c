#include "train/monitor/people.h"

#include <openssl/evp.h>
#include <stdio.h>

bool people_hash(struct str token, uint8_t out[PEOPLE_HASH_BYTES])
{
	unsigned size = 0;

	return token.len &&
	       EVP_Digest(token.data, token.len, out, &size, EVP_sha256(), NULL) == 1 &&
	       size == PEOPLE_HASH_BYTES;
}

/* Cuts the next word off the front; empty where there is none. */
static struct str word(struct str *rest)
{
	struct str line = str_trim(*rest);
	size_t len = 0;

	while (len < line.len && line.data[len] != ' ' && line.data[len] != '\t')
		len++;
	*rest = (struct str){line.data + len, line.len - len};
	return (struct str){line.data, len};
}

static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    (c && strchr("._@-", c))))
			return false;
	}
	return name.len > 0 && name.len <= PEOPLE_MAX_NAME_BYTES;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hash(struct str text, uint8_t out[PEOPLE_HASH_BYTES])
{
	if (text.len != 2 * (size_t)PEOPLE_HASH_BYTES)
		return false;
	for (size_t i = 0; i < PEOPLE_HASH_BYTES; i++) {
		int high = digit(text.data[2 * i]), low = digit(text.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool read_role(struct str text, enum people_role *out)
{
	*out = str_equal(text, STR("driver")) ? PEOPLE_DRIVER : PEOPLE_VIEWER;
	return *out == PEOPLE_DRIVER || str_equal(text, STR("viewer"));
}

static bool check_new(
	const struct people *people, const struct person *person, size_t number, struct error *err)
{
	for (size_t i = 0; i < people->count; i++) {
		const struct person *other = &people->persons[i];

		if (strcmp(other->name, person->name) == 0 ||
			memcmp(other->hash, person->hash, sizeof other->hash) == 0)
			return error_set(err, ERROR_INVALID,
				"line %zu: %s has the name or the token of %s", number,
				person->name, other->name);
	}
	return true;
}

static bool read_line(struct str line, size_t number, struct people *people, struct error *err)
{
	struct str name = word(&line), role = word(&line), hash = word(&line), more = word(&line);
	struct person person = {0};

	if (!name.len || name.data[0] == '#')
		return true;
	if (!is_name(name))
		return error_set(err, ERROR_INVALID,
			"line %zu: a name has 1 to %d letters, digits and . _ @ -", number,
			PEOPLE_MAX_NAME_BYTES);
	snprintf(person.name, sizeof person.name, "%.*s", STR_ARG(name));
	if (!read_role(role, &person.role))
		return error_set(err, ERROR_INVALID,
			"line %zu: the role of %s must be viewer or driver", number, person.name);
	// What stands there may be a token: it is not repeated.
	if (!read_hash(hash, person.hash) || more.len)
		return error_set(err, ERROR_INVALID,
			"line %zu: after the role of %s comes the SHA-256 of the token, 64 "
			"hexadecimal digits, and no more",
			number, person.name);
	if (!check_new(people, &person, number, err))
		return false;
	if (people->count == PEOPLE_MAX)
		return error_set(err, ERROR_LIMIT, "more people than %d", PEOPLE_MAX);
	people->persons[people->count++] = person;
	return true;
}

bool people_read(struct str text, struct people *out, struct error *err)
{
	*out = (struct people){0};
	for (size_t number = 1; text.len; number++) {
		const char *end = memchr(text.data, '\n', text.len);
		struct str line = {text.data, end ? (size_t)(end - text.data) : text.len};

		if (!read_line(line, number, out, err))
			return false;
		text.data += line.len + (end != NULL);
		text.len -= line.len + (end != NULL);
	}
	return out->count > 0 || error_set(err, ERROR_INVALID, "nobody is in it");
}

const struct person *people_find_hash(
	const struct people *people, const uint8_t hash[PEOPLE_HASH_BYTES])
{
	const struct person *found = NULL;

	for (size_t i = 0; i < people->count; i++)
		if (memcmp(people->persons[i].hash, hash, PEOPLE_HASH_BYTES) == 0)
			found = &people->persons[i];
	return found;
}

const struct person *people_find(const struct people *people, struct str token)
{
	uint8_t hash[PEOPLE_HASH_BYTES];

	return people_hash(token, hash) ? people_find_hash(people, hash) : NULL;
}
