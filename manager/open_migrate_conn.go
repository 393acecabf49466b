package manager

import (
	"context"
	"database/sql/driver"
	"errors"
	"reflect"
	"sync/atomic"
)

// A migrationConn is a migration's connection. It notes what happened to it.
type migrationConn struct {
	DriverConn
	met *migrationTrouble
}

// migrationTrouble is what a migration's connections met and its error may not show.
type migrationTrouble struct {
	busy atomic.Bool // the database itself was: only then may the migration run again
	lost atomic.Bool // a connection was, of which database/sql says only that it is closed

	opened atomic.Int32 // connections
}

func (c migrationConn) noted(err error) error {
	if err != nil && isBusy(err) {
		c.met.busy.Store(true)
	}
	if errors.Is(err, driver.ErrBadConn) {
		c.met.lost.Store(true)
	}
	return err
}

func (c migrationConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	begin := c.Begin
	if b, ok := c.DriverConn.(driver.ConnBeginTx); ok {
		begin = func() (driver.Tx, error) { return b.BeginTx(ctx, opts) }
	}
	tx, err := begin()
	return migrationTx{tx, c}, c.noted(err)
}

func (c migrationConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.DriverConn.ExecContext(ctx, query, args)
	return result, c.noted(err)
}

func (c migrationConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.DriverConn.QueryContext(ctx, query, args)
	return c.rows(r, err)
}

func (c migrationConn) Prepare(query string) (driver.Stmt, error) {
	s, err := c.DriverConn.Prepare(query)
	if ours, ok := s.(DriverStmt); ok {
		s = migrationStmt{ours, c}
	}
	return s, c.noted(err)
}

func (c migrationConn) rows(r driver.Rows, err error) (driver.Rows, error) {
	if err != nil {
		return nil, c.noted(err)
	}
	return migrationRows{r, c}, nil
}

type migrationTx struct {
	driver.Tx
	conn migrationConn
}

func (tx migrationTx) Commit() error { return tx.conn.noted(tx.Tx.Commit()) }

type migrationStmt struct {
	DriverStmt
	conn migrationConn
}

func (s migrationStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.DriverStmt.ExecContext(ctx, args)
	return result, s.conn.noted(err)
}

func (s migrationStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	r, err := s.DriverStmt.QueryContext(ctx, args)
	return s.conn.rows(r, err)
}

type migrationRows struct {
	driver.Rows
	conn migrationConn
}

func (r migrationRows) Next(dest []driver.Value) error { return r.conn.noted(r.Rows.Next(dest)) }

func (r migrationRows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

func (r migrationRows) ColumnTypeNullable(i int) (nullable, known bool) {
	if t, ok := r.Rows.(driver.RowsColumnTypeNullable); ok {
		return t.ColumnTypeNullable(i)
	}
	return false, false
}

func (r migrationRows) ColumnTypeScanType(i int) reflect.Type {
	if t, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}
