// Package power checks what is left of a database after a power failure.
//
// [Record] runs work on a database while a VFS between SQLite and the system
// records every write, truncation, sync, creation and deletion of the database,
// its log and its journal, and what is acknowledged to the application. A [Disk] follows that [Log] to any entry, and [Disk.Found] then
// makes one of the many sets of files that a power failure at that moment may
// leave:
//
//   - of each file what was synced, and of what was written since any part: each
//     sector of 512 bytes as it was after any of the writes to it, whatever its
//     neighbours are, so writes are lost, torn and out of order; sometimes page by
//     page or write by write instead
//   - each file with any length that it has had since; blocks that belong to it
//     but were never written hold zeroes or garbage
//   - each name as it was when the folder was last synced, or at any moment since:
//     a new file may have no name yet, a deleted one may be back
//
// The tests open each of these disks with the manager. At synchronous=FULL
// every acknowledged transaction must be there; at NORMAL those found must be
// the first of the order of commits. Nothing may be half there, and the
// database must take new transactions.
//
// That the tests can find a loss is tested with disks that answer a sync and do
// nothing, and with a database whose syncs are off.
//
// # What the model leaves out
//
//   - Disks that lie: they answer a sync and lose what it covered. Nothing helps
//     against those but backups; see [Log.WithoutSyncs] for what they do.
//   - Bit rot, and sectors that cannot be read any more. SQLite has no checksums in
//     the database file itself.
//   - Damage to what was not written. SQLite assumes that a write which is cut off
//     leaves the other bytes of its sector, and the sectors beside it, as they were
//     (SQLITE_IOCAP_POWERSAFE_OVERWRITE), and so does the model.
//   - The shared memory (-shm), an index that is rebuilt, and the lock file, which
//     is empty.
//   - What the manager does without SQLite: the syncs, the link and the rename that
//     put a backup or a restored copy in its place.
//   - Folders above the database's own, and the order in which a journalling
//     filesystem keeps changes of names, which is stricter than the model.
//
// A seed replays the choices of cuts and disks, not the goroutines that wrote
// the log: a disk that fails a test is kept, and its folder is named.
package power
