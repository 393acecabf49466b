package manager_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestWritersAreServedFirstComeFirstServed(t *testing.T) {
	for name, opts := range map[string][]manager.Option{
		"sharing commits":     nil,
		"in small groups":     {manager.WithGroupCommit(3, patience)},
		"one commit for each": {manager.WithGroupCommit(1, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			db := openNotes(t, opts...)
			release := hold(t, db)
			want := numbered(20)
			commits := make([]uint64, len(want)) // each call writes its own
			var calls []*call
			for i, title := range want {
				calls = append(calls, enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
					if err := manager.AfterCommit(ctx, func(_ context.Context, n uint64) { commits[i] = n }); err != nil {
						return err
					}
					return tx.add(ctx, title)
				}))
			}
			release()
			for _, c := range calls {
				if err := c.wait(t).err; err != nil {
					t.Fatal(err)
				}
			}
			if got := titles(t, db); !slices.Equal(got, want) {
				t.Errorf("order of the writes: got %q, want the order of the calls %q", got, want)
			}
			if !slices.IsSorted(commits) || len(slices.Compact(commits)) != len(want) {
				t.Errorf("commit numbers in the order of the calls: got %d, want them to increase", commits)
			}
		})
	}
}

func TestNewcomerDoesNotOvertakeTheQueue(t *testing.T) {
	db := openNotes(t)
	release := hold(t, db)
	var late *call
	first := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		if late == nil {
			late = start(func() error { return db.WithTx(context.Background(), adding("late")) })
			until(t, "the newcomer to queue", func() bool { return db.Stats().Queue == 2 })
		}
		return tx.add(ctx, "first")
	})
	second := enqueue(t.Context(), t, db, adding("second"))
	release()
	for _, c := range []*call{first.wait(t), second.wait(t), late.wait(t)} {
		if c.err != nil {
			t.Error(c.err)
		}
	}
	if got, want := titles(t, db), []string{"first", "second", "late"}; !slices.Equal(got, want) {
		t.Errorf("order: got %q, want %q", got, want)
	}
}

func TestQueueIsBounded(t *testing.T) {
	db := openNotes(t, manager.WithQueueDepth(3))
	release := hold(t, db)
	var waiting []*call
	for _, title := range numbered(3) {
		waiting = append(waiting, enqueue(t.Context(), t, db, adding(title)))
	}
	err := db.WithTx(t.Context(), func(context.Context, Tx) error {
		t.Error("the closure ran though the queue was full")
		return nil
	}, manager.Label("one too many"))
	var e *manager.Error
	if !errors.Is(err, manager.ErrQueueFull) || !errors.As(err, &e) || e.Label != "one too many" {
		t.Errorf("the fourth to wait: got %v, want ErrQueueFull with its label", err)
	}
	release()
	for _, c := range waiting {
		if err := c.wait(t).err; err != nil {
			t.Error(err)
		}
	}
	if err := db.WithTx(t.Context(), adding("later")); err != nil {
		t.Errorf("after the queue had emptied: %v", err)
	}
}

func TestWaitingTooLongNamesTheHolder(t *testing.T) {
	const limit = 50 * time.Millisecond
	db := openNotes(t, manager.WithMaxQueueWait(limit))
	release := hold(t, db, manager.Label("nightly import"))
	err := db.WithTx(t.Context(), func(context.Context, Tx) error {
		t.Error("the closure ran after its caller had given up")
		return nil
	}, manager.Label("impatient"))
	var e *manager.Error
	if !errors.Is(err, manager.ErrBusy) || !errors.As(err, &e) {
		t.Fatalf("got %v, want ErrBusy", err)
	}
	if e.Label != "impatient" || !strings.Contains(err.Error(), "nightly import") {
		t.Errorf("got %q, want it to name both the waiter and the holder", err)
	}
	if e.Waited < limit {
		t.Errorf("time waited: got %s, want at least %s", e.Waited, limit)
	}
	if got := db.Stats().Queue; got != 0 {
		t.Errorf("waiting after the give-up: got %d, want 0", got)
	}
	release()
	if err := db.WithTx(t.Context(), adding("later")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

func TestWaiterThatLeavesLeavesNoTrace(t *testing.T) {
	for leaver, want := range [][]string{{"1", "2"}, {"0", "2"}, {"0", "1"}} {
		t.Run(fmt.Sprintf("number %d of three", leaver), func(t *testing.T) {
			db := openNotes(t)
			release := hold(t, db)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var calls []*call
			for i := range 3 {
				if i != leaver {
					calls = append(calls, enqueue(t.Context(), t, db, adding(fmt.Sprint(i))))
					continue
				}
				calls = append(calls, enqueue(ctx, t, db, func(context.Context, Tx) error {
					t.Error("the closure ran after its caller had left")
					return nil
				}))
			}
			cancel()
			if err := calls[leaver].wait(t).err; !errors.Is(err, context.Canceled) {
				t.Errorf("who left: got %v, want context.Canceled", err)
			}
			if got := db.Stats().Queue; got != 2 {
				t.Errorf("still waiting: got %d, want 2", got)
			}
			release()
			for i, c := range calls {
				if err := c.wait(t).err; i != leaver && err != nil {
					t.Error(err)
				}
			}
			if got := titles(t, db); !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
			if err := db.WithTx(t.Context(), adding("later")); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
		})
	}
}

func TestWaiterThatPanicsLeavesNoTrace(t *testing.T) {
	db := openNotes(t)
	release := hold(t, db)
	before := enqueue(t.Context(), t, db, adding("before"))
	broken := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		_ = tx.add(ctx, "broken")
		panic("out of paper")
	})
	after := enqueue(t.Context(), t, db, adding("after"))
	release()
	if got := broken.wait(t).panic; got != "out of paper" {
		t.Errorf("panic: got %v, want the closure's", got)
	}
	if err := errors.Join(before.wait(t).err, after.wait(t).err); err != nil {
		t.Error(err)
	}
	if got, want := titles(t, db), []string{"before", "after"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
	if got := db.Stats().Queue; got != 0 {
		t.Errorf("still waiting: got %d, want 0", got)
	}
	if err := db.WithTx(t.Context(), adding("later")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

func TestHolderThatPanicsHandsTheWriterOn(t *testing.T) {
	for name, end := range map[string]func(){
		"panic":  func() { panic("out of paper") },
		"Goexit": func() { exit() },
	} {
		t.Run(name, func(t *testing.T) {
			db := openNotes(t)
			started, gate := make(chan struct{}), make(chan struct{})
			holder := start(func() error {
				return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error {
					close(started)
					<-gate
					_ = tx.add(ctx, "broken")
					end()
					return nil
				})
			})
			await(t, "the holder to get the writer", started)
			waiter := enqueue(t.Context(), t, db, adding("served"))
			close(gate)
			if c := holder.wait(t); c.panic == nil && !c.exited {
				t.Errorf("the holder returned %v, want it to panic or exit", c.err)
			}
			if err := waiter.wait(t).err; err != nil {
				t.Error(err)
			}
			if got, want := titles(t, db), []string{"served"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}
