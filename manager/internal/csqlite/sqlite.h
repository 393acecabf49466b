/* The declarations of SQLite's C interface that this package uses. The code
 * behind them is the driver's copy of SQLite. */
#ifndef CSQLITE_SQLITE_H
#define CSQLITE_SQLITE_H

typedef struct sqlite3 sqlite3;

#define SQLITE_OK 0
#define SQLITE_ERROR 1
#define SQLITE_DBSTATUS_DEFERRED_FKS 10

int sqlite3_auto_extension(void (*)(void));
int sqlite3_cancel_auto_extension(void (*)(void));
int sqlite3_db_status(sqlite3 *, int, int *, int *, int);
int sqlite3_get_autocommit(sqlite3 *);

/* cgo links each package once by itself, without the driver. Weak symbols may be
 * missing there; in a program the driver defines them. */
#pragma weak sqlite3_auto_extension
#pragma weak sqlite3_cancel_auto_extension
#pragma weak sqlite3_db_status
#pragma weak sqlite3_get_autocommit

#endif
