package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/manager"
)

const insertEntry = "-- name: InsertEntry :exec\nINSERT INTO entry VALUES (?1)"

// A transaction of one statement is two round trips, BEGIN and locks go with it; what waits goes with COMMIT.
func TestStatementsThatWaitTakeNoRoundTrip(t *testing.T) {
	proxy, d, direct := entries(t)
	run := func(n int, opts ...manager.TxOption) int64 {
		before := proxy.Trips()
		err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			for i := range n {
				if _, err := tx.ExecContext(ctx, insertEntry, i); err != nil {
					return err
				}
			}
			return nil
		}, append(opts, manager.Keyed("a", "b"))...)
		if err != nil {
			t.Fatal(err)
		}
		return proxy.Trips() - before
	}
	run(1) // prepares it
	for _, test := range []struct {
		n    int
		opts []manager.TxOption
		want int64
	}{
		{0, nil, 0}, {1, nil, 2}, {5, nil, 6}, {1, []manager.TxOption{manager.Pipelined()}, 1}, {200, []manager.TxOption{manager.Pipelined()}, 1}, {1000, []manager.TxOption{manager.Pipelined()}, 4},
	} {
		if got := run(test.n, test.opts...); got != test.want {
			t.Errorf("%d statements with %d options take %d round trips, want %d", test.n, len(test.opts), got, test.want)
		}
	}
	if n := number(t, direct, "SELECT count(*) FROM entry"); n != 1208 {
		t.Errorf("%d rows, want 1208", n)
	}
}

func TestErrorOfAStatementThatWaitedComesWithTheNext(t *testing.T) {
	_, d, direct := entries(t)
	exec(t, direct, "ALTER TABLE entry ADD CONSTRAINT entry_small CHECK (amount < 10)")
	for _, test := range []struct {
		name  string
		after func(ctx context.Context, tx manager.DBTX) error
	}{
		{"COMMIT", func(context.Context, manager.DBTX) error { return nil }},
		{"a query", func(ctx context.Context, tx manager.DBTX) error {
			var n int
			return tx.QueryRowContext(ctx, "-- name: Count :one\nSELECT count(*) FROM entry").Scan(&n)
		}},
		{"a nested transaction", func(ctx context.Context, tx manager.DBTX) error {
			return d.WithTx(ctx, func(ctx context.Context, tx manager.DBTX) error {
				_, err := tx.ExecContext(ctx, insertEntry, 2)
				return err
			})
		}},
	} {
		err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			for _, amount := range []int{1, 99, 3} {
				if _, err := tx.ExecContext(ctx, insertEntry, amount); err != nil {
					return fmt.Errorf("at once: %w", err)
				}
			}
			return test.after(ctx, tx)
		}, manager.Pipelined())
		var e *manager.Error
		if !errors.Is(err, manager.ErrCheck) || !errors.As(err, &e) || e.Query != "InsertEntry" || e.Table != "entry" || errors.Is(err, manager.ErrCommitUnknown) {
			t.Errorf("with %s: got %v, want the check of InsertEntry", test.name, err)
		}
	}
	exec(t, d, "INSERT INTO entry VALUES (5)")
	if n := number(t, direct, "SELECT sum(amount)::bigint FROM entry"); n != 5 {
		t.Errorf("the entries sum to %d, want 5: nothing of a transaction that failed", n)
	}
}

// Between two managers whose locks meet, the first statement waits for them, although BEGIN went with it.
func TestFirstStatementRunsBehindTheLocks(t *testing.T) {
	url := pgtest.Database(t)
	one, two := open(t, url), open(t, url)
	exec(t, one, "CREATE TABLE entry (amount bigint NOT NULL)")
	holds, seen := make(chan struct{}), make(chan int, 1)
	go func() {
		<-holds
		var n int
		if err := two.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			return tx.QueryRowContext(ctx, "SELECT count(*) FROM entry").Scan(&n)
		}, manager.Keyed("k")); err != nil {
			t.Error(err)
		}
		seen <- n
	}()
	err := one.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO entry VALUES (1)"); err != nil {
			return err
		}
		close(holds)
		for waiting := 0; waiting == 0; {
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").Scan(&waiting); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO entry VALUES (2)")
		return err
	}, manager.Keyed("k"))
	if n := <-seen; err != nil || n != 2 {
		t.Errorf("saw %d rows, %v; want both that were committed before", n, err)
	}
}
