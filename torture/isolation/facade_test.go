package isolation_test

import (
	"context"
	"database/sql"
	"errors"

	"github.com/stakeledger/stakeledger/manager"
)

// A facade asks the same of the *sql.DB and *sql.Tx that the manager lends, and
// every third time of the manager itself, so that all stand in one queue.
type facade struct{ honest }

// asks is a client of db, which knows of its manager or not.
func asks(db *store, throughSQL bool) client {
	if throughSQL {
		return facade{honest{db}}
	}
	return honest{db}
}

func (f facade) do(ctx context.Context, o op) (saw cells, err error) {
	switch o.Name[len(o.Name)-1] % 3 {
	case 0:
		return f.honest.do(ctx, o)
	case 1:
		return f.lent(ctx, o)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.Cancel == "soon" {
		go cancel()
	}
	if o.Kind == note && !o.Fails && o.Stray == "" {
		_, err := f.db.SQL().ExecContext(ctx, "UPDATE logs SET names = names || ? WHERE id = ?", appended("", o.Name), o.Cell)
		return saw, err
	}
	return f.begun(ctx, cancel, o)
}

// begun does o in a transaction of BeginTx.
func (f facade) begun(ctx context.Context, cancel func(), o op) (saw cells, err error) {
	reads := o.Kind == look || o.Kind == peek
	tx, err := f.db.SQL().BeginTx(ctx, &sql.TxOptions{ReadOnly: reads})
	if err != nil {
		return saw, err
	}
	saw, err = f.inside(ctx, tx, o)
	if o.Cancel == "inside" {
		cancel()
	}
	if err == nil && o.Fails {
		err = errOwn
	}
	if err != nil {
		if rollback := tx.Rollback(); errors.Is(err, errOwn) && rollback != nil {
			err = rollback // what it saw may be of a transaction that was gone
		}
	} else {
		err = tx.Commit()
	}
	// database/sql may have rolled back by itself when the context ended.
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil && !errors.Is(err, errOwn) {
		saw = cells{}
	}
	return saw, err
}

// lent does o in a closure that lends its transaction to code for *sql.Tx.
func (f facade) lent(ctx context.Context, o op) (saw cells, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.Cancel == "soon" {
		go cancel()
	}
	var seen cells
	closure := func(ctx context.Context, _ queries) error {
		tx, err := f.db.SQLTx(ctx)
		if err != nil {
			return err
		}
		now, err := f.inside(ctx, tx, o)
		if err != nil {
			return err
		}
		seen = now
		if o.Cancel == "inside" {
			cancel()
		}
		if o.Fails {
			return errOwn
		}
		return nil
	}
	if o.Kind == look || o.Kind == peek {
		err = f.db.ReadOnly(ctx, closure)
	} else {
		err = f.db.WithTx(ctx, closure)
	}
	if err != nil && !errors.Is(err, errOwn) {
		return cells{}, err
	}
	return seen, err
}

// inside does what o asks for in tx, with savepoints by hand.
func (f facade) inside(ctx context.Context, tx *sql.Tx, o op) (saw cells, err error) {
	q := queries{manager.DBTX(tx)}
	switch o.Kind {
	case look, peek:
		return q.all(ctx)
	case nest:
		saw, err = f.nested(ctx, q, o)
	default:
		if o.Wary {
			if err := q.untouched(ctx); err != nil {
				return saw, err
			}
		}
		saw, err = f.write(ctx, q, o)
	}
	if err == nil {
		err = q.stray(ctx, o.Stray)
	}
	return saw, err
}

// nested is [honest.nest] in plain SQL. The manager's own savepoint has the same name.
func (f facade) nested(ctx context.Context, q queries, o op) (saw cells, err error) {
	do := func(text string) {
		if err == nil {
			_, err = q.ExecContext(ctx, text)
		}
	}
	do("SAVEPOINT s")
	if err == nil {
		var value int64
		if value, err = q.counter(ctx, o.Cell); err == nil {
			err = q.setCounter(ctx, o.Cell, counted(value, o.Name))
		}
	}
	do("RELEASE s")
	do("SAVEPOINT s")
	if err == nil {
		err = q.appendLog(ctx, o.Cell, "never "+o.Name)
	}
	do("ROLLBACK TO s")
	do("RELEASE s")
	if err == nil {
		saw, err = q.all(ctx)
	}
	if err != nil {
		return saw, err
	}
	return saw, q.appendLog(ctx, o.Cell, o.Name)
}
