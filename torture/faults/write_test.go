package faults_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

var errOwn = errors.New("the closure's own error")

// alone is one transaction with the writer for itself.
var alone = operation{
	name:   "WithTx",
	points: []faultdriver.Point{faultdriver.Begin, faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows, faultdriver.Commit},
	open:   func(t *testing.T, s *stage) attempt { return openUsedBook(t, s).writeAlone },
}

// rowsOpen and rowsForgotten write while rows of a query are open, which are
// closed in the end or never.
var (
	rowsOpen      = holding("WithTx with rows open", true)
	rowsForgotten = holding("WithTx with rows forgotten", false)
)

func holding(name string, closed bool) operation {
	return operation{
		name:   name,
		points: []faultdriver.Point{faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows, faultdriver.Commit},
		open: func(t *testing.T, s *stage) attempt {
			b := openUsedBook(t, s)
			return func() error {
				return b.writeOnce(func(ctx context.Context, tx queries, number int) (err error) {
					const values = "-- name: Values :many\nSELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3"
					rows, err := tx.db.QueryContext(ctx, values)
					if err != nil {
						return err
					}
					if closed {
						defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
					}
					rows.Next()
					if _, err := tx.list(ctx, values); err != nil { // the same text once more
						return err
					}
					if err := tx.transfer(ctx, number); err != nil {
						return err
					}
					rows.Next()
					return rows.Err()
				})
			}
		},
	}
}

// first is the first one of a connection, which prepares its statements.
var first = operation{
	name:   "first WithTx",
	points: []faultdriver.Point{faultdriver.Prepare},
	fresh:  true,
	open:   func(t *testing.T, s *stage) attempt { return openBook(t, s).writeAlone },
}

func (b *book) writeAlone() error {
	return b.writeOnce(func(ctx context.Context, tx queries, number int) error { return tx.transfer(ctx, number) })
}

// writeOnce is one WithTx with a closure that makes a transfer.
func (b *book) writeOnce(write func(ctx context.Context, tx queries, number int) error) error {
	number, runs, hooks := b.next(), 0, 0
	var err error
	b.stage.play(func() {
		err = b.db.WithTx(context.Background(), func(ctx context.Context, tx queries) error {
			runs++
			if err := manager.AfterCommit(ctx, func(context.Context, uint64) { hooks++ }); err != nil {
				return err
			}
			return write(ctx, tx, number)
		})
	})
	b.answered(err, number)
	told := 0
	if err == nil {
		told = 1
	}
	if hooks != told {
		return fmt.Errorf("AfterCommit functions ran: got %d, want %d", hooks, told)
	}
	return errors.Join(b.stage.truthful(err), b.stage.surfaced(err, runs), b.after(told))
}

// surfaced checks that a fault which no retry can cure is the answer, and that the
// closure did not run more often than necessary.
func (s *stage) surfaced(err error, runs int) error {
	if len(s.fired) == 0 || s.fault.Times < 0 {
		return nil
	}
	switch s.fault.Point {
	case faultdriver.Begin, faultdriver.Prepare, faultdriver.Statement, faultdriver.Step, faultdriver.Commit:
		if !s.fault.Code.Retryable() && err == nil {
			return errors.New("an error that cannot be cured was not told")
		}
	}
	if (!s.fault.Code.Retryable() || s.fault.Point == faultdriver.Commit || s.fault.Point == faultdriver.Begin) && runs > 1 {
		return fmt.Errorf("the closure ran %d times", runs)
	}
	return nil
}

// failing is a transaction whose closure returns an error.
var failing = operation{
	name:   "failing WithTx",
	points: []faultdriver.Point{faultdriver.Begin, faultdriver.Statement, faultdriver.Rollback},
	open: func(t *testing.T, s *stage) attempt {
		b := openUsedBook(t, s)
		return func() error {
			var err error
			s.play(func() {
				err = b.db.WithTx(context.Background(), func(ctx context.Context, tx queries) error {
					return errors.Join(tx.transfer(ctx, b.next()), errOwn)
				})
			})
			if err == nil || !errors.Is(err, errOwn) && s.truthful(err) != nil {
				return fmt.Errorf("got %v, want the closure's error or the fault", err)
			}
			return b.after(0)
		}
	},
}

// nested is a transaction with savepoints, which continues whatever their outcome.
var nested = operation{
	name: "nested WithTx", few: 6,
	points: []faultdriver.Point{
		faultdriver.Begin, faultdriver.Savepoint, faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows,
		faultdriver.Release, faultdriver.RollbackTo, faultdriver.Commit,
	},
	open: func(t *testing.T, s *stage) attempt {
		b := openUsedBook(t, s)
		return func() error {
			var err error
			var kept []int // by the last run
			s.play(func() {
				err = b.db.WithTx(context.Background(), func(ctx context.Context, tx queries) (err error) {
					kept, err = b.nest(ctx, tx)
					return err
				})
			})
			b.answered(err, kept...)
			told := 0
			if err == nil {
				told = 1
			}
			return errors.Join(s.truthful(err), b.after(told))
		}
	},
}

// nest returns the transfers that the transaction would keep.
func (b *book) nest(ctx context.Context, tx queries) (kept []int, err error) {
	outer := b.next()
	if err := tx.transfer(ctx, outer); err != nil {
		return nil, err
	}
	kept = append(kept, outer)
	inside := func(ctx context.Context, own error, deeper func(ctx context.Context) []int) []int {
		number := b.next()
		var below []int
		err := b.db.WithTx(ctx, func(ctx context.Context, tx queries) error {
			if err := tx.transfer(ctx, number); err != nil {
				return err
			}
			below = deeper(ctx)
			return own
		})
		if err != nil {
			return nil
		}
		return append(below, number)
	}
	none := func(context.Context) []int { return nil }
	kept = append(kept, inside(ctx, nil, func(ctx context.Context) []int {
		return append(inside(ctx, errOwn, none), inside(ctx, nil, none)...)
	})...)
	kept = append(kept, inside(ctx, errOwn, func(ctx context.Context) []int { return inside(ctx, nil, none) })...)
	return append(kept, inside(ctx, nil, none)...), nil
}
