package manager_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes"
)

// elsewhere is the error of a statement on another database, which a third
// program has locked.
func elsewhere(t testing.TB) error {
	t.Helper()
	other := openNotes(t)
	a, b := foreign(t, other), foreign(t, other)
	execOn(t, a, "BEGIN IMMEDIATE")
	defer execOn(t, a, "ROLLBACK")
	_, err := b.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	var e sqlite3.Error
	if !errors.As(err, &e) || e.Code != sqlite3.ErrBusy {
		t.Fatalf("got %v, want SQLITE_BUSY", err)
	}
	return err
}

// spent is ErrBusy of another manager, whose budget is gone.
func spent(t testing.TB) error {
	t.Helper()
	other := openNotes(t, manager.WithRetryBudget(5*time.Millisecond))
	c := foreign(t, other)
	execOn(t, c, "BEGIN IMMEDIATE")
	defer execOn(t, c, "ROLLBACK")
	err := other.WithTx(t.Context(), adding("a"))
	wantKind(t, "another manager", err, manager.ErrBusy)
	return err
}

// kept is an error that a statement of an earlier transaction of db met.
func kept(t testing.TB, tap *tap, db *DB) (err error) {
	t.Helper()
	tap.once("SetStars", func(manager.DriverConn) error { return busy(0) })
	_ = db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		_, err = tx.SetStars(ctx, 1, "nowhere")
		return errOwn
	})
	wantKind(t, "an earlier statement", err, manager.ErrBusy)
	return err
}

// An error that says busy but that no statement of this run met comes back once,
// as it is.
func TestBusyThatIsNotOursComesBackAsItIs(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	for name, own := range map[string]error{
		"of another database":          elsewhere(t),
		"of another manager":           spent(t),
		"of an earlier transaction":    kept(t, tap, db),
		"wrapped":                      fmt.Errorf("in the caller's words: %w", elsewhere(t)),
		"joined":                       errors.Join(errOwn, spent(t)),
		"made by hand":                 &manager.Error{Op: "think", Kind: manager.ErrBusy, Err: busy(2)},
		"locked":                       sqlite3.Error{Code: sqlite3.ErrLocked},
		"the shared cache's of others": sqlite3.Error{Code: sqlite3.ErrLocked, ExtendedCode: sqlite3.ErrLockedSharedCache},
	} {
		for _, mode := range modes {
			t.Run(name+"/"+mode.name, func(t *testing.T) {
				ran, retries := 0, db.Stats().Retries
				err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
					ran++
					return errors.Join(tx.add(ctx, "a"), db.ReadOnly(ctx, func(context.Context, Reader) error { return own }))
				}).err
				if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 1 || fmt.Sprint(joined.Unwrap()[0]) != fmt.Sprint(own) || ran != 1 {
					t.Errorf("got %v after %d runs, want %v after 1", err, ran, own)
				}
				if got := db.Stats().Retries - retries; got != 0 {
					t.Errorf("retries: got %d, want none", got)
				}
				execOn(t, foreign(t, db), "DELETE FROM notes")
			})
		}
		ran := 0
		err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
			ran++
			_, err := q.CountNotes(ctx)
			return errors.Join(err, own)
		})
		if err == nil || ran != 1 {
			t.Errorf("%s in ReadOnly: got %v after %d runs, want it after 1", name, err, ran)
		}
	}
}

// What an earlier run met is no reason for another one, also if a statement of
// this run met its like.
func TestBusyOfAnEarlierRunComesBackAsItIs(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap))
			tap.on("SetStars", func(manager.DriverConn) error { return busy(0) })
			var first error
			ran := 0
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				ran++
				_, err := tx.SetStars(ctx, 1, "nowhere")
				if first == nil {
					first = err
				}
				return first
			}).err
			if err != first || ran != 2 {
				t.Errorf("got %v after %d runs, want the first run's %v after 2", err, ran, first)
			}
		})
	}
}

// A statement of ours met it and the closure handled that: its own error decides.
func TestBusyThatTheClosureHandledIsNoReasonToRunAgain(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	own := elsewhere(t)
	for _, mode := range modes {
		tap.once("SetStars", func(manager.DriverConn) error { return busy(0) })
		ran := 0
		err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
			ran++
			if _, err := tx.SetStars(ctx, 1, "nowhere"); !errors.Is(err, manager.ErrBusy) {
				t.Errorf("%s: the statement: got %v, want ErrBusy", mode.name, err)
			}
			return own
		}).err
		if err != own || ran != 1 {
			t.Errorf("%s: got %v after %d runs, want %v after 1", mode.name, err, ran, own)
		}
		execOn(t, foreign(t, db), "DELETE FROM notes")
	}
}

