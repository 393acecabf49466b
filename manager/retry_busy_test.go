package manager_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// locks are the errors of SQLite that trying again can cure.
var locks = map[string]error{
	"BUSY":               busy(0),
	"BUSY_RECOVERY":      busy(1),
	"BUSY_SNAPSHOT":      busy(2),
	"BUSY_TIMEOUT":       busy(3),
	"LOCKED_SHAREDCACHE": sqlite3.Error{Code: sqlite3.ErrLocked, ExtendedCode: sqlite3.ErrLockedSharedCache},
}

func TestBusyCommitIsSaidAgain(t *testing.T) {
	for name, lock := range locks {
		for _, mode := range modes {
			t.Run(name+"/"+mode.name, func(t *testing.T) {
				tap := newTap()
				db := openNotes(t, manager.WithDriver(tap.wrap))
				var ran atomic.Int32
				var said int
				err := mode.run(t, db, t.Context(), counting(&ran, func(ctx context.Context, tx Tx) error {
					said = tap.count("COMMIT")
					left := 3
					tap.on("COMMIT", func(manager.DriverConn) error {
						if left--; left < 0 {
							return nil
						}
						return lock
					})
					return tx.add(ctx, "a")
				})).err
				if err != nil {
					t.Errorf("got %v, want success", err)
				}
				if got := ran.Load(); got != 1 {
					t.Errorf("the closure ran: got %d times, want 1", got)
				}
				if got := tap.count("COMMIT") - said; got != 4 {
					t.Errorf("COMMIT was said: got %d times, want 4", got)
				}
				if got, want := withoutNeighbours(t, db), []string{"a"}; !slices.Equal(got, want) {
					t.Errorf("titles: got %q, want %q", got, want)
				}
			})
		}
	}
}

func TestCommitThatStaysBusyChangesNothing(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithRetryBudget(30*time.Millisecond))
	tap.on("COMMIT", func(manager.DriverConn) error { return busy(0) })
	err := db.WithTx(t.Context(), adding("a"))
	var e *manager.Error
	if !errors.Is(err, manager.ErrBusy) || !errors.As(err, &e) || e.Attempts < 3 {
		t.Errorf("got %v, want ErrBusy after several attempts", err)
	}
	tap.on("COMMIT", nil)
	if err := db.WithTx(t.Context(), adding("next")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
	if got, want := titles(t, db), []string{"next"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}

func TestBusyStatementRunsTheClosureAgain(t *testing.T) {
	for name, lock := range locks {
		for _, statement := range []string{"SetStars", "MoveNotes", "CountTags"} { // Exec, Query, QueryRow
			if name != "BUSY" && statement != "SetStars" {
				continue
			}
			for _, mode := range modes {
				t.Run(name+"/"+statement+"/"+mode.name, func(t *testing.T) {
					tap := newTap()
					db := openNotes(t, manager.WithDriver(tap.wrap))
					left := 2
					tap.on(statement, func(manager.DriverConn) error {
						if left--; left < 0 {
							return nil
						}
						return lock
					})
					var ran atomic.Int32
					err := mode.run(t, db, t.Context(), counting(&ran, func(ctx context.Context, tx Tx) error {
						if err := tx.add(ctx, "a"); err != nil {
							return err
						}
						_, starsErr := tx.SetStars(ctx, 1, "nowhere")
						_, moveErr := tx.MoveNotes(ctx, "somewhere", "nowhere")
						_, countErr := tx.CountTags(ctx)
						if err := errors.Join(starsErr, moveErr, countErr); err != nil {
							return fmt.Errorf("in the caller's own words: %w", err)
						}
						return nil
					})).err
					if err != nil {
						t.Errorf("got %v, want success", err)
					}
					if got := ran.Load(); got != 3 {
						t.Errorf("the closure ran: got %d times, want 3", got)
					}
					if got, want := withoutNeighbours(t, db), []string{"a"}; !slices.Equal(got, want) {
						t.Errorf("titles: got %q, want %q", got, want)
					}
				})
			}
		}
	}
}

func TestStatementThatStaysBusyEndsWithTheBudget(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithRetryBudget(50*time.Millisecond))
			tap.on("SetStars", func(manager.DriverConn) error { return busy(2) })
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				_, err := tx.SetStars(ctx, 1, "inbox")
				return err
			}).err
			var e *manager.Error
			if !errors.Is(err, manager.ErrBusy) || !errors.As(err, &e) || e.Attempts < 3 {
				t.Errorf("got %v, want ErrBusy after several attempts", err)
			}
			if err := db.WithTx(t.Context(), adding("next")); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
		})
	}
}

func TestBusyReadRunsAgain(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	left, ran := 2, 0
	tap.onRead("CountNotes", func(manager.DriverConn) error {
		if left--; left < 0 {
			return nil
		}
		return busy(1)
	})
	n, err := manager.Read(t.Context(), db, func(ctx context.Context, q Reader) (int64, error) {
		ran++
		return q.CountNotes(ctx)
	})
	if err != nil || n != 0 || ran != 3 {
		t.Errorf("got %d notes, %v, after %d runs, want 0 after 3", n, err, ran)
	}
}

func TestOtherErrorsAreNotRetried(t *testing.T) {
	for _, err := range []error{
		sqlite3.Error{Code: sqlite3.ErrFull},
		sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrWrite},
		errors.New("database is locked"), // the words alone prove nothing
	} {
		tap := newTap()
		db := openNotes(t, manager.WithDriver(tap.wrap))
		tap.on("SetStars", func(manager.DriverConn) error { return err })
		ran := 0
		got := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
			ran++
			_, err := tx.SetStars(ctx, 1, "inbox")
			return err
		})
		if !errors.Is(got, err) || ran != 1 || db.Stats().Retries != 0 {
			t.Errorf("%v: got %v after %d runs, %d retries, want it after 1", err, got, ran, db.Stats().Retries)
		}
	}
}
