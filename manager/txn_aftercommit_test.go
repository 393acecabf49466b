package manager_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func TestAfterCommitRunsOnceInOrderBeforeTheAnswer(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t)
			var ran []string // by the caller's goroutine alone, the race detector watches
			var numbers []uint64
			type key struct{}
			ctx := context.WithValue(t.Context(), key{}, "the caller's")
			err := mode.run(t, db, ctx, func(ctx context.Context, tx Tx) error {
				for _, name := range []string{"first", "second", "third"} {
					err := manager.AfterCommit(ctx, func(ctx context.Context, n uint64) {
						ran, numbers = append(ran, name), append(numbers, n)
						if got := ctx.Value(key{}); got != "the caller's" {
							t.Errorf("context: got value %v, want the caller's", got)
						}
						if !slices.Contains(titles(t, db), "a") {
							t.Errorf("%s ran before the commit", name)
						}
					})
					if err != nil {
						return err
					}
				}
				return tx.add(ctx, "a")
			}).err
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{"first", "second", "third"}; !slices.Equal(ran, want) {
				t.Errorf("ran: got %q, want %q", ran, want)
			}
			if len(slices.Compact(numbers)) != 1 || numbers[0] == 0 {
				t.Errorf("commit numbers: got %d, want one and the same", numbers)
			}
		})
	}
}

func TestAfterCommitMayUseTheWriter(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t)
			var later []uint64
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				err := manager.AfterCommit(ctx, func(ctx context.Context, outer uint64) {
					err := db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
						return errors.Join(tx.add(ctx, "chained"), manager.AfterCommit(ctx, func(_ context.Context, inner uint64) {
							later = append(later, outer, inner)
						}))
					})
					if err != nil {
						t.Error(err)
					}
				})
				return errors.Join(err, tx.add(ctx, "a"))
			}).err
			if err != nil {
				t.Fatal(err)
			}
			if got, want := withoutNeighbours(t, db), []string{"a", "chained"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
			if len(later) != 2 || later[0] >= later[1] {
				t.Errorf("commit numbers: got %d, want two that increase", later)
			}
		})
	}
}

func TestAfterCommitOfARolledBackTransactionNeverRuns(t *testing.T) {
	for name, end := range map[string]func() error{
		"error":  func() error { return errOwn },
		"panic":  func() error { return panicking("out of paper") },
		"Goexit": func() error { exit(); return nil },
	} {
		for _, mode := range modes {
			t.Run(name+"/"+mode.name, func(t *testing.T) {
				db := openNotes(t)
				mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
					if err := manager.AfterCommit(ctx, func(context.Context, uint64) { t.Error("it ran") }); err != nil {
						t.Error(err)
					}
					return end()
				})
			})
		}
	}
}

func TestAfterCommitOfSavepoints(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t)
			var ran []string
			note := func(ctx context.Context, name string) {
				if err := manager.AfterCommit(ctx, func(context.Context, uint64) { ran = append(ran, name) }); err != nil {
					t.Error(err)
				}
			}
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				note(ctx, "outer before")
				_ = db.WithTx(ctx, func(ctx context.Context, tx Tx) error { note(ctx, "kept"); return nil })
				_ = db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
					note(ctx, "dropped")
					_ = db.WithTx(ctx, func(ctx context.Context, tx Tx) error { note(ctx, "dropped with its parent"); return nil })
					return errOwn
				})
				note(ctx, "outer after")
				return nil
			}).err
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{"outer before", "kept", "outer after"}; !slices.Equal(ran, want) {
				t.Errorf("ran: got %q, want %q", ran, want)
			}
		})
	}
}

func TestAfterCommitThatPanicsLeavesTheCommit(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t)
			c := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				err := manager.AfterCommit(ctx, func(context.Context, uint64) { panic("out of paper") })
				return errors.Join(err, tx.add(ctx, "a"))
			})
			if c.panic != "out of paper" {
				t.Errorf("got %v, panic %v, want the panic", c.err, c.panic)
			}
			if got, want := withoutNeighbours(t, db), []string{"a"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
			if err := db.WithTx(t.Context(), adding("next")); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
		})
	}
}

// A closure that ran in vain before it ran for good has registered twice.
func TestAfterCommitRunsOnceThoughTheClosureRanAgain(t *testing.T) {
	for name, query := range map[string]string{"lone": "SetStars", "grouped": "COMMIT"} {
		t.Run(name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap))
			var mode = modes[0]
			if name == "grouped" {
				mode = modes[1]
			}
			attempts, ran := 0, 0
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				if attempts++; attempts == 1 {
					tap.once(query, rollBack(busy(2)))
				}
				err := manager.AfterCommit(ctx, func(context.Context, uint64) { ran++ })
				_, setErr := tx.SetStars(ctx, 1, "inbox")
				return errors.Join(err, setErr)
			}).err
			if err != nil {
				t.Fatal(err)
			}
			if attempts != 2 || ran != 1 {
				t.Errorf("closure and AfterCommit ran: got %d and %d times, want 2 and 1", attempts, ran)
			}
		})
	}
}

func TestAfterCommitOutsideATransaction(t *testing.T) {
	err := manager.AfterCommit(t.Context(), func(context.Context, uint64) { t.Error("it ran") })
	if !errors.Is(err, manager.ErrTxDone) {
		t.Errorf("got %v, want ErrTxDone", err)
	}
}
