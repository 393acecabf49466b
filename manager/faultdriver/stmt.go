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

func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	var result driver.Result
	err := s.conn.call(s.point, s.name, func() (err error) {
		s.conn.watch(s.point, s.DriverStmt, s.name)
		result, err = s.DriverStmt.Exec(args) //nolint:staticcheck // the driver's interface has it
		return err
	}, nothing)
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.conn.query(s.point, s.name, func() (driver.Rows, error) {
		s.conn.watch(s.point, s.DriverStmt, s.name)
		return s.DriverStmt.Query(args) //nolint:staticcheck // the driver's interface has it
	})
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.query(s.point, s.name, func() (driver.Rows, error) {
		s.conn.watch(s.point, s.DriverStmt, s.name)
		return s.DriverStmt.QueryContext(ctx, args)
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
