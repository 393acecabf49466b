#ifndef CSQLITE_OPEN_H
#define CSQLITE_OPEN_H

#include <stdint.h>

/* Has SQLite call us for each connection that is opened, until cancel, which
 * returns whether it did. */
int csqlite_register(void);
int csqlite_cancel(void);

/* From watch to watched, the connections that this thread opens are counted.
 * watched returns the one that was opened, or 0 if it was none or several. */
void csqlite_watch(void);
uintptr_t csqlite_watched(void);

int csqlite_deferred_foreign_keys(uintptr_t db);
int csqlite_in_transaction(uintptr_t db);
void csqlite_forget_row_id(uintptr_t db);

#endif
