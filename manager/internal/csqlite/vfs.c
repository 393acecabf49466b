//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

#include "vfs.h"
#include "sqlite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static sqlite3_vfs writer;
static sqlite3_vfs *below;

/* A file of ours is followed in memory by one of the VFS below. */
#define BEHIND(type) ((sizeof(type) + 15) & ~(size_t)15)
#define FILE_BELOW(f, type) ((sqlite3_file *)((char *)(f) + BEHIND(type)))
#define CALL(f, type, method, ...) (FILE_BELOW(f, type)->pMethods->method(FILE_BELOW(f, type), ##__VA_ARGS__))

/* The log. bytes are n bytes that belong at offset at, and were not written. */
typedef struct {
	sqlite3_file base;
	char *bytes;
	sqlite3_int64 at;
	int n;
	int header; /* they end with a frame's header: its page comes next */
	int last;   /* of the transaction, says that header */
	int page;   /* size of the page before */
	int gathers;
} log_file;

enum { FRAME_HEADER = 24 };

#define LOG(f, method, ...) CALL(f, log_file, method, ##__VA_ARGS__)

static int flush(log_file *l)
{
	int n = l->n;
	if (n == 0)
		return SQLITE_OK;
	l->n = l->header = 0;
	return LOG(l, xWrite, l->bytes, n, l->at);
}

static int append(log_file *l, const void *from, int n, sqlite3_int64 at)
{
	if (l->n == 0)
		l->at = at;
	memcpy(l->bytes + l->n, from, n);
	l->n += n;
	return SQLITE_OK;
}

/* Frames are recognized by how SQLite writes them: the header, then the page.
 * Whatever is something else is written behind them, by itself. */
static int log_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	log_file *l = (log_file *)f;
	int follows = l->n == 0 || l->at + l->n == at, rc;
	if (l->gathers && n == FRAME_HEADER && !l->header && follows) {
		const unsigned char *size = (const unsigned char *)from + 4; /* of the database: a commit's last frame has it */
		if (l->n + n + l->page > CSQLITE_LOG_BYTES && (rc = flush(l)) != SQLITE_OK)
			return rc;
		if (l->bytes || (l->bytes = malloc(CSQLITE_LOG_BYTES))) {
			l->header = 1;
			l->last = size[0] | size[1] | size[2] | size[3];
			if (l->last) /* checksums that are computed again, and frames that fill a sector, must not wait */
				l->gathers = 0;
			return append(l, from, n, at);
		}
	} else if (l->header && follows && l->n + n <= CSQLITE_LOG_BYTES) {
		l->header = 0;
		l->page = n;
		append(l, from, n, at);
		return l->last ? flush(l) : SQLITE_OK;
	}
	rc = flush(l);
	return rc == SQLITE_OK ? LOG(f, xWrite, from, n, at) : rc;
}

static int log_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	int rc = flush((log_file *)f);
	return rc == SQLITE_OK ? LOG(f, xRead, to, n, at) : rc;
}

static int log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = flush((log_file *)f);
	return rc == SQLITE_OK ? LOG(f, xTruncate, size) : rc;
}

static int log_sync(sqlite3_file *f, int flags)
{
	int rc = flush((log_file *)f);
	return rc == SQLITE_OK ? LOG(f, xSync, flags) : rc;
}

static int log_size(sqlite3_file *f, sqlite3_int64 *size)
{
	int rc = flush((log_file *)f);
	return rc == SQLITE_OK ? LOG(f, xFileSize, size) : rc;
}

static int log_close(sqlite3_file *f)
{
	log_file *l = (log_file *)f;
	free(l->bytes);
	l->bytes = 0;
	return LOG(f, xClose);
}

static int log_lock(sqlite3_file *f, int level) { return LOG(f, xLock, level); }
static int log_unlock(sqlite3_file *f, int level) { return LOG(f, xUnlock, level); }
static int log_check(sqlite3_file *f, int *reserved) { return LOG(f, xCheckReservedLock, reserved); }
static int log_control(sqlite3_file *f, int op, void *arg) { return LOG(f, xFileControl, op, arg); }
static int log_sector(sqlite3_file *f) { return LOG(f, xSectorSize); }
static int log_device(sqlite3_file *f) { return LOG(f, xDeviceCharacteristics); }

