package manager_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// A first run that panics leaves nothing, as any other does.
func TestRunTwiceWhoseFirstRunPanics(t *testing.T) {
	db := openNotes(t, manager.WithRunTwice())
	runs := 0
	c := start(func() error {
		return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error {
			runs++
			if err := tx.add(ctx, "never"); err != nil {
				return err
			}
			panic("in the first run")
		})
	}).wait(t)
	if c.panic != "in the first run" || runs != 1 {
		t.Errorf("got panic %v after %d runs, want that of the first", c.panic, runs)
	}
	if err := db.WithTx(t.Context(), adding("next")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
	if got := titles(t, db); len(got) != 1 || got[0] != "next" {
		t.Errorf("titles: got %q, want [next]", got)
	}
}

// The savepoint of the first run may fail as any other.
func TestRunTwiceWhoseSavepointFails(t *testing.T) {
	for _, point := range []faultdriver.Point{faultdriver.Savepoint, faultdriver.RollbackTo, faultdriver.Release} {
		t.Run(string(point), func(t *testing.T) {
			db, faults := openFaulty(t, manager.WithRunTwice())
			faults.Arm(faultdriver.Fault{Point: point, Code: faultdriver.IOErr})
			err := db.WithTx(t.Context(), adding("never"))
			if !errors.Is(err, manager.ErrIO) {
				t.Errorf("got %v, want ErrIO", err)
			}
			goesOn(t, db, faults)
		})
	}
}
