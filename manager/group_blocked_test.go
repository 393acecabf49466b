package manager_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// The second closure waits for a lock that the first one's caller gives back
// only when it is answered, which is after the group's COMMIT. Closures must
// not do this; it still must not block the manager.
func TestClosureThatWaitsForAMemberOfItsGroup(t *testing.T) {
	t.Parallel() // it takes the second that the manager waits
	log := &logbook{}
	db := openNotes(t, manager.WithLogger(log.logger()))
	release := hold(t, db)
	var held sync.Mutex
	held.Lock()
	first := start(func() error {
		defer held.Unlock()
		return db.WithTx(context.Background(), adding("first"))
	})
	until(t, "the first to queue", func() bool { return db.Stats().Queue == 1 })
	var ran atomic.Int32
	waits := enqueue(t.Context(), t, db, counting(&ran, func(ctx context.Context, tx Tx) error {
		if err := tx.add(ctx, "waits, once"); err != nil {
			return err
		}
		held.Lock()
		defer held.Unlock()
		return tx.add(ctx, "waits, twice")
	}), manager.Label("waiting"))
	last := enqueue(t.Context(), t, db, adding("last"))
	release()
	if err := errors.Join(first.wait(t).err, waits.wait(t).err, last.wait(t).err); err != nil {
		t.Error(err)
	}
	if got := ran.Load(); got != 2 {
		t.Errorf("the waiting closure ran: got %d times, want 2", got)
	}
	got := titles(t, db)
	slices.Sort(got)
	if want := []string{"first", "last", "waits, once", "waits, twice"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
	if lines := log.about("keeps its group from committing"); len(lines) != 1 || lines[0].attrs["label"].String() != "waiting" {
		t.Errorf("log about it: got %v, want one line with the label", lines)
	}
}

// firstOfAGroup queues a closure. What queues next shares its group, once
// release lets the writer go; answered is closed when its caller has its answer.
func firstOfAGroup(t *testing.T, db *DB) (first *call, answered <-chan struct{}, release func()) {
	t.Helper()
	release = hold(t, db)
	done := make(chan struct{})
	first = start(func() error {
		defer close(done)
		return db.WithTx(context.Background(), adding("first"))
	})
	until(t, "the first to queue", func() bool { return db.Stats().Queue == 1 })
	return first, done, release
}

// A closure is taken out of its group whole, also while a nested transaction of
// it cannot end, since a statement that writes still stands around it.
func TestClosureIsTakenOutWithANestedTransactionThatCannotEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		ended bool // the nested transaction has tried to end when its parent is taken out
	}{{"tried", true}, {"running", false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := openNotes(t)
			first, answered, release := firstOfAGroup(t, db)
			var ran atomic.Int32
			taken := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
				if ran.Add(1) > 1 {
					return errOwn // the run that counts
				}
				if err := tx.add(ctx, "before"); err != nil {
					return err
				}
				err := db.WithTx(ctx, func(context.Context, Tx) error {
					rows, err := tx.raw.QueryContext(ctx, returningTwo)
					if err != nil {
						return err
					}
					rows.Next()
					if !c.ended {
						await(t, "the first to be answered", answered)
					}
					return nil
				})
				await(t, "the first to be answered", answered)
				return err
			})
			release()
			if err := first.wait(t).err; err != nil {
				t.Errorf("first: %v", err)
			}
			if err := taken.wait(t).err; !errors.Is(err, errOwn) || ran.Load() != 2 {
				t.Errorf("got %v in %d runs, want the second one's error", err, ran.Load())
			}
			if got, want := titles(t, db), []string{"first"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}

// However a closure ends that was taken out of its group, its caller hears of
// the run that counts.
func TestClosureTakenOutOfItsGroupEndsAnyWay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		first func() error // how the run ends that was taken out
	}{
		{"returns", func() error { return nil }},
		{"fails", func() error { return errOwn }},
		{"panics", func() error { return panicking("late") }},
		{"exits", func() error { exit(); return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := openNotes(t)
			first, answered, release := firstOfAGroup(t, db)
			var ran atomic.Int32
			waits := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
				if ran.Add(1) == 1 {
					await(t, "the first to be answered", answered)
					if err := tx.add(ctx, "too late"); !errors.Is(err, manager.ErrTxDone) {
						t.Errorf("a statement after it was taken out: got %v, want ErrTxDone", err)
					}
					return test.first()
				}
				return tx.add(ctx, "waits")
			})
			release()
			if err := first.wait(t).err; err != nil {
				t.Error(err)
			}
			if c := waits.wait(t); c.err != nil || c.panic != nil || c.exited {
				t.Errorf("who waited: got %v, panic %v, exited %t, want success of its second run", c.err, c.panic, c.exited)
			}
			if got, want := titles(t, db), []string{"first", "waits"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
			if err := db.WithTx(t.Context(), adding("next")); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
		})
	}
}
