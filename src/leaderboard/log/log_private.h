/* log/log_private.h — private to the log: the open file. log.c opens and appends, log_format.c
 * makes its tables and those of older formats anew, log_read.c reads and verifies. */
#ifndef LEADERBOARD_LOG_PRIVATE_H
#define LEADERBOARD_LOG_PRIVATE_H

#include "leaderboard/log/log.h"

#include <sqlite3.h>

enum { LOG_APPLICATION_ID = 0x52516c67, LOG_FORMAT = 2 }; // "RQlg"

struct event_log {
	sqlite3 *db;
	sqlite3_stmt *insert;
	char *path; // for messages
	char *race;
	bool in_batch;
	// Of the transaction at hand: other processes append too.
	bool head_known;
	int64_t head_id;
	struct event_hash head;
};

/* "WHAT event log PATH: why SQLite could not", ERROR_INVALID where the file is damaged. False. */
bool log_fail(const struct event_log *log, const char *what, struct error *err);
bool log_execute(struct event_log *log, const char *sql, const char *what, struct error *err);

/* In a transaction: the tables of an empty file. */
bool log_make_tables(struct event_log *log, struct str race, struct error *err);
/* Format 1 to format 2, in one transaction; another process may have done it meanwhile. */
bool log_migrate(struct event_log *log, struct error *err);

bool log_prepare_insert(struct event_log *log, struct error *err);
/* In a transaction: the entry becomes the next of the chain. */
bool log_insert(
	struct event_log *log, const struct event_log_entry *entry, bool *added, struct error *err);

struct str log_column_text(sqlite3_stmt *statement, int column);

#endif