// A busyValuer asks another database for its value, and finds it locked.
type busyValuer struct{ err error }

func (v busyValuer) Value() (driver.Value, error) { return nil, v.err }

func TestBusyOfAnArgumentIsTheCallers(t *testing.T) {
	db := openNotes(t)
	own := elsewhere(t)
	for name, run := range map[string]func(context.Context, Tx) error{
		"Exec": func(ctx context.Context, tx Tx) error {
			_, err := tx.raw.ExecContext(ctx, "INSERT INTO notes (folder, title) VALUES ('inbox', ?)", busyValuer{own})
			return err
		},
		"Query": func(ctx context.Context, tx Tx) error {
			return drain(tx.raw.QueryContext(ctx, "SELECT ?", busyValuer{own}))
		},
	} {
		ran := 0
		err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { ran++; return run(ctx, tx) })
		if !errors.Is(err, own) || ran != 1 {
			t.Errorf("%s: got %v after %d runs, want the argument's error after 1", name, err, ran)
		}
	}
}

// SQLite calls it locked, but the transaction's own rows are in the way.
func TestTableWithOpenRowsIsNotWaitedFor(t *testing.T) {
	for _, statement := range []string{"DROP TABLE tags", "DROP TABLE notes", "DROP INDEX by_stars"} {
		for _, mode := range modes {
			t.Run(statement+"/"+mode.name, func(t *testing.T) {
				db := openNotes(t, manager.WithMigration(create(notes.Schema+"CREATE INDEX by_stars ON notes (stars);")))
				ran := 0
				err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
					ran++
					if err := errors.Join(tx.add(ctx, "a"), tx.add(ctx, "b")); err != nil {
						return err
					}
					rows, err := tx.raw.QueryContext(ctx, "SELECT title FROM notes")
					if err != nil {
						return err
					}
					defer rows.Close()
					rows.Next()
					_, err = tx.raw.ExecContext(ctx, statement)
					return err
				}).err
				if !errors.Is(err, manager.ErrUnsupported) || !strings.Contains(fmt.Sprint(err), "still open") || ran != 1 {
					t.Errorf("got %v after %d runs, want ErrUnsupported that speaks of the open rows, after 1", err, ran)
				}
			})
		}
	}
}

// A closure that uses another manager of the same file waits for itself; the
// inner one's budget is all that this costs.
func TestNestedManagersDoNotMultiplyBudgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	const budget = 100 * time.Millisecond
	outer := openAt(t, path, manager.WithoutLockFile())
	inner := openAt(t, path, manager.WithoutLockFile(), manager.WithRetryBudget(budget))
	ran := 0
	began := time.Now()
	err := outer.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		ran++
		return inner.WithTx(ctx, adding("inner"))
	})
	if !errors.Is(err, manager.ErrBusy) || ran != 1 || time.Since(began) < budget/2 {
		t.Errorf("got %v after %d runs and %s, want the inner ErrBusy after 1 run and %s", err, ran, time.Since(began), budget)
	}
	if got := outer.Stats().Retries; got != 0 {
		t.Errorf("retries of the outer one: got %d, want none", got)
	}
}

// A statement that a driver leaves unfinished keeps every COMMIT of its
// connection from succeeding: no waiting helps, but another connection.
func TestCommitBesideAnUnfinishedStatementCostsTheConnection(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap))
			var left driver.Rows
			tap.once("SetStars", func(c manager.DriverConn) error {
				s, err := c.Prepare("INSERT INTO notes (folder, title) VALUES ('drafts', 'unfinished') RETURNING id")
				if err == nil {
					left, err = s.(manager.DriverStmt).QueryContext(context.Background(), nil)
				}
				return err
			})
			ran := 0
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				ran++
				if ran > 1 {
					return tx.add(ctx, "again")
				}
				_, err := tx.SetStars(ctx, 1, "nowhere")
				return err
			}).err
			if mode.name == "lone" {
				wantKind(t, "COMMIT", err, manager.ErrUnsupported)
			} else if err != nil {
				t.Errorf("in a group, which runs again: %v", err)
			}
			if left == nil || db.Stats().Retries != 0 {
				t.Errorf("retries: got %d, want none", db.Stats().Retries)
			}
			if err := db.WithTx(t.Context(), adding("next")); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
			if got := withoutNeighbours(t, db); !slices.Contains(got, "next") {
				t.Errorf("titles: got %q, want next in it", got)
			}
		})
	}
}
