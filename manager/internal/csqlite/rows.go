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
	"unsafe"
)

// How many rows cross at once where reading ahead is allowed: at first few, since
// most queries have few and some callers stop early.
const (
	firstRows = 16
	laterRows = 256
)

// Rows are what a statement returns. What has crossed from C is Go's own.
type Rows struct {
	stmt    *Stmt
	conn    *Conn
	ctx     context.Context
	columns *columns

	cells []C.csqlite_cell // of the rows that crossed; a text's or blob's v is its place in texts or blobs
	texts []string
	blobs [][]byte
	at    int // the next row's first cell
	width int // cells of a row
	left  int // rows that crossed and were not read

	live    bool  // the statement has not ended
	err     error // what ended it, told after the rows before it
	closing error // what its reset answered, told by Close

	few [16]C.csqlite_cell // cells, when these are enough
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
	row := r.cells[r.at : r.at+r.width]
	r.at += r.width
	r.left--
	r.read(row[:min(len(row), len(dest))], dest)
	return nil
}

// fill brings more rows.
func (r *Rows) fill() {
	s, c := r.stmt, r.conn
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
	rc := C.csqlite_more(s.p, C.int(most))
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
	if !r.live {
		return err
	}
	s := r.stmt
	r.live, s.rows = false, nil
	if r.conn.out == nil {
		return err
	}
	if rc := C.csqlite_reset(s.p); rc != sqliteOK {
		err = r.conn.failed(rc)
	}
	r.conn.ran()
	s.trim()
	return err
}

// A text of up to sharedText bytes lies in one string with its neighbours, of up
// to sharedBytes, which stays in memory for as long as somebody keeps one of them.
const (
	sharedText  = 256
	sharedBytes = 4096
)

// take copies what has crossed out of C's memory, which the next call overwrites.
func (r *Rows) take() {
	out := r.conn.out
	r.left, r.width, r.at = int(out.rows), int(out.cols), 0
	r.cells, r.texts, r.blobs = nil, nil, nil
	n := r.left * r.width
	if n == 0 {
		return
	}
	if r.columns == nil && n <= len(r.few) { // the first rows: others may still use what was there
		r.cells = r.few[:n]
	} else {
		r.cells = make([]C.csqlite_cell, n)
	}
	copy(r.cells, unsafe.Slice(out.cells, n))
	if out.texts+out.blobs > 0 {
		r.takeBytes(unsafe.Slice((*byte)(unsafe.Pointer(out.bytes)), int(out.bytes_used)))
	}
}

func (r *Rows) takeBytes(bytes []byte) {
	out := r.conn.out
	if out.texts > 0 {
		r.texts = make([]string, 0, int(out.texts))
	}
	shared, from := "", 0 // a copy of bytes from there
	for i := range r.cells {
		cell := &r.cells[i]
		at, n := int(cell.v), int(cell.n)
		switch cell._type {
		case typeText:
			if n > sharedText {
				cell.v = C.int64_t(len(r.texts))
				r.texts = append(r.texts, string(bytes[at:at+n]))
				continue
			}
			if at+n > from+len(shared) {
				shared, from = string(bytes[at:min(at+sharedBytes, len(bytes))]), at
			}
			cell.v = C.int64_t(len(r.texts))
			r.texts = append(r.texts, shared[at-from:at-from+n])
		case typeBlob:
			cell.v = C.int64_t(len(r.blobs))
			r.blobs = append(r.blobs, append(make([]byte, 0, n), bytes[at:at+n]...))
		}
	}
}

// The column types are as the driver tells them.

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
