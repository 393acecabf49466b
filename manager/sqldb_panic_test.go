package manager_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// A tracer that panics around a query of SQL() panics in the caller, and keeps no snapshot open.
func TestTracerThatPanicsAroundALeasedQuery(t *testing.T) {
	for _, when := range []string{"at its begin", "at its end", "at the error of the query"} {
		t.Run(when, func(t *testing.T) {
			var armed atomic.Bool
			trace := func(ctx context.Context, op manager.Operation) (context.Context, func(error)) {
				if op.Kind != manager.OperationStatement || !armed.Load() {
					return ctx, nil
				}
				if when == "at its begin" {
					panic(when)
				}
				return ctx, func(error) { panic(when) }
			}
			db, err := manager.Open(t.Context(), t.TempDir()+"/notes.db", newReader, newTx, manager.WithTracer(trace), manager.WithReaders(1))
			if err != nil {
				t.Fatal(err)
			}
			query := "SELECT 1"
			if when == "at the error of the query" {
				query = "SELECT nothing"
			}
			pool := db.SQL()
			armed.Store(true)
			func() {
				defer func() {
					if got := recover(); got != when {
						t.Errorf("got %v, want the tracer's panic", got)
					}
				}()
				rows, err := pool.QueryContext(t.Context(), query)
				if err == nil {
					_ = rows.Close()
				}
			}()
			armed.Store(false)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := db.Close(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}
