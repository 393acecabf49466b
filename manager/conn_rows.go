package manager

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
	"slices"
	"time"
)

// A connector hands database/sql the manager's connection, once.
type connector struct{ c *conn }

func (k connector) Connect(context.Context) (driver.Conn, error) { return bridge(k), nil }
func (k connector) Driver() driver.Driver                        { return nil }

// A bridge is the connection as database/sql sees it. Only queries cross it:
// transactions, preparing and Exec belong to the manager.
type bridge struct{ c *conn }

func (b bridge) Prepare(string) (driver.Stmt, error) { return nil, errNoPrepare }
func (b bridge) Begin() (driver.Tx, error)           { return nil, errNoPrepare }
func (b bridge) Close() error                        { return nil }

// CheckNamedValue converts an argument the way Exec does.
func (b bridge) CheckNamedValue(nv *driver.NamedValue) error { return bindValue(nv) }

// A queryContext carries the transaction and the caller's context through
// database/sql to the bridge. It is never done itself, which spares
// database/sql a goroutine per query: ending is this package's business.
type queryContext struct {
	context.Context // Background
	txn             *txn
	caller          context.Context
}

// QueryContext checks the transaction, runs the query and steps to its first row.
func (b bridge) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c := b.c
	q, ok := ctx.(*queryContext)
	if !ok {
		return nil, errNoPrepare
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := q.txn.check(q.caller, query); err != nil {
		return nil, err
	}
	s, err := c.lookup(query)
	if err != nil {
		return nil, q.txn.failed("query", query, err)
	}
	if err := q.txn.permit(s, query); err != nil {
		return nil, err
	}
	// Inside a write transaction an interrupt would drop the transaction or
	// leave the caller in doubt, so there the statement always finishes.
	driverCtx := context.Background()
	if !q.txn.root.write {
		driverCtx = q.caller
	}
	r := &rows{conn: c, txn: q.txn, stmt: s, query: query, end: q.txn.followStatement(q.caller, query), began: time.Now()}
	if s != nil {
		r.Rows, err = s.query(driverCtx, args)
	} else {
		r.Rows, err = c.raw.QueryContext(driverCtx, query, args)
	}
	if err != nil {
		r.count(err)
		return nil, q.txn.failed("query", query, err)
	}
	if s != nil {
		s.busy = true
	}
	c.open = append(c.open, r)
	return r, nil
}

// rows are a query's rows, counted, and closed with their transaction at the latest.
type rows struct {
	driver.Rows
	conn   *conn
	txn    *txn
	stmt   *stmt
	query  string
	began  time.Time
	end    func(error) // the tracer's, or nil
	closed bool
	err    error
}

// Next steps to the next row, unless the transaction has ended.
func (r *rows) Next(dest []driver.Value) error {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	if r.closed {
		return r.txn.endedError("next row", r.query)
	}
	err := r.Rows.Next(dest)
	if err == nil || err == io.EOF {
		return err
	}
	r.err = r.txn.failed("next row", r.query, err)
	return r.err
}

// Close ends the query. Closing twice is harmless.
func (r *rows) Close() error {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	return r.finish()
}

// finish closes the driver's rows. The caller holds the connection's mu.
func (r *rows) finish() error {
	if r.closed {
		return nil
	}
	r.closed = true
	err := r.Rows.Close()
	if s := r.stmt; s != nil {
		s.busy = false
		if r.conn.stmts[r.query] != s {
			_ = s.Close() // prepared beside the kept one, which was in use
		}
	}
	if i := slices.Index(r.conn.open, r); i >= 0 {
		r.conn.open = slices.Delete(r.conn.open, i, i+1)
	}
	if r.err == nil {
		r.err = err
	}
	r.conn.note(err)
	r.count(r.err)
	return r.txn.mark(wrap("close rows", "", "", err))
}

func (r *rows) count(err error) {
	elapsed := time.Since(r.began)
	if r.stmt != nil {
		r.stmt.stats.add(elapsed, err)
	}
	if r.end != nil {
		r.end(err)
	}
	r.txn.slowQuery(r.query, elapsed)
}

// The column types go through to whoever asks database/sql for them.

func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

func (r *rows) ColumnTypeNullable(i int) (nullable, ok bool) {
	if t, ok := r.Rows.(driver.RowsColumnTypeNullable); ok {
		return t.ColumnTypeNullable(i)
	}
	return false, false
}

func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	if t, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}
