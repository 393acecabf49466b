/* A VFS that does what SQLite's own does and writes down what reaches the disk. */
#ifndef POWER_RECORDER_H
#define POWER_RECORDER_H

#include <stddef.h>
#include <stdint.h>

enum { OPENED = 1, WROTE, TRUNCATED, SYNCED, DELETED, FOLDER_SYNCED, MARKED };

/* One entry of the record; length bytes of data follow it. */
typedef struct entry {
	int32_t kind;
	int32_t file; /* the handle */
	int64_t offset; /* of WROTE; the size after TRUNCATED */
	int64_t length;
} entry;

/* recorder_install makes the recorder the VFS of every connection opened from
 * now on. It returns 0, or 1 where the default VFS is not one of Unix. */
int recorder_install(void);

/* recorder_start begins a record of the files whose path begins with prefix. */
void recorder_start(const char *prefix);

/* recorder_mark writes text into the record. */
void recorder_mark(const char *text, size_t length);

/* recorder_stop ends the record and hands it over; the caller frees it. *failed
 * is set when something could not be written down. */
unsigned char *recorder_stop(size_t *length, int *failed);

#endif
