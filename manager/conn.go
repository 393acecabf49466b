package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

// DriverConn is what the manager needs of a driver's connection;
// *sqlite3.SQLiteConn has it. Prepare must return a [DriverStmt].
type DriverConn interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	AutoCommit() bool
}

// DriverStmt is what the manager needs of a prepared statement;
// *sqlite3.SQLiteStmt has it.
type DriverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	Readonly() bool
}

// maxStmts bounds the statements kept prepared on one connection. Programs
// have tens of queries; SQL built at run time must not grow memory.
const maxStmts = 512

// A conn is one connection to SQLite, pinned for the manager's whole life.
//
// Two ways lead to it. Exec goes straight to the driver. Queries must go
// through database/sql, because only that can make the *sql.Rows that sqlc's
// code reads; database/sql comes back to the driver through [bridge], so that
// both ways meet the same lock, the same checks and the same statements.
type conn struct {
	guard
	mu         sync.Mutex // held for every statement and for every step of its rows
	raw        DriverConn
	handle     *csqlite.Handle // nil where it cannot be had
	db         *sql.DB         // holds sql; never opens another connection
	sql        *sql.Conn       // the view of raw that database/sql has
	cfg        *config
	stmts      map[string]*stmt
	stats      *queryTable
	args       []driver.NamedValue // reused by every Exec
	schema     string              // the schema's version when deferrable was read
	deferrable bool                // the schema has deferred constraints
	closed     bool
	lost       bool    // the driver gave it up, and its transaction with it
	stuck      bool    // an unfinished statement keeps every COMMIT from succeeding
	open       []*rows // rows not yet closed

	begin, commit, rollback, savepoint, release, rollbackTo, pin *stmt

	holder  atomic.Pointer[label] // the transaction on it now
	started atomic.Int64          // when holder's began, in nanoseconds since the epoch
}

// openConn opens dsn with the given pragmas set and read back.
func openConn(ctx context.Context, cfg *config, dsn, begin string, pragmas []pragma) (*conn, error) {
	dc, handle, err := csqlite.Open(func() (driver.Conn, error) { return (&sqlite3.SQLiteDriver{}).Open(dsn) })
	if err != nil {
		return nil, wrap("open", "", "", err)
	}
	if err := cfg.connected(ctx, dc.(*sqlite3.SQLiteConn)); err != nil {
		return nil, wrap("open", "", "", err)
	}
	c := &conn{handle: handle, cfg: cfg, stmts: map[string]*stmt{}, stats: &queryTable{}}
	c.guard.install(dc.(*sqlite3.SQLiteConn))
	c.raw = dc.(*sqlite3.SQLiteConn)
	if cfg.wrapDriver != nil {
		c.raw = cfg.wrapDriver(c.raw)
	}
	if err := c.prepare(ctx, begin, cfg.without(pragmas)); err != nil {
		_ = c.close()
		return nil, err
	}
	return c, nil
}

func (c *conn) prepare(ctx context.Context, begin string, pragmas []pragma) error {
	defer c.unguarded()()
	for _, p := range pragmas {
		if err := p.set(c.raw); err != nil {
			return err
		}
	}
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
		{&c.pin, "PRAGMA schema_version"}, // reads the file, which takes the snapshot
	} {
		s, err := c.newStmt(control.sql, "")
		if err != nil {
			return err
		}
		*control.to = s
	}
	c.db = sql.OpenDB(connector{c})
	c.db.SetMaxOpenConns(1)
	var err error
	c.sql, err = c.db.Conn(ctx)
	return wrap("open", "", "", err)
}

// close closes the driver's connection. It does not wait for rows that
// database/sql still lends out: they find the connection closed.
func (c *conn) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closeLocked()
}

// closeLocked is close for who holds mu. Statements go first: SQLite keeps a
// connection, and its locks, for as long as one of its statements lives.
func (c *conn) closeLocked() error {
	if c.closed {
		return nil
	}
	c.closed = true
	for _, s := range c.stmts {
		_ = s.Close()
	}
	for _, s := range []*stmt{c.begin, c.commit, c.rollback, c.savepoint, c.release, c.rollbackTo, c.pin} {
		if s != nil {
			_ = s.Close()
		}
	}
	if c.handle != nil {
		c.handle.Close()
	}
	err := c.raw.Close()
	if c.db != nil {
		_ = c.db.Close()
	}
	return wrap("close", "", "", err)
}

// A stmt is a prepared statement and where its use is counted.
type stmt struct {
	DriverStmt
	readonly bool
	inputs   int  // how many arguments it takes
	busy     bool // its rows are open
	plain    bool // an sqlc :exec, which returns neither rows nor a count
	counted  bool // another exec, which returns a count and, as its text shows, no rows
	stats    *queryStats
}

func (c *conn) newStmt(query, name string) (*stmt, error) {
	ds, err := c.raw.Prepare(query)
	if err != nil {
		return nil, wrap("prepare", name, "", err)
	}
	s, ok := ds.(DriverStmt)
	if !ok {
		return nil, &Error{Op: "prepare", Query: name, Kind: ErrUnsupported, Detail: "the driver's statements lack ExecContext, QueryContext or Readonly"}
	}
	return &stmt{DriverStmt: s, readonly: s.Readonly(), inputs: s.NumInput()}, nil
}

