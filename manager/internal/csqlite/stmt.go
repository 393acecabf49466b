//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

/*
#cgo noescape csqlite_run
#cgo noescape csqlite_reset
#cgo noescape csqlite_room
#cgo nocallback csqlite_room
#cgo noescape csqlite_parameter
#cgo nocallback csqlite_parameter
#cgo noescape csqlite_describe
#cgo nocallback csqlite_describe
#cgo noescape csqlite_trim
#include <stdlib.h>
#include "step.h"
*/
import "C"

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unsafe"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// SQLite's codes.
const (
	sqliteOK   = 0
	sqliteRow  = 100
	sqliteDone = 101

	typeInteger = 1
	typeFloat   = 2
	typeText    = 3
	typeBlob    = 4
	typeNull    = 5
	typeAbove   = C.CSQLITE_ABOVE
)

var (
	errNoMemory = errors.New("out of memory")
	errRunAgain = errors.New("the rows ended when their statement was run again")
)

// A Stmt is a prepared statement. Closing it is its owner's: no finalizer does,
// which would run beside the connection.
type Stmt struct {
	conn *Conn
	p    *C.csqlite_stmt // nil once closed
	rows *Rows           // that may have more to come, or nil
	used *Rows           // that nobody uses any more, or nil

	parameters map[string][3]int32 // of named arguments that were given
	columns    *columns

	transaction transaction
}

// A transaction says what a statement is to a transaction, as far as its text is
// known.
type transaction uint8

const (
	noTransaction transaction = iota
	begins
	ends
)

// columns are what a statement returns.
type columns struct {
	reprepared C.int32_t
	names      []string
	types      []string // as they were declared
	kinds      []kind   // nil if all are plain
}

// A kind says how the driver reads a column, by its declared type.
type kind uint8

const (
	plain kind = iota
	boolean
	instant
)

// Close finalizes the statement.
func (s *Stmt) Close() error {
	if s.p == nil {
		return nil
	}
	s.abandon(errClosed)
	p := s.p
	if s.conn.isPutOff() && s.conn.out.begin == p.stmt {
		_ = s.conn.begin()
		s.conn.out.begin = nil
	}
	s.p = nil
	if rc := C.csqlite_finalize(p); rc != sqliteOK && s.conn.out != nil {
		return s.conn.failed(rc)
	}
	return nil
}

// abandon ends the rows that have more to come.
func (s *Stmt) abandon(err error) {
	if s.rows != nil {
		s.rows.live, s.rows.left, s.rows.err = false, 0, err
		s.rows = nil
	}
}

// NumInput is how many parameters the statement has.
func (s *Stmt) NumInput() int {
	if s.p == nil {
		return 0
	}
	return int(s.p.inputs)
}

// Readonly reports whether the statement changes no database.
func (s *Stmt) Readonly() bool { return s.p != nil && s.p.readonly != 0 }

// Exec is ExecContext for callers that have no context.
func (s *Stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query is QueryContext for callers that have no context.
func (s *Stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, v := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}

// A result is what a statement changed.
type result struct{ id, changes int64 }

func (r *result) LastInsertId() (int64, error) { return r.id, nil }
func (r *result) RowsAffected() (int64, error) { return r.changes, nil }

// ExecContext runs the statement to its first row or its end, and resets it.
func (s *Stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.exec(ctx, args); err != nil {
		return nil, err
	}
	out := s.conn.out
	return &result{int64(out.rowid), int64(out.changes)}, nil
}

// RunContext is ExecContext for a caller that wants no result.
func (s *Stmt) RunContext(ctx context.Context, args []driver.NamedValue) error {
	if len(args) == 0 && ctx.Done() == nil && s.putOff() {
		return nil
	}
	return s.exec(ctx, args)
}

func (s *Stmt) exec(ctx context.Context, args []driver.NamedValue) error {
	rc, err := s.run(ctx, args, 1, true)
	if err != nil {
		return err
	}
	if err = s.outcome(ctx, rc); err == nil && s.conn.out.reset != sqliteOK {
		err = s.conn.failed(C.int(s.conn.out.reset))
	}
	s.trim()
	return err
}

// QueryContext runs the statement and brings its first rows.
func (s *Stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.query(ctx, args, firstRows, false)
}

// QueryRowContext is QueryContext for a caller that reads at most one row. The
// statement has ended when it returns.
func (s *Stmt) QueryRowContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.query(ctx, args, 1, true)
}

