package limits_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// shortWait is how long callers wait for the writer or a reader in these tests.
const shortWait = 300 * time.Millisecond

// TestClosureThatWaitsForever breaks the rule that a closure waits for nobody, in
// every way there is. The wait ends in an error that names what it waits for, and
// the manager goes on.
func TestClosureThatWaitsForever(t *testing.T) {
	for _, c := range []struct {
		name   string
		holder string // whom the error names
		wait   func(t *testing.T, db *store) error
	}{
		{"for a transaction of its own, with another context", "outer", waitForItself},
		{"for a transaction of another goroutine", "outer", waitForAnother},
		{"for a lock held across another's transaction", "waits for the lock", waitForLock},
		{"for a reader, all of which wait for readers", "outer read", waitForReader},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := nothingLeft(t)
			db := open(t, manager.WithMaxQueueWait(shortWait), manager.WithRetryBudget(shortWait), manager.WithReaders(2))
			err := c.wait(t, db)
			var e *manager.Error
			if !errors.As(err, &e) || !errors.Is(err, manager.ErrBusy) || e.Waited < shortWait {
				t.Errorf("got %v, want ErrBusy after %s", err, shortWait)
			} else if !strings.Contains(e.Detail, c.holder) {
				t.Errorf("got %q, want it to name %q", err, c.holder)
			}
			if err := db.WithTx(t.Context(), adding("next")); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
			shut(t, db)
			check()
		})
	}
}

func waitForItself(t *testing.T, db *store) error {
	return db.WithTx(t.Context(), func(context.Context, queries) error {
		return db.WithTx(t.Context(), adding("never"), manager.Label("inner"))
	}, manager.Label("outer"))
}

func waitForAnother(t *testing.T, db *store) error {
	return db.WithTx(t.Context(), func(context.Context, queries) error {
		other := make(chan error, 1)
		go func() { other <- db.WithTx(t.Context(), adding("never"), manager.Label("inner")) }()
		return <-other
	}, manager.Label("outer"))
}

// waitForLock returns the error of the caller that holds the lock. The closure
// that waits for it goes on then, and commits.
func waitForLock(t *testing.T, db *store) error {
	var lock sync.Mutex
	lock.Lock()
	started, waiting := make(chan struct{}), make(chan error, 1)
	go func() {
		waiting <- db.WithTx(t.Context(), func(ctx context.Context, q queries) error {
			close(started)
			lock.Lock()
			defer lock.Unlock()
			return q.add(ctx, "in the end")
		}, manager.Label("waits for the lock"))
	}()
	await(t, "the closure to begin", started)
	err := db.WithTx(t.Context(), adding("never"), manager.Label("holds the lock"))
	lock.Unlock()
	if err := answer(t, "the closure that got the lock", waiting); err != nil {
		t.Errorf("the closure that got the lock in the end: %v", err)
	}
	return err
}

// waitForReader takes both readers, and each wants another one.
func waitForReader(t *testing.T, db *store) error {
	var both sync.WaitGroup
	both.Add(2)
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			errs <- db.ReadOnly(t.Context(), func(context.Context, queries) error {
				both.Done()
				both.Wait()
				return db.ReadOnly(t.Context(), nothing, manager.Label("inner read"))
			}, manager.Label("outer read"))
		}()
	}
	first, second := answer(t, "one reader", errs), answer(t, "the other reader", errs)
	if second != nil && !errors.Is(second, manager.ErrBusy) {
		t.Errorf("the second to give up: got %v, want nil or ErrBusy", second)
	}
	return first
}

// A member of a group waits for a transaction that is queued behind it. It is
// evicted, so the other one runs, and then runs again.
func TestMemberOfAGroupThatWaitsForALaterOne(t *testing.T) {
	check := nothingLeft(t)
	db := open(t)
	release := hold(t, db, "first")
	first, waits := make(chan error, 1), make(chan error, 1)
	later := make(chan struct{})
	go func() { first <- db.WithTx(t.Context(), adding("first of the group")) }()
	until(t, "the first to queue", func() bool { return db.Stats().Queue == 1 })
	var ran atomic.Int32
	go func() {
		waits <- db.WithTx(t.Context(), func(ctx context.Context, q queries) error {
			ran.Add(1)
			<-later
			return q.add(ctx, "waited")
		})
	}()
	until(t, "the second to queue", func() bool { return db.Stats().Queue == 2 })
	go func() {
		defer close(later)
		if err := db.WithTx(t.Context(), adding("later")); err != nil {
			t.Errorf("the later one: %v", err)
		}
	}()
	until(t, "the later one to queue", func() bool { return db.Stats().Queue == 3 })
	release()
	if err := errors.Join(answer(t, "the first", first), answer(t, "the one that waits", waits)); err != nil {
		t.Error(err)
	}
	if got, want := ran.Load(), int32(2); got != want {
		t.Errorf("the closure that waits ran %d times, want %d", got, want)
	}
	if got, want := count(t, db), 3; got != want {
		t.Errorf("items: got %d, want %d", got, want)
	}
	shut(t, db)
	check()
}
