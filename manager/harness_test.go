package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes"
	"github.com/stakeledger/stakeledger/manager/internal/notes/read"
	"github.com/stakeledger/stakeledger/manager/internal/notes/write"
)

type (
	reads  = read.Queries
	writes = write.Queries
	// DB is a manager over the notes database.
	DB = manager.DB[Reader, Tx]
)

// Reader is what a ReadOnly closure gets: the reads, and the DBTX for raw SQL.
type Reader struct {
	*reads
	raw manager.DBTX
}

// Tx is what a WithTx closure gets: both query sets, and the DBTX for raw SQL.
type Tx struct {
	*reads
	*writes
	raw manager.DBTX
}

// deferred is a schema whose foreign key is checked as the clause says.
func deferred(clause string) string {
	return strings.Replace(notes.Schema, "REFERENCES notes (id)", "REFERENCES notes (id) "+clause, 1)
}

func newReader(db manager.DBTX) Reader { return Reader{read.New(db), db} }
func newTx(db manager.DBTX) Tx         { return Tx{read.New(db), write.New(db), db} }

// add adds a note to the folder that [titles] lists.
func (tx Tx) add(ctx context.Context, title string) error { return tx.AddNote(ctx, "inbox", title) }

// readOnce has db open its first reader, and counts the connections then.
func readOnce(t testing.TB, db *DB, count func() int) int {
	t.Helper()
	titles(t, db)
	return count()
}

// openNotes opens a fresh database that is closed when the test ends.
func openNotes(t testing.TB, opts ...manager.Option) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "notes.db"), opts...)
}

func openAt(t testing.TB, path string, opts ...manager.Option) *DB {
	t.Helper()
	opts = append([]manager.Option{
		manager.WithMigration(create(notes.Schema)),
		manager.WithLogger(slog.New(slog.DiscardHandler)),
		manager.WithGroupCommit(64, patience), // a slow moment of the machine must not split a group
	}, opts...)
	db, err := manager.Open(t.Context(), path, newReader, newTx, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := db.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return db
}

// create makes a migration that applies schema to an empty file.
func create(schema string) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		var tables int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema").Scan(&tables); err != nil || tables > 0 {
			return err
		}
		_, err := db.ExecContext(ctx, schema)
		return err
	}
}

// foreign opens the database as a program would that does not know the manager.
func foreign(t testing.TB, db *DB) *sql.Conn {
	t.Helper()
	pool, err := sql.Open("sqlite3", "file:"+db.Path()+"?_busy_timeout=0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := pool.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); _ = pool.Close() })
	return c
}

func execOn(t testing.TB, c *sql.Conn, query string) {
	t.Helper()
	if _, err := c.ExecContext(context.Background(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// titles lists the notes that [Tx.add] added, in the order of their commits.
func titles(t testing.TB, db *DB) []string {
	t.Helper()
	list, err := manager.Read(context.Background(), db, func(ctx context.Context, q Reader) ([]string, error) {
		return q.Titles(ctx, "inbox")
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// patience is how long a test waits for what must happen: far longer than it
// takes, so that a slow machine passes and a hang still ends.
const patience = 20 * time.Second

// await waits for a signal.
func await(t testing.TB, what string, signal <-chan struct{}) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		t.Fatalf("waited %s in vain for: %s", patience, what)
	}
}

// until polls for what gives no signal.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for: %s", patience, what)
		}
	}
}

// A call is a function that runs on a goroutine of its own, and how it ended.
// The fields are to be read after wait.
type call struct {
	done   chan struct{}
	err    error
	panic  any
	exited bool // by runtime.Goexit
}

func start(fn func() error) *call {
	c := &call{done: make(chan struct{}), exited: true}
	go func() {
		defer close(c.done)
		defer func() {
			if c.panic = recover(); c.panic != nil {
				c.exited = false
			}
		}()
		c.err = fn()
		c.exited = false
	}()
	return c
}

func (c *call) wait(t testing.TB) *call {
	t.Helper()
	await(t, "a call to return", c.done)
	return c
}

func (c *call) returned() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// hold lets a transaction occupy the writer until release is called.
func hold(t testing.TB, db *DB, opts ...manager.TxOption) (release func()) {
	t.Helper()
	started, gate := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(started) })
	holder := start(func() error {
		return db.WithTx(context.Background(), func(context.Context, Tx) error {
			once()
			<-gate
			return nil
		}, opts...)
	})
	await(t, "the holder to get the writer", started)
	release = sync.OnceFunc(func() {
		close(gate)
		if err := holder.wait(t).err; err != nil {
			t.Errorf("holder of the writer: %v", err)
		}
	})
	t.Cleanup(release)
	return release
}

// enqueue starts a transaction while the writer is held, and returns when it
// stands in the queue.
func enqueue(ctx context.Context, t testing.TB, db *DB, fn func(context.Context, Tx) error, opts ...manager.TxOption) *call {
	t.Helper()
	before := db.Stats().Queue
	c := start(func() error { return db.WithTx(ctx, fn, opts...) })
	until(t, "a transaction to stand in the queue", func() bool { return db.Stats().Queue == before+1 || c.returned() })
	return c
}

// adding is a closure that adds one note.
func adding(title string) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error { return tx.add(ctx, title) }
}

// numbered gives n titles that sort in their order.
func numbered(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("note %03d", i)
	}
	return list
}

// busy is SQLite's error with an extended code of SQLITE_BUSY.
func busy(extended int) error {
	return sqlite3.Error{Code: sqlite3.ErrBusy, ExtendedCode: sqlite3.ErrBusy.Extend(extended)}
}

// errOwn is an error that only the test knows.
var errOwn = errors.New("changed my mind")

// waysToRun are the ways a statement can take to the driver. Each runs it to
// its end and returns its error.
var waysToRun = []struct {
	name  string
	query string // the name of the query that the way gives it, if any
	run   func(ctx context.Context, on manager.DBTX, query string) error
}{
	{"Exec", "Run", func(ctx context.Context, on manager.DBTX, query string) error {
		_, err := on.ExecContext(ctx, "-- name: Run :exec\n"+query)
		return err
	}},
	{"Exec for a count", "Run", func(ctx context.Context, on manager.DBTX, query string) error {
		_, err := on.ExecContext(ctx, "-- name: Run :execrows\n"+query)
		return err
	}},
	{"raw Exec", "", func(ctx context.Context, on manager.DBTX, query string) error {
		_, err := on.ExecContext(ctx, query)
		return err
	}},
	{"Query", "Run", func(ctx context.Context, on manager.DBTX, query string) error {
		return drain(on.QueryContext(ctx, "-- name: Run :many\n"+query))
	}},
	{"raw Query", "", func(ctx context.Context, on manager.DBTX, query string) error {
		return drain(on.QueryContext(ctx, query))
	}},
	{"QueryRow", "Run", func(ctx context.Context, on manager.DBTX, query string) error {
		return onlyRow(on.QueryRowContext(ctx, "-- name: Run :one\n"+query))
	}},
	{"raw QueryRow", "", func(ctx context.Context, on manager.DBTX, query string) error {
		return onlyRow(on.QueryRowContext(ctx, query))
	}},
}

func drain(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

// onlyRow scans a row of one column; that there is none is no error.
func onlyRow(row *sql.Row) error {
	var value any
	if err := row.Scan(&value); err != sql.ErrNoRows {
		return err
	}
	return nil
}

// exit ends the goroutine the way t.FailNow does.
func exit() { runtime.Goexit() }
