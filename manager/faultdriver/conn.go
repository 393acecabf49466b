package faultdriver

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/stakeledger/stakeledger/manager"
)

// A conn is a connection whose calls may fail. Like every connection of
// database/sql it is used by one goroutine at a time.
type conn struct {
	manager.DriverConn
	injector *Injector
	refused  error // what every call answers: it could not be opened, or is lost
	closed   bool
	suspend  func() (end func()) // see SuspendGuard; nil for a connection without a guard
}

// SuspendGuard gives the function with which the injector gets its own ROLLBACK past what
// the manager refuses. The manager calls it when it opens the connection.
func (c *conn) SuspendGuard(suspend func() (end func())) { c.suspend = suspend }

// call runs one call of the driver, or the fault that is due at it. undo takes
// back what do has handed out, when only the answer is lost.
func (c *conn) call(p Point, query string, do func() error, undo func()) error {
	if c.refused != nil {
		return c.refused
	}
	f := c.injector.hit(p, query)
	if f == nil {
		return do()
	}
	switch f.Moment {
	case After:
		if err := do(); err != nil {
			return err
		}
		undo()
	case RolledBack:
		c.rollBack()
	}
	if f.Code == ConnectionLost {
		c.rollBack()
		c.refused = driver.ErrBadConn
	}
	c.injector.note(f)
	return f.Code.Err()
}

func nothing() {}

// rollBack ends the transaction behind the back of whoever began it.
func (c *conn) rollBack() {
	if c.DriverConn.AutoCommit() {
		return
	}
	if c.suspend != nil {
		defer c.suspend()()
	}
	_, err := c.DriverConn.ExecContext(context.Background(), "ROLLBACK", nil)
	if !c.DriverConn.AutoCommit() {
		panic(fmt.Sprintf("faultdriver: the transaction could not be rolled back: %v", err))
	}
}

// AutoCommit reports whether no transaction is open. A lost connection has none.
func (c *conn) AutoCommit() bool { return c.refused != nil || c.DriverConn.AutoCommit() }

// Close closes the connection in any case, as SQLite does.
func (c *conn) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	c.injector.closed()
	f := c.injector.hit(Close, "")
	if err := c.DriverConn.Close(); err != nil || f == nil {
		return err
	}
	c.injector.note(f)
	return f.Code.Err()
}

// Prepare prepares a statement. See [manager.DriverConn].
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	point, name := pointOf(query)
	var s driver.Stmt
	err := c.call(Prepare, name, func() (err error) {
		s, err = c.DriverConn.Prepare(query)
		return err
	}, func() { _ = s.Close() })
	if err != nil {
		return nil, err
	}
	made := &stmt{DriverStmt: s.(manager.DriverStmt), conn: c, point: point, name: name}
	if _, ok := s.(manager.DriverStepper); ok {
		return &stepper{made}, nil
	}
	return made, nil
}

// ExecContext runs a text of one or more statements: one call.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	point, name := pointOf(query)
	var result driver.Result
	err := c.call(point, name, func() (err error) {
		c.watchText(point, query, name)
		result, err = c.DriverConn.ExecContext(ctx, query, args)
		return err
	}, nothing)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// QueryContext runs a query and steps to its first row.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	point, name := pointOf(query)
	return c.query(point, name, func() (driver.Rows, error) {
		c.watchText(point, query, name)
		return c.DriverConn.QueryContext(ctx, query, args)
	})
}

func (c *conn) query(p Point, name string, do func() (driver.Rows, error)) (driver.Rows, error) {
	var r driver.Rows
	err := c.call(p, name, func() (err error) {
		r, err = do()
		return err
	}, func() { _ = r.Close() })
	if err != nil {
		return nil, err
	}
	if p != Statement {
		return r, nil
	}
	return &rows{Rows: r, conn: c, name: name}, nil
}

// watchText looks whether the first statement of a text is a stray.
func (c *conn) watchText(p Point, query, name string) {
	if p != Statement || !c.DriverConn.AutoCommit() {
		return
	}
	if s, err := c.DriverConn.Prepare(query); err == nil {
		c.watch(p, s, name)
		_ = s.Close()
	}
}

// watch notes a statement that changes the database outside a transaction.
func (c *conn) watch(p Point, s driver.Stmt, name string) {
	ds, ok := s.(manager.DriverStmt)
	if ok && p == Statement && !ds.Readonly() && c.DriverConn.AutoCommit() {
		c.injector.stray(name)
	}
}

// Begin begins a transaction for database/sql.
func (c *conn) Begin() (driver.Tx, error) {
	var t driver.Tx
	err := c.call(Begin, "BEGIN", func() (err error) {
		t, err = c.DriverConn.Begin()
		return err
	}, nothing)
	if err != nil {
		return nil, err
	}
	return &tx{t, c}, nil
}

type tx struct {
	driver.Tx
	conn *conn
}

// Commit ends the transaction also when it fails: database/sql never comes back
// to it, so the driver cleans up.
func (t *tx) Commit() error {
	err := t.conn.call(Commit, "COMMIT", t.Tx.Commit, nothing)
	if err != nil {
		t.conn.rollBack()
	}
	return err
}

func (t *tx) Rollback() error { return t.conn.call(Rollback, "ROLLBACK", t.Tx.Rollback, nothing) }
