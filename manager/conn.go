package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// DriverConn is what the manager needs of a driver's connection;
// *sqlite3.SQLiteConn has it. Prepare must return a [DriverStmt].
type DriverConn interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	AutoCommit() bool
}

// A conn is one connection to the database. It lives as long as the manager,
// unless it breaks and is replaced.
//
// Exec goes straight to the driver. Queries go through database/sql, because
// only it can make the *sql.Rows that sqlc's code reads; it gets the rows of a
// query that has already run, through [bridge]. So both use the same lock,
// checks and statements, and no error of the driver or of an argument reaches
// database/sql's own bookkeeping.
type conn struct {
	guard
	mu         sync.Mutex // held for every statement and for every step of its rows
	raw        DriverConn
	server     engine.Conn     // nil on SQLite; otherwise the connection that raw wraps
	handle     *csqlite.Handle // nil if the driver's connection is not known to csqlite
	db         *sql.DB         // the views' pool
	views      []*view         // the free ones
	cfg        *config
	stats      *queryTable
	schema     string // schema_version when deferrable was read
	deferrable bool   // the schema has deferred constraints
	closed     bool
	lost       bool         // the driver gave it up, and its transaction with it
	stuck      bool         // an unfinished statement keeps every COMMIT from succeeding
	calling    bool         // a call of the driver is running; see unlock
	open       []*rows      // the rows that are not closed
	reading    atomic.Int32 // len(open), readable without mu
	late       []func()     // to be called once mu is free: tracers and log handlers are the caller's code

	stmts     map[string]*stmt // kept prepared, by their text
	last      *stmt            // of those the one that ran last, or nil
	stmtBytes int              // of the texts' length
	seen      seenTexts        // raw texts that were prepared

	begin, commit, rollback, savepoint, release, rollbackTo, pin *stmt

	holder  atomic.Pointer[label] // the running transaction
	started atomic.Int64          // when holder's began, by monotonic
}

// How transactions begin on the writer's connection and on a reader's.
const (
	beginWrite = "BEGIN IMMEDIATE"
	beginRead  = "BEGIN"
)

// openConn opens dsn, sets the pragmas and checks that they took effect.
func openConn(ctx context.Context, cfg *config, dsn, begin string, pragmas []pragma) (*conn, error) {
	dc, handle, err := csqlite.Open(func() (driver.Conn, error) { return (&sqlite3.SQLiteDriver{}).Open(dsn) })
	if err != nil {
		return nil, wrap("open", "", "", err)
	}
	if err := cfg.connected(ctx, dc.(*sqlite3.SQLiteConn), pragmas...); err != nil {
		return nil, wrap("open", "", "", err)
	}
	c := &conn{handle: handle, cfg: cfg, stmts: map[string]*stmt{}, stats: &queryTable{}}
	c.writes = begin == beginWrite
	c.guard.install(dc.(*sqlite3.SQLiteConn))
	c.raw = dc.(*sqlite3.SQLiteConn)
	if handle != nil {
		steps, err := handle.Conn()
		if err != nil {
			_ = dc.Close()
			return nil, wrap("open", "", "", err)
		}
		steps.ReadAhead = !c.writes
		c.raw = steps
	}
	if cfg.wrapDriver != nil {
		c.raw = cfg.wrapDriver(c.raw)
		if own, ok := c.raw.(interface{ SuspendGuard(func() (end func())) }); ok { // it rolls back by itself
			own.SuspendGuard(c.suspendGuard)
		}
	}
	if err := c.setUp(ctx, begin, cfg.without(pragmas)); err != nil {
		_ = c.close()
		return nil, err
	}
	return c, nil
}

func (c *conn) setUp(ctx context.Context, begin string, pragmas []pragma) error {
	defer c.suspendGuard()()
	for _, p := range pragmas {
		if err := p.set(c.raw); err != nil {
			return err
		}
	}
	return c.prepareControls(ctx, begin, "PRAGMA schema_version") // which reads the file
}

