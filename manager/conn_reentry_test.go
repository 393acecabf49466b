package manager_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// A tracer and a log handler may use the database, also the transaction that
// they are called in: no lock is held around them.
func TestCallersCodeMayUseTheTransaction(t *testing.T) {
	ways := map[string]func(ctx context.Context, on manager.DBTX) error{
		"Exec": func(ctx context.Context, on manager.DBTX) error {
			_, err := on.ExecContext(ctx, "-- name: A :exec\nSELECT 1")
			return err
		},
		"Exec that fails": func(ctx context.Context, on manager.DBTX) error {
			_, err := on.ExecContext(ctx, "-- name: Bad :exec\nSELECT json('{')")
			if err == nil {
				return errors.New("no error")
			}
			return nil
		},
		"Query": func(ctx context.Context, on manager.DBTX) error {
			return drain(on.QueryContext(ctx, "-- name: A :many\nSELECT 1 UNION ALL SELECT 2"))
		},
		"QueryRow": func(ctx context.Context, on manager.DBTX) error {
			return onlyRow(on.QueryRowContext(ctx, "-- name: A :one\nSELECT 1"))
		},
		"rows left open": func(ctx context.Context, on manager.DBTX) error {
			_, err := on.QueryContext(ctx, "-- name: A :many\nSELECT 1 UNION ALL SELECT 2")
			return err
		},
	}
	for name, run := range ways {
		t.Run(name, func(t *testing.T) {
			var tx atomic.Pointer[inside]
			var calls atomic.Int32
			reenter := func() {
				in := tx.Swap(nil) // not for what it runs itself
				if in == nil {
					return
				}
				defer tx.Store(in)
				calls.Add(1)
				var n int
				err := in.on.QueryRowContext(in.ctx, "SELECT count(*) FROM notes").Scan(&n)
				if err != nil && !errors.Is(err, manager.ErrTxDone) {
					t.Errorf("inside: %v", err)
				}
				_ = in.stats()
			}
			db := openNotes(t, manager.WithSlowWarnings(time.Hour, 1, time.Hour),
				manager.WithLogger(slog.New(&handler{Handler: slog.DiscardHandler, call: reenter})),
				manager.WithTracer(func(ctx context.Context, _ manager.Operation) (context.Context, func(error)) {
					reenter()
					return ctx, func(error) { reenter() }
				}))
			closure := func(ctx context.Context, on manager.DBTX) error {
				tx.Store(&inside{ctx, on, db.Stats})
				return run(ctx, on)
			}
			err := start(func() error {
				return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error { return closure(ctx, tx.raw) })
			}).wait(t).err
			tx.Store(nil)
			if e := start(func() error {
				return db.ReadOnly(context.Background(), func(ctx context.Context, q Reader) error { return closure(ctx, q.raw) })
			}).wait(t).err; err != nil || e != nil {
				t.Errorf("got %v, %v", err, e)
			}
			tx.Store(nil)
			if calls.Load() < 6 {
				t.Errorf("called %d times, want at the beginning, the end and in the log of both", calls.Load())
			}
		})
	}
}

// inside is what a tracer may use of a closure.
type inside struct {
	ctx   context.Context
	on    manager.DBTX
	stats func() manager.Stats
}

type handler struct {
	slog.Handler
	call func()
}

func (h *handler) Enabled(context.Context, slog.Level) bool { return true }

func (h *handler) Handle(context.Context, slog.Record) error {
	h.call()
	return nil
}
