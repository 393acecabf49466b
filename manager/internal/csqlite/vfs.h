/* A VFS for the connection that writes. It stands on SQLite's default one, and
 * does two things with fewer calls of the system:
 *
 * A COMMIT appends its frames to the write-ahead log in pieces of up to
 * CSQLITE_LOG_BYTES, where SQLite itself writes each page and each page's header.
 * The last piece is written when SQLite writes the commit's last page, so its
 * error is that of this write, and syncs and the log's index come after it as
 * ever. Outside of COMMIT everything is written at once.
 *
 * The journal of savepoints and statements, which only a rollback in the same
 * transaction reads, stays in memory up to CSQLITE_UNDO_BYTES before it becomes a
 * temporary file. SQLite itself keeps 64 KiB, which most groups outgrow. */
#ifndef CSQLITE_VFS_H
#define CSQLITE_VFS_H

/* SQLite's own VFS counts the bytes of one write in 17 bits. */
enum { CSQLITE_LOG_BYTES = 120 << 10, CSQLITE_UNDO_BYTES = 1 << 20 };

/* Registers the VFS, once, under a name of its own. Returns the name, or 0 where it
 * cannot be had: the default VFS is missing, or another one than at first. */
const char *csqlite_vfs(void);

/* From gather to gathered, a connection runs a COMMIT. gather returns its log, or 0
 * if that has no such VFS. If COMMIT has failed and its transaction is still open,
 * gathered writes what waits; the result is that write's. */
void *csqlite_gather(void *db);
int csqlite_gathered(void *log, int open);

#endif