func (s *Stmt) query(ctx context.Context, args []driver.NamedValue, most int, one bool) (driver.Rows, error) {
	if s.p == nil {
		return nil, errClosed
	}
	if !s.ahead() {
		most = 1
	}
	rc, err := s.run(ctx, args, most, one)
	if err != nil {
		return nil, err
	}
	out := s.conn.out
	r := s.used
	if s.used = nil; r == nil {
		r = &Rows{}
	}
	r.stmt, r.ctx, r.live = s, ctx, rc == sqliteRow
	r.take()
	if rc != sqliteRow && rc != sqliteDone && r.left > 0 {
		r.err, rc = s.outcome(ctx, rc), sqliteDone // it comes after the rows before it
	}
	if err := s.outcome(ctx, rc); err != nil {
		return nil, err
	}
	if out.reset != sqliteOK {
		r.closing = s.conn.failed(C.int(out.reset))
	}
	if s.columns == nil || s.columns.reprepared != out.reprepared || len(s.columns.names) != int(out.cols) {
		s.columns, err = s.describe(int(out.cols))
	}
	r.columns = s.columns
	if r.live {
		s.rows = r
	}
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	s.trim()
	return r, nil
}

// address is p as a number, for which cgo does not look whether it leads to Go's memory.
func (s *Stmt) address() C.uintptr_t { return C.uintptr_t(uintptr(unsafe.Pointer(s.p))) }

// ahead reports whether rows may cross before they are asked for.
func (s *Stmt) ahead() bool { return s.conn.ReadAhead && s.p.readonly != 0 }

// run binds args and steps. Its error is one that SQLite has not seen.
func (s *Stmt) run(ctx context.Context, args []driver.NamedValue, most int, one bool) (C.int, error) {
	c := s.conn
	if s.p == nil || c.out == nil {
		return 0, errClosed
	}
	s.abandon(errRunAgain)
	n, err := s.bind(args)
	if err != nil {
		return 0, err
	}
	if err := c.watch.begin(c, ctx); err != nil {
		return 0, err
	}
	var only C.int
	if one {
		only = 1
	}
	c.keepCrossed()
	rc := C.csqlite_run(s.address(), C.int(n), C.int(most), only)
	c.watch.pause()
	c.ran()
	return rc, nil
}

// outcome is the error of a call that stepped. A context that has ended is the
// error whatever else happened, as with the driver.
func (s *Stmt) outcome(ctx context.Context, rc C.int) error {
	var err error
	if rc != sqliteRow && rc != sqliteDone {
		err = s.conn.failed(rc)
	}
	if ctx.Done() != nil {
		if ended := ctx.Err(); ended != nil {
			err = ended
		}
	}
	if err != nil && s.p.active != 0 {
		C.csqlite_reset(s.address())
		s.conn.ran()
	}
	return err
}

// trim frees the memory of a large run, unless rows are still to be read from it.
func (s *Stmt) trim() {
	c := s.conn
	if s.p == nil || c.out == nil || s.p.bytes_cap <= C.CSQLITE_KEPT_BYTES && c.out.bytes_cap <= C.CSQLITE_KEPT_BYTES {
		return
	}
	var read C.int
	if c.crossed == nil || c.crossed.left == 0 {
		read = 1
	}
	C.csqlite_trim(s.p, read)
}