static const sqlite3_io_methods log_methods = {
	1, log_close, log_read, log_write, log_truncate, log_sync, log_size, log_lock, log_unlock,
	log_check, log_control, log_sector, log_device, 0, 0, 0, 0,
};

static int open_log(const char *name, sqlite3_file *f, int flags, int *out)
{
	int rc;
	memset(f, 0, sizeof(log_file));
	rc = below->xOpen(below, name, FILE_BELOW(f, log_file), flags, out);
	if (FILE_BELOW(f, log_file)->pMethods)
		f->pMethods = &log_methods;
	return rc;
}

/* The journal of savepoints: size bytes in memory or, once there is no bytes any
 * more, the file below. */
typedef struct {
	sqlite3_file base;
	char *bytes;
	sqlite3_int64 size, room;
	int flags;
} undo_file;

enum { UNDO_PIECE = 64 << 10 };

#define UNDO(f, method, ...) CALL(f, undo_file, method, ##__VA_ARGS__)

/* Writes the journal to a temporary file, where it goes on. */
static int undo_spill(undo_file *u)
{
	int rc = below->xOpen(below, 0, FILE_BELOW(u, undo_file), u->flags, 0);
	for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < u->size; at += UNDO_PIECE)
		rc = UNDO(u, xWrite, u->bytes + at, (int)(u->size - at < UNDO_PIECE ? u->size - at : UNDO_PIECE), at);
	if (rc != SQLITE_OK) {
		if (FILE_BELOW(u, undo_file)->pMethods)
			UNDO(u, xClose);
		FILE_BELOW(u, undo_file)->pMethods = 0;
		return rc;
	}
	free(u->bytes);
	u->bytes = 0;
	return SQLITE_OK;
}

static int undo_grow(undo_file *u, sqlite3_int64 need)
{
	sqlite3_int64 room = u->room;
	char *b;
	while (room < need)
		room *= 2;
	if (room == u->room)
		return SQLITE_OK;
	if (!(b = realloc(u->bytes, room)))
		return SQLITE_NOMEM;
	u->bytes = b;
	u->room = room;
	return SQLITE_OK;
}

static int undo_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	undo_file *u = (undo_file *)f;
	int rc;
	if (u->bytes && at + n > CSQLITE_UNDO_BYTES && (rc = undo_spill(u)) != SQLITE_OK)
		return rc;
	if (!u->bytes)
		return UNDO(f, xWrite, from, n, at);
	if ((rc = undo_grow(u, at + n)) != SQLITE_OK)
		return rc;
	if (at > u->size)
		memset(u->bytes + u->size, 0, at - u->size);
	memcpy(u->bytes + at, from, n);
	if (at + n > u->size)
		u->size = at + n;
	return SQLITE_OK;
}

static int undo_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	undo_file *u = (undo_file *)f;
	sqlite3_int64 have = u->size > at ? u->size - at : 0;
	if (!u->bytes)
		return UNDO(f, xRead, to, n, at);
	if (have >= n) {
		memcpy(to, u->bytes + at, n);
		return SQLITE_OK;
	}
	memcpy(to, u->bytes + at, have);
	memset((char *)to + have, 0, n - have);
	return SQLITE_IOERR_SHORT_READ;
}

static int undo_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	undo_file *u = (undo_file *)f;
	if (!u->bytes)
		return UNDO(f, xTruncate, size);
	if (size < u->size)
		u->size = size;
	return SQLITE_OK;
}

static int undo_size(sqlite3_file *f, sqlite3_int64 *size)
{
	undo_file *u = (undo_file *)f;
	if (!u->bytes)
		return UNDO(f, xFileSize, size);
	*size = u->size;
	return SQLITE_OK;
}

static int undo_close(sqlite3_file *f)
{
	undo_file *u = (undo_file *)f;
	if (!u->bytes)
		return UNDO(f, xClose);
	free(u->bytes);
	u->bytes = 0;
	return SQLITE_OK;
}

/* Nobody else sees the file, and nothing of it needs to last. */
static int undo_sync(sqlite3_file *f, int flags) { (void)f; (void)flags; return SQLITE_OK; }
static int undo_lock(sqlite3_file *f, int level) { (void)f; (void)level; return SQLITE_OK; }
static int undo_check(sqlite3_file *f, int *reserved) { (void)f; *reserved = 0; return SQLITE_OK; }
static int undo_control(sqlite3_file *f, int op, void *arg) { (void)f; (void)op; (void)arg; return SQLITE_NOTFOUND; }
static int undo_zero(sqlite3_file *f) { (void)f; return 0; }

