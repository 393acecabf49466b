/* The declarations of SQLite's C interface that this package uses. The code
 * behind them is the driver's copy of SQLite. */
#ifndef CSQLITE_SQLITE_H
#define CSQLITE_SQLITE_H

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
typedef struct sqlite3_value sqlite3_value;
typedef struct sqlite3_file sqlite3_file;
typedef struct sqlite3_vfs sqlite3_vfs;
typedef void (*sqlite3_destructor_type)(void *);
typedef long long sqlite3_int64;

typedef struct {
	int iVersion;
	int (*xClose)(sqlite3_file *);
	int (*xRead)(sqlite3_file *, void *, int, sqlite3_int64);
	int (*xWrite)(sqlite3_file *, const void *, int, sqlite3_int64);
	int (*xTruncate)(sqlite3_file *, sqlite3_int64);
	int (*xSync)(sqlite3_file *, int);
	int (*xFileSize)(sqlite3_file *, sqlite3_int64 *);
	int (*xLock)(sqlite3_file *, int);
	int (*xUnlock)(sqlite3_file *, int);
	int (*xCheckReservedLock)(sqlite3_file *, int *);
	int (*xFileControl)(sqlite3_file *, int, void *);
	int (*xSectorSize)(sqlite3_file *);
	int (*xDeviceCharacteristics)(sqlite3_file *);
	int (*xShmMap)(sqlite3_file *, int, int, int, void volatile **);
	int (*xShmLock)(sqlite3_file *, int, int, int);
	void (*xShmBarrier)(sqlite3_file *);
	int (*xShmUnmap)(sqlite3_file *, int);
} sqlite3_io_methods;

struct sqlite3_file {
	const sqlite3_io_methods *pMethods;
};

struct sqlite3_vfs {
	int iVersion;
	int szOsFile;
	int mxPathname;
	sqlite3_vfs *pNext;
	const char *zName;
	void *pAppData;
	int (*xOpen)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
	int (*xDelete)(sqlite3_vfs *, const char *, int);
	int (*xAccess)(sqlite3_vfs *, const char *, int, int *);
	int (*xFullPathname)(sqlite3_vfs *, const char *, int, char *);
	void *(*xDlOpen)(sqlite3_vfs *, const char *);
	void (*xDlError)(sqlite3_vfs *, int, char *);
	void (*(*xDlSym)(sqlite3_vfs *, void *, const char *))(void);
	void (*xDlClose)(sqlite3_vfs *, void *);
	int (*xRandomness)(sqlite3_vfs *, int, char *);
	int (*xSleep)(sqlite3_vfs *, int);
	int (*xCurrentTime)(sqlite3_vfs *, double *);
	int (*xGetLastError)(sqlite3_vfs *, int, char *);
	int (*xCurrentTimeInt64)(sqlite3_vfs *, sqlite3_int64 *);
	void (*setters[3])(void); /* of version 3 */
};

#define SQLITE_OK 0
#define SQLITE_ERROR 1
#define SQLITE_NOMEM 7
#define SQLITE_NOTFOUND 12
#define SQLITE_ROW 100
#define SQLITE_DONE 101
#define SQLITE_IOERR_SHORT_READ (10 | 2 << 8)
#define SQLITE_FCNTL_JOURNAL_POINTER 28
#define SQLITE_OPEN_SUBJOURNAL 0x2000
#define SQLITE_OPEN_WAL 0x80000
#define SQLITE_INTEGER 1
#define SQLITE_FLOAT 2
#define SQLITE_TEXT 3
#define SQLITE_BLOB 4
#define SQLITE_UTF8 1
#define SQLITE_DBSTATUS_DEFERRED_FKS 10
#define SQLITE_STMTSTATUS_VM_STEP 4
#define SQLITE_STMTSTATUS_REPREPARE 5
#define SQLITE_STATIC ((sqlite3_destructor_type)0)

