package manager_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

const endlessCount = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"

// However a statement of a ReadOnly is run, it ends with its context, and says why.
func TestReadIsInterruptedHoweverItRuns(t *testing.T) {
	for _, way := range waysToRun {
		t.Run(way.name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap))
			ctx, cancel := context.WithCancelCause(t.Context())
			err := start(func() error {
				return db.ReadOnly(ctx, func(ctx context.Context, q Reader) error {
					go cancel(errOwn) // before or while it runs
					return way.run(ctx, q.raw, endlessCount)
				})
			}).wait(t).err
			if !errors.Is(err, context.Canceled) || !errors.Is(err, errOwn) {
				t.Errorf("got %v, want context.Canceled and its cause", err)
			}
			if got := titles(t, db); len(got) != 0 {
				t.Errorf("the next read: got %q, want none", got)
			}
		})
	}
}

// The context of an inner query ends that query alone.
func TestInnerContextLeavesTheRowsAroundIt(t *testing.T) {
	db := openNotes(t, manager.WithReaders(1))
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
		rows, err := q.raw.QueryContext(ctx, "-- name: Outer :many\nSELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			inner, cancel := context.WithCancel(ctx)
			numbers, err := q.raw.QueryContext(inner, "-- name: Inner :many\n"+slowNumbers)
			if err != nil {
				cancel()
				return err
			}
			numbers.Next()
			go cancel()
			for numbers.Next() {
			}
			if err := numbers.Err(); !errors.Is(err, context.Canceled) {
				t.Errorf("inner rows: got %v, want context.Canceled", err)
			}
			if err := numbers.Close(); err != nil {
				t.Errorf("closing the inner rows: %v", err)
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Errorf("outer rows: %v", err)
	}
}

// slowNumbers are endlessCount rows, each of which takes some time.
const slowNumbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i % 50000 = 0"

// The end of the whole ReadOnly interrupts an inner query too.
func TestWholeContextInterruptsAnInnerQuery(t *testing.T) {
	db := openNotes(t)
	whole, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := start(func() error {
		return db.ReadOnly(whole, func(ctx context.Context, q Reader) error {
			rows, err := q.raw.QueryContext(ctx, "-- name: Outer :many\nSELECT 1 UNION ALL SELECT 2")
			if err != nil {
				return err
			}
			defer rows.Close()
			rows.Next()
			inner, stop := context.WithCancel(context.Background())
			defer stop()
			go cancel()
			return onlyRow(q.raw.QueryRowContext(inner, "-- name: Inner :one\n"+endlessCount))
		})
	}).wait(t).err
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
