package manager_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
	"github.com/stakeledger/stakeledger/manager/internal/notes/write"
)

const insertNote = "INSERT INTO notes (folder, title) VALUES ('inbox', ?)"

func mustExec(t testing.TB, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, query string, args ...any) sql.Result {
	t.Helper()
	result, err := db.ExecContext(context.Background(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return result
}

func wantTitles(t testing.TB, db *DB, want ...string) {
	t.Helper()
	if got := titles(t, db); !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}

func TestStatementOutsideATransactionIsOne(t *testing.T) {
	db := openNotes(t)
	door := db.SQL()
	result := mustExec(t, door, insertNote, "a")
	if id, err := result.LastInsertId(); err != nil || id != 1 {
		t.Errorf("LastInsertId: got %d, %v, want 1", id, err)
	}
	var id int64
	if err := door.QueryRow(insertNote+" RETURNING id", "b").Scan(&id); err != nil || id != 2 {
		t.Errorf("RETURNING: got %d, %v, want 2", id, err)
	}
	if err := door.QueryRow(insertNote+" RETURNING id", "b").Scan(&id); !errors.Is(err, manager.ErrUnique) {
		t.Errorf("a title that is there: got %v, want ErrUnique", err)
	}
	for range 2 { // the second knows that the text writes
		if err := door.QueryRow("UPDATE notes SET stars = stars + 1 WHERE title = 'a' RETURNING stars").Scan(&id); err != nil {
			t.Error(err)
		}
	}
	if id != 2 {
		t.Errorf("stars: got %d, want 2", id)
	}
	wantTitles(t, db, "a", "b")
	if door != db.SQL() {
		t.Error("SQL returned another *sql.DB")
	}
}

func TestStatementsOutsideTransactionsShareCommits(t *testing.T) {
	db := openNotes(t)
	release := hold(t, db)
	var callers sync.WaitGroup
	for i := range 20 {
		callers.Go(func() { mustExec(t, db.SQL(), insertNote, fmt.Sprint(i)) })
	}
	until(t, "all of them to wait", func() bool { return db.Stats().Queue == 20 })
	release()
	callers.Wait()
	if got := len(titles(t, db)); got != 20 || db.Stats().Groups == 0 {
		t.Errorf("got %d notes in %d groups, want 20 in at least one", got, db.Stats().Groups)
	}
}

func TestRowsOfAWriteAreBounded(t *testing.T) {
	db := openNotes(t)
	const many = `INSERT INTO notes (folder, title)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
		SELECT 'inbox', printf('%d%01000d', i, 0) FROM n RETURNING title`
	_, err := db.SQL().Query(many)
	wantKind(t, "two megabytes of rows", err, manager.ErrUnsupported)
	if err == nil || !strings.Contains(err.Error(), "BeginTx") {
		t.Errorf("got %v, want it to name BeginTx", err)
	}
	wantTitles(t, db)
	tx, err := db.SQL().Begin()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := tx.Query(many)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		n++
	}
	if err := errors.Join(rows.Err(), rows.Close(), tx.Commit()); err != nil || n != 2000 {
		t.Errorf("in a transaction: got %d rows, %v, want 2000", n, err)
	}
}

func TestRowsInNestedLoops(t *testing.T) {
	db := openNotes(t, manager.WithReaders(1), manager.WithRetryBudget(50*time.Millisecond))
	mustExec(t, db.SQL(), insertNote, "a")
	var open []*sql.Rows
	defer func() {
		for _, rows := range open {
			_ = rows.Close()
		}
	}()
	for {
		rows, err := db.SQL().Query("SELECT title FROM notes")
		if err != nil {
			wantKind(t, "one more", err, manager.ErrBusy)
			if !strings.Contains(err.Error(), "SQL: SELECT title") {
				t.Errorf("got %v, want it to name a holder", err)
			}
			break
		}
		if open = append(open, rows); !rows.Next() {
			t.Fatal(rows.Err())
		}
	}
	if len(open) != 64 {
		t.Errorf("open at a time: got %d, want 64", len(open))
	}
	wantTitles(t, db, "a")                 // a closure has readers of its own
	mustExec(t, db.SQL(), insertNote, "b") // and writers do not wait for readers
}

func TestTransactionOfBeginTx(t *testing.T) {
	db := openNotes(t, manager.WithRunTwice())
	tx, err := db.SQL().BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, insertNote, "a")
	wantTitles(t, db)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	wantTitles(t, db, "a")
	if tx, err = db.SQL().Begin(); err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, insertNote, "b")
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	wantTitles(t, db, "a")
	ctx, cancel := context.WithCancel(t.Context())
	if tx, err = db.SQL().BeginTx(ctx, nil); err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, insertNote, "c")
	cancel() // database/sql rolls back
	if err := tx.Commit(); err == nil {
		t.Error("Commit after the end of its context: got nil")
	}
	mustExec(t, db.SQL(), insertNote, "d")
	wantTitles(t, db, "a", "d")
}

