package manager_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

type depthKey struct{}

// A journal notes what a tracer is told: every operation when it ends, with its depth.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) trace(ctx context.Context, op manager.Operation) (context.Context, func(error)) {
	depth, _ := ctx.Value(depthKey{}).(int)
	return context.WithValue(ctx, depthKey{}, depth+1), func(err error) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.lines = append(j.lines, fmt.Sprintf("%d %s %s%s %v", depth, op.Kind, op.Label, op.Query, err))
	}
}

func TestTracerFollows(t *testing.T) {
	failure := errors.New("no")
	for _, c := range []struct {
		name string
		run  func(ctx context.Context, db *DB) error
		want []string
	}{
		{"a write", func(ctx context.Context, db *DB) error {
			return db.WithTx(ctx, func(ctx context.Context, tx Tx) error { return tx.add(ctx, "a") }, manager.Label("w"))
		}, []string{"1 statement wAddNote <nil>", "0 write w <nil>"}},
		{"a write that fails", func(ctx context.Context, db *DB) error {
			return db.WithTx(ctx, func(context.Context, Tx) error { return failure }, manager.Label("w"))
		}, []string{"0 write w no"}},
		{"a read", func(ctx context.Context, db *DB) error {
			return db.ReadOnly(ctx, func(ctx context.Context, q Reader) error {
				_, err := q.Titles(ctx, "inbox")
				return err
			}, manager.Label("r"))
		}, []string{"1 statement rTitles <nil>", "0 read r <nil>"}},
		{"a savepoint and a view", func(ctx context.Context, db *DB) error {
			return db.WithTx(ctx, func(ctx context.Context, _ Tx) error {
				err := db.WithTx(ctx, func(context.Context, Tx) error { return nil }, manager.Label("s"))
				return errors.Join(err, db.ReadOnly(ctx, func(context.Context, Reader) error { return nil }, manager.Label("v")))
			}, manager.Label("w"))
		}, []string{"1 savepoint s <nil>", "1 view v <nil>", "0 write w <nil>"}},
		{"a panic", func(ctx context.Context, db *DB) (err error) {
			defer func() { _ = recover() }()
			return db.WithTx(ctx, func(context.Context, Tx) error { panic("x") }, manager.Label("w"))
		}, []string{"0 write w the closure did not return"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j journal
			db := openNotes(t, manager.WithTracer(j.trace))
			if err := c.run(t.Context(), db); err != nil && !errors.Is(err, failure) {
				t.Fatal(err)
			}
			if !slices.Equal(j.lines, c.want) {
				t.Errorf("got  %q\nwant %q", j.lines, c.want)
			}
		})
	}
}
