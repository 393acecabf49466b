package limits_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stakeledger/stakeledger/manager"
)

type queries struct{ manager.DBTX }

func newQueries(db manager.DBTX) queries { return queries{db} }

type store = manager.DB[queries, queries]

// patience bounds the waits of a test.
const patience = 30 * time.Second

var errOwn = errors.New("changed my mind")

func open(t *testing.T, opts ...manager.Option) *store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "limits.db"), opts...)
}

func openAt(t *testing.T, path string, opts ...manager.Option) *store {
	t.Helper()
	db, err := manager.Open(t.Context(), path, newQueries, newQueries, append([]manager.Option{
		manager.WithMigration(migrate),
		manager.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func migrate(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
	return err
}

func (q queries) add(ctx context.Context, name string) error {
	_, err := q.ExecContext(ctx, "-- name: Add :exec\nINSERT INTO items (name) VALUES (?)", name)
	return err
}

// count is how many items there are.
func count(t *testing.T, db *store) (n int) {
	t.Helper()
	err := db.ReadOnly(context.Background(), func(ctx context.Context, q queries) error {
		return q.QueryRowContext(ctx, "-- name: CountItems :one\nSELECT count(*) FROM items").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// adding is a closure that adds an item.
func adding(name string) func(context.Context, queries) error {
	return func(ctx context.Context, q queries) error { return q.add(ctx, name) }
}

// nothing is a read that does nothing.
func nothing(context.Context, queries) error { return nil }

func shut(t *testing.T, db *store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := db.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// hold occupies the writer until release is called.
func hold(t *testing.T, db *store, label string) (release func()) {
	t.Helper()
	return occupy(t, func(fn func(context.Context, queries) error) error {
		return db.WithTx(context.Background(), fn, manager.Label(label))
	})
}

// holdReader occupies a reader until release is called.
func holdReader(t *testing.T, db *store, label string) (release func()) {
	t.Helper()
	return occupy(t, func(fn func(context.Context, queries) error) error {
		return db.ReadOnly(context.Background(), fn, manager.Label(label))
	})
}

func occupy(t *testing.T, run func(func(context.Context, queries) error) error) (release func()) {
	t.Helper()
	started, gate, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- run(func(context.Context, queries) error {
			close(started)
			<-gate
			return nil
		})
	}()
	await(t, "a transaction to begin", started)
	return sync.OnceFunc(func() {
		close(gate)
		if err := <-ended; err != nil {
			t.Errorf("the transaction that was held open: %v", err)
		}
	})
}

func await(t *testing.T, what string, signal <-chan struct{}) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		t.Fatalf("waited %s in vain for: %s", patience, what)
	}
}

// answer waits for a call's error.
func answer(t *testing.T, what string, errs <-chan error) error {
	t.Helper()
	select {
	case err := <-errs:
		return err
	case <-time.After(patience):
		t.Fatalf("waited %s in vain for: %s", patience, what)
		return nil
	}
}

// until polls for a condition that cannot be awaited.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for: %s", patience, what)
		}
	}
}

// nothingLeft records the goroutines and open files of the process, and returns a
// check that it has no more of them.
func nothingLeft(t *testing.T) (check func()) {
	t.Helper()
	before, ignore := openFiles(), goleak.IgnoreCurrent()
	return func() {
		t.Helper()
		if err := goleak.Find(ignore); err != nil {
			t.Errorf("goroutines left behind: %v", err)
		}
		after := openFiles()
		for file := range after {
			if !before[file] {
				t.Errorf("a file is still open: %s", file)
			}
		}
	}
}

// openFiles lists the files that this process has open, if the system says. It
// does not collect garbage, which would close a forgotten file.
func openFiles() map[string]bool {
	files := map[string]bool{}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && filepath.IsAbs(target) && !strings.HasPrefix(target, "/proc") {
			files[e.Name()+" "+target] = true
		}
	}
	return files
}