// prepareControls prepares the connection's own statements. pin is a statement that
// makes a transaction take its snapshot.
func (c *conn) prepareControls(ctx context.Context, begin, pin string) error {
	for _, control := range []struct {
		to  **stmt
		sql string
	}{
		{&c.begin, begin},
		{&c.commit, "COMMIT"},
		{&c.rollback, "ROLLBACK"},
		{&c.savepoint, "SAVEPOINT s"},
		{&c.release, "RELEASE s"},
		{&c.rollbackTo, "ROLLBACK TO s"},
		{&c.pin, pin},
	} {
		s, err := c.newControl(control.sql)
		if err != nil {
			return err
		}
		*control.to = s
	}
	c.db = sql.OpenDB(connector{c})
	v, err := c.newView(ctx)
	if err == nil {
		c.giveView(v)
	}
	return wrap("open", "", "", err)
}

// unlock releases mu, and then calls the functions in late.
//
// If calling is still set, a panic or Goexit of a function or hook of the
// caller's, which SQLite had called (see WithConnectHook), passed through the
// driver. It skipped SQLite's stack frames, so the connection cannot be used any
// more.
func (c *conn) unlock() {
	for _, report := range c.unlockOnly() {
		report()
	}
}

// unlockContained is unlock where no closure of the caller's runs, so that no
// panic of a tracer could continue there: it is logged.
func (c *conn) unlockContained() {
	for _, report := range c.unlockOnly() {
		err := runContained(func() error { report(); return nil })
		c.cfg.logStray("tracer did not return", err)
	}
}

func (c *conn) unlockOnly() (late []func()) {
	if c.calling {
		c.calling, c.lost = false, true
	}
	late, c.late = c.late, nil
	c.mu.Unlock()
	return late
}

// logLater writes to the caller's log once mu, which the caller of log holds, is free.
func (c *conn) logLater(level slog.Level, message string, attrs ...slog.Attr) {
	c.late = append(c.late, func() { c.cfg.logger.LogAttrs(context.Background(), level, message, attrs...) })
}

// close closes the driver's connection. It does not wait for open *sql.Rows:
// they return an error from then on.
func (c *conn) close() error {
	c.mu.Lock()
	defer c.unlock()
	return c.closeLocked()
}

// closeLocked is close while holding mu. It closes rows and statements first:
// SQLite keeps a connection, and its locks, until its last statement is closed.
func (c *conn) closeLocked() error {
	if c.closed {
		return nil
	}
	c.closed = true
	for len(c.open) > 0 {
		_ = c.open[len(c.open)-1].closeLocked()
	}
	c.closeStmts()
	if c.handle != nil {
		c.handle.Close()
	}
	err := c.raw.Close()
	if c.db != nil {
		_ = c.db.Close()
	}
	return wrap("close", "", "", err)
}

// noteLost sets lost if err says that the connection is broken. Its holder then
// opens another one.
func (c *conn) noteLost(err error) {
	if err != nil && (errors.Is(err, driver.ErrBadConn) || c.server != nil && c.server.Lost()) {
		c.lost = true
	}
}

// isUnusable reports whether the connection must be replaced.
func (c *conn) isUnusable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed || c.lost || c.stuck
}

// inTransaction reports whether the database has a transaction open.
func (c *conn) inTransaction() bool { return !c.closed && !c.lost && !c.raw.AutoCommit() }

// closeRows closes the rows that t, and whatever runs inside t, left open. The
// caller holds mu.
func (c *conn) closeRows(t *txn) {
	for i := len(c.open) - 1; i >= 0; i-- {
		if r := c.open[i]; r.txn.isWithin(t) {
			r.closeLocked()
		}
	}
}

// forgetRowID makes last_insert_rowid() 0, so that a closure does not see the
// insert of another one. The caller holds mu.
func (c *conn) forgetRowID() {
	if c.handle != nil && !c.lost {
		c.handle.ForgetRowID()
	}
}

// setHolder notes which transaction the connection serves, for messages.
func (c *conn) setHolder(l *label, now time.Duration) {
	c.started.Store(int64(now))
	c.holder.Store(l)
}
