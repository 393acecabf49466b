// Package postgres lets the manager run on PostgreSQL. Importing it is all:
//
//	import _ "github.com/stakeledger/stakeledger/manager/postgres"
//
//	db, err := manager.Open(ctx, "postgres://ledger@db1,db2/ledger?sslmode=verify-full", db.New, db.New)
//
// The URL is libpq's: several hosts, sslmode, sslrootcert, passfile, service and
// connect_timeout mean what they mean there, and so do the PG… environment
// variables. Unless it says otherwise connecting takes 3 seconds at most for
// each host. No password comes into an error or a log.
//
// # What is the same
//
// The contract of package manager holds, but for what follows: a closure's
// transaction, savepoints, hooks, bounds, errors, retries and cancelling. Queries
// are those that sqlc generates for SQLite; ?1 is sent as $1.
//
// # Writing
//
// There are several connections that write ([manager.WithWriters]), behind one
// line. A transaction that names what it touches ([manager.Keyed]) runs beside
// those that name something else; one without keys runs alone. Transactions are
// READ COMMITTED and take advisory locks of the server before their first
// statement, so both hold between processes too, and answers are strictly
// serializable, as long as the keys are right and everybody who writes uses this
// package. Commit numbers are unique in a process and in the order of the commits
// for each key alone. No commits are shared.
//
// BEGIN and the locks go to the server with the first statement, and a transaction
// that runs none does not reach it. In one that is [manager.Pipelined], as those of
// the ledger are, sqlc's :exec statements go with the next one or with COMMIT.
//
// # Durability
//
// Every connection that writes has synchronous_commit at least "on", read back.
// With synchronous_standby_names set an answered commit survives the loss of the
// primary; without, an asynchronous standby that is promoted may lack the last
// ones. A server with fsync=off is reported loudly, once for each Open that can write.
//
// COMMIT is never cancelled by a context. What rolled back says so (ErrTxAborted,
// or a constraint's error). A connection that is lost at COMMIT, a COMMIT that
// takes longer than the retry budget, and one that was "committed locally, but
// might not have been replicated" are ErrCommitUnknown. A transaction that is
// idempotent ([manager.Idempotent]) runs again then, behind the locks of the one
// before, so not while that may still be committed; and its own COMMIT waits until
// what it found is as safe as it would be itself.
//
// # Retrying
//
// A closure runs again after a serialization failure (40001), a deadlock (40P01),
// a lock that was not granted in time (55P03), and whenever the server or the
// connection is gone: refused, shut down (57P01 to 57P03), 08*, too many
// connections, or a primary that has become a standby. Another connection, and so
// the new primary, is looked for within the same budget.
//
// # Reading from a standby
//
// ReadOnly reads the primary. A standby ([manager.WithStandby]) serves only a
// ReadOnly that asks for it ([manager.MayBeStale]), and only once it has replayed
// the log to where it was at Open and to every commit that this process was
// answered since; COMMIT asks for its position in the log, in the same message.
// That costs the read one round trip to the standby. Where it does not get so far
// within 100 ms, cannot be reached (which takes a second at most, and is not tried
// again for another), has been promoted, is no standby of this database, or is lost
// or cancels a statement while the closure reads, the primary serves. Then the
// closure may run a second time.
//
// Such reads are snapshots, and a process sees its own writes in them. But they are
// not strictly serializable: what another process has committed may be missing,
// even if this one was told of it or has read it from the primary, and a later read
// may show less than an earlier one.
//
// # Behind a pooler
//
// A pooler that gives each transaction another connection of the server's
// (PgBouncer with pool_mode=transaction) loses what stays on one. With
// default_query_exec_mode=exec in the URL, pgx's word for it, no statement is kept
// prepared, and every transaction sets its parameters for itself. Migrations take
// a lock of the session: run them past the pooler.
//
// # What is weaker
//
//   - A statement that fails ends its transaction or, inside a nested WithTx, that:
//     later statements return ErrTxAborted, and a nil of the closure does too.
//   - Rows are read whole before the first is returned; large results are paged.
//   - LastInsertId is there for an INSERT of :execresult, and is the first column of
//     its table. Identities have gaps.
//   - A ReadOnly whose statement was interrupted cannot go on.
//   - A raw text is one statement. What would stay on the connection is refused by
//     its first words (SET without LOCAL, LISTEN, PREPARE, temporary tables, session
//     locks); what a function does is not seen.
//   - [manager.DB.Backup], Restore and Maintain are SQLite's. Use pg_dump,
//     pg_basebackup, psql.
//   - WithPragma and WithConnectHook are refused; WithApplicationID, WithoutLockFile,
//     WithGroupCommit and WithCheckpointFrames do nothing.
package postgres
