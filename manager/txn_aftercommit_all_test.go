package manager_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// However one function of AfterCommit ends, the others run, in their order.
func TestEveryAfterCommitRuns(t *testing.T) {
	for _, test := range []struct {
		name string
		bad  manager.Hook
	}{
		{"one panics", func(context.Context, uint64) { panic("hook") }},
		{"one exits", func(context.Context, uint64) { exit() }},
	} {
		for _, grouped := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				db := openNotes(t)
				release := func() {}
				var companion *call
				if grouped {
					release = hold(t, db)
					companion = enqueue(t.Context(), t, db, adding("companion"))
				}
				var ran []int
				queued := db.Stats().Queue
				c := start(func() error {
					return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error {
						for i := range 4 {
							hook := manager.Hook(func(context.Context, uint64) { ran = append(ran, i) })
							if i == 1 {
								hook = func(ctx context.Context, n uint64) { ran = append(ran, i); test.bad(ctx, n) }
							}
							if err := manager.AfterCommit(ctx, hook); err != nil {
								return err
							}
						}
						return tx.add(ctx, "a")
					})
				})
				if grouped {
					until(t, "it to queue", func() bool { return db.Stats().Queue == queued+1 })
				}
				release()
				if c.wait(t); c.panic == nil && !c.exited {
					t.Errorf("got %v, want what the function did", c.err)
				}
				if companion != nil && companion.wait(t).err != nil {
					t.Error(companion.err)
				}
				if want := []int{0, 1, 2, 3}; !slices.Equal(ran, want) {
					t.Errorf("ran: got %v, want %v", ran, want)
				}
			})
		}
	}
}
