package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// A connector makes bridges for a connection's *sql.DB.
type connector struct{ c *conn }

func (k connector) Connect(context.Context) (driver.Conn, error) { return bridge{}, nil }
func (k connector) Driver() driver.Driver                        { return nil }

// A bridge is the driver connection of a view. It only returns the rows that a
// [handover] holds; the manager does everything else itself.
type bridge struct{}

func (b bridge) Prepare(string) (driver.Stmt, error) { return nil, errNoPrepare }
func (b bridge) Begin() (driver.Tx, error)           { return nil, errNoPrepare }
func (b bridge) Close() error                        { return nil }

// QueryContext returns the rows or the error that ctx carries.
func (b bridge) QueryContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
	switch h := ctx.(type) {
	case *handover:
		return h.rows, nil
	case *refusal:
		return nil, h.err
	}
	return nil, errNoPrepare
}

// A handover carries a query's rows to database/sql. It is never done, which
// spares database/sql a goroutine per query; this package ends queries itself.
type handover struct {
	context.Context // Background
	rows            *rows
}

// A refusal carries the error of a query that failed.
type refusal struct {
	context.Context // Background
	err             error
}

// A view is a connection of database/sql through which the rows of a query are
// read. Each query with open rows has its own, since database/sql holds its
// lock while it closes the rows, and closing them calls tracers.
type view struct {
	*sql.Conn
	forgotten bool  // rows that were never closed may hold it: database/sql cannot close it
	rows      *rows // that database/sql has closed, to be used again, or nil
}

// takeView returns a view that no open rows use. The caller holds mu.
func (c *conn) takeView() (*view, error) {
	if n := len(c.views); n > 0 {
		v := c.views[n-1]
		c.views = c.views[:n-1]
		return v, nil
	}
	return c.newView(context.Background())
}

func (c *conn) newView(ctx context.Context) (*view, error) {
	v, err := c.db.Conn(ctx)
	return &view{Conn: v}, err
}

// giveView returns a view for the next query. The caller holds mu.
func (c *conn) giveView(v *view) { c.views = append(c.views, v) }

// errorForPool is the error that database/sql gets through v. On
// driver.ErrBadConn it closes the view, and waits until all rows of it are
// closed: forever, if some were forgotten. In that case the error is hidden.
// lost reports that database/sql closes the view.
func (v *view) errorForPool(err error) (_ error, lost bool) {
	switch {
	case !errors.Is(err, driver.ErrBadConn):
		return err, false
	case v.forgotten:
		return hideBadConn(err), false
	}
	return err, true
}

// newRows returns the memory for the rows that go through v.
func (v *view) newRows() *rows {
	r := v.rows
	if v.rows = nil; r == nil {
		r = &rows{}
	}
	return r
}

// handOver makes the context that carries r; it lies in r, to save an
// allocation.
func (r *rows) handOver() *handover {
	r.over = handover{context.Background(), r}
	return &r.over
}

// asSQLRows makes *sql.Rows of r, through its view.
func (r *rows) asSQLRows(view *view) (*sql.Rows, error) {
	rows, err := view.QueryContext(r.handOver(), "")
	if err != nil {
		_ = r.Close()
	}
	return rows, err
}

// asSQLRow is asSQLRows for the first row alone.
func (r *rows) asSQLRow(view *view) *sql.Row {
	return view.QueryRowContext(r.handOver(), "")
}

// refuseRow makes the *sql.Row of a query that failed.
func (c *conn) refuseRow(err error) *sql.Row {
	c.mu.Lock()
	v, viewErr := c.takeView()
	c.mu.Unlock()
	if viewErr != nil { // the connection is closed, and so is its *sql.DB, whose row says so
		return c.db.QueryRowContext(context.Background(), "")
	}
	err, lost := v.errorForPool(err)
	row := v.QueryRowContext(&refusal{context.Background(), err}, "")
	if !lost {
		c.mu.Lock()
		c.giveView(v)
		c.mu.Unlock()
	}
	return row
}
