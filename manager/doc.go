// Package manager runs the queries that sqlc generates in SQLite transactions
// that simply work: no "database is locked", no lost commit, no torn write, no
// unfair wait.
//
//	db, err := manager.Open(ctx, "app.db", read.New, newTx)
//
//	err = db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
//		return tx.InsertNote(ctx, "hello")
//	})
//
//	err = db.ReadOnly(ctx, func(ctx context.Context, q *read.Queries) error {
//		notes, err = q.Notes(ctx)
//		return err
//	})
//
// It knows transactions and nothing of what is in them: any output of sqlc for
// database/sql and SQLite will do. With emit_prepared_queries use New all the same,
// not Prepare: the manager keeps statements prepared. With two packages, one of reads and one of writes, a write inside ReadOnly
// does not compile; Tx then embeds both:
//
//	type Reader = read.Queries
//	type Writer = write.Queries
//	type Tx struct { *Reader; *Writer }
//
//	func newTx(db manager.DBTX) Tx { return Tx{read.New(db), write.New(db)} }
//
// Both constructors are functions, given and not called, from sqlc's DBTX to a
// query set. For anything else, Prepare or New(x), the compiler says that its type
// "does not match func(DR) R (cannot infer DR, DW, R, and W)". One that takes the
// DBTX of another driver, pgx for one, or a *sql.DB, compiles, and Open returns
// ErrUnsupported.
//
// What follows is the contract. Each sentence of it has a test that fails
// without it.
//
// # Writing
//
// There is one connection that writes. Callers of WithTx queue for it, first
// come, first served; the queue is bounded ([WithQueueDepth], ErrQueueFull)
// and so is the wait in it ([WithMaxQueueWait], ErrBusy with the label of the
// transaction that holds the writer). A transaction is BEGIN IMMEDIATE, the
// closure, COMMIT, at synchronous=FULL.
//
// When WithTx returns nil, the change is on disk. When it returns an error,
// nothing happened, or the error is ErrCommitUnknown. The closure's own error
// comes back as it is.
//
// A closure, of WithTx and of ReadOnly, may run more than once. It assigns
// captured variables and never accumulates in them; every other effect belongs
// in [AfterCommit]. [WithRunTwice] finds closures of WithTx that break this
// rule. WithTx and ReadOnly never return while their closure runs, whatever its
// context says.
//
// # Sharing a commit
//
// Closures that wait when the writer becomes free share one BEGIN…COMMIT, and
// so one sync of the disk, each in a savepoint of its own, in queue order.
// Nobody waits for company, and a group is bounded ([WithGroupCommit]). A
// closure that fails rolls back alone. Nobody is answered, with success or
// failure, before the COMMIT. If SQLite drops the group's transaction or its
// COMMIT fails, every closure in it runs again by itself, those that failed
// too: they may have seen rows that now never were. After an I/O error at COMMIT one
// that then fails gets ErrCommitUnknown, since its record may be in the log. If the connection is lost
// at the COMMIT, the rows may be there: who succeeded gets ErrCommitUnknown.
//
// Sharing is invisible: no answer depends on it. [Alone] keeps one transaction
// out of groups. A closure that violates a foreign key whose check is deferred
// to COMMIT, by the schema or by PRAGMA defer_foreign_keys, is rolled back in
// its group and runs again alone. (A build without cgo's view of SQLite, see
// internal/csqlite, shares no commits where the schema has such keys.)
//
// Closures of a group run on a goroutine of the manager, with the pprof labels
// of their own context. A panic, with its original value, and runtime.Goexit
// continue in the caller's goroutine; the panic's original stack is logged.
// Nothing else of the caller's can end the process or hold the queue by a panic or
// by Goexit: that of a connect hook is an error, that of a tracer at the end of a
// transaction is logged, that of a log handler goes to standard error, and that of
// a hook which SQLite calls at COMMIT makes the outcome unknown.
//
// A closure that spends a second outside its statements, because it waits for
// something a member of the group holds, is evicted: the group commits without
// it. When it returns, an ended context is its answer; otherwise it runs next,
// alone, and its wait starts over. A closure inside a statement works: its group
// waits for it, but takes no further member.
//
// # Reading
//
// A small pool of read-only connections ([WithReaders]) serves ReadOnly. A
// ReadOnly is one snapshot, taken by its first statement, so never older than
// the call; [Pinned] takes it at once. Readers and the writer do not wait for
// each other. A read that runs for long is reported with its label while it
// runs ([WithSlowWarnings]), since it holds back the write-ahead log. On a server
// a ReadOnly that [MayBeStale] can be served by a standby ([WithStandby]).
//
// # Retrying
//
// SQLITE_BUSY (also BUSY_RECOVERY, BUSY_SNAPSHOT, BUSY_TIMEOUT) that a statement
// of the manager or of the running closure met is retried with exponential
// backoff: 1 ms, ×1.5, at most 5 ms, jitter 0.5, for as long as
// [WithRetryBudget] and the context allow. Another error that says busy, of
// another database, of another manager or of an earlier run, is the closure's
// own and comes back at once, as it is. SQLITE_LOCKED (DROP TABLE while rows of
// the same transaction are open) is no matter of waiting: ErrUnsupported. Each
// retry is logged at level Debug. When the budget is gone the error is ErrBusy
// with the number of attempts and the time waited. A busy COMMIT is
// repeated; a busy statement makes the closure run again.
//
// Between processes a lock file beside the database ("app.db-lock") is the
// queue, taken around each group and given back between groups. The kernel
// drops it with its process. [WithoutLockFile] leaves it out; a filesystem
// without locks does so too, with one warning.
//
// # Cancelling
//
//	ctx ends                                  what happens
//	while queued, or before BEGIN             the context's error at once; nothing ran
//	between statements of a write             the next statement returns it; rollback
//	inside a statement of a write             the statement finishes; then as above
//	after the closure, or at COMMIT           COMMIT decides; the answer is true
//	inside a statement of a ReadOnly          interrupted
//
// The connection survives each of them. An interrupt of SQLite reaches every
// statement that has begun. So while other rows of the same ReadOnly are open, a
// statement whose own context ends is not interrupted: its next row returns the
// error. The end of the context of ReadOnly interrupts in any case.
//
// # Statements
//
// A text is run whole or refused (ErrUnsupported). An sqlc query, whose text
// begins with its name, is one statement and kept prepared; raw SQL may hold
// several, which run in order until one fails, and take their arguments in that
// order. Arguments are taken all or refused, by position and by name. Value
// methods of arguments, tracers and log handlers are called without a lock:
// they may use the database, also the transaction they are called in.
//
// In a ReadOnly, whose rows nothing can change, rows are read ahead: up to 256 at
// once, and no longer than it takes to find 64 KiB of text. Inside a write
// transaction each row is read when it is asked for, so changes that the closure
// makes between two rows show in the second as far as SQLite shows them.
//
// A connection keeps up to 512 statements prepared, of 1 MiB of text in all: sqlc's
// queries, and raw texts once they come again. Texts with a PRAGMA are not kept,
// nor are arguments.
//
// # A closure's reach
//
// What a closure does ends with its transaction. What would stay on the
// connection for the next caller is refused, wherever in a text it stands:
// setting a PRAGMA, ATTACH and DETACH, TEMP objects, load_extension(). The error
// (ErrUnsupported) names the place for it: WithPragma, WithConnectHook or
// Maintain. last_insert_rowid() is 0 until the closure inserts a row (in a build
// with internal/csqlite); changes() and total_changes() count those before it too.
// Asking is allowed, also PRAGMA table_info(t) and pragma_table_info.
// Of the pragmas that set something WithTx lets through those that COMMIT and
// ROLLBACK decide about: user_version, application_id, incremental_vacuum, and
// defer_foreign_keys = ON, which ends with the closure. Nothing in a ReadOnly
// changes anything, also inside WithTx.
//
// # Guarding
//
// Before every statement and before COMMIT the manager asks SQLite whether the
// transaction still stands. If it does not, every later statement returns
// ErrTxAborted, and nothing runs outside a transaction. Queries and rows kept
// beyond their closure return ErrTxDone; their column names stay. All errors come through QueryRow's
// Scan too. Statements that would begin or end a transaction are refused. A
// savepoint that cannot be made or ended gives up the transaction around it. A
// connection that is lost (driver.ErrBadConn), or keeps a transaction that
// cannot be ended, is replaced: also while rows are open on it or were forgotten.
// So is one in whose statement a function of [WithConnectHook] panicked or ended
// its goroutine: the transaction is rolled back, also where its closure recovers.
// The same error of an argument's Value method is the closure's own.
//
// # Nesting
//
// With the context the closure was given, WithTx inside WithTx is a savepoint,
// ReadOnly inside WithTx sees the transaction's own changes, ReadOnly inside
// ReadOnly shares the snapshot, and WithTx inside ReadOnly is ErrReadOnly.
// Such nesting cannot deadlock. A nested transaction must end before its
// parent's closure returns; otherwise it is rolled back and so is the parent.
//
// With another context, mostly one that the closure captured from the function
// around it, WithTx inside WithTx waits for its own transaction until MaxQueueWait
// is over, and ReadOnly does not see its rows. [WithRunTwice] finds this at once,
// unless a goroutine that the closure started does it.
//
// A closure must not wait for another caller's transaction, nor for a lock
// that is held across WithTx. What waits regardless ends in an error when
// MaxQueueWait is over.
//
// # After the commit, and after a rollback
//
// Functions registered with [AfterCommit] run once, in order, in the caller's
// goroutine, before WithTx returns and after the writer has been handed on;
// they may call WithTx. They get an increasing commit number; the order
// between callers is not promised. Those of a rolled-back savepoint are
// dropped. A panic there surfaces in the caller, when the later ones have run
// too; the commit stands.
//
// Functions registered with [AfterRollback] run once, in the same place, when
// WithTx returns an error and nothing was kept: to undo what the closure did
// elsewhere. Those of a closure that runs again do not run, nor those of a commit that may be
// there. Those of a nested transaction that was rolled back run also when the one around
// it commits.
//
// # Opening and closing
//
// Open refuses a SQLite library older than 3.51.3, whose WAL-reset bug can
// lose commits (this guards only our own process: keep other programs that
// write the file up to date as well); a schema newer than the program; another
// program's file ([WithApplicationID]); and a database in memory. It sets its
// pragmas on every connection and reads them back. It migrates under the lock
// file, so that many processes may open a fresh file at once. A fresh file can
// be read by its owner only. [OpenReadOnly] serves reports on a live file, and
// reads a file on read-only media or in a folder it may not write, with a log
// that was left there: without locks, so that each ReadOnly looks for traces of
// a writer before and after, opens the file again, runs again, and in the end returns
// ErrBusy. Its Close leaves nothing beside the file that was not there.
//
// What Open sets, and what that means for a file that other programs have written:
//
//	PRAGMA              writer    readers   for an existing file
//	journal_mode        WAL                 stays in the file: its other programs meet -wal and -shm
//	synchronous         FULL                [WithSynchronousNormal]
//	foreign_keys        1         1         rows without their parent stay, and Open warns of them; a new one is refused
//	trusted_schema      0         0         views and triggers may not call functions with side effects
//	cell_size_check     1         1         a damaged page is found when it is read
//	cache_size          -65536    -16384    64 and 16 MiB a connection
//	busy_timeout        0         0         the manager waits
//	wal_autocheckpoint  0                   the manager checkpoints
//	query_only                    1
//
// Open looks through the whole file for such rows, a quarter of a second for a
// million, if it is no larger than 16 MiB or was not in WAL mode; of a larger one only
// a migration that changes something, [DB.Maintain] and [DB.Backup] do.
//
// A file that this process has open for writing already gets a second queue, and a
// warning: open it once and share the DB.
//
// [WithPragma] sets others, or those again that the manager does not live on.
// [WithConnectHook] readies a connection before that: functions, collations,
// extensions, ATTACH. [DB.Maintain] holds the writer for what cannot be part of
// a transaction: VACUUM, rebuilding a table with foreign keys off.
//
// The planner's statistics are the program's to take (PRAGMA optimize in Maintain):
// neither Open nor Close does, since what is counted while a table is small
// misleads the planner for as long as the next process lets it grow.
//
// Close stops admission, waits for those inside, and moves the write-ahead log
// into the database. If its context ends first it names those who still hold the
// database, evicted closures too; with nobody inside it closes also when its
// context has ended before. With the context of a closure it is refused
// (ErrUnsupported).
//
// The writer checkpoints the write-ahead log between transactions and waits
// for readers 50 ms at most, so the log stays bounded unless a reader never
// ends; that reader is then named in a warning. A checkpoint that another
// program (a backup that follows the log) keeps busy is a normal condition.
//
// # Migrating
//
// A migration ([WithMigration]) runs on a connection of its own, with foreign
// keys on, before any other of the manager exists. If it changed the schema or
// rows, PRAGMA foreign_key_check looks at the whole database before Open returns, and
// a row whose parent is missing is ErrForeignKey. What was migrated is made durable
// once, before Open returns: a power failure before that may take the last files of a
// migration, which the next Open then runs. A migration that leaves a
// transaction open is an error, and the transaction is rolled back. Package
// migrate runs the files of goose with more care: each is checked before it is
// committed, and none can lose rows by rebuilding a table.
//
// # The file is still the one
//
// SQLite does not notice when its file is deleted, renamed or replaced, or its log,
// or its index (-shm), in which processes meet each other's locks. So after each
// COMMIT, before anybody is answered, and before each transaction, ReadOnly and
// checkpoint the manager compares device and inode of the three paths with what it
// has open, and after a COMMIT also looks whether the log was cut short.
// If they differ the error is ErrFileMoved, and the manager serves nothing from
// then on, reading included: close it, and open what is there now. What was
// committed in that moment is in the file that was moved away. Symbolic links
// are resolved once, by Open. On Linux a ReadOnly, and a write before it begins,
// compares only if the database's folder has changed or the last comparison is older
// than 10 ms: the change of a folder above it, or of what is mounted, it notices that
// late.
//
// Open and OpenReadOnly refuse a file with several hard links and one that is a
// mount point itself: its log is not where others look for it. A second SQLite
// library in the program (modernc.org/sqlite, for one) is reported once, loudly:
// the two do not see each other's locks, and must not open one file. Nor may the
// program open and close the database's file by itself, not even to read it,
// since that drops the locks that its process has on it.
//
// # Bounds in bytes
//
// The write-ahead log is checkpointed from 8 MB on ([WithCheckpointFrames]), and
// its file is cut when it is more than four times as long, at the end of the
// transaction that made it so or, where readers held it, within a second of the
// last one's end. An attempt that readers kept busy is followed by a pause of
// 0.2 to 1.6 seconds, but by no longer one than it takes the log to grow by half.
//
// # Backing up
//
// [DB.Backup] copies the database while writers go on: one snapshot, checked,
// on the disk, and at its destination in one step or not at all. An empty log that a
// killed reader of the last backup left there is removed; one with frames, or of
// a file that is in use, is in the way. [Restore] does the same with a backup and
// overwrites nothing. The write-ahead log grows
// while pages are copied, and the writer does not try to checkpoint it. Close
// waits for a backup.
//
// # Engines
//
// SQLite is built in. A URL in the place of the path opens another database, if
// its engine is linked: postgres:// with package manager/postgres, whose
// documentation says what differs. Without that import Open returns
// ErrUnsupported and names it. There several connections write ([WithWriters]),
// and a transaction that names what it touches ([Keyed]) runs beside those that
// name something else. A server can be lost between COMMIT and its answer: one
// that may run twice ([Idempotent]) settles that by itself.
//
// # Errors
//
// Errors are an [*Error] with the operation, the query's name, the label, the
// attempts and the driver's error; errors.Is works with the errors of this
// package. Constraint errors name table and columns where SQLite does.
package manager
