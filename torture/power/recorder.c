/* One mutex spans an operation and its entry, so that the record has the order
 * in which things happened, and a sync covers exactly the writes before it. */
#include "recorder.h"
#include "sqlite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char *prefix; /* NULL while nothing is recorded */
	unsigned char *bytes;
	size_t length, room;
	int handles, failed;
} record;

static sqlite3_vfs recorder;
static sqlite3_vfs *below;
static int (*open_directory)(const char *, int *);

/* A file of the recorder is followed in memory by that of the VFS below. */
typedef struct recorded {
	sqlite3_file base;
	int handle; /* 0: not recorded */
} recorded;

#define FILE_BELOW(f) ((sqlite3_file *)((char *)(f) + ((sizeof(recorded) + 15) & ~(size_t)15)))
#define CALL(f, method, ...) (FILE_BELOW(f)->pMethods->method(FILE_BELOW(f), ##__VA_ARGS__))

/* The caller holds the mutex. */
static void note(int kind, int handle, int64_t offset, const void *data, size_t length)
{
	entry e = {kind, handle, offset, (int64_t)length};
	size_t need = record.length + sizeof e + length;
	if (record.prefix == NULL)
		return;
	if (need > record.room) {
		size_t room = need * 2;
		unsigned char *bytes = realloc(record.bytes, room);
		if (bytes == NULL) {
			record.failed = 1;
			return;
		}
		record.bytes = bytes;
		record.room = room;
	}
	memcpy(record.bytes + record.length, &e, sizeof e);
	if (length > 0)
		memcpy(record.bytes + record.length + sizeof e, data, length);
	record.length = need;
}

static int within(const char *path)
{
	return path != NULL && record.prefix != NULL && strncmp(path, record.prefix, strlen(record.prefix)) == 0;
}

static int file_close(sqlite3_file *f) { return CALL(f, xClose); }
static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at) { return CALL(f, xRead, to, n, at); }
static int file_size(sqlite3_file *f, sqlite3_int64 *size) { return CALL(f, xFileSize, size); }
static int file_lock(sqlite3_file *f, int level) { return CALL(f, xLock, level); }
static int file_unlock(sqlite3_file *f, int level) { return CALL(f, xUnlock, level); }
static int file_check(sqlite3_file *f, int *reserved) { return CALL(f, xCheckReservedLock, reserved); }
static int file_control(sqlite3_file *f, int op, void *arg) { return CALL(f, xFileControl, op, arg); }
static int file_sector(sqlite3_file *f) { return CALL(f, xSectorSize); }
static int file_device(sqlite3_file *f) { return CALL(f, xDeviceCharacteristics); }
static int shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **p) { return CALL(f, xShmMap, region, size, extend, p); }
static int shm_lock(sqlite3_file *f, int offset, int n, int flags) { return CALL(f, xShmLock, offset, n, flags); }
static void shm_barrier(sqlite3_file *f) { CALL(f, xShmBarrier); }
static int shm_unmap(sqlite3_file *f, int delete) { return CALL(f, xShmUnmap, delete); }

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	int handle = ((recorded *)f)->handle, code;
	if (handle == 0)
		return CALL(f, xWrite, from, n, at);
	pthread_mutex_lock(&mutex);
	code = CALL(f, xWrite, from, n, at);
	if (code != SQLITE_OK)
		record.failed = 1;
	note(WROTE, handle, at, from, (size_t)n);
	pthread_mutex_unlock(&mutex);
	return code;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int handle = ((recorded *)f)->handle, code;
	if (handle == 0)
		return CALL(f, xTruncate, size);
	pthread_mutex_lock(&mutex);
	code = CALL(f, xTruncate, size);
	note(TRUNCATED, handle, size, NULL, 0);
	pthread_mutex_unlock(&mutex);
	return code;
}

static int file_sync(sqlite3_file *f, int flags)
{
	int handle = ((recorded *)f)->handle, code;
	if (handle == 0)
		return CALL(f, xSync, flags);
	pthread_mutex_lock(&mutex);
	code = CALL(f, xSync, flags);
	if (code == SQLITE_OK)
		note(SYNCED, handle, 0, NULL, 0);
	pthread_mutex_unlock(&mutex);
	return code;
}

/* Version 2: without the memory-mapped reads of version 3, which nobody asks for. */
static const sqlite3_io_methods methods = {
	2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock,
	file_check, file_control, file_sector, file_device, shm_map, shm_lock, shm_barrier, shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
	recorded *r = (recorded *)f;
	int code;
	(void)vfs;
	r->base.pMethods = NULL;
	r->handle = 0;
	pthread_mutex_lock(&mutex);
	code = below->xOpen(below, name, FILE_BELOW(f), flags, out);
	if (FILE_BELOW(f)->pMethods != NULL)
		r->base.pMethods = &methods;
	if (code == SQLITE_OK && within(name)) {
		r->handle = ++record.handles;
		note(OPENED, r->handle, 0, name, strlen(name));
	}
	pthread_mutex_unlock(&mutex);
	return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	int code;
	(void)vfs;
	pthread_mutex_lock(&mutex);
	/* Before the deletion, which also syncs the folder when it is told to. */
	if (within(name))
		note(DELETED, 0, 0, name, strlen(name));
	code = below->xDelete(below, name, sync);
	pthread_mutex_unlock(&mutex);
	return code;
}

/* SQLite opens a folder for one purpose: to sync it, inside a sync of a file
 * or a deletion, so the mutex is held when the folder is one of ours. */
static int folder_open(const char *path, int *fd)
{
	if (within(path))
		note(FOLDER_SYNCED, 0, 0, NULL, 0);
	return open_directory(path, fd);
}

int recorder_install(void)
{
	if (below != NULL)
		return 0;
	below = sqlite3_vfs_find(NULL);
	if (below == NULL || below->iVersion < 3 || below->xGetSystemCall == NULL)
		return 1;
	open_directory = (int (*)(const char *, int *))below->xGetSystemCall(below, "openDirectory");
	if (open_directory == NULL || below->xSetSystemCall(below, "openDirectory", (sqlite3_syscall_ptr)folder_open) != SQLITE_OK)
		return 1;
	recorder = *below;
	recorder.zName = "recorder";
	recorder.pNext = NULL;
	recorder.szOsFile = (int)((sizeof(recorded) + 15) & ~(size_t)15) + below->szOsFile;
	recorder.xOpen = vfs_open;
	recorder.xDelete = vfs_delete;
	return sqlite3_vfs_register(&recorder, 1) != SQLITE_OK;
}

void recorder_start(const char *prefix)
{
	pthread_mutex_lock(&mutex);
	free(record.prefix);
	free(record.bytes);
	memset(&record, 0, sizeof record);
	record.prefix = strdup(prefix);
	record.failed = record.prefix == NULL;
	pthread_mutex_unlock(&mutex);
}

void recorder_mark(const char *text, size_t length)
{
	pthread_mutex_lock(&mutex);
	note(MARKED, 0, 0, text, length);
	pthread_mutex_unlock(&mutex);
}

unsigned char *recorder_stop(size_t *length, int *failed)
{
	unsigned char *bytes;
	pthread_mutex_lock(&mutex);
	free(record.prefix);
	bytes = record.bytes;
	*length = record.length;
	*failed = record.failed;
	memset(&record, 0, sizeof record);
	pthread_mutex_unlock(&mutex);
	return bytes;
}
