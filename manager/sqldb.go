package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"time"
)

// SQL returns a *sql.DB over the same database for code that asks for one: a session store,
// a job queue, sqlc's own Prepare. Its statements and transactions wait in the same queue
// as WithTx and obey the same contract. Every call returns the same one. [DB.Close] closes
// it; closing it does not close the manager.
//
// A statement outside a transaction is a transaction: one that writes is
// retried like a closure and may share a commit with others, also INSERT …
// RETURNING, whose rows are held in memory, 1 MiB at most (ErrUnsupported beyond; use
// BeginTx). The rows of one that reads hold a reader of a pool of their own
// until they are closed: at most 64 at a time, then ErrBusy with the label of
// the oldest. It has no last insert: last_insert_rowid(), changes() and total_changes()
// are refused there.
//
// A transaction of BeginTx runs once and by itself: where a closure would be retried it
// gets ErrBusy. With TxOptions.ReadOnly it is a snapshot. Every level of isolation means
// the only one there is, serializable. A transaction that is idle for [WithMaxQueueWait]
// while others wait is rolled back, and its next statement returns ErrTxAborted. Warnings,
// and the errors of waiting callers, name it by the source line that began it.
//
// After [OpenReadOnly] queries and snapshots work, and the rest is ErrReadOnly. Where that
// reads without locks, a query or snapshot beside a writer ends in ErrBusy.
//
// SAVEPOINT, RELEASE and ROLLBACK TO are understood inside a transaction, as
// statements of their own. With the context of a closure of this manager,
// statements belong to its transaction, and BeginTx begins a nested one.
//
// Errors are those of WithTx and ReadOnly, except that no error is driver.ErrBadConn:
// database/sql would run the statement again, which may have been committed.
func (db *DB[R, W]) SQL() *sql.DB { return db.core.door.open(db.core).db }

// SQLTx lends the transaction that ctx belongs to, one of WithTx or ReadOnly, to code
// that asks for a *sql.Tx. It ends with the closure; Commit is refused and changes
// nothing. After Rollback the transaction cannot commit: when its closure returns nil,
// WithTx rolls back and returns ErrTxAborted. To undo a part of it, use SAVEPOINT and
// ROLLBACK TO, or a nested WithTx.
//
// Outside a closure it returns ErrTxDone.
func (db *DB[R, W]) SQLTx(ctx context.Context) (*sql.Tx, error) { return db.core.lendTx(ctx) }

// A sqlDoor is the *sql.DB of [DB.SQL].
type sqlDoor struct {
	once    sync.Once
	db      *sql.DB
	lending *sql.DB  // for SQLTx, so that limits set on db, or closing it, do not block a closure
	readers *readers // for rows outside transactions
	writing textSet  // queries that turned out to write
}

// maxLeases bounds the readers that rows outside transactions may hold.
const maxLeases = 64

func (d *sqlDoor) open(co *core) *sqlDoor {
	d.once.Do(func() { d.db, d.lending = sql.OpenDB(sqlConnector{co}), sql.OpenDB(sqlConnector{co}) })
	return d
}

// close must be called when nothing runs any more. A later call of SQL returns
// a closed *sql.DB.
func (d *sqlDoor) close(co *core) {
	d.open(co)
	_ = d.db.Close()
	_ = d.lending.Close()
}

// A sqlConnector makes connections for database/sql. They hold no connection of
// SQLite until something runs on them.
type sqlConnector struct{ core *core }

func (k sqlConnector) Connect(context.Context) (driver.Conn, error) {
	return &sqlConn{core: k.core}, nil
}

func (k sqlConnector) Driver() driver.Driver { return sqlDriver{} }

type sqlDriver struct{}

func (sqlDriver) Open(string) (driver.Conn, error) {
	return nil, &Error{Op: "open", Kind: ErrUnsupported, Detail: "a *sql.DB of the manager is had from DB.SQL alone"}
}

// A lendContext makes BeginTx return the transaction of a closure. It never
// ends, since database/sql would roll the transaction back then; it ends with
// its closure.
type lendContext struct {
	context.Context // Background
	txn             *txn
}

func (co *core) lendTx(ctx context.Context) (*sql.Tx, error) {
	t := co.innermostTxn(ctx)
	if t == nil {
		return nil, &Error{Op: "lend a *sql.Tx", Kind: ErrTxDone, Detail: "the context does not come from a closure of this manager"}
	}
	tx, err := co.door.open(co).lending.BeginTx(&lendContext{context.Background(), t}, nil)
	if err != nil {
		return nil, err
	}
	t.conn.mu.Lock()
	defer t.conn.unlock()
	if t.hasEnded() || t.lentEnding { // the closure has returned in another goroutine
		go tx.Rollback()
		return nil, t.endedError("lend a *sql.Tx", "")
	}
	if t.lent == nil {
		t.lent = &lent{}
	}
	t.lent.list = append(t.lent.list, tx)
	return tx, nil
}

// lent is what a transaction has lent.
type lent struct {
	list       []*sql.Tx
	rolledBack error // why the closure's transaction cannot commit, or nil
}

// endingLent makes run end each *sql.Tx that was lent in it, and fail if one of
// them was rolled back.
func endingLent(run closure) closure {
	return func(ctx context.Context, t *txn) (err error) {
		defer func() {
			t.conn.mu.Lock()
			l := t.stopLending()
			t.conn.unlock()
			if e := l.end(); err == nil {
				err = e
			}
		}()
		return run(ctx, t)
	}
}

// stopLending returns what t has lent, which is to be ended then. The caller holds
// the connection's mu.
func (t *txn) stopLending() *lent {
	l := t.lent
	t.lent, t.lentEnding = nil, true
	return l
}

// lentGrace is how long a closure waits for the end of a *sql.Tx that it lent.
const lentGrace = time.Second

// end ends each *sql.Tx that was lent, and returns why the transaction cannot
// commit. database/sql waits for running calls, so the caller must not hold the
// connection's mu. It also waits for rows whose last Scan returned a sql.RawBytes
// until they are read further, which may never happen, so the wait is bounded.
func (l *lent) end() error {
	if l == nil {
		return nil
	}
	for _, tx := range l.list {
		over := make(chan struct{})
		go func() {
			defer close(over)
			_ = tx.Rollback() // does not change the transaction any more; an error means that its user has ended it
		}()
		timer := time.NewTimer(lentGrace)
		select {
		case <-over:
		case <-timer.C:
		}
		timer.Stop()
	}
	return l.rolledBack
}
