package manager_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

const badJSON = "{"

// tree is a query whose first step fails when its argument is no JSON.
const tree = "-- name: Tree :many\nSELECT json_extract(?, '$.a') UNION ALL SELECT 1"

// A text that runs while its own rows are open is prepared once more. However
// that second statement ends, it is closed.
func TestStatementBesideItsOwnRowsIsClosed(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	write := func(ctx context.Context, on manager.DBTX, query string) error {
		_, err := on.ExecContext(ctx, query, "{}")
		return err
	}
	for _, test := range []struct {
		name   string
		text   string
		beside func(ctx context.Context, on manager.DBTX, text string) error
	}{
		{"its first step fails", tree, func(ctx context.Context, on manager.DBTX, text string) error {
			return drain(on.QueryContext(ctx, text, badJSON))
		}},
		{"its row fails", tree, func(ctx context.Context, on manager.DBTX, text string) error {
			return onlyRow(on.QueryRowContext(ctx, text, badJSON))
		}},
		{"it fails as an exec", tree, func(ctx context.Context, on manager.DBTX, text string) error {
			_, err := on.ExecContext(ctx, text, badJSON)
			return err
		}},
		{"it succeeds as an exec", tree, write},
		{"its context has ended", tree, func(_ context.Context, on manager.DBTX, text string) error {
			return drain(on.QueryContext(ended, text, "{}"))
		}},
		{"arguments are missing", tree, func(ctx context.Context, on manager.DBTX, text string) error {
			return drain(on.QueryContext(ctx, text))
		}},
		{"an argument cannot be bound", tree, func(ctx context.Context, on manager.DBTX, text string) error {
			return drain(on.QueryContext(ctx, text, make(chan int)))
		}},
		{"the row is not scanned", tree, func(ctx context.Context, on manager.DBTX, text string) error {
			rows, err := on.QueryContext(ctx, text, "{}")
			if err == nil {
				rows.Next()
				err = rows.Close()
			}
			return err
		}},
		{"it writes in a view", "-- name: Tree :many\nINSERT INTO notes (folder, title) VALUES ('inbox', ?) RETURNING title",
			func(ctx context.Context, on manager.DBTX, text string) error {
				if err := drain(on.QueryContext(ctx, text, "x")); !errors.Is(err, manager.ErrReadOnly) {
					return err
				}
				_, err := on.ExecContext(ctx, text, "x")
				return err
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var count ledgerOfStatements
			db := openNotes(t, manager.WithDriver(count.wrap))
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				rows, err := tx.raw.QueryContext(ctx, test.text, "{}")
				if err != nil {
					return err
				}
				defer rows.Close()
				before := count.open()
				for range 50 {
					_ = db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { return test.beside(ctx, q.raw, test.text) })
				}
				if got := count.open(); got != before {
					t.Errorf("statements open after 50 more runs: got %d, want %d", got, before)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func (l *ledgerOfStatements) open() int64 { return l.prepared.Load() - l.closed.Load() }

func TestGoroutinesOfOneReadShareAQuery(t *testing.T) {
	const one = "-- name: One :one\nSELECT 1 UNION ALL SELECT 2"
	var count ledgerOfStatements
	db := openNotes(t, manager.WithDriver(count.wrap), manager.WithReaders(1))
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error { // so that both texts are kept
		_, err := q.CountNotes(ctx)
		return errors.Join(err, drain(q.raw.QueryContext(ctx, one)))
	})
	if err != nil {
		t.Fatal(err)
	}
	before := count.open()
	for round := range 3 {
		err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
			ended, cancel := context.WithCancel(ctx)
			defer cancel()
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					for range 50 {
						if i == 0 {
							cancel()
						}
						var n int
						_ = q.raw.QueryRowContext(ended, one).Scan(&n)
						_, _ = q.CountNotes(ctx)
					}
				})
			}
			all.Wait()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := count.open(); got != before {
			t.Errorf("statements open after round %d: got %d, want the %d of before", round, got, before)
		}
	}
}

// SQLite must not meet a statement that the garbage collector finalizes.
func TestGarbageCollectionMeetsNoStatement(t *testing.T) {
	db := openNotes(t)
	stop := make(chan struct{})
	var collector sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	defer collector.Wait()
	defer close(stop)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		if err := tx.add(ctx, "a"); err != nil {
			return err
		}
		for range 300 {
			rows, err := tx.raw.QueryContext(ctx, tree, "{}")
			if err != nil {
				return err
			}
			for rows.Next() {
				for range 5 {
					if err := drain(tx.raw.QueryContext(ctx, tree, badJSON)); err == nil {
						t.Error("malformed JSON: no error")
					}
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
