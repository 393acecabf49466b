//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

/*
#cgo noescape csqlite_interrupt
#cgo nocallback csqlite_interrupt
#cgo noescape csqlite_begin
#include <stdlib.h>
#include "open.h"
#include "step.h"
*/
import "C"

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"time"
	"unsafe"

	sqlite3 "github.com/mattn/go-sqlite3"
)

var errClosed = errors.New("the connection to SQLite is closed")

// A Conn is the driver's connection with prepared statements of this package:
// they return the values, errors and types that the driver's would. Texts that
// are not prepared go to the driver. One goroutine uses a Conn, its statements
// and their rows at a time; a context may end on any.
type Conn struct {
	*sqlite3.SQLiteConn
	// Loc is the driver's _loc, in which times are returned, or nil.
	Loc *time.Location
	// ReadAhead lets rows cross from C before they are asked for. It is for
	// connections that only read: elsewhere a change that the caller makes between
	// two rows would not show in the second.
	ReadAhead bool

	handle *Handle
	out    *C.csqlite_conn // nil once closed

	crossed *Rows // some of whose rows may lie in out

	autocommit bool // after the last statement of ours
	asks       bool // the driver may have run something since
	foreign    bool // the driver runs statements that we do not see

	watch watch
}

// Conn returns the connection of h with prepared statements of this package. It
// takes over both: its Close closes them.
func (h *Handle) Conn() (*Conn, error) {
	c, ok := h.conn.(*sqlite3.SQLiteConn)
	if !ok {
		return nil, errors.New("not a connection of github.com/mattn/go-sqlite3")
	}
	out := C.csqlite_conn_new(h.db)
	if out == nil {
		return nil, errNoMemory
	}
	return &Conn{SQLiteConn: c, handle: h, out: out, asks: true}, nil
}

// Close closes the connection. Statements that are still open stay to be closed.
func (c *Conn) Close() error {
	if c.out == nil {
		return nil
	}
	c.watch.end()
	c.keepCrossed()
	C.csqlite_conn_free(c.out)
	c.out = nil
	c.handle.Close()
	return c.SQLiteConn.Close()
}

// AutoCommit reports whether no transaction is open. It does not ask SQLite
// where the last statement has brought the answer.
func (c *Conn) AutoCommit() bool {
	if c.isPutOff() {
		return false
	}
	if c.asks || c.foreign || c.out == nil {
		return c.SQLiteConn.AutoCommit()
	}
	return c.autocommit
}

// putOff lets BEGIN wait for the next statement, with which it crosses. By itself
// it takes neither a lock nor a snapshot, so nobody can tell when it ran. Where
// nothing came between, COMMIT and ROLLBACK only forget it. It reports whether s
// need not run.
func (s *Stmt) putOff() bool {
	c := s.conn
	switch {
	case s.transaction == noTransaction || c.out == nil || s.p == nil:
		return false
	case s.transaction == begins:
		if !c.ReadAhead || !c.AutoCommit() {
			return false
		}
		c.out.begin = s.p.stmt
		return true
	}
	if !c.isPutOff() {
		return false
	}
	c.out.begin = nil
	c.autocommit, c.asks = true, false
	return true
}

func (c *Conn) isPutOff() bool { return c.out != nil && c.out.begin != nil }

// begin runs the BEGIN that was put off, before the driver runs SQL.
func (c *Conn) begin() error {
	c.asks = true
	if c.isPutOff() {
		if rc := C.csqlite_begin(c.out); rc != sqliteOK {
			return c.failed(rc)
		}
	}
	return nil
}

// ran notes what a call into C brought about the transaction.
func (c *Conn) ran() { c.autocommit, c.asks = c.out.autocommit != 0, false }

// Prepare prepares the first statement of query. Without one the driver's
// statement is returned.
func (c *Conn) Prepare(query string) (driver.Stmt, error) {
	if c.out == nil {
		return nil, errClosed
	}
	if query == "" {
		return c.SQLiteConn.Prepare(query)
	}
	var rc C.int
	p := C.csqlite_prepare(c.out, (*C.char)(unsafe.Pointer(unsafe.StringData(query))), C.int(len(query)), &rc)
	if rc != sqliteOK {
		return nil, c.failed(rc)
	}
	if p == nil {
		return c.SQLiteConn.Prepare(query)
	}
	s := &Stmt{conn: c, p: p}
	switch query {
	case "BEGIN":
		s.transaction = begins
	case "COMMIT", "ROLLBACK":
		s.transaction = ends
	}
	return s, nil
}

