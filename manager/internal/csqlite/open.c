//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

#include "open.h"
#include "sqlite.h"

static __thread int watching, count;
static __thread sqlite3 *last;

/* Called by SQLite on the thread that opens db. */
static int opened(sqlite3 *db, const char **message, const void *api)
{
	(void)message;
	(void)api;
	if (watching) {
		last = db;
		count++;
	}
	return SQLITE_OK;
}

int csqlite_register(void)
{
	if (!sqlite3_auto_extension || !sqlite3_cancel_auto_extension)
		return SQLITE_ERROR; /* the driver was linked without them */
	return sqlite3_auto_extension((void (*)(void))opened);
}

int csqlite_cancel(void) { return sqlite3_cancel_auto_extension((void (*)(void))opened); }

void csqlite_watch(void)
{
	watching = 1;
	count = 0;
	last = 0;
}

uintptr_t csqlite_watched(void)
{
	uintptr_t db = count == 1 ? (uintptr_t)last : 0;
	watching = 0;
	count = 0;
	return db;
}

int csqlite_deferred_foreign_keys(uintptr_t db)
{
	int now = 0, high = 0;
	if (sqlite3_db_status((sqlite3 *)db, SQLITE_DBSTATUS_DEFERRED_FKS, &now, &high, 0) != SQLITE_OK)
		return 1;
	return now;
}

int csqlite_in_transaction(uintptr_t db) { return !sqlite3_get_autocommit((sqlite3 *)db); }

void csqlite_forget_row_id(uintptr_t db) { sqlite3_set_last_insert_rowid((sqlite3 *)db, 0); }
