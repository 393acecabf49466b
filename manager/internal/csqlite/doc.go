// Package csqlite calls SQLite's C interface on connections that the driver
// opened, for what the driver does not offer.
//
// The connection stays the driver's: its settings, its functions, its authorizer
// and every text that is not prepared. This package only learns its sqlite3*.
// SQLite calls registered functions for every connection that the process opens
// (sqlite3_auto_extension); ours is registered only while [Open] runs, and takes
// note only on Open's own thread. No unexported field of the driver is read.
//
// # Statements
//
// The driver calls C for each row, for the reset, and to ask whether a
// transaction is open. A statement prepared by a [Conn] calls once: to bind its
// arguments, step, copy up to 256 rows (step.h has all limits), reset if it has
// ended, and bring back the state of the transaction, the last row id and the
// number of changes. Rows are read in C's memory until the next call needs it, and
// a text that is the same as the one above it crosses once. Values, types, errors
// and their texts are the driver's; a fuzz test compares the two. Different on
// purpose:
//
//   - On a connection that only reads, RunContext of BEGIN waits for the next
//     statement, with which it crosses.
//   - ExecContext resets its statement, also one with rows, which the driver leaves
//     running; an error that SQLite finds only then is returned.
//   - Running a statement again ends the rows of its run before with an error.
//   - A text that cannot be converted to UTF-8 for want of memory is an error,
//     where the driver returns "".
//   - No finalizer closes a statement: one would run beside the connection.
//
// # Writing
//
// [WriterVFS] names a VFS for the connection that writes: it gathers the frames of
// a COMMIT, and keeps the journal of savepoints in memory (vfs.h has the limits).
// It stands on the VFS that was SQLite's default when it was first asked for, and is
// registered under a name of its own, so no other connection uses it. It does not
// work above a default VFS that recognizes the log's frames by the size of a write,
// as one that encrypts pages may: build such a program with stakeledger_nostep.
//
// # Where it works
//
// The C code is compiled without a header of SQLite and linked with the copy of
// SQLite that is inside the driver, so a plain go build is enough. Where that is
// not known to work, which is all but Linux, under the build tag libsqlite3 and
// without cgo, [Available] is false, Open returns no [Handle] and WriterVFS is empty; the build tag
// stakeledger_nostep asks for the same.
package csqlite
