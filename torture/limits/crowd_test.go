package limits_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// crowd is how many callers wait at once.
const crowd = 10_000

// TestTenThousandWritersWait fills the queue to its depth behind one slow
// transaction. One more is refused at once, a third leaves, and the others are
// all served.
func TestTenThousandWritersWait(t *testing.T) {
	check := nothingLeft(t)
	db := open(t, manager.WithQueueDepth(crowd), manager.WithSynchronousNormal(), manager.WithMaxQueueWait(time.Minute))
	release := hold(t, db, "slow import")
	wait := gather(t, func(ctx context.Context, i int) error { return db.WithTx(ctx, adding(fmt.Sprint(i))) })
	until(t, "everybody to queue", func() bool { return db.Stats().Queue == crowd })
	began := time.Now()
	err := db.WithTx(t.Context(), adding("one too many"))
	if took := time.Since(began); !errors.Is(err, manager.ErrQueueFull) || took > patience {
		t.Errorf("one too many: got %v after %s, want ErrQueueFull at once", err, took)
	}
	served := wait(release)
	if got := count(t, db); got != served {
		t.Errorf("items: got %d, want the %d whose callers were told so", got, served)
	}
	shut(t, db)
	check()
}

// TestTenThousandReadersWait has them wait for the only reader.
func TestTenThousandReadersWait(t *testing.T) {
	check := nothingLeft(t)
	db := open(t, manager.WithReaders(1), manager.WithRetryBudget(time.Minute))
	release := holdReader(t, db, "slow report")
	wait := gather(t, func(ctx context.Context, i int) error {
		return db.ReadOnly(ctx, func(ctx context.Context, q queries) error {
			return q.QueryRowContext(ctx, "-- name: CountItems :one\nSELECT count(*) FROM items").Scan(new(int))
		})
	})
	wait(release)
	if got := db.Stats().ReaderLabels; len(got) != 0 {
		t.Errorf("labels of running reads: got %q, want none", got)
	}
	shut(t, db)
	check()
}

// gather starts a crowd of callers. When wait is called, every third one's
// context ends; then what they wait for is released. The others must all be
// served: wait returns their number.
func gather(t *testing.T, call func(ctx context.Context, i int) error) (wait func(release func()) int) {
	t.Helper()
	impatient, leave := context.WithCancel(t.Context())
	var calling sync.WaitGroup
	var served, left atomic.Int64
	for i := range crowd {
		calling.Go(func() {
			if i%3 != 0 {
				if err := call(t.Context(), i); err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
				served.Add(1)
				return
			}
			if err := call(impatient, i); !errors.Is(err, context.Canceled) {
				t.Errorf("caller %d, whose context ended: got %v, want context.Canceled", i, err)
			}
			left.Add(1)
		})
	}
	return func(release func()) int {
		t.Helper()
		leave()
		until(t, "the impatient to leave", func() bool { return left.Load() == (crowd+2)/3 })
		release()
		calling.Wait()
		return int(served.Load())
	}
}