func TestSnapshotOfBeginTx(t *testing.T) {
	db := openNotes(t)
	tx, err := db.SQL().BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	count := func() (n int) {
		if err := tx.QueryRow("SELECT COUNT(*) FROM notes").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	before := count()
	mustExec(t, db.SQL(), insertNote, "a")
	if after := count(); before != 0 || after != 0 {
		t.Errorf("notes in the snapshot: got %d and %d, want none", before, after)
	}
	_, err = tx.Exec(insertNote, "b")
	wantKind(t, "a write in a snapshot", err, manager.ErrReadOnly)
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	wantTitles(t, db, "a")
}

func TestIdleTransactionIsRolledBackWhileOthersWait(t *testing.T) {
	db := openNotes(t, manager.WithMaxQueueWait(100*time.Millisecond), manager.WithLogger(new(logbook).logger()))
	tx, err := db.SQL().Begin()
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, tx, insertNote, "a")
	if got := db.Stats().WriterLabel; !strings.HasPrefix(got, "BeginTx at sqldb_test.go:") {
		t.Errorf("label: got %q, want the place of BeginTx", got)
	}
	err = db.WithTx(t.Context(), adding("b"))
	for err != nil { // it may have waited for too long itself
		wantKind(t, "who waits", err, manager.ErrBusy)
		err = db.WithTx(t.Context(), adding("b"))
	}
	_, err = tx.Exec(insertNote, "c")
	wantKind(t, "its next statement", err, manager.ErrTxAborted)
	wantKind(t, "its commit", tx.Commit(), manager.ErrTxAborted)
	wantTitles(t, db, "b")
}

func TestSQLInsideAClosure(t *testing.T) {
	db := openNotes(t)
	door := db.SQL()
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		if _, err := door.ExecContext(ctx, insertNote, "a"); err != nil {
			return err
		}
		nested, err := door.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := nested.Exec(insertNote, "never"); err != nil {
			return err
		}
		if err := nested.Rollback(); err != nil {
			return err
		}
		var n int
		if err := door.QueryRowContext(ctx, "SELECT COUNT(*) FROM notes").Scan(&n); err != nil || n != 1 {
			t.Errorf("notes inside: got %d, %v, want 1", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
		_, err := door.ExecContext(ctx, insertNote, "b")
		return err
	})
	wantKind(t, "a write inside ReadOnly", err, manager.ErrReadOnly)
	wantTitles(t, db, "a")
}

func TestLentTransaction(t *testing.T) {
	for _, test := range []struct {
		name string
		use  func(t *testing.T, ctx context.Context, tx *sql.Tx) error
		kind error
		want []string
	}{
		{"is the closure's", func(t *testing.T, ctx context.Context, tx *sql.Tx) error {
			return write.New(tx).AddNote(ctx, "inbox", "a")
		}, nil, []string{"a"}},
		{"cannot be committed", func(t *testing.T, ctx context.Context, tx *sql.Tx) error {
			mustExec(t, tx, insertNote, "a")
			wantKind(t, "Commit", tx.Commit(), manager.ErrUnsupported)
			return nil
		}, nil, []string{"a"}},
		{"is doomed by Rollback", func(t *testing.T, ctx context.Context, tx *sql.Tx) error {
			mustExec(t, tx, insertNote, "a")
			return tx.Rollback()
		}, manager.ErrTxAborted, nil},
		{"ends with an error of the closure", func(t *testing.T, ctx context.Context, tx *sql.Tx) error {
			mustExec(t, tx, insertNote, "a")
			return errOwn
		}, errOwn, nil},
		{"has savepoints", func(t *testing.T, ctx context.Context, tx *sql.Tx) error {
			for _, query := range []string{
				"SAVEPOINT s", "INSERT INTO notes (folder, title) VALUES ('inbox', 'kept')", "RELEASE S;",
				"/* one */ savepoint \"s\"", "INSERT INTO notes (folder, title) VALUES ('inbox', 'never')", "-- back\nROLLBACK TO SAVEPOINT s",
				"INSERT INTO notes (folder, title) VALUES ('inbox', 'after')", "SAVEPOINT inner", "RELEASE SAVEPOINT s",
				"SAVEPOINT left_open", "INSERT INTO notes (folder, title) VALUES ('inbox', 'last')",
			} {
				mustExec(t, tx, query)
			}
			_, err := tx.Exec("RELEASE nothing")
			wantKind(t, "RELEASE of no savepoint", err, manager.ErrUnsupported)
			return nil
		}, nil, []string{"kept", "after", "last"}},
		{"refuses COMMIT by hand", func(t *testing.T, ctx context.Context, tx *sql.Tx) error {
			_, err := tx.Exec("COMMIT")
			wantKind(t, "COMMIT", err, manager.ErrUnsupported)
			return nil
		}, nil, nil},
		{"ends with rows open", func(t *testing.T, ctx context.Context, tx *sql.Tx) error {
			mustExec(t, tx, insertNote, "a")
			rows, err := tx.Query("SELECT title FROM notes")
			if err != nil || !rows.Next() {
				t.Errorf("rows: %v", err)
			}
			return nil
		}, nil, []string{"a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := openNotes(t)
			var lent *sql.Tx
			err := db.WithTx(t.Context(), func(ctx context.Context, _ Tx) (err error) {
				if lent, err = db.SQLTx(ctx); err != nil {
					return err
				}
				return test.use(t, ctx, lent)
			})
			if !errors.Is(err, test.kind) {
				t.Errorf("WithTx: got %v, want %v", err, test.kind)
			}
			wantTitles(t, db, test.want...)
			if _, err := lent.Exec(insertNote, "late"); !errors.Is(err, sql.ErrTxDone) {
				t.Errorf("a statement after the closure: got %v, want sql.ErrTxDone", err)
			}
		})
	}
	t.Run("needs a closure", func(t *testing.T) {
		_, err := openNotes(t).SQLTx(t.Context())
		wantKind(t, "SQLTx", err, manager.ErrTxDone)
	})
}

