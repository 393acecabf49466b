package manager_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// A transfer is two reads and three writes, durable before it is answered.
func BenchmarkWithTx(b *testing.B) {
	for _, level := range []struct {
		name string
		opts []manager.Option
	}{
		{"FULL", nil},
		{"NORMAL", []manager.Option{manager.WithSynchronousNormal()}},
	} {
		for _, goroutines := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", level.name, goroutines), func(b *testing.B) {
				db := bankOpen(b, bankPath(b), level.opts...)
				bankFill(b, db)
				inParallel(b, goroutines, func(worker string, n int64) error {
					payer := n % bankAccounts
					return db.WithTx(b.Context(), func(ctx context.Context, tx *bank) error {
						return tx.transfer(ctx, worker, n, payer, (payer+1)%bankAccounts, 1)
					})
				})
			})
		}
	}
}

func BenchmarkReadOnly(b *testing.B) {
	for _, reads := range []int{1, 10} {
		b.Run(fmt.Sprintf("%d", reads), func(b *testing.B) {
			db := bankOpen(b, bankPath(b))
			bankFill(b, db)
			for n := 0; b.Loop(); n++ {
				err := db.ReadOnly(b.Context(), func(ctx context.Context, q *bank) error {
					for i := range reads {
						if _, err := q.balance(ctx, int64((n+i)%bankAccounts)); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// inParallel has so many goroutines share b.N operations, numbered from 0.
func inParallel(b *testing.B, goroutines int, op func(worker string, n int64) error) {
	b.Helper()
	var next atomic.Int64
	done := make(chan error)
	b.ResetTimer()
	for g := range goroutines {
		go func() {
			worker := fmt.Sprint(g)
			for n := next.Add(1) - 1; n < int64(b.N); n = next.Add(1) - 1 {
				if err := op(worker, n); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range goroutines {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}
