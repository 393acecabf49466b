package manager

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// A sqlTx is the transaction behind a *sql.Tx: a write transaction of its own,
// a snapshot, a savepoint in a closure's transaction, or a closure's
// transaction that is only lent. end ends it accordingly.
type sqlTx struct {
	conn       *sqlConn
	txn        *txn
	lent       bool           // txn is the closure's, which decides whether to commit
	savepoints []sqlSavepoint // made by statements, the innermost last
	end        func(commit bool) error
	used       atomic.Int64          // when it was last used, in nanoseconds since the epoch
	inUse      atomic.Int32          // the statements that run and the rows that are read
	aborted    atomic.Pointer[Error] // why the manager rolled it back while it was idle
}

// BeginTx begins a transaction. See [DB.SQL].
func (c *sqlConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx := &sqlTx{conn: c}
	tx.beginUse()()
	var err error
	if lent, ok := ctx.(*lendContext); ok {
		tx.beginLent(lent.txn)
	} else if outer := c.core.innermostTxn(ctx); outer != nil {
		err = tx.beginNested(ctx, outer, opts.ReadOnly)
	} else if opts.ReadOnly {
		err = tx.beginSnapshot(ctx)
	} else {
		err = tx.beginWrite(ctx)
	}
	if err != nil {
		return nil, hideBadConn(err)
	}
	c.tx = tx
	return tx, nil
}

// beginUse notes that the transaction does something until done is called.
func (tx *sqlTx) beginUse() (done func()) {
	tx.inUse.Add(1)
	return func() {
		tx.used.Store(time.Now().UnixNano())
		tx.inUse.Add(-1)
	}
}

// idleFor is how long the transaction has been idle.
func (tx *sqlTx) idleFor() time.Duration {
	if tx.inUse.Load() > 0 {
		return 0
	}
	return time.Since(time.Unix(0, tx.used.Load()))
}

// Commit ends the transaction. Savepoints that are still open are part of it.
func (tx *sqlTx) Commit() error { return tx.finish(true) }

// Rollback undoes the transaction.
func (tx *sqlTx) Rollback() error { return tx.finish(false) }

func (tx *sqlTx) finish(commit bool) error {
	tx.conn.tx = nil
	err := tx.closeSavepoints(0, commit || tx.lent)
	if e := tx.end(commit && err == nil); err == nil || errors.Is(e, ErrTxAborted) {
		err = e
	}
	if e := tx.aborted.Load(); e != nil && commit {
		err = e
	} else if e != nil {
		err = nil
	}
	return hideBadConn(err)
}

func (tx *sqlTx) exec(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	defer tx.beginUse()()
	if s, ok := parseSavepoint(query); ok {
		return driver.ResultNoRows, tx.reasonFor(tx.runSavepoint(ctx, s, args))
	}
	result, err := tx.innermostTxn().ExecContext(ctx, query, anyArgs(args)...)
	if err != nil {
		return nil, tx.reasonFor(err)
	}
	return result, nil
}

func (tx *sqlTx) query(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	defer tx.beginUse()()
	if s, ok := parseSavepoint(query); ok {
		if err := tx.runSavepoint(ctx, s, args); err != nil {
			return nil, tx.reasonFor(err)
		}
		return &bufferedRows{}, nil
	}
	found, err := tx.innermostTxn().driverRows(ctx, query, args)
	if err != nil {
		return nil, tx.reasonFor(err)
	}
	return &txRows{found, tx}, nil
}

func (tx *sqlTx) prepare(ctx context.Context, query string) error {
	defer tx.beginUse()()
	if _, ok := parseSavepoint(query); ok {
		return nil
	}
	return tx.reasonFor(tx.innermostTxn().prepare(ctx, query))
}

// reasonFor replaces err by the reason if the manager ended the transaction.
func (tx *sqlTx) reasonFor(err error) error {
	if e := tx.aborted.Load(); e != nil && err != nil {
		return e
	}
	return err
}

// txRows keep their transaction from being idle while they are read.
type txRows struct {
	sealedRows
	tx *sqlTx
}

func (r *txRows) Next(dest []driver.Value) error {
	defer r.tx.beginUse()()
	return hideBadConnNext(r.tx.reasonFor(r.rows.Next(dest)))
}

// beginLent lends t itself.
func (tx *sqlTx) beginLent(t *txn) {
	tx.txn, tx.lent = t, true
	tx.end = func(commit bool) error {
		t.conn.mu.Lock()
		defer t.conn.unlock()
		switch {
		case t.lentEnding || t.lent == nil:
			return nil
		case commit:
			return &Error{Op: "commit", Label: t.label.String(), Kind: ErrUnsupported, Detail: "a *sql.Tx of SQLTx commits when its closure returns nil; return instead"}
		}
		t.lent.rolledBack = &Error{Op: "commit", Label: t.label.String(), Kind: ErrTxAborted, Detail: "the *sql.Tx that SQLTx lent was rolled back, and so is its transaction"}
		return nil
	}
}

