package manager_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
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
	// Moves money in pairs of transfers and says each pair once it is committed.
	childRoles["acknowledge"] = func(t *testing.T, args []string) {
		db := bankOpen(t, args[0])
		var done sync.WaitGroup
		for g := range 4 {
			worker := args[1] + "." + strconv.Itoa(g)
			done.Go(func() {
				for seq := int64(0); t.Context().Err() == nil; seq += 2 {
					err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
						return errors.Join(
							tx.transfer(ctx, worker, seq, seq%bankAccounts, (seq+3)%bankAccounts, 3),
							tx.transfer(ctx, worker, seq+1, (seq+5)%bankAccounts, seq%bankAccounts, 2))
					})
					if err != nil {
						t.Error(err)
						return
					}
					childSay("%s %d", worker, seq)
				}
			})
		}
		done.Wait()
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

// A commit that was acknowledged survives the process, and half a transaction never shows.
func TestKilledProcessesKeepWhatTheyAcknowledged(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := bankPath(t)
	bankFill(t, bankOpen(t, path))
	acknowledged := map[string]int64{}
	for round := range 8 {
		writer := childStart(t, "acknowledge", nil, path, fmt.Sprint("round", round))
		note := func(line string) {
			var worker string
			var seq int64
			if _, err := fmt.Sscan(line, &worker, &seq); err != nil {
				t.Fatalf("child said %q: %v", line, err)
			}
			acknowledged[worker] = max(acknowledged[worker], seq+2)
		}
		note(writer.said(t))
		for range random.IntN(200) {
			note(writer.said(t))
		}
		if err := writer.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for line := range writer.lines { // what it said and we had not read
			note(line)
		}
	}
	db := bankOpen(t, path)
	var total int64
	for worker, want := range acknowledged {
		err := db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
			got, err := q.value(ctx, "SELECT COUNT(*) || ' up to ' || MAX(seq) FROM transfers WHERE worker = '"+worker+"'")
			if err != nil {
				return err
			}
			var count, last int64
			if _, err := fmt.Sscanf(got, "%d up to %d", &count, &last); err != nil {
				return err
			}
			if count < want || count%2 != 0 || count != last+1 {
				t.Errorf("transfers of %s: got %s, want all %d that were acknowledged, in whole pairs", worker, got, want)
			}
			total += count
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	// Transactions that were committed and killed before they were acknowledged also count.
	if n := bankCount(t, db); n < total {
		t.Errorf("transfers: got %d, want at least %d", n, total)
	}
	bankAudit(t, db, bankCount(t, db))
}
