package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"time"
)

// SQL returns a *sql.DB over the same database for code that asks for one: a
// session store, a job queue, sqlc's own Prepare. Its statements and
// transactions stand in the same queue as WithTx and are bound by the same
// contract. Every call returns the same one; it ends with [DB.Close], and to
// close it alone does nothing to the manager.
//
// A statement outside a transaction is a transaction: one that writes is
// retried like a closure and may share a commit with others, also INSERT …
// RETURNING, whose rows are held in memory, 1 MiB at most (ErrUnsupported beyond; use
// BeginTx). The rows of one that reads hold a reader of a pool of their own
// until they are closed: at most 64 at a time, then ErrBusy with the label of
// the oldest.
//
// A transaction of BeginTx runs once and by itself: where a closure would run
// again it gets ErrBusy. With TxOptions.ReadOnly it is a snapshot. Every level of isolation
// is given the one that there is, which is the strictest. One that does nothing
// for as long as [WithMaxQueueWait] while others wait is rolled back, and its
// next statement returns ErrTxAborted. Until it ends it is named, in
// warnings and in the errors of those who wait, by the place that began it.
//
// SAVEPOINT, RELEASE and ROLLBACK TO are understood inside a transaction, as
// statements of their own. With the context of a closure of this manager,
// statements belong to its transaction, and BeginTx begins a nested one.
//
// Errors are those of WithTx and ReadOnly, except that no error is driver.ErrBadConn:
// database/sql would run the statement again, which may have been committed.
func (db *DB[R, W]) SQL() *sql.DB { return db.core.door.open(db.core).db }

// SQLTx lends the transaction that ctx belongs to, one of WithTx or ReadOnly, to
// code that asks for a *sql.Tx. It ends with the closure; Commit is refused and
// changes nothing. Rollback dooms the transaction: when its closure returns nil, WithTx
// rolls back and returns ErrTxAborted. To undo a part of it, use SAVEPOINT and
// ROLLBACK TO, or a nested WithTx.
//
// Outside a closure it returns ErrTxDone.
func (db *DB[R, W]) SQLTx(ctx context.Context) (*sql.Tx, error) { return db.core.lendTx(ctx) }

// A sqlDoor is the *sql.DB of [DB.SQL].
type sqlDoor struct {
	once    sync.Once
	db      *sql.DB
	lending *sql.DB  // of SQLTx: what callers set or close on db must not hold up a closure
	readers *readers // of rows outside any transaction
	writing textSet  // queries that turned out to write
}

// maxLeases bounds the readers that rows outside transactions may hold.
const maxLeases = 64

func (d *sqlDoor) open(co *core) *sqlDoor {
	d.once.Do(func() { d.db, d.lending = sql.OpenDB(sqlConnector{co}), sql.OpenDB(sqlConnector{co}) })
	return d
}

// close is for who has seen that nobody is inside any more. What asks for the
// *sql.DB later gets one that is closed.
func (d *sqlDoor) close(co *core) {
	d.open(co)
	_ = d.db.Close()
	_ = d.lending.Close()
}

// A sqlConnector makes connections for database/sql, which are views of the
// manager: they hold nothing of SQLite until something runs on them.
type sqlConnector struct{ core *core }

func (k sqlConnector) Connect(context.Context) (driver.Conn, error) {
	return &sqlConn{core: k.core}, nil
}

func (k sqlConnector) Driver() driver.Driver { return sqlDriver{} }

type sqlDriver struct{}

func (sqlDriver) Open(string) (driver.Conn, error) {
	return nil, &Error{Op: "open", Kind: ErrUnsupported, Detail: "a *sql.DB of the manager is had from DB.SQL alone"}
}

// A lendContext asks BeginTx for the transaction of a closure. It never ends:
// database/sql rolls back a transaction whose context ends, and this one ends
// with its closure.
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
	if t.hasEnded() { // in another goroutine, meanwhile
		go tx.Rollback()
		return nil, t.endedError("lend a *sql.Tx", "")
	}
	t.lent = append(t.lent, tx)
	return tx, nil
}

// endingLent makes run end the *sql.Tx that were lent in it, and fail when one of
// them was rolled back.
func endingLent(run closure) closure {
	return func(ctx context.Context, t *txn) error {
		defer t.endLent()
		if err := run(ctx, t); err != nil {
			return err
		}
		t.conn.mu.Lock()
		defer t.conn.unlock()
		return t.lentRolledBack
	}
}

// lentGrace is how long a closure waits for the end of a *sql.Tx that it lent.
const lentGrace = time.Second

// endLent ends what was lent of t. database/sql waits for calls that run in
// it, so the caller does not hold the connection's mu. It also waits for rows whose
// last Scan lent a sql.RawBytes, until they are read on: those that nobody reads
// on must not hold the closure.
func (t *txn) endLent() {
	t.conn.mu.Lock()
	lent := t.lent
	t.lent, t.lentEnding = nil, true
	t.conn.unlock()
	for _, tx := range lent {
		over := make(chan struct{})
		go func() {
			defer close(over)
			_ = tx.Rollback() // does nothing to t now; an error says that its user has ended it
		}()
		timer := time.NewTimer(lentGrace)
		select {
		case <-over:
		case <-timer.C:
		}
		timer.Stop()
	}
}
