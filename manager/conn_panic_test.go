package manager_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// endings are functions that SQL can call. They end unlike a function that returns.
func endings(_ context.Context, c *sqlite3.SQLiteConn) error {
	err := c.RegisterFunc("boom", func(x int64) int64 {
		if x > 1 {
			panic("boom")
		}
		return x
	}, false)
	if err != nil {
		return err
	}
	return c.RegisterFunc("leave", func(int64) int64 { runtime.Goexit(); return 0 }, false)
}

// A function that SQL calls and that panics leaves SQLite in the middle of a
// statement. That must be nobody else's business: not of who comes next, nor of
// another process that wants to write.
func TestPanicInsideAStatement(t *testing.T) {
	statements := []string{
		"SELECT boom(2)",
		"SELECT boom(id) FROM notes ORDER BY id",
		"INSERT INTO notes (folder, title) SELECT 'inbox', boom(2)",
		"UPDATE notes SET title = boom(id) RETURNING id",
		"INSERT INTO notes (folder, title) VALUES ('inbox', 'y'), ('inbox', 'z') RETURNING boom(id)",
		"SELECT leave(1)",
		"UPDATE notes SET title = leave(1)",
	}
	for _, way := range waysToRun {
		for _, statement := range statements {
			if strings.HasSuffix(way.name, "QueryRow") && strings.Contains(statement, "ORDER BY") {
				continue // it panics at the second row
			}
			for _, kept := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, closure recovers %v", way.name, statement, kept), func(t *testing.T) {
					testPanicInside(t, kept, func(ctx context.Context, on manager.DBTX) error { return way.run(ctx, on, statement) })
				})
			}
		}
	}
}

func testPanicInside(t *testing.T, recovers bool, run func(context.Context, manager.DBTX) error) {
	db := openNotes(t, manager.WithConnectHook(endings), manager.WithReaders(1))
	for _, title := range []string{"a", "b"} {
		if err := db.WithTx(t.Context(), adding(title)); err != nil {
			t.Fatal(err)
		}
	}
	closure := func(ctx context.Context, on manager.DBTX) error {
		if recovers {
			defer func() { _ = recover() }()
		}
		return run(ctx, on)
	}
	wrote := start(func() error {
		return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error {
			if err := tx.add(ctx, "never"); err != nil {
				return err
			}
			return closure(ctx, tx.raw)
		})
	}).wait(t)
	if wrote.err == nil && wrote.panic == nil && !wrote.exited {
		t.Error("WithTx returned nil")
	}
	execOn(t, foreign(t, db), "UPDATE notes SET stars = 1 WHERE title = 'a'") // nothing is locked
	start(func() error {
		return db.ReadOnly(context.Background(), func(ctx context.Context, q Reader) error { return closure(ctx, q.raw) })
	}).wait(t)
	for i := range 2 {
		if err := db.WithTx(t.Context(), adding(fmt.Sprint("after ", i))); err != nil {
			t.Errorf("the next one: %v", err)
		}
	}
	wantTitles(t, db, "a", "b", "after 0", "after 1")
}

func TestPanicInsideAStatementOfAGroup(t *testing.T) {
	db := openNotes(t, manager.WithConnectHook(endings))
	release := hold(t, db)
	before := enqueue(t.Context(), t, db, adding("before"))
	panics := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		if err := tx.add(ctx, "never"); err != nil {
			return err
		}
		_, err := tx.raw.ExecContext(ctx, "UPDATE notes SET title = boom(2)")
		return err
	})
	after := enqueue(t.Context(), t, db, adding("after"))
	release()
	if err := before.wait(t).err; err != nil {
		t.Errorf("the member before: %v", err)
	}
	if got := panics.wait(t).panic; got != "boom" {
		t.Errorf("the member that panics: got %v, want its panic", got)
	}
	if err := after.wait(t).err; err != nil {
		t.Errorf("the member after: %v", err)
	}
	wantTitles(t, db, "before", "after")
}
