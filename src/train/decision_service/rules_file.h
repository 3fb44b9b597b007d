/*
 * train/decision_service/rules_file.h — the rules in force, and the file that they came from.
 */
#ifndef TRAIN_DECISION_SERVICE_RULES_FILE_H
#define TRAIN_DECISION_SERVICE_RULES_FILE_H

#include "train/decision/decision.h"

#include <sys/stat.h>

/* What tells one state of a file from another; zeroed where there is no file. */
struct file_mark {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

/* Owns its rules. A zeroed struct has none. */
struct rules_file {
	const char *path; // borrowed; NULL: the built-in rules
	struct arena arena;
	struct decision_rules rules;
	struct file_mark tried; // when it was last read, well or not
	struct file_mark seen;	// at the last look
};

/* Fails: ERROR_SYSTEM where it cannot be read, ERROR_INVALID "FILE:LINE:COLUMN: …". */
bool rules_file_open(struct rules_file *file, const char *path, struct error *err);
/*
 * Looks whether the file is another one than was last read, and has been the same for two looks: it
 * is not being written any more. Always false for built-in rules.
 */
bool rules_file_has_changed(struct rules_file *file);
/* Reads it again. Where that fails, as rules_file_open, the old rules stay in force. */
bool rules_file_reload(struct rules_file *file, struct decision *decision, struct error *err);
void rules_file_finish(struct rules_file *file);

/* "the built-in rules", or the file's path. */
const char *rules_file_name(const struct rules_file *file);

#endif
