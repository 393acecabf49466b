package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestMaintainRunsWhatNoTransactionCan(t *testing.T) {
	db := openNotes(t)
	for _, title := range []string{"a", "b"} {
		if err := db.WithTx(t.Context(), adding(title)); err != nil {
			t.Fatal(err)
		}
	}
	err := db.Maintain(t.Context(), func(ctx context.Context, c *sql.Conn) error {
		for _, statement := range []string{
			"VACUUM", "PRAGMA foreign_keys = OFF", "BEGIN",
			"CREATE TABLE fresh (id INTEGER PRIMARY KEY, folder TEXT NOT NULL, title TEXT NOT NULL, body BLOB, written TIMESTAMP, stars INTEGER NOT NULL DEFAULT 1, UNIQUE (folder, title))",
			"INSERT INTO fresh SELECT * FROM notes", "DROP TABLE notes", "ALTER TABLE fresh RENAME TO notes", "COMMIT",
			"CREATE TEMP TABLE left_behind (x INTEGER)",
		} {
			if _, err := c.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.WithTx(t.Context(), adding("c")); err != nil {
		t.Error(err)
	}
	wantTitles(t, db, "a", "b", "c")
	if writer, _ := pragmas(t, db, "foreign_keys"); writer != "1" {
		t.Errorf("foreign_keys of the writer: got %s, want 1", writer)
	}
}

// When it returns, what it committed is on the disk.
func TestMaintainIsDurable(t *testing.T) {
	for name, opts := range map[string][]manager.Option{"FULL": nil, "NORMAL": {manager.WithSynchronousNormal()}} {
		t.Run(name, func(t *testing.T) {
			db := openNotes(t, opts...)
			var level string
			err := db.Maintain(t.Context(), func(ctx context.Context, c *sql.Conn) error {
				return c.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level)
			})
			if err != nil || level != "2" {
				t.Errorf("PRAGMA synchronous: got %q, %v, want 2, which is FULL", level, err)
			}
		})
	}
}

func TestMaintainStandsInTheQueue(t *testing.T) {
	db := openNotes(t)
	release := hold(t, db)
	first := enqueue(t.Context(), t, db, adding("first"))
	before := db.Stats().Queue
	running, gate := make(chan struct{}), make(chan struct{})
	work := start(func() error {
		return db.Maintain(context.Background(), func(ctx context.Context, c *sql.Conn) error {
			close(running)
			<-gate
			_, err := c.ExecContext(ctx, "INSERT INTO notes (folder, title) VALUES ('inbox', 'maintained')")
			return err
		}, manager.Label("rebuild"))
	})
	until(t, "Maintain to stand in the queue", func() bool { return db.Stats().Queue == before+1 })
	last := enqueue(t.Context(), t, db, adding("last"))
	release()
	await(t, "Maintain to run", running)
	if got := db.Stats().WriterLabel; got != "rebuild" {
		t.Errorf("label of the writer: got %q, want rebuild", got)
	}
	if last.returned() {
		t.Error("a writer passed Maintain by")
	}
	wantTitles(t, db, "first") // readers go on
	close(gate)
	for _, c := range []*call{first, work, last} {
		if err := c.wait(t).err; err != nil {
			t.Error(err)
		}
	}
	wantTitles(t, db, "first", "maintained", "last")
}

// VACUUM by itself does not wait for a program that writes without the lock file.
func TestMaintainWaitsForOtherPrograms(t *testing.T) {
	db := openNotes(t)
	other := foreign(t, db)
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	time.AfterFunc(200*time.Millisecond, func() {
		_, err := other.ExecContext(context.Background(), "ROLLBACK")
		ended <- err
	})
	err := db.Maintain(t.Context(), func(ctx context.Context, c *sql.Conn) error {
		_, err := c.ExecContext(ctx, "VACUUM")
		return err
	})
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Errorf("got %v, want Maintain to wait for the other program", err)
	}
}

func TestMaintainThatLeavesSomething(t *testing.T) {
	for _, test := range []struct {
		name       string
		statements []string
		kind       error
		want       string
	}{
		{"a transaction", []string{"BEGIN", "INSERT INTO notes (folder, title) VALUES ('inbox', 'never')"}, manager.ErrUnsupported, "COMMIT"},
		{"an orphan", []string{"PRAGMA foreign_keys = OFF", "INSERT INTO tags VALUES (7, 'x')"}, manager.ErrForeignKey, "tags"},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := openNotes(t)
			err := db.Maintain(t.Context(), func(ctx context.Context, c *sql.Conn) error {
				for _, s := range test.statements {
					if _, err := c.ExecContext(ctx, s); err != nil {
						return err
					}
				}
				return nil
			})
			wantKind(t, "Maintain", err, test.kind)
			if err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to name %s", err, test.want)
			}
			if err := db.WithTx(t.Context(), adding("next")); err != nil {
				t.Error(err)
			}
			wantTitles(t, db, "next")
		})
	}
}

func TestMaintainIsRefused(t *testing.T) {
	db := openNotes(t, manager.WithMaxQueueWait(20*time.Millisecond))
	nothing := func(context.Context, *sql.Conn) error { return nil }
	err := db.WithTx(t.Context(), func(ctx context.Context, _ Tx) error { return db.Maintain(ctx, nothing) })
	wantKind(t, "inside WithTx", err, manager.ErrUnsupported)
	err = db.ReadOnly(t.Context(), func(ctx context.Context, _ Reader) error { return db.Maintain(ctx, nothing) })
	wantKind(t, "inside ReadOnly", err, manager.ErrUnsupported)
	if err := db.Maintain(t.Context(), func(context.Context, *sql.Conn) error { return errOwn }); err != errOwn {
		t.Errorf("the function's own error: got %v", err)
	}
	release := hold(t, db)
	wantKind(t, "beside one who does not end", db.Maintain(t.Context(), nothing), manager.ErrBusy)
	release()
	func() {
		defer func() {
			if recover() != errOwn {
				t.Error("the panic did not reach its caller")
			}
		}()
		_ = db.Maintain(t.Context(), func(context.Context, *sql.Conn) error { panic(errOwn) })
	}()
	if err := db.WithTx(t.Context(), adding("next")); err != nil {
		t.Error(err)
	}
	if err := db.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Maintain(t.Context(), nothing); !errors.Is(err, manager.ErrClosed) {
		t.Errorf("after Close: got %v, want ErrClosed", err)
	}
}
