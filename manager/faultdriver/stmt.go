package faultdriver

import (
	"context"
	"database/sql/driver"
	"reflect"

	"github.com/stakeledger/stakeledger/manager"
)

// A stmt is a prepared statement whose runs may fail.
type stmt struct {
	manager.DriverStmt
	conn  *conn
	point Point
	name  string
}

// Exec is ExecContext for callers that have no context.
func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query is QueryContext for callers that have no context.
func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, v := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	var result driver.Result
	err := s.conn.call(s.point, s.name, func() (err error) {
		s.conn.watch(s.point, s.DriverStmt, s.name)
		result, err = s.DriverStmt.ExecContext(ctx, args)
		return err
	}, nothing)
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.query(s.point, s.name, func() (driver.Rows, error) {
		s.conn.watch(s.point, s.DriverStmt, s.name)
		return s.DriverStmt.QueryContext(ctx, args)
	})
}

// A stepper is a stmt of a driver whose statements can be over after one call.
type stepper struct{ *stmt }

func (s *stepper) RunContext(ctx context.Context, args []driver.NamedValue) error {
	return s.conn.call(s.point, s.name, func() error {
		s.conn.watch(s.point, s.DriverStmt, s.name)
		return s.DriverStmt.(manager.DriverStepper).RunContext(ctx, args)
	}, nothing)
}

func (s *stepper) QueryRowContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.query(s.point, s.name, func() (driver.Rows, error) {
		s.conn.watch(s.point, s.DriverStmt, s.name)
		return s.DriverStmt.(manager.DriverStepper).QueryRowContext(ctx, args)
	})
}

// rows are a statement's rows, each of which may fail to come.
type rows struct {
	driver.Rows
	conn *conn
	name string
}

func (r *rows) Next(dest []driver.Value) error {
	// The end, io.EOF, is an answer like any other, but for a fault after it.
	return r.conn.call(Step, r.name, func() error { return r.Rows.Next(dest) }, nothing)
}

// Close gives the rows up in any case.
func (r *rows) Close() error {
	err := r.Rows.Close()
	if r.conn.refused != nil {
		return nil
	}
	return r.conn.call(CloseRows, r.name, func() error { return err }, nothing)
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