func TestLentTransactionEndsItsContextLater(t *testing.T) {
	db := openNotes(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.WithTx(ctx, func(ctx context.Context, _ Tx) error {
		tx, err := db.SQLTx(ctx)
		if err != nil {
			return err
		}
		mustExec(t, tx, insertNote, "a")
		cancel() // after the last statement: COMMIT decides
		return nil
	})
	if err != nil {
		t.Errorf("got %v, want nil", err)
	}
	wantTitles(t, db, "a")
}

func TestSQLIsNotRunAgainAfterALostCommit(t *testing.T) {
	db, faults := openFaulty(t)
	faults.Arm(faultdriver.Fault{Point: faultdriver.Commit, Moment: faultdriver.After, Code: faultdriver.ConnectionLost})
	_, err := db.SQL().Exec(insertNote, "a")
	wantKind(t, "Exec", err, manager.ErrCommitUnknown)
	if errors.Is(err, driver.ErrBadConn) {
		t.Error("database/sql would run it again")
	}
	goesOn(t, db, faults, "a")
}

func TestPreparedBySQL(t *testing.T) {
	db := openNotes(t)
	if _, err := db.SQL().Prepare("SELECT nothing FROM nowhere"); err == nil {
		t.Error("Prepare accepted a query of a table that is not there")
	}
	add, err := db.SQL().Prepare(insertNote)
	if err != nil {
		t.Fatal(err)
	}
	defer add.Close()
	if _, err := add.Exec("a"); err != nil {
		t.Error(err)
	}
	tx, err := db.SQL().Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Stmt(add).Exec("b"); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	wantTitles(t, db, "a", "b")
}

func TestCloseNamesWhoHoldsATransactionOfSQL(t *testing.T) {
	db := openNotes(t)
	tx, err := db.SQL().Begin()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := db.Close(ctx); err == nil || !strings.Contains(err.Error(), "BeginTx at sqldb_test.go:") {
		t.Errorf("Close: got %v, want it to name the place of BeginTx", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	if err := db.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := db.SQL().Exec(insertNote, "late"); err == nil {
		t.Error("Exec after Close: got nil")
	}
}

// With one connection for all, which some programs have, these were about the INSERT before.
func TestNoLastInsertOutsideATransaction(t *testing.T) {
	db := openNotes(t)
	mustExec(t, db.SQL(), insertNote, "a")
	var n int64
	for _, query := range []string{
		"SELECT last_insert_rowid()", "SELECT changes()", "SELECT 1 + (SELECT Total_Changes())", "-- name: Last :one\nSELECT last_insert_rowid()",
	} {
		for range 3 { // also once the text comes again
			wantKind(t, query, db.SQL().QueryRow(query).Scan(&n), manager.ErrUnsupported)
			if err := db.SQL().QueryRow("-- name: Count :one\nSELECT count(*) FROM notes").Scan(&n); err != nil { // it is kept prepared
				t.Errorf("the next query: %v", err)
			}
		}
	}
	if err := db.SQL().QueryRow("INSERT INTO notes (folder, title) VALUES ('inbox', 'b'); SELECT last_insert_rowid()").Scan(&n); err != nil || n != 2 {
		t.Errorf("with the INSERT in one text: got %d, %v, want 2", n, err)
	}
	if err := db.SQL().QueryRow("INSERT INTO notes (folder, title) VALUES ('inbox', last_insert_rowid()) RETURNING id").Scan(&n); err != nil || n != 3 {
		t.Errorf("in a statement that writes: got %d, %v, want 3", n, err)
	}
	tx, err := db.SQL().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	mustExec(t, tx, insertNote, "c")
	if err := tx.QueryRow("SELECT last_insert_rowid()").Scan(&n); err != nil || n != 4 {
		t.Errorf("in a transaction: got %d, %v, want 4", n, err)
	}
	if got := db.SQL().Stats().InUse; got != 1 {
		t.Errorf("connections in use: got %d, want that of the transaction", got)
	}
}
