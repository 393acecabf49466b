package manager_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func init() {
	// Holds a write transaction, and with it the lock file, for ever.
	childRoles["hold"] = func(t *testing.T, args []string) {
		db := bankOpen(t, args[0])
		_ = db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
			if err := tx.insertTransfer(ctx, "killed", 1, 0, 1, 5, nil); err != nil {
				return err
			}
			childSay("holding")
			childHear()()
			return errors.New("never committed")
		})
	}
}

func TestKilledProcessLeavesTheLockAndNothingElse(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path, manager.WithRetryBudget(patience))
	bankFill(t, db)
	holder := childStart(t, "hold", nil, path)
	if got, want := holder.said(t), "holding"; got != want {
		t.Fatalf("child said %q, want %q", got, want)
	}
	waiting := start(func() error { return bankAdd(context.Background(), db, "survivor", 1) })
	select {
	case <-waiting.done:
		t.Errorf("a write beside the holder ended: %v, want it to wait", waiting.err)
	case <-time.After(50 * time.Millisecond):
	}
	holder.kill(t)
	if err := waiting.wait(t).err; err != nil {
		t.Errorf("a write that waited for the killed process: %v", err)
	}
	bankAudit(t, db, 1)
}