// query runs the statement.
func (s *stmt) query(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.count(args); err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args)
}

// exec runs the statement and says how many rows it changed.
func (s *stmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.count(args); err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args)
}

// count refuses missing arguments. The driver's statements leave that to
// database/sql, and would bind NULL.
func (s *stmt) count(args []driver.NamedValue) error {
	if len(args) < s.inputs {
		return fmt.Errorf("not enough arguments: the statement takes %d, got %d", s.inputs, len(args))
	}
	return nil
}

// returnsRows finds statements that write, or are no plain reads, and return
// rows: the driver's way to a count would leave them unfinished, and COMMIT busy.
var returnsRows = regexp.MustCompile(`(?i)\b(?:RETURNING|EXPLAIN)\b`)

// lookup returns the prepared statement of an sqlc query, or nil for raw SQL,
// which may hold several statements and is left to the driver.
func (c *conn) lookup(query string) (*stmt, error) {
	if s, ok := c.stmts[query]; ok && !s.busy {
		return s, nil
	}
	name, command := queryName(query)
	if name == "" {
		return nil, nil
	}
	s, err := c.newStmt(query, name)
	if err != nil {
		return nil, err
	}
	if c.pragma {
		return nil, s.Close()
	}
	s.plain = command == ":exec"
	s.counted = strings.HasPrefix(command, ":exec") && !s.plain && !s.readonly && !returnsRows.MatchString(query)
	s.stats = c.stats.of(name)
	if old, taken := c.stmts[query]; !taken || !old.busy {
		c.makeRoom()
		c.stmts[query] = s
	}
	return s, nil
}

// makeRoom closes some statement that is not in use when too many are kept.
func (c *conn) makeRoom() {
	if len(c.stmts) < maxStmts {
		return
	}
	for query, s := range c.stmts {
		if !s.busy {
			_ = s.Close()
			delete(c.stmts, query)
			return
		}
	}
}

// control runs one of the connection's own statements (BEGIN, COMMIT, …).
func (c *conn) control(s *stmt) error {
	c.own = true
	defer func() { c.own = false }()
	r, err := s.QueryContext(context.Background(), nil)
	if err == nil {
		err = r.Close()
	}
	c.note(err)
	if isInProgress(err) && len(c.open) == 0 {
		c.stuck = true
	}
	return err
}

// note looks whether err says that the connection is gone for good. Nothing can
// be asked of it then, and its holder opens another one.
func (c *conn) note(err error) {
	if err != nil && errors.Is(err, driver.ErrBadConn) {
		c.lost = true
	}
}

// gone reports whether another connection is needed.
func (c *conn) gone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed || c.lost || c.stuck
}

// inTransaction asks SQLite whether a transaction is open.
func (c *conn) inTransaction() bool { return !c.closed && !c.lost && !c.raw.AutoCommit() }

// exec runs a statement that returns no rows. The caller holds mu.
//
// The driver's query path binds all arguments and steps in one crossing into
// C, its exec path takes one crossing per argument. So an :exec, which wants
// no count, runs as a query without rows. A statement with rows goes through the
// driver's connection, which resets it.
func (c *conn) exec(s *stmt, query string, args []driver.NamedValue) (sql.Result, error) {
	switch {
	case s == nil || s.busy || !s.plain && !s.counted:
		return c.raw.ExecContext(context.Background(), query, args)
	case s.counted:
		return s.exec(context.Background(), args)
	}
	r, err := s.query(context.Background(), args)
	if err != nil {
		return nil, err
	}
	return driver.ResultNoRows, r.Close()
}

// bind turns arguments into the driver's values, in the connection's own space.
func (c *conn) bind(args []any) ([]driver.NamedValue, error) {
	c.args = c.args[:0]
	for i, a := range args {
		nv := driver.NamedValue{Ordinal: i + 1, Value: a}
		if err := bindValue(&nv); err != nil {
			return nil, err
		}
		c.args = append(c.args, nv)
	}
	return c.args, nil
}

// bindValue makes nv a value the driver takes; it follows database/sql's rules.
func bindValue(nv *driver.NamedValue) (err error) {
	switch v := nv.Value.(type) {
	case nil, int64, string, float64, bool, []byte, time.Time:
		return nil
	case sql.NamedArg:
		nv.Name, nv.Value = v.Name, v.Value
		return bindValue(nv)
	case sql.Out:
		return errors.New("SQLite has no output parameters")
	}
	nv.Value, err = driver.DefaultParameterConverter.ConvertValue(nv.Value)
	return err
}

// closeRows closes the rows that t, and whatever runs inside t, left open. The
// caller holds mu.
func (c *conn) closeRows(t *txn) {
	for i := len(c.open) - 1; i >= 0; i-- {
		if r := c.open[i]; r.txn.inside(t) {
			r.finish()
		}
	}
}

// hold notes which transaction the connection serves, for messages.
func (c *conn) hold(l *label, now time.Time) {
	c.holder.Store(l)
	c.started.Store(now.UnixNano())
}