// PrepareContext is Prepare.
func (c *Conn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return c.Prepare(query)
}

// failed is the driver's error for the call that SQLite refused last: to ask for
// a setting of a database that is not there fails without touching the error.
func (c *Conn) failed(rc C.int) error {
	var e sqlite3.Error
	err := c.SQLiteConn.SetFileControlInt("no such database", -1, 0)
	if errors.As(err, &e) && int(e.Code) == int(rc)&0xff {
		return err
	}
	return sqlite3.Error{Code: sqlite3.ErrNo(rc & 0xff), ExtendedCode: sqlite3.ErrNoExtended(rc)}
}

// The driver's own ways to run SQL, after which AutoCommit must ask.

// ExecContext is the driver's, for texts of several statements.
func (c *Conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	return c.SQLiteConn.ExecContext(ctx, query, args)
}

// Exec is ExecContext for callers that have no context.
func (c *Conn) Exec(query string, args []driver.Value) (driver.Result, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	return c.SQLiteConn.Exec(query, args)
}

// QueryContext is the driver's, for texts of several statements.
func (c *Conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	return c.watched(c.SQLiteConn.QueryContext(ctx, query, args))
}

// Query is QueryContext for callers that have no context.
func (c *Conn) Query(query string, args []driver.Value) (driver.Rows, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	return c.watched(c.SQLiteConn.Query(query, args))
}

func (c *Conn) watched(r driver.Rows, err error) (driver.Rows, error) {
	if rows, ok := r.(*sqlite3.SQLiteRows); ok && err == nil {
		return &driverRows{rows, c}, nil
	}
	return r, err
}

type driverRows struct {
	*sqlite3.SQLiteRows
	conn *Conn
}

func (r *driverRows) Next(dest []driver.Value) error {
	r.conn.asks = true
	return r.SQLiteRows.Next(dest)
}

func (r *driverRows) Close() error {
	r.conn.asks = true
	return r.SQLiteRows.Close()
}

// Begin is the driver's.
func (c *Conn) Begin() (driver.Tx, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	c.foreign = true
	return c.SQLiteConn.Begin()
}

// BeginTx is the driver's.
func (c *Conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	c.foreign = true
	return c.SQLiteConn.BeginTx(ctx, o)
}

// A watch interrupts the connection when a context ends. It stays for all
// statements that run with contexts of one Done channel, usually a transaction's,
// and ends with the first statement that has none.
type watch struct {
	mu      sync.Mutex // held while interrupting, so that no other statement is met
	done    <-chan struct{}
	stop    func() bool
	running bool
}

// begin lets ctx interrupt what runs until pause. A ctx that has ended is the
// error.
func (w *watch) begin(c *Conn, ctx context.Context) error {
	done := ctx.Done()
	if done == nil {
		w.end()
		return nil
	}
	if done != w.done {
		w.end()
		w.mu.Lock()
		w.done = done
		w.mu.Unlock()
		db := c.handle.db
		w.stop = context.AfterFunc(ctx, func() { w.interrupt(db, done) })
	}
	w.mu.Lock()
	w.running = true
	w.mu.Unlock()
	if err := ctx.Err(); err != nil { // asked last: one that ended before has found nothing to interrupt
		w.pause()
		return err
	}
	return nil
}

// interrupt interrupts what runs under done until it has ended: SQLite forgets an
// interrupt that comes before a statement's first step.
func (w *watch) interrupt(db C.uintptr_t, done <-chan struct{}) {
	for {
		w.mu.Lock()
		runs := w.running && w.done == done
		if runs {
			C.csqlite_interrupt(db)
		}
		w.mu.Unlock()
		if !runs {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// pause ends what begin began.
func (w *watch) pause() {
	if w.done != nil {
		w.mu.Lock()
		w.running = false
		w.mu.Unlock()
	}
}

// end lets go of the context.
func (w *watch) end() {
	if w.done == nil {
		return
	}
	w.stop()
	w.mu.Lock()
	w.done, w.stop, w.running = nil, nil, false
	w.mu.Unlock()
}
