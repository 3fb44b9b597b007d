#include "train/monitor/access.h"

#include "base/file.h"
#include "base/memory.h"
#include "train/service/service.h"

static bool knows(const void *people, struct str token)
{
	return people_find(people, token) != NULL;
}

static bool read_people(struct access *access, struct error *err)
{
	const struct access_options *options = &access->options;
	struct arena arena = {0};
	struct str text;
	bool ok;

	access->people = memory_alloc(sizeof *access->people);
	ok = file_read(options->people_file, PEOPLE_MAX_FILE_BYTES, &arena, &text, err) &&
	     people_read(text, access->people, err);
	arena_finish(&arena);
	if (!ok)
		return error_wrap(err, "--people %s", options->people_file);
	guard_init_many(&access->guard, options->listen, knows, access->people);
	return true;
}

static bool read_token(struct access *access, struct error *err)
{
	const struct access_options *options = &access->options;
	struct str token;

	return service_read_token(options->token_file, &access->arena, &token, err) &&
	       guard_init(&access->guard, options->listen, token, err);
}

static bool read_files(struct access *access, struct error *err)
{
	return access->options.people_file ? read_people(access, err) : read_token(access, err);
}

bool access_open(struct access *access, const struct access_options *options, struct error *err)
{
	*access = (struct access){.options = *options};
	if (options->people_file && options->token_file)
		return error_set(err, ERROR_INVALID,
			"--people and --token-file: give one of them; a line of --people is a "
			"token, too");
	return read_files(access, err);
}

bool access_has_file(const struct access *access)
{
	return access->options.people_file || access->options.token_file;
}

void access_close(struct access *access)
{
	arena_finish(&access->arena);
	free(access->people);
	*access = (struct access){0};
}

bool access_reload(struct access *access, struct error *err)
{
	struct access fresh = {.options = access->options, .generation = access->generation + 1};

	if (!read_files(&fresh, err)) {
		access_close(&fresh);
		return false;
	}
	access_close(access);
	*access = fresh;
	return true;
}

const char *access_name(const struct access *access, struct str token, bool *may_drive)
{
	const struct person *person = access->people ? people_find(access->people, token) : NULL;

	*may_drive = !access->people || (person && person->role == PEOPLE_DRIVER);
	if (person)
		return person->name;
	return access->guard.token.len ? "token-holder" : "this-machine";
}

struct access_pass access_pass(const struct access *access, struct str token)
{
	struct access_pass pass = {.generation = access->generation};

	people_hash(token, pass.hash);
	return pass;
}

static bool is_token_of(struct str token, const uint8_t hash[PEOPLE_HASH_BYTES])
{
	uint8_t own[PEOPLE_HASH_BYTES];

	return people_hash(token, own) && memcmp(own, hash, sizeof own) == 0;
}

bool access_holds(const struct access *access, struct access_pass *pass)
{
	if (pass->generation == access->generation)
		return true;
	if (access->people
			? !people_find_hash(access->people, pass->hash)
			: access->guard.token.len && !is_token_of(access->guard.token, pass->hash))
		return false;
	pass->generation = access->generation;
	return true;
}
