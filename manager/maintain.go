package manager

import (
	"context"
	"database/sql"
	"errors"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// Maintain runs fn on a connection of its own for what cannot be part of a transaction: VACUUM,
// rebuilding tables with foreign keys off, PRAGMA optimize. It waits in the queue like a WithTx.
// While fn runs it holds the writer and the lock file, so no other transaction writes, in this
// process or in another one with a manager; for a transaction of another program it waits, within the
// retry budget, before fn runs. Readers continue. fn runs once, begins and ends its own transactions,
// and must not use the manager.
//
// The connection is set up like those of migrations, with foreign keys on; it is not guarded, and
// closed afterwards. A transaction that fn leaves open is rolled back, and the error is
// ErrUnsupported. Before the next writer runs, the foreign keys of the whole database are checked;
// a row whose parent is missing gives ErrForeignKey, but stays, since fn has committed it.
//
// Errors: those of fn, which are ErrBusy, ErrFull and so on too where SQLite's are in them; those
// of waiting as for [DB.WithTx]; ErrUnsupported inside a closure, ErrReadOnly after [OpenReadOnly].
func (db *DB[R, W]) Maintain(ctx context.Context, fn func(ctx context.Context, conn *sql.Conn) error, opts ...TxOption) error {
	cfg := newTxConfig(opts)
	return db.core.maintain(ctx, newLabel(cfg.label, fn), fn)
}

func (co *core) maintain(ctx context.Context, l label, fn func(context.Context, *sql.Conn) error) error {
	if err := co.refuseOuterContext(ctx, "maintain", &l); err != nil {
		return err
	}
	switch {
	case co.innermostTxn(ctx) != nil:
		return &Error{Op: "maintain", Label: l.String(), Kind: ErrUnsupported, Detail: "Maintain inside a closure would wait for its own transaction; call it outside"}
	case co.readOnly:
		return &Error{Op: "maintain", Label: l.String(), Kind: ErrReadOnly, Detail: "opened with OpenReadOnly"}
	}
	if err := co.onlySQLite("maintain", "run VACUUM, REINDEX and what else is no part of a transaction with psql"); err != nil {
		return err
	}
	run := func(ctx context.Context, _ *txn) error { return co.maintainOn(ctx, fn) }
	return co.writer.submit(&request{ctx: ctx, label: l, run: run, alone: true, maintains: true})
}

// runMaintenance runs r without a transaction around it.
func (w *writer) runMaintenance(r *request) error {
	if err := contextError(r.ctx, "maintain", "", r.label.String()); err != nil {
		return err
	}
	if err := w.lock.acquire(r.ctx, &r.label); err != nil {
		return err
	}
	if err := w.core.file.check(); err != nil {
		return movedAt("maintain", &r.label, err)
	}
	w.conn.Load().setHolder(&r.label, monotonic())
	return r.run(r.ctx, nil)
}

// maintainOn runs fn on a new connection, and checks for open transactions and
// violated foreign keys afterwards. The caller holds the writer and the lock
// file.
func (co *core) maintainOn(ctx context.Context, fn func(context.Context, *sql.Conn) error) (err error) {
	db := co.openPool(callersDSN(co.path, "FULL"))
	defer db.Close()
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return wrap("maintain", "", "", err)
	}
	defer conn.Close()
	if err := co.retryBusy(ctx, "maintain", func() error { // VACUUM does not wait for a program without the lock file
		waiting, err := conn.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		return waiting.Rollback()
	}); err != nil {
		return wrap("maintain", "", "", err)
	}
	if err = fn(ctx, conn); errors.Is(err, sql.ErrConnDone) {
		return err
	}
	if _, ofSQLite := errors.AsType[sqlite3.Error](err); ofSQLite {
		err = wrap("maintain", "", "", err)
	}
	if left := endTransaction(conn); err == nil {
		err = left
	}
	if broken := co.checkAllForeignKeys("maintain"); err == nil {
		err = broken
	}
	return err
}

// endTransaction rolls back a transaction that was left open on conn, and
// returns an error if there was one.
func endTransaction(conn *sql.Conn) error {
	return conn.Raw(func(driverConn any) error {
		c := driverConn.(DriverConn)
		if c.AutoCommit() {
			return nil
		}
		_, err := c.ExecContext(context.Background(), "ROLLBACK", nil)
		return errors.Join(&Error{Op: "maintain", Kind: ErrUnsupported, Detail: "a transaction was left open, and has been rolled back; end it with COMMIT"}, err)
	})
}

// checkAllForeignKeys checks the whole database on a new connection, which
// reads the current schema.
func (co *core) checkAllForeignKeys(op string) error {
	fresh, err := co.openRaw(fileDSN(co.path, "ro"))
	if err != nil {
		return err
	}
	defer fresh.close()
	return checkForeignKeys(context.Background(), op, fresh.conn)
}
