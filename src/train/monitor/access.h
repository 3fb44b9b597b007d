/*
 * train/monitor/access.h — who may look and who may drive, while the monitor runs: nobody is asked,
 * or the token of --token-file, or those of --people; both files can be read anew.
 */
#ifndef TRAIN_MONITOR_ACCESS_H
#define TRAIN_MONITOR_ACCESS_H

#include "base/arena.h"
#include "net/guard.h"
#include "train/monitor/people.h"

struct access_options {
	const char *listen;		      // HOST:PORT
	const char *token_file, *people_file; // one at most; NULL: none
};

/* A zeroed struct can be closed. */
struct access {
	struct access_options options;
	struct guard guard;    // for guard_admit
	struct arena arena;    // its token
	struct people *people; // NULL: whoever may look may drive
	uint64_t generation;   // how often the files were read
};

/* What somebody who stays for long (a stream, a WebSocket) came in with. */
struct access_pass {
	uint64_t generation; // when it was last looked at
	uint8_t hash[PEOPLE_HASH_BYTES];
};

/* Texts of `options` are borrowed. Fails: as guard_init, people_read and file_read, naming option
 * and file. */
bool access_open(struct access *access, const struct access_options *options, struct error *err);
void access_close(struct access *access);
/* Is there anything to be read anew? */
bool access_has_file(const struct access *access);
/* Reads the file again. Where that fails, as access_open does, all stays as it was. */
bool access_reload(struct access *access, struct error *err);

/* Who asks, for the audit: a name, "token-holder" or "this-machine"; valid until access_reload. */
const char *access_name(const struct access *access, struct str token, bool *may_drive);

struct access_pass access_pass(const struct access *access, struct str token);
/* Would they be let in now, too? Costs nothing while nothing was read anew. */
bool access_holds(const struct access *access, struct access_pass *pass);

#endif