int sqlite3_auto_extension(void (*)(void));
int sqlite3_cancel_auto_extension(void (*)(void));
int sqlite3_db_status(sqlite3 *, int, int *, int *, int);
int sqlite3_get_autocommit(sqlite3 *);
void sqlite3_interrupt(sqlite3 *);
long long sqlite3_last_insert_rowid(sqlite3 *);
void sqlite3_set_last_insert_rowid(sqlite3 *, long long);
int sqlite3_changes(sqlite3 *);

sqlite3_vfs *sqlite3_vfs_find(const char *);
int sqlite3_vfs_register(sqlite3_vfs *, int);
int sqlite3_file_control(sqlite3 *, const char *, int, void *);

int sqlite3_prepare_v2(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
int sqlite3_step(sqlite3_stmt *);
int sqlite3_reset(sqlite3_stmt *);
int sqlite3_finalize(sqlite3_stmt *);
int sqlite3_stmt_status(sqlite3_stmt *, int, int);
int sqlite3_stmt_readonly(sqlite3_stmt *);

int sqlite3_bind_parameter_count(sqlite3_stmt *);
int sqlite3_bind_parameter_index(sqlite3_stmt *, const char *);
int sqlite3_bind_int64(sqlite3_stmt *, int, long long);
int sqlite3_bind_double(sqlite3_stmt *, int, double);
int sqlite3_bind_null(sqlite3_stmt *, int);
int sqlite3_bind_text64(sqlite3_stmt *, int, const char *, unsigned long long, sqlite3_destructor_type, unsigned char);
int sqlite3_bind_blob64(sqlite3_stmt *, int, const void *, unsigned long long, sqlite3_destructor_type);
int sqlite3_clear_bindings(sqlite3_stmt *);

int sqlite3_column_count(sqlite3_stmt *);
const char *sqlite3_column_name(sqlite3_stmt *, int);
const char *sqlite3_column_decltype(sqlite3_stmt *, int);
sqlite3_value *sqlite3_column_value(sqlite3_stmt *, int);
int sqlite3_value_type(sqlite3_value *);
long long sqlite3_value_int64(sqlite3_value *);
double sqlite3_value_double(sqlite3_value *);
const unsigned char *sqlite3_value_text(sqlite3_value *);
const void *sqlite3_value_blob(sqlite3_value *);
int sqlite3_value_bytes(sqlite3_value *);

/* cgo links each package once by itself, without the driver. Weak symbols may be
 * missing there; in a program the driver defines them. */
#pragma weak sqlite3_auto_extension
#pragma weak sqlite3_bind_blob64
#pragma weak sqlite3_bind_double
#pragma weak sqlite3_bind_int64
#pragma weak sqlite3_bind_null
#pragma weak sqlite3_bind_parameter_count
#pragma weak sqlite3_bind_parameter_index
#pragma weak sqlite3_bind_text64
#pragma weak sqlite3_cancel_auto_extension
#pragma weak sqlite3_changes
#pragma weak sqlite3_clear_bindings
#pragma weak sqlite3_column_count
#pragma weak sqlite3_column_decltype
#pragma weak sqlite3_column_name
#pragma weak sqlite3_column_value
#pragma weak sqlite3_db_status
#pragma weak sqlite3_file_control
#pragma weak sqlite3_finalize
#pragma weak sqlite3_get_autocommit
#pragma weak sqlite3_interrupt
#pragma weak sqlite3_last_insert_rowid
#pragma weak sqlite3_prepare_v2
#pragma weak sqlite3_reset
#pragma weak sqlite3_set_last_insert_rowid
#pragma weak sqlite3_step
#pragma weak sqlite3_stmt_readonly
#pragma weak sqlite3_stmt_status
#pragma weak sqlite3_value_blob
#pragma weak sqlite3_value_bytes
#pragma weak sqlite3_value_double
#pragma weak sqlite3_value_int64
#pragma weak sqlite3_value_text
#pragma weak sqlite3_value_type
#pragma weak sqlite3_vfs_find
#pragma weak sqlite3_vfs_register

#endif
