package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// lendAndInsert inserts through a *sql.Tx that is lent.
func lendAndInsert(ctx context.Context, db *DB, title string) error {
	tx, err := db.SQLTx(ctx)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, insertNote, title)
	return err
}

// Code that is given a *sql.DB may bound it: its waiting statement then has the
// one connection, and waits for the closure.
func TestLentTransactionNeedsNoConnectionOfTheSQLDB(t *testing.T) {
	db := openNotes(t)
	db.SQL().SetMaxOpenConns(1)
	var waiting *call
	err := db.WithTx(t.Context(), func(ctx context.Context, _ Tx) error {
		waiting = start(func() error {
			_, err := db.SQL().Exec(insertNote, "second")
			return err
		})
		until(t, "a statement to wait", func() bool { return db.Stats().Queue == 1 })
		lent := start(func() error { return lendAndInsert(ctx, db, "first") })
		select {
		case <-lent.done:
		case <-time.After(patience / 4):
			t.Error("SQLTx waits for a connection of the *sql.DB")
			db.SQL().SetMaxOpenConns(0)
		}
		return lent.wait(t).err
	})
	if err := errors.Join(err, waiting.wait(t).err); err != nil {
		t.Error(err)
	}
	wantTitles(t, db, "first", "second")
}

func TestClosingTheSQLDBDoesNothingToTheManager(t *testing.T) {
	db := openNotes(t)
	if err := db.SQL().Close(); err != nil {
		t.Fatal(err)
	}
	err := db.WithTx(t.Context(), func(ctx context.Context, _ Tx) error { return lendAndInsert(ctx, db, "a") })
	if err != nil {
		t.Error(err)
	}
	wantTitles(t, db, "a")
}

func TestSQLAfterCloseIsClosed(t *testing.T) {
	db := openNotes(t)
	if err := db.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := db.SQL().Stats().MaxOpenConnections; n != 0 {
		t.Errorf("bound: %d", n)
	}
	if err := db.SQL().Ping(); err == nil || errors.Is(err, manager.ErrClosed) {
		t.Errorf("got %v, want that of a *sql.DB that is closed, which keeps no goroutine", err)
	}
}

// A statement may take longer than MaxQueueWait: its transaction is not idle.
func TestTransactionInsideAStatementIsNotIdle(t *testing.T) {
	gate := make(chan struct{})
	began := make(chan struct{}, 1)
	blocking := func(_ context.Context, c *sqlite3.SQLiteConn) error {
		return c.RegisterFunc("block", func() int64 { began <- struct{}{}; <-gate; return 1 }, false)
	}
	db := openNotes(t, manager.WithConnectHook(blocking), manager.WithMaxQueueWait(50*time.Millisecond))
	tx, err := db.SQL().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	long := start(func() error {
		_, err := tx.Exec("INSERT INTO notes (folder, title) VALUES ('inbox', block())")
		return err
	})
	await(t, "the statement to run", began)
	for range 4 { // there is always one who waits
		if err := db.WithTx(t.Context(), adding("never")); !errors.Is(err, manager.ErrBusy) {
			t.Errorf("who waits: %v, want ErrBusy", err)
		}
	}
	close(gate)
	if err := long.wait(t).err; err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	wantTitles(t, db, "1")
}

// database/sql does not end a transaction while a sql.RawBytes is lent of its rows.
func TestLentRowsThatNobodyReadsOnDoNotHoldTheClosure(t *testing.T) {
	db := openNotes(t)
	if err := db.WithTx(t.Context(), adding("a")); err != nil {
		t.Fatal(err)
	}
	err := start(func() error {
		return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error {
			lent, err := db.SQLTx(ctx)
			if err != nil {
				return err
			}
			rows, err := lent.Query("SELECT title FROM notes")
			if err != nil {
				return err
			}
			var title sql.RawBytes
			if rows.Next(); rows.Scan(&title) != nil || string(title) != "a" {
				t.Errorf("title: %q", title)
			}
			return tx.add(ctx, "b")
		})
	}).wait(t).err
	if err != nil {
		t.Error(err)
	}
	wantTitles(t, db, "a", "b")
}

func TestReadsThroughSQLAreCounted(t *testing.T) {
	db := openNotes(t)
	before := db.Stats().Reads
	var n int
	if err := db.SQL().QueryRow("SELECT count(*) FROM notes").Scan(&n); err != nil {
		t.Fatal(err)
	}
	tx, err := db.SQL().BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	for range 2 { // the first is tried as a read, and is none
		if err := db.SQL().QueryRow("INSERT INTO notes (folder, title) VALUES ('inbox', 'a') ON CONFLICT DO UPDATE SET title = title RETURNING 1").Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if got := db.Stats().Reads - before; got != 2 {
		t.Errorf("Reads: got %d more, want 2: a query and a snapshot", got)
	}
}

func TestSQLOfADatabaseOpenedReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	mustExec(t, openAt(t, path).SQL(), insertNote, "a")
	db, err := manager.OpenReadOnly(t.Context(), path, newReader)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	door := db.SQL()
	begin := func(query string) func() error {
		return func() error {
			tx, err := door.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
			if err != nil {
				return err
			}
			_, err = tx.Exec(query)
			return errors.Join(err, tx.Commit())
		}
	}
	for _, test := range []struct {
		name string
		do   func() error
		want string // in the error; "" is none
	}{
		{"a query", func() error { return door.QueryRow("SELECT title FROM notes").Scan(new(string)) }, ""},
		{"a ping", door.Ping, ""},
		{"a snapshot", begin("SELECT 1"), ""},
		{"a write in a snapshot", begin("DELETE FROM notes"), "read-only"},
		{"a write", func() error { _, err := door.Exec("DELETE FROM notes"); return err }, "opened with OpenReadOnly"},
		{"RETURNING", func() error { return door.QueryRow("DELETE FROM notes RETURNING 1").Scan(new(int)) }, "opened with OpenReadOnly"},
		{"RETURNING, again", func() error { return door.QueryRow("DELETE FROM notes RETURNING 1").Scan(new(int)) }, "opened with OpenReadOnly"},
		{"a transaction", func() error { _, err := door.Begin(); return err }, "ask for TxOptions.ReadOnly"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.do()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v, want nil", err)
			case test.want != "" && (!errors.Is(err, manager.ErrReadOnly) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want ErrReadOnly with %q", err, test.want)
			}
		})
	}
}
