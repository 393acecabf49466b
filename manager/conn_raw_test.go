package manager_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func TestRawTextsAreKeptPreparedWhenTheyComeAgain(t *testing.T) {
	execute := func(ctx context.Context, raw manager.DBTX, text string, args ...any) error {
		_, err := raw.ExecContext(ctx, text, args...)
		return err
	}
	query := func(ctx context.Context, raw manager.DBTX, text string, args ...any) error {
		return drain(raw.QueryContext(ctx, text, args...))
	}
	for _, test := range []struct {
		name, text string
		run        func(ctx context.Context, raw manager.DBTX, text string, args ...any) error
		args       []any
		prepared   int64 // in ten runs
	}{
		{"query", "SELECT title FROM notes WHERE id = ?", query, []any{1}, 2},
		{"query that is executed", "SELECT title FROM notes WHERE id = ?", execute, []any{1}, 2},
		{"write", "UPDATE notes SET stars = ? WHERE id = 1", execute, []any{1}, 2},
		{"write that returns rows", "UPDATE notes SET stars = ? WHERE id = 1 RETURNING id", query, []any{1}, 2},
		{"comment behind it", "SELECT 1; -- why", query, nil, 2},
		{"two statements", "UPDATE notes SET stars = 1; SELECT ?", query, []any{1}, 4},
		{"pragma", "PRAGMA table_info(notes)", query, nil, 10}, // the guard is asked each time
		{"write whose rows nobody reads", "UPDATE notes SET stars = ? RETURNING id", execute, []any{1}, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			var count ledgerOfStatements
			db := openNotes(t, manager.WithDriver(count.wrap))
			if err := db.WithTx(t.Context(), adding("a")); err != nil {
				t.Fatal(err)
			}
			before := count.prepared.Load()
			for range 5 {
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					return errors.Join(test.run(ctx, tx.raw, test.text, test.args...), test.run(ctx, tx.raw, test.text, test.args...))
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := count.prepared.Load() - before; got != test.prepared {
				t.Errorf("prepared in ten runs: got %d, want %d", got, test.prepared)
			}
		})
	}
}

// What is built at run time comes once: it takes no memory, and no place from
// what comes again.
func TestRawTextsThatComeOnceLeaveTheOthersPrepared(t *testing.T) {
	var count ledgerOfStatements
	db := openNotes(t, manager.WithDriver(count.wrap))
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		named, raw := "-- name: Named :many\nSELECT 1", "SELECT 2"
		for range 2 {
			if err := errors.Join(drain(tx.raw.QueryContext(ctx, named)), drain(tx.raw.QueryContext(ctx, raw))); err != nil {
				return err
			}
		}
		open := count.open()
		for i := range 2_000 {
			if err := drain(tx.raw.QueryContext(ctx, fmt.Sprintf("SELECT 'once %d'", i))); err != nil {
				return err
			}
		}
		if got := count.open(); got != open {
			t.Errorf("statements open after 2,000 that came once: got %d, want %d", got, open)
		}
		prepared := count.prepared.Load()
		err := errors.Join(drain(tx.raw.QueryContext(ctx, named)), drain(tx.raw.QueryContext(ctx, raw)))
		if got := count.prepared.Load() - prepared; got != 0 {
			t.Errorf("of those kept before: %d prepared once more, want none", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRawTextsKeptPreparedAreBounded(t *testing.T) {
	var count ledgerOfStatements
	db := openNotes(t, manager.WithDriver(count.wrap))
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		for i := range 2_000 {
			for range 2 {
				if err := drain(tx.raw.QueryContext(ctx, fmt.Sprintf("SELECT %d", i))); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := count.open(); got < 400 || got > 600 {
		t.Errorf("statements kept of 2,000 that came twice: got %d, want some 512", got)
	}
}

func TestKeptRawTextCountsItsRows(t *testing.T) {
	db := openNotes(t)
	for i := range 4 {
		err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
			result, err := tx.raw.ExecContext(ctx, "INSERT INTO notes (folder, title) VALUES ('inbox', ?), ('inbox', ?)", fmt.Sprint("a", i), fmt.Sprint("b", i))
			if err != nil {
				return err
			}
			rows, err := result.RowsAffected()
			id, idErr := result.LastInsertId()
			if rows != 2 || id != int64(2*i+2) {
				t.Errorf("run %d: got %d rows, last id %d, want 2 and %d", i, rows, id, 2*i+2)
			}
			return errors.Join(err, idErr)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Statements of code that is given a *sql.DB have no names.
func TestStatementsOfSQLAreKeptPrepared(t *testing.T) {
	var count ledgerOfStatements
	db := openNotes(t, manager.WithDriver(count.wrap))
	stmt, err := db.SQL().PrepareContext(t.Context(), "INSERT INTO notes (folder, title) VALUES ('inbox', ?)")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	run := func(title string) {
		t.Helper()
		if _, err := stmt.ExecContext(t.Context(), title); err != nil {
			t.Fatal(err)
		}
	}
	run("a")
	run("b")
	prepared := count.prepared.Load()
	for i := range 10 {
		run(fmt.Sprint("title ", i))
	}
	if got := count.prepared.Load() - prepared; got != 0 {
		t.Errorf("prepared in ten more runs: got %d, want none", got)
	}
	var n int
	if err := db.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM notes").Scan(&n); err != nil || n != 12 {
		t.Errorf("rows: got %d, %v, want 12", n, err)
	}
}
