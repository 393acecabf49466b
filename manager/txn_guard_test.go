package manager_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes"
)

const orphan = "INSERT INTO notes (folder, title) VALUES ('inbox', 'orphan')"

func TestNothingRunsAfterSQLiteDroppedTheTransaction(t *testing.T) {
	schema := notes.Schema + `CREATE TRIGGER no_bombs BEFORE INSERT ON notes WHEN new.title = 'bomb' BEGIN SELECT RAISE(ROLLBACK, 'boom'); END;`
	for _, drop := range []struct {
		name  string
		query string
		cause error
	}{
		{"by INSERT OR ROLLBACK", "INSERT OR ROLLBACK INTO notes (folder, title) VALUES ('inbox', 'before')", manager.ErrUnique},
		{"by a trigger", "INSERT INTO notes (folder, title) VALUES ('inbox', 'bomb')", manager.ErrCheck},
		{"by an error of the disk", "-- name: Drop :exec\nDELETE FROM notes", manager.ErrFull},
	} {
		for _, way := range waysToRun {
			t.Run(drop.name+"/"+way.name, func(t *testing.T) {
				tap := newTap()
				db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithMigration(create(schema)))
				tap.on("Drop", rollBack(sqlite3.Error{Code: sqlite3.ErrFull}))
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					if err := tx.add(ctx, "before"); err != nil {
						return err
					}
					if _, err := tx.raw.ExecContext(ctx, drop.query); !errors.Is(err, drop.cause) {
						t.Errorf("the statement that dropped it: got %v, want %v", err, drop.cause)
					}
					for range 2 {
						if err := way.run(ctx, tx.raw, orphan); !errors.Is(err, manager.ErrTxAborted) || !errors.Is(err, drop.cause) {
							t.Errorf("a later statement: got %v, want ErrTxAborted and why", err)
						}
					}
					err := db.WithTx(ctx, func(context.Context, Tx) error { t.Error("a nested closure ran"); return nil })
					if !errors.Is(err, manager.ErrTxAborted) {
						t.Errorf("a nested transaction: got %v, want ErrTxAborted", err)
					}
					return nil
				})
				if !errors.Is(err, manager.ErrTxAborted) {
					t.Errorf("the closure ignored it all: got %v, want ErrTxAborted", err)
				}
				if got := titles(t, db); len(got) != 0 {
					t.Errorf("titles: got %q, want none", got)
				}
				if err := db.WithTx(t.Context(), adding("next")); err != nil {
					t.Errorf("the next transaction: %v", err)
				}
			})
		}
	}
}

func TestTransactionDroppedInsideANestedOne(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		if err := tx.add(ctx, "before"); err != nil {
			return err
		}
		err := db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
			_ = tx.AddNoteOrRollBack(ctx, "inbox", "before")
			return nil
		})
		if !errors.Is(err, manager.ErrTxAborted) {
			t.Errorf("the nested transaction: got %v, want ErrTxAborted", err)
		}
		if err := tx.add(ctx, "orphan"); !errors.Is(err, manager.ErrTxAborted) {
			t.Errorf("a later statement of the outer one: got %v, want ErrTxAborted", err)
		}
		return nil
	})
	if !errors.Is(err, manager.ErrTxAborted) {
		t.Errorf("the outer transaction: got %v, want ErrTxAborted", err)
	}
	if got := titles(t, db); len(got) != 0 {
		t.Errorf("titles: got %q, want none", got)
	}
}

func TestStatementsThatControlTransactionsAreRefused(t *testing.T) {
	db := openNotes(t)
	for _, statement := range []string{
		"COMMIT", "commit transaction", "END", "End Transaction",
		"ROLLBACK", "ROLLBACK TO s", "SAVEPOINT s", "savepoint mine", "RELEASE s",
		"BEGIN", "BEGIN IMMEDIATE", "begin exclusive transaction",
		" \t\r\n\fCOMMIT", "-- a comment\nCOMMIT", "/* a comment */COMMIT", "/**/ -- two\n\t/* three */ COMMIT",
		";COMMIT", "; -- a comment\n;COMMIT;", "\ufeffCOMMIT",
		"SELECT 1; COMMIT", "SELECT ';'; /* ; */ ROLLBACK",
	} {
		for _, way := range waysToRun {
			if way.query != "" && strings.Contains(statement, "SELECT") {
				continue // a named query is its first statement
			}
			t.Run(statement+"/"+way.name, func(t *testing.T) {
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					if err := way.run(ctx, tx.raw, statement); !errors.Is(err, manager.ErrUnsupported) {
						t.Errorf("got %v, want ErrUnsupported", err)
					}
					_, err := tx.raw.ExecContext(ctx, orphan) // still inside, and taken back with it
					return errors.Join(errOwn, err)
				})
				if !errors.Is(err, errOwn) || errors.Is(err, manager.ErrTxAborted) {
					t.Errorf("the transaction afterwards: got %v, want it to stand", err)
				}
				if got := titles(t, db); len(got) != 0 {
					t.Fatalf("titles: got %q, want none", got)
				}
			})
		}
	}
}

// The worst of them: what comes before is committed, what comes after is not
// in any transaction.
func TestControlStatementBetweenOthersCannotTearATransaction(t *testing.T) {
	for _, control := range []string{"COMMIT", "ROLLBACK"} {
		for _, way := range waysToRun {
			t.Run(control+"/"+way.name, func(t *testing.T) {
				db := openNotes(t)
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					if err := tx.add(ctx, "first"); err != nil {
						return err
					}
					torn := orphan + "; " + control + "; INSERT INTO notes (folder, title) VALUES ('inbox', 'stray')"
					return errors.Join(errOwn, way.run(ctx, tx.raw, torn))
				})
				if !errors.Is(err, errOwn) {
					t.Errorf("got %v, want the closure's error", err)
				}
				if got := titles(t, db); len(got) != 0 {
					t.Errorf("titles: got %q, want none", got)
				}
			})
		}
	}
}

func TestStatementsThatOnlyLookLikeControlRun(t *testing.T) {
	db := openNotes(t)
	for _, statement := range []string{
		"-- COMMIT\nSELECT 1",
		"/* ROLLBACK; */ SELECT 'BEGIN'",
		"SELECT 1 AS \"commit\"",
		"WITH savepoint(n) AS (SELECT 1) SELECT n FROM savepoint",
		"REPLACE INTO notes (id, folder, title) VALUES (7, 'drafts', 'a')",
		"CREATE TRIGGER quiet AFTER DELETE ON tags BEGIN SELECT 1; END",
	} {
		for _, way := range waysToRun {
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				return errors.Join(way.run(ctx, tx.raw, statement), db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
					return errOwn // which takes nothing else back
				}))
			})
			if joined, ok := err.(interface{ Unwrap() []error }); !ok || !slices.Equal(joined.Unwrap(), []error{errOwn}) {
				t.Errorf("%q by %s: got %v, want it to run", statement, way.name, err)
			}
		}
	}
}

func TestSeveralStatementsInOneTextRun(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		_, err := tx.raw.ExecContext(ctx, "INSERT INTO notes (folder, title) VALUES ('inbox', ?); INSERT INTO notes (folder, title) VALUES ('inbox', ?);", "a", "b")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := titles(t, db), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}

func TestPreparingIsRefusedWithTheReason(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		_, err := tx.raw.PrepareContext(ctx, "SELECT 1")
		return err
	})
	if !errors.Is(err, manager.ErrUnsupported) || !strings.Contains(err.Error(), "New, not with Prepare") {
		t.Errorf("got %v, want ErrUnsupported and the constructor to use", err)
	}
}
