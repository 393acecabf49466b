package manager_test

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"strings"
	"sync"

	"github.com/stakeledger/stakeledger/manager"
)

// A tap stands between the manager and the driver: it counts the statements
// of the writer's connection, and lets a test step in before one runs.
type tap struct {
	mu     sync.Mutex
	opened int
	counts map[string]int
	before map[string]func(c manager.DriverConn) error
	refuse error // of every connection for writing that is opened
}

func newTap() *tap {
	return &tap{counts: map[string]int{}, before: map[string]func(manager.DriverConn) error{}}
}

// wrap is for [manager.WithDriver].
func (f *tap) wrap(c manager.DriverConn) manager.DriverConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return &tappedConn{DriverConn: c, tap: f, role: "reader"}
}

// connections is how many the manager has opened so far.
func (f *tap) connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

// count is how often the writer has run a statement: the name of an sqlc
// query, or the text of any other.
func (f *tap) count(statement string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts["writer "+statement]
}

// on calls fn before every run of the writer's statement; an error of fn is
// the statement's error, and the statement does not run. A nil fn ends that.
func (f *tap) on(statement string, fn func(c manager.DriverConn) error) {
	f.set("writer "+statement, fn)
}

// onRead is on for the readers' connections.
func (f *tap) onRead(statement string, fn func(c manager.DriverConn) error) {
	f.set("reader "+statement, fn)
}

// refuseWriters makes opening a connection for writing fail with err.
func (f *tap) refuseWriters(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = err
}

// once is on for the next run alone.
func (f *tap) once(statement string, fn func(c manager.DriverConn) error) {
	f.on(statement, func(c manager.DriverConn) error {
		f.on(statement, nil)
		return fn(c)
	})
}

func (f *tap) set(key string, fn func(c manager.DriverConn) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before[key] = fn
}

func (f *tap) step(c *tappedConn, query string) error {
	if rest, ok := strings.CutPrefix(query, "-- name: "); ok {
		query, _, _ = strings.Cut(rest, " ")
	}
	key := c.role + " " + query
	f.mu.Lock()
	f.counts[key]++
	fn := f.before[key]
	f.mu.Unlock()
	if fn == nil {
		return nil
	}
	return fn(c.DriverConn)
}

type tappedConn struct {
	manager.DriverConn
	tap  *tap
	role string
}

func (c *tappedConn) Prepare(query string) (driver.Stmt, error) {
	if query == "BEGIN IMMEDIATE" {
		c.role = "writer"
		c.tap.mu.Lock()
		err := c.tap.refuse
		c.tap.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
	s, err := c.DriverConn.Prepare(query)
	if err != nil {
		return nil, err
	}
	return &tappedStmt{DriverStmt: s.(manager.DriverStmt), conn: c, query: query}, nil
}

func (c *tappedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.tap.step(c, query); err != nil {
		return nil, err
	}
	return c.DriverConn.ExecContext(ctx, query, args)
}

func (c *tappedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.tap.step(c, query); err != nil {
		return nil, err
	}
	return c.DriverConn.QueryContext(ctx, query, args)
}

type tappedStmt struct {
	manager.DriverStmt
	conn  *tappedConn
	query string
}

func (s *tappedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.tap.step(s.conn, s.query); err != nil {
		return nil, err
	}
	return s.DriverStmt.ExecContext(ctx, args)
}

func (s *tappedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.tap.step(s.conn, s.query); err != nil {
		return nil, err
	}
	return s.DriverStmt.QueryContext(ctx, args)
}

// rollBack takes the transaction away underneath the manager, the way SQLite
// does after some errors, and then reports err.
func rollBack(err error) func(manager.DriverConn) error {
	return func(c manager.DriverConn) error {
		_, _ = c.ExecContext(context.Background(), "INSERT OR ROLLBACK INTO notes (folder, title) VALUES (NULL, NULL)", nil)
		if !c.AutoCommit() {
			panic("the transaction still stands")
		}
		return err
	}
}

// A logbook keeps what is logged.
type logbook struct {
	mu      sync.Mutex
	entries []logEntry
}

type logEntry struct {
	message string
	attrs   map[string]slog.Value
}

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logbook) WithGroup(string) slog.Handler            { return l }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	e := logEntry{r.Message, map[string]slog.Value{}}
	r.Attrs(func(a slog.Attr) bool { e.attrs[a.Key] = a.Value; return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
	return nil
}

// about returns the entries whose message contains what.
func (l *logbook) about(what string) (found []logEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if strings.Contains(e.message, what) {
			found = append(found, e)
		}
	}
	return found
}

func (l *logbook) logger() *slog.Logger { return slog.New(l) }