// bind writes the arguments where C reads them and returns how many it wrote.
func (s *Stmt) bind(args []driver.NamedValue) (int, error) {
	if len(args) == 0 {
		return 0, nil
	}
	count, bytes, err := s.measure(args)
	if err != nil {
		return 0, err
	}
	p := s.p
	if (C.int64_t(count) > p.args_cap || C.int64_t(bytes) > p.bytes_cap) && C.csqlite_room(p, C.int64_t(count), C.int64_t(bytes)) != sqliteOK {
		return 0, errNoMemory
	}
	w := argWriter{args: unsafe.Slice(p.args, count)[:0], bytes: unsafe.Slice((*byte)(unsafe.Pointer(p.bytes)), bytes)[:0]}
	for i := range args {
		if args[i].Name == "" {
			w.add(args[i].Ordinal, args[i].Value)
			continue
		}
		for _, n := range s.parameters[args[i].Name] {
			if n != 0 {
				w.add(int(n), args[i].Value)
			}
		}
	}
	if len(w.bytes) > bytes { // times as the program formats them: append has left C's memory
		if C.csqlite_room(p, 0, C.int64_t(len(w.bytes))) != sqliteOK {
			return 0, errNoMemory
		}
		copy(unsafe.Slice((*byte)(unsafe.Pointer(p.bytes)), len(w.bytes)), w.bytes)
	}
	return len(w.args), nil
}

// timeRoom is more than a time takes as text in the driver's own format.
const timeRoom = 64

// measure finds how many parameters and bytes the arguments need at most.
func (s *Stmt) measure(args []driver.NamedValue) (count, bytes int, err error) {
	for i := range args {
		times := 1
		if name := args[i].Name; name != "" {
			s.findParameters(name)
			times = 3
		}
		count += times
		switch v := args[i].Value.(type) {
		case nil, int64, bool, float64:
		case string:
			bytes += times * len(v)
		case []byte:
			bytes += times * len(v)
		case time.Time:
			bytes += times * timeRoom
		default:
			return 0, 0, fmt.Errorf("sqlite3: unsupported bind type %T", v)
		}
	}
	return count, bytes, nil
}

// findParameters finds which parameters have a name: one for each of the three
// ways to write it.
func (s *Stmt) findParameters(name string) {
	if _, known := s.parameters[name]; known {
		return
	}
	if s.parameters == nil {
		s.parameters = map[string][3]int32{}
	}
	var found [3]int32
	text := []byte(" " + name + "\x00")
	for i, prefix := range []byte(":@$") {
		text[0] = prefix
		found[i] = int32(C.csqlite_parameter(s.p, (*C.char)(unsafe.Pointer(&text[0]))))
	}
	s.parameters[name] = found
}

// An argWriter fills C's memory. Its slices have the capacity that is needed.
type argWriter struct {
	args  []C.csqlite_arg
	bytes []byte
}

func (w *argWriter) add(parameter int, value driver.Value) {
	a := C.csqlite_arg{parameter: C.int32_t(parameter), _type: typeNull}
	at := len(w.bytes)
	switch v := value.(type) {
	case int64:
		a._type, a.v = typeInteger, C.int64_t(v)
	case bool:
		a._type = typeInteger
		if v {
			a.v = 1
		}
	case float64:
		a._type, a.v = typeFloat, C.int64_t(math.Float64bits(v))
	case string:
		a._type = typeText
		w.bytes = append(w.bytes, v...)
	case []byte:
		if v != nil {
			a._type = typeBlob
			w.bytes = append(w.bytes, v...)
		}
	case time.Time:
		a._type = typeText
		w.bytes = v.AppendFormat(w.bytes, sqlite3.SQLiteTimestampFormats[0])
	}
	if a._type == typeText || a._type == typeBlob {
		a.v, a.n = C.int64_t(at), C.int64_t(len(w.bytes)-at)
	}
	w.args = append(w.args, a)
}

// describe asks for the names and the declared types of the columns.
func (s *Stmt) describe(n int) (*columns, error) {
	d := &columns{reprepared: s.conn.out.reprepared}
	if n == 0 {
		return d, nil
	}
	d.names, d.types = make([]string, n), make([]string, n)
	list := C.csqlite_describe(s.p, C.int(n))
	if list == nil {
		return nil, errNoMemory
	}
	defer C.free(unsafe.Pointer(list))
	texts := unsafe.Slice(list, 2*n)
	for i := range n {
		d.names[i], d.types[i] = C.GoString(texts[i]), C.GoString(texts[n+i])
		k := plain
		switch strings.ToLower(d.types[i]) {
		case "boolean":
			k = boolean
		case "date", "datetime", "timestamp":
			k = instant
		}
		if k != plain && d.kinds == nil {
			d.kinds = make([]kind, n)
		}
		if k != plain {
			d.kinds[i] = k
		}
	}
	return d, nil
}
