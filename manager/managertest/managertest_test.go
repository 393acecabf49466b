package managertest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes"
	"github.com/stakeledger/stakeledger/manager/internal/notes/read"
	"github.com/stakeledger/stakeledger/manager/internal/notes/write"
	"github.com/stakeledger/stakeledger/manager/managertest"
)

type notesDB = manager.DB[*read.Queries, *write.Queries]

func makeNotes(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, notes.Schema)
	return err
}

func openNotes(t testing.TB, opts ...manager.Option) *notesDB {
	t.Helper()
	return managertest.Open(t, read.New, write.New, append([]manager.Option{manager.WithMigration(makeNotes)}, opts...)...)
}

func addNote(ctx context.Context, tx *write.Queries) error {
	return tx.AddNote(ctx, "inbox", "hello")
}

func countNotes(t testing.TB, db *notesDB) int64 {
	t.Helper()
	n, err := manager.Read(context.Background(), db, func(ctx context.Context, q *read.Queries) (int64, error) {
		return q.CountNotes(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestParallelTestsHaveADatabaseEach(t *testing.T) {
	for i := range 20 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			db := openNotes(t)
			managertest.Seed(t, db, addNote)
			if got := countNotes(t, db); got != 1 {
				t.Errorf("notes: got %d, want the one of this test", got)
			}
		})
	}
}

func TestMigrationRunsOncePerProcess(t *testing.T) {
	var ran atomic.Int64
	migration := func(ctx context.Context, db *sql.DB) error {
		ran.Add(1)
		return makeNotes(ctx, db)
	}
	for range 3 {
		openNotes(t, manager.WithMigration(migration))
	}
	if got := ran.Load(); got != 1 {
		t.Errorf("migration ran %d times for three databases, want once", got)
	}
}

func TestMigrationsOfOneFunctionAreToldApart(t *testing.T) {
	var paths []string
	creating := func(table string) func(context.Context, *sql.DB) error {
		return func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "CREATE TABLE "+table+" (id INTEGER PRIMARY KEY)")
			return err
		}
	}
	for _, table := range []string{"apples", "pears"} {
		db := openRaw(t, manager.WithMigration(creating(table)))
		err := db.ReadOnly(context.Background(), func(ctx context.Context, q manager.DBTX) error {
			_, err := q.QueryContext(ctx, "SELECT id FROM "+table)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		paths = append(paths, db.Path())
	}
	if paths[0] == paths[1] {
		t.Errorf("two databases at %s", paths[0])
	}
}

// What is in the migrated file depends on more than the migration.
func TestMigrationRunsAgainForOtherOptions(t *testing.T) {
	runs := 0
	migration := func(ctx context.Context, db *sql.DB) error {
		runs++
		_, err := db.ExecContext(ctx, "CREATE TABLE t (name TEXT DEFAULT (name()))")
		return err
	}
	naming := func(name string) func(context.Context, *sqlite3.SQLiteConn) error {
		return func(_ context.Context, c *sqlite3.SQLiteConn) error {
			return c.RegisterFunc("name", func() string { return name }, true)
		}
	}
	same := func(c manager.DriverConn) manager.DriverConn { return c }
	apple, pear := naming("apple"), naming("pear")
	for i, opts := range [][]manager.Option{
		{manager.WithConnectHook(apple)},
		{manager.WithConnectHook(pear)},
		{manager.WithConnectHook(pear), manager.WithApplicationID(0)},
		{manager.WithConnectHook(pear), manager.WithDriver(same)},
		{manager.WithConnectHook(pear), manager.WithApplicationID(7)},
		{manager.WithConnectHook(pear), manager.WithApplicationID(8)},
		{manager.WithConnectHook(pear), manager.WithApplicationID(8), manager.WithPragma("secure_delete", "on")},
	} {
		for range 2 { // the second time it is copied
			openRaw(t, append(opts, manager.WithMigration(migration))...)
		}
		if runs != i+1 {
			t.Errorf("options %d: the migration has run %d times, want %d", i, runs, i+1)
		}
	}
}

func TestWithoutMigration(t *testing.T) {
	db := openRaw(t)
	managertest.Seed(t, db, func(ctx context.Context, tx manager.DBTX) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE t (x INTEGER)")
		return err
	})
}

func TestClosuresRunTwice(t *testing.T) {
	db, runs := openNotes(t), 0
	managertest.Seed(t, db, func(ctx context.Context, tx *write.Queries) error {
		runs++
		return addNote(ctx, tx)
	})
	if runs != 2 || countNotes(t, db) != 1 {
		t.Errorf("closure ran %d times and left %d notes, want 2 runs and 1 note", runs, countNotes(t, db))
	}
}

func openRaw(t testing.TB, opts ...manager.Option) *manager.DB[manager.DBTX, manager.DBTX] {
	t.Helper()
	same := func(db manager.DBTX) manager.DBTX { return db }
	return managertest.Open(t, same, same, opts...)
}

// A recorder is a test whose end and failures a test can look at.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Cleanup(fn func()) { r.cleanups = append(r.cleanups, fn) }
func (r *recorder) Log(...any)        {}
func (r *recorder) Fatalf(f string, a ...any) {
	r.Errorf(f, a...)
	panic(errFatal)
}
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }

var errFatal = errors.New("fatal")

func (r *recorder) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

func TestFailureOfSeedEndsTheTest(t *testing.T) {
	r := &recorder{TB: t}
	defer func() {
		if v := recover(); v != errFatal || len(r.errors) != 1 || !strings.Contains(r.errors[0], "seed") {
			t.Errorf("got panic %v and errors %q, want one error of seed", v, r.errors)
		}
		r.end()
	}()
	db := openNotes(r)
	managertest.Seed(r, db, func(context.Context, *write.Queries) error { return errors.New("no luck") })
}

func TestFailureOfMigrationIsNotKept(t *testing.T) {
	fail := true
	migration := func(ctx context.Context, db *sql.DB) error {
		if fail {
			return errors.New("no luck")
		}
		return makeNotes(ctx, db)
	}
	func() {
		r := &recorder{TB: t}
		defer r.end()
		defer func() {
			if v := recover(); v != errFatal || len(r.errors) != 1 {
				t.Errorf("got panic %v and errors %q, want one error of the migration", v, r.errors)
			}
		}()
		openNotes(r, manager.WithMigration(migration))
	}()
	fail = false
	if n := countNotes(t, openNotes(t, manager.WithMigration(migration))); n != 0 {
		t.Errorf("notes: got %d, want none", n)
	}
}

func TestTransactionThatOutlivesItsTestFailsIt(t *testing.T) {
	if testing.Short() {
		t.Skip("waits ten seconds")
	}
	t.Parallel()
	r := &recorder{TB: t}
	db := openNotes(r)
	began, stop := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- db.ReadOnly(context.Background(), func(ctx context.Context, q *read.Queries) error {
			close(began)
			<-stop
			return nil
		}, manager.Label("straggler"))
	}()
	<-began
	r.end()
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "straggler") {
		t.Errorf("errors at the end: got %q, want one that names the straggler", r.errors)
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := db.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		t := &recorder{TB: b}
		b.StartTimer()
		openNotes(t)
		t.end()
	}
}
