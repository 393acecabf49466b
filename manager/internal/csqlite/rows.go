//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

/*
#cgo noescape csqlite_more
#include "step.h"
*/
import "C"

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"reflect"
	"strings"
)

// How many rows cross at once where reading ahead is allowed: at first few, since
// most queries have few and some callers stop early.
const (
	firstRows = 16
	laterRows = 256
)

// Rows are what a statement returns.
type Rows struct {
	stmt    *Stmt
	ctx     context.Context
	columns *columns

	batch
	width int32 // cells of a row
	left  int32 // rows that crossed and were not read
	above []any // by column, the last text that was read; for several rows

	live    bool  // the statement has not ended
	err     error // what ended it, returned after the rows before it
	closing error // what its reset answered, returned by Close
}

// Columns are the columns' names.
func (r *Rows) Columns() []string { return r.columns.names }

// Ended reports whether the statement has ended: it may run again although rows
// are left to be read.
func (r *Rows) Ended() bool { return !r.live }

// Next reads the next row.
func (r *Rows) Next(dest []driver.Value) error {
	if r.left == 0 {
		if r.live {
			r.fill()
		}
		if r.left == 0 {
			if r.err != nil {
				return r.err
			}
			return io.EOF
		}
	} else if err := r.ctx.Err(); err != nil {
		return err
	}
	r.left--
	r.read(dest)
	return nil
}

// fill brings more rows.
func (r *Rows) fill() {
	s, c := r.stmt, r.stmt.conn
	if c.out == nil {
		r.err = errClosed
		return
	}
	most := laterRows
	if !s.ahead() {
		most = 1
	}
	if err := c.watch.begin(c, r.ctx); err != nil {
		r.err = err // the statement stays for Close
		return
	}
	c.keepCrossed()
	rc := C.csqlite_more(s.address(), C.int(most))
	c.watch.pause()
	c.ran()
	r.take()
	r.err = s.outcome(r.ctx, rc)
	if r.live = rc == sqliteRow && r.err == nil; !r.live {
		s.rows = nil
	}
	if r.err != nil && r.ctx.Err() != nil {
		r.left = 0
	}
	s.trim()
}

// Close ends the statement's run.
func (r *Rows) Close() error {
	err := r.closing
	r.left, r.closing = 0, nil
	s := r.stmt
	if !r.live {
		s.trim()
		return err
	}
	r.live, s.rows = false, nil
	if s.conn.out == nil {
		return err
	}
	if rc := C.csqlite_reset(s.address()); rc != sqliteOK {
		err = s.conn.failed(rc)
	}
	s.conn.ran()
	s.trim()
	return err
}

// Reuse lets the statement's next run have the memory of r. It is for who has
// closed r and lets nobody use it any more.
func (r *Rows) Reuse() {
	if s := r.stmt; !r.live && r != s.rows && s.used == nil {
		clear(r.above)
		*r = Rows{above: r.above}
		s.used = r
	}
}

// The column types are the same as the driver's.

// ColumnTypeDatabaseTypeName is the type as it was declared.
func (r *Rows) ColumnTypeDatabaseTypeName(i int) string { return r.columns.types[i] }

// ColumnTypeNullable is true: the driver does not look.
func (r *Rows) ColumnTypeNullable(int) (nullable, ok bool) { return true, true }

// ColumnTypeScanType is a type that can hold the column's values.
func (r *Rows) ColumnTypeScanType(i int) reflect.Type {
	switch t := strings.ToUpper(r.columns.types[i]); {
	case strings.Contains(t, "INT"):
		return reflect.TypeFor[sql.NullInt64]()
	case t == "CLOB", t == "TEXT", strings.Contains(t, "CHAR"):
		return reflect.TypeFor[sql.NullString]()
	case t == "BLOB":
		return reflect.TypeFor[sql.RawBytes]()
	case t == "REAL", t == "FLOAT", strings.Contains(t, "DOUBLE"):
		return reflect.TypeFor[sql.NullFloat64]()
	case t == "DATE", t == "DATETIME", t == "TIMESTAMP":
		return reflect.TypeFor[sql.NullTime]()
	case t == "NUMERIC", strings.Contains(t, "DECIMAL"):
		return reflect.TypeFor[sql.NullFloat64]()
	case t == "BOOLEAN":
		return reflect.TypeFor[sql.NullBool]()
	}
	return reflect.TypeFor[*any]()
}
