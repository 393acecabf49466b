/* Prepared statements that are run with few calls from Go: one binds, steps,
 * copies rows, resets, and brings back what the manager asks afterwards. */
#ifndef CSQLITE_STEP_H
#define CSQLITE_STEP_H

#include <stdint.h>

/* The most that one call brings, whatever is asked: it ends with the row that
 * reaches one of these. A row is always whole. */
enum {
	CSQLITE_MOST_CELLS = 4096,
	CSQLITE_MOST_BYTES = 64 << 10, /* of text and blobs */
	CSQLITE_MOST_STEPS = 20000,    /* of SQLite's virtual machine, so that a slow query's rows come as it finds them */
	CSQLITE_KEPT_BYTES = 128 << 10 /* a larger buffer is freed after use */
};

/* The type of a text that is the same as the one above it, which costs no copy:
 * sorted rows often repeat a key or a word. It is beside SQLite's own types. */
enum { CSQLITE_ABOVE = 6 };

/* One value of a row. v is the number, the bits of the float, or where the bytes
 * begin in the connection's bytes; n is how many bytes there are. */
typedef struct {
	int64_t v;
	int32_t n, type;
} csqlite_cell;

/* One argument, in the same way, and the parameter that it is for. */
typedef struct {
	int64_t v, n;
	int32_t type, parameter;
} csqlite_arg;

/* A connection, and what the last call on it brought. It lies in C's memory, and
 * Go reads it in place before the next call. */
typedef struct {
	void *db;
	void *begin; /* a prepared BEGIN, to be run before the next statement, or 0 */
	csqlite_cell *cells; /* of the rows, one after the other */
	char *bytes;         /* of their texts and blobs */
	int64_t cells_cap, bytes_cap, bytes_used;
	int64_t rowid, changes;
	int32_t rows, cols;
	int32_t numbers, texts; /* of all rows, but for integers from 0 to 255 and what is ABOVE */
	int32_t reprepared; /* how often the statement was, so far */
	int32_t autocommit;
	int32_t reset; /* what the reset after the only wanted row answered */
} csqlite_conn;

typedef struct {
	csqlite_conn *conn;
	void *stmt;
	csqlite_arg *args; /* written by Go */
	char *bytes;       /* of the arguments, bound in place */
	int64_t args_cap, bytes_cap;
	int32_t inputs, readonly;
	int32_t bound;  /* parameters may hold values of an earlier run */
	int32_t active; /* stepped and not reset */
	int32_t commits;
} csqlite_stmt;

csqlite_conn *csqlite_conn_new(uintptr_t db);
void csqlite_conn_free(csqlite_conn *);
void csqlite_interrupt(uintptr_t db);

/* Prepares the first statement of a text. Without one it returns 0 and *rc is 0. */
csqlite_stmt *csqlite_prepare(csqlite_conn *, const char *text, int n, int *rc);
int csqlite_finalize(csqlite_stmt *);
/* Makes room for arguments and their bytes. What bytes held is lost. */
int csqlite_room(csqlite_stmt *, int64_t args, int64_t bytes);
int csqlite_parameter(csqlite_stmt *, const char *name);
/* Returns the columns' names, and behind them their declared types, in a list
 * that the caller frees, or 0 without memory. */
const char **csqlite_describe(csqlite_stmt *, int cols);

/* Binds each of args to its parameter, and steps as csqlite_more does. If only
 * one row is wanted the statement is reset behind it, and the answer is DONE. */
int csqlite_run(uintptr_t stmt, int args, int most, int one);
/* Brings up to most rows. Returns ROW if there may be more, DONE when there are
 * none and the statement is reset, or an error with the statement left for
 * csqlite_reset, which would replace the error's text. */
int csqlite_more(uintptr_t stmt, int most);
int csqlite_reset(uintptr_t stmt);
/* Runs the BEGIN that was put off, if there is one. After an error it still is. */
int csqlite_begin(csqlite_conn *);
/* Frees buffers that have grown beyond CSQLITE_KEPT_BYTES: that of the rows only
 * if they were all read. */
void csqlite_trim(csqlite_stmt *, int read);

#endif