// beginNested begins a savepoint, or a view, in the transaction around it.
func (tx *sqlTx) beginNested(ctx context.Context, outer *txn, readOnly bool) error {
	l := callerLabel()
	if readOnly || outer.view {
		if !readOnly {
			return &Error{Op: "begin nested transaction", Label: l.String(), Kind: ErrReadOnly, Detail: "BeginTx inside ReadOnly; ask for TxOptions.ReadOnly"}
		}
		tx.txn = outer.newChild(ctx, &l)
		tx.txn.view = true
		tx.end = func(bool) error { tx.txn.endView(); return nil }
		return nil
	}
	tx.txn = outer.newChild(ctx, &l)
	tx.end = func(commit bool) error { return tx.txn.closeSavepoint(rolledBackUnless(commit)) }
	return tx.txn.openSavepoint(ctx)
}

// beginSnapshot begins a read transaction on a reader of its own.
func (tx *sqlTx) beginSnapshot(ctx context.Context) error {
	l, p := callerLabel(), tx.conn.core.door.readers
	if err := tx.conn.core.refuseOuterContext(ctx, "begin snapshot", &l); err != nil {
		return err
	}
	err := p.retrying(ctx, &l, func() (err error) {
		tx.txn, err = p.lease(ctx, &l)
		return err
	})
	if err != nil {
		return err
	}
	p.core.stats.reads.Add(1)
	tx.end = func(commit bool) error {
		defer p.release(tx.txn)
		if !commit {
			return nil
		}
		return p.writtenMeanwhile(tx.txn.conn, &l)
	}
	return nil
}

var (
	errRolledBack = errors.New("rolled back")
	errRunsOnce   = &Error{Op: "transaction", Kind: ErrBusy, Detail: "the database was busy, and a transaction of BeginTx cannot run again by itself; begin it again, or use WithTx"}
)

// rolledBackUnless is the cause with which closeSavepoint keeps a savepoint or
// rolls it back.
func rolledBackUnless(keep bool) error {
	if keep {
		return nil
	}
	return errRolledBack
}

// beginWrite begins a write transaction: a closure, on a goroutine of its own,
// that waits until the transaction is ended.
func (tx *sqlTx) beginWrite(ctx context.Context) error {
	l, co := callerLabel(), tx.conn.core
	if co.readOnly {
		return &Error{Op: "begin transaction", Label: l.String(), Kind: ErrReadOnly, Detail: "opened with OpenReadOnly; ask for TxOptions.ReadOnly"}
	}
	if err := co.refuseOuterContext(ctx, "begin transaction", &l); err != nil {
		return err
	}
	begun, finish, ended := make(chan *txn), make(chan bool), make(chan error, 1)
	run := func(_ context.Context, t *txn) error {
		if tx.txn != nil {
			return errRunsOnce
		}
		tx.txn = t
		begun <- t
		return tx.awaitEnd(finish)
	}
	go sendOutcome(ended, func() error { return co.write(ctx, l, txConfig{alone: true, once: true}, run) })
	tx.end = func(commit bool) error {
		var err error
		select {
		case finish <- commit:
			err = <-ended
		case err = <-ended:
		}
		if !commit && errors.Is(err, errRolledBack) {
			return nil
		}
		return err
	}
	select {
	case <-begun:
		return nil
	case err := <-ended:
		return err
	}
}

// awaitEnd waits for the end of the transaction, and rolls it back if it is
// idle for too long while others wait.
func (tx *sqlTx) awaitEnd(finish <-chan bool) error {
	co := tx.conn.core
	limit := co.cfg.maxQueueWait
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case commit := <-finish:
			if commit {
				return nil
			}
			return errRolledBack
		case <-timer.C:
		}
		idle := tx.idleFor()
		if _, waiting := co.writeQueue().peek(); idle >= limit && waiting > 0 {
			e := &Error{Op: "transaction", Label: tx.txn.label.String(), Kind: ErrTxAborted, Waited: idle, Detail: "it was idle while others waited, and has been rolled back; end a *sql.Tx with Commit or Rollback"}
			tx.aborted.Store(e)
			co.cfg.logger.Warn("idle transaction rolled back while others wait", slog.String("label", e.Label), slog.Duration("idle", idle))
			return e
		}
		timer.Reset(max(limit-idle, limit/16, time.Millisecond))
	}
}