static const sqlite3_io_methods undo_methods = {
	1, undo_close, undo_read, undo_write, undo_truncate, undo_sync, undo_size, undo_lock, undo_lock,
	undo_check, undo_control, undo_zero, undo_zero, 0, 0, 0, 0,
};

static int open_undo(sqlite3_file *f, int flags, int *out)
{
	undo_file *u = (undo_file *)f;
	memset(u, 0, BEHIND(undo_file) + sizeof(sqlite3_file));
	u->room = 128 << 10;
	if (!(u->bytes = malloc(u->room)))
		return SQLITE_NOMEM;
	u->flags = flags;
	u->base.pMethods = &undo_methods;
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	(void)vfs;
	if (flags & SQLITE_OPEN_WAL)
		return open_log(name, f, flags, out);
	if (flags & SQLITE_OPEN_SUBJOURNAL && !name)
		return open_undo(f, flags, out);
	return below->xOpen(below, name, f, flags, out);
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync) { (void)v; return below->xDelete(below, name, sync); }
static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out) { (void)v; return below->xAccess(below, name, flags, out); }
static int vfs_full(sqlite3_vfs *v, const char *name, int n, char *out) { (void)v; return below->xFullPathname(below, name, n, out); }
static void *vfs_dl_open(sqlite3_vfs *v, const char *name) { (void)v; return below->xDlOpen(below, name); }
static void vfs_dl_error(sqlite3_vfs *v, int n, char *message) { (void)v; below->xDlError(below, n, message); }
static void (*vfs_dl_sym(sqlite3_vfs *v, void *library, const char *name))(void) { (void)v; return below->xDlSym(below, library, name); }
static void vfs_dl_close(sqlite3_vfs *v, void *library) { (void)v; below->xDlClose(below, library); }
static int vfs_randomness(sqlite3_vfs *v, int n, char *out) { (void)v; return below->xRandomness(below, n, out); }
static int vfs_sleep(sqlite3_vfs *v, int microseconds) { (void)v; return below->xSleep(below, microseconds); }
static int vfs_time(sqlite3_vfs *v, double *now) { (void)v; return below->xCurrentTime(below, now); }
static int vfs_error(sqlite3_vfs *v, int n, char *out) { (void)v; return below->xGetLastError ? below->xGetLastError(below, n, out) : 0; }
static int vfs_time64(sqlite3_vfs *v, sqlite3_int64 *now) { (void)v; return below->xCurrentTimeInt64(below, now); }

static void vfs_register(void)
{
	sqlite3_vfs *found;
	if (!sqlite3_vfs_find || !sqlite3_vfs_register || !(found = sqlite3_vfs_find(0)) || found->iVersion < 2 || !found->xCurrentTimeInt64)
		return;
	size_t behind = BEHIND(log_file) > BEHIND(undo_file) ? BEHIND(log_file) : BEHIND(undo_file);
	writer = (sqlite3_vfs){
		2, (int)behind + found->szOsFile, found->mxPathname, 0, "stakeledger", 0, vfs_open, vfs_delete, vfs_access,
		vfs_full, vfs_dl_open, vfs_dl_error, vfs_dl_sym, vfs_dl_close, vfs_randomness, vfs_sleep, vfs_time, vfs_error,
		vfs_time64, {0},
	};
	below = found;
	if (sqlite3_vfs_register(&writer, 0) != SQLITE_OK)
		below = 0;
}

const char *csqlite_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, vfs_register);
	return below && sqlite3_vfs_find(0) == below ? writer.zName : 0;
}

void *csqlite_gather(void *db)
{
	sqlite3_file *f = 0;
	if (sqlite3_file_control(db, 0, SQLITE_FCNTL_JOURNAL_POINTER, &f) != SQLITE_OK || !f || f->pMethods != &log_methods)
		return 0;
	((log_file *)f)->gathers = 1;
	return f;
}

int csqlite_gathered(void *log, int open)
{
	log_file *l = log;
	if (!l)
		return SQLITE_OK;
	l->gathers = 0;
	if (open)
		return flush(l);
	l->n = l->header = 0;
	return SQLITE_OK;
}
