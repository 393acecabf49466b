package manager_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func TestRunTwiceFindsAClosureThatAccumulates(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t, manager.WithRunTwice())
			var accumulated, assigned []string
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				if err := tx.add(ctx, "a"); err != nil {
					return err
				}
				list, err := tx.Titles(ctx, "inbox")
				list = slices.DeleteFunc(list, func(title string) bool { return title != "a" })
				accumulated = append(accumulated, list...)
				assigned = list
				return err
			}).err
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{"a", "a"}; !slices.Equal(accumulated, want) {
				t.Errorf("accumulated: got %q, want %q, which a test would notice", accumulated, want)
			}
			if want := []string{"a"}; !slices.Equal(assigned, want) {
				t.Errorf("assigned: got %q, want %q", assigned, want)
			}
			if got, want := withoutNeighbours(t, db), []string{"a"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want the first run taken back: %q", got, want)
			}
		})
	}
}

func TestRunTwiceRunsAfterCommitOnce(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t, manager.WithRunTwice())
			runs, hooks := 0, 0
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				runs++
				return manager.AfterCommit(ctx, func(context.Context, uint64) { hooks++ })
			}).err
			if err != nil || runs != 2 || hooks != 1 {
				t.Errorf("got %d runs, %d times AfterCommit, %v, want 2 and 1", runs, hooks, err)
			}
		})
	}
}

func TestRunTwiceAnswersWithTheSecondRun(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t, manager.WithRunTwice())
			runs := 0
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				if runs++; runs == 1 {
					return errors.Join(tx.add(ctx, "first run"), errOwn)
				}
				return tx.add(ctx, "second run")
			}).err
			if err != nil {
				t.Errorf("got %v, want the second run's success", err)
			}
			if got, want := withoutNeighbours(t, db), []string{"second run"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}

func TestRunTwiceLeavesQueriesOfTheFirstRunDone(t *testing.T) {
	db := openNotes(t, manager.WithRunTwice())
	var kept []Tx
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		if kept = append(kept, tx); len(kept) == 2 {
			if err := kept[0].add(ctx, "through the first run's queries"); !errors.Is(err, manager.ErrTxDone) {
				t.Errorf("got %v, want ErrTxDone", err)
			}
		}
		return db.WithTx(ctx, adding("nested"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := titles(t, db), []string{"nested"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}
