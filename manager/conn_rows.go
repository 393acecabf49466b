package manager

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
	"slices"
	"time"
)

// rows are the rows of a query. They own their statement, and are closed at the
// latest with their transaction.
type rows struct {
	driver.Rows
	conn    *conn
	txn     *txn
	stmt    *stmt
	view    *view // what database/sql reads them through
	ctx     context.Context
	query   string
	columns []string      // stay readable after the end
	began   time.Duration // by monotonic
	end     func(error)   // the tracer's, or nil
	closed  bool
	ends    bool // its context, or the ReadOnly's, can end
	err     error
	over    handover
}

// openRows runs s, which it owns, to its first row; one says that the caller reads no other
// row. The caller holds mu.
func (t *txn) openRows(ctx context.Context, s *stmt, query string, args boundArgs, one bool, end func(error)) (*rows, error) {
	c := t.conn
	view, err := c.takeView()
	if err != nil {
		s.release()
		return nil, wrap("query", "", t.label.String(), err)
	}
	r := view.newRows()
	*r = rows{conn: c, txn: t, stmt: s, view: view, ctx: ctx, query: query, end: end, began: monotonic(), ends: t.canEnd(ctx)}
	c.open = append(c.open, r)
	c.reading.Store(int32(len(c.open)))
	if r.Rows, err = c.query(t.driverContext(ctx, 1), s, args, one); err != nil {
		r.err, r.view = err, nil
		c.giveView(view)
		_ = r.closeLocked()
		return nil, err
	}
	r.columns = r.Rows.Columns()
	return r, nil
}

// Columns are the names of the columns.
func (r *rows) Columns() []string { return r.columns }

// Next steps to the next row, unless the transaction has ended.
func (r *rows) Next(dest []driver.Value) error {
	r.conn.mu.Lock()
	defer r.conn.unlock()
	if r.closed {
		return r.txn.endedError("next row", r.query)
	}
	var err error
	if r.ends {
		err = r.txn.cancelError(r.ctx, "next row", r.query)
	}
	if err == nil {
		r.conn.calling = true
		err = r.Rows.Next(dest)
		r.conn.calling = false
		if err == nil || err == io.EOF {
			return err
		}
	}
	r.err = r.txn.statementError(r.ctx, "next row", r.query, err)
	return r.err
}

// Close ends the query. Closing twice is harmless, but to rows that were handed
// over: these may be another query's when it returns. Database/sql, which alone
// has them, closes them once and uses them no more.
func (r *rows) Close() error {
	c := r.conn
	c.mu.Lock()
	if r.closed {
		c.mu.Unlock()
		return nil
	}
	v := r.view
	r.view = nil
	ended := false
	defer func() {
		if !ended { // the driver, or a function that SQLite called, panicked
			c.unlock()
		}
	}()
	err, lost := v.errorForPool(r.closeLocked())
	ended = true
	if len(c.late) > 0 { // the functions called may query, and database/sql holds the lock of this view
		c.unlock()
		c.mu.Lock()
	}
	if !lost {
		if r.over.rows == r {
			*r = rows{conn: c, closed: true}
			v.rows = r
		}
		c.giveView(v)
	}
	c.unlock()
	return err
}

// closeLocked closes the driver's rows and releases their statement. The caller holds
// the connection's mu.
func (r *rows) closeLocked() error {
	if r.closed {
		return nil
	}
	r.closed = true
	var err error
	c := r.conn
	if i := slices.Index(c.open, r); i >= 0 {
		c.open = slices.Delete(c.open, i, i+1)
		c.reading.Store(int32(len(c.open)))
	}
	defer r.stmt.release()
	if r.Rows != nil {
		c.calling = true
		err = r.Rows.Close()
		c.calling = false
		if used, ok := r.Rows.(interface{ Reuse() }); ok {
			used.Reuse()
		}
	}
	if v := r.view; v != nil { // closed by the end of the transaction, so database/sql still has them open
		v.forgotten, r.view = true, nil
		c.giveView(v)
	}
	if r.err == nil {
		r.err = err
	}
	c.noteLost(err)
	elapsed := monotonic() - r.began
	r.stmt.countRun(elapsed, r.err)
	r.txn.reportStatement(r.query, elapsed, r.end, r.err)
	return r.txn.markBusy(wrap("close rows", "", "", err))
}

// The column types are those of the driver's rows.

func (r *rows) ColumnTypeDatabaseTypeName(i int) (name string) {
	r.whileOpen(func() {
		if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
			name = t.ColumnTypeDatabaseTypeName(i)
		}
	})
	return name
}

func (r *rows) ColumnTypeNullable(i int) (nullable, known bool) {
	r.whileOpen(func() {
		if t, ok := r.Rows.(driver.RowsColumnTypeNullable); ok {
			nullable, known = t.ColumnTypeNullable(i)
		}
	})
	return nullable, known
}

func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	scanned := reflect.TypeFor[any]()
	r.whileOpen(func() {
		if t, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
			scanned = t.ColumnTypeScanType(i)
		}
	})
	return scanned
}

// whileOpen calls ask unless the rows are closed.
func (r *rows) whileOpen(ask func()) {
	r.conn.mu.Lock()
	defer r.conn.unlock()
	if !r.closed {
		ask()
	}
}
