package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/manager"
)

// deposit records an entry once, whoever runs it again.
func deposit(amount int, unknown *[]bool) func(context.Context, manager.DBTX) error {
	return func(ctx context.Context, tx manager.DBTX) error {
		*unknown = append(*unknown, manager.CommitUnknown(ctx))
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM entry WHERE amount = $1", amount).Scan(&n); err != nil || n > 0 {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO entry VALUES ($1)", amount)
		return err
	}
}

// entries is a table behind a proxy, and a connection past it.
func entries(t testing.TB, opts ...manager.Option) (*pgtest.Proxy, *db, *db) {
	t.Helper()
	url := pgtest.Database(t)
	direct := open(t, url)
	exec(t, direct, "CREATE TABLE entry (amount bigint NOT NULL)")
	proxy := pgtest.NewProxy(t, url)
	return proxy, open(t, proxy.URL, opts...), direct
}

func TestUnknownCommitIsSettledByAnIdempotentClosure(t *testing.T) {
	proxy, d, direct := entries(t)
	for i, cuts := range [][]pgtest.Cut{{pgtest.Unsent}, {pgtest.Unanswered}, {pgtest.Unsent, pgtest.Unanswered}, {pgtest.Unanswered, pgtest.Unsent, pgtest.Unanswered}} {
		proxy.CutCommits(cuts...)
		var unknown []bool
		hooks, undone := 0, 0
		err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			if err := manager.AfterCommit(ctx, func(context.Context, uint64) { hooks++ }); err != nil {
				return err
			}
			if err := manager.AfterRollback(ctx, func(context.Context, error) { undone++ }); err != nil {
				return err
			}
			return deposit(i, &unknown)(ctx, tx)
		}, manager.Idempotent())
		if err != nil || len(unknown) != len(cuts)+1 || unknown[0] || !unknown[1] || hooks != 1 || undone != 0 {
			t.Errorf("%v: %v, runs after an unknown commit %t, %d hooks and %d undone; want nil, one run more than cuts, one hook", cuts, err, unknown, hooks, undone)
		}
		if n := number(t, direct, "SELECT count(*) FROM entry WHERE amount = $1", i); n != 1 {
			t.Errorf("%v: %d entries, want one", cuts, n)
		}
	}
}

func TestUnknownCommitOfOtherClosuresIsReturned(t *testing.T) {
	for _, cut := range []pgtest.Cut{pgtest.Unsent, pgtest.Unanswered} {
		proxy, d, direct := entries(t)
		proxy.CutCommits(cut)
		var unknown []bool
		err := d.WithTx(t.Context(), deposit(7, &unknown))
		if !errors.Is(err, manager.ErrCommitUnknown) || len(unknown) != 1 {
			t.Errorf("%d runs: %v, want ErrCommitUnknown after one", len(unknown), err)
		}
		if n := number(t, direct, "SELECT count(*) FROM entry"); n != int64(cut) {
			t.Errorf("%d entries, want %d", n, cut)
		}
	}
}

// What comes in the way of settling says nothing about the commit; what the
// closure finds is an answer.
func TestUnknownCommitThatIsNotSettledSaysSo(t *testing.T) {
	own := errors.New("own")
	for _, test := range []struct {
		name    string
		again   func(ctx context.Context, cancel func(), tx manager.DBTX) error
		want    error
		unknown bool
	}{
		{"the context ends", func(ctx context.Context, cancel func(), tx manager.DBTX) error {
			cancel()
			_, err := tx.ExecContext(ctx, "SELECT 1")
			return err
		}, context.Canceled, true},
		{"the server is gone to the end of the budget", func(ctx context.Context, _ func(), tx manager.DBTX) error {
			_, err := tx.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
			return err
		}, manager.ErrBusy, true},
		{"the closure's own error", func(context.Context, func(), manager.DBTX) error { return own }, own, false},
		{"a constraint", func(ctx context.Context, _ func(), tx manager.DBTX) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO entry VALUES (NULL)")
			return err
		}, manager.ErrNotNull, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			proxy, d, _ := entries(t, manager.WithRetryBudget(300*time.Millisecond))
			proxy.CutCommits(pgtest.Unanswered)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var unknown []bool
			err := d.WithTx(ctx, func(ctx context.Context, tx manager.DBTX) error {
				if manager.CommitUnknown(ctx) {
					return test.again(ctx, cancel, tx)
				}
				return deposit(1, &unknown)(ctx, tx)
			}, manager.Idempotent())
			if !errors.Is(err, test.want) || errors.Is(err, manager.ErrCommitUnknown) != test.unknown {
				t.Errorf("got %v, want %v, and ErrCommitUnknown %t", err, test.want, test.unknown)
			}
		})
	}
}

// A COMMIT that used the budget up is not run again: writers wait no longer than that.
func TestCommitThatTakesTheWholeBudgetIsReturned(t *testing.T) {
	proxy, d, _ := entries(t, manager.WithRetryBudget(time.Second))
	runs := 0
	err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		runs++
		_, err := tx.ExecContext(ctx, "INSERT INTO entry VALUES (1)")
		proxy.Stall(true)
		return err
	}, manager.Idempotent())
	proxy.Stall(false)
	if !errors.Is(err, manager.ErrCommitUnknown) || runs != 1 {
		t.Errorf("%d runs: %v, want ErrCommitUnknown after one", runs, err)
	}
}
