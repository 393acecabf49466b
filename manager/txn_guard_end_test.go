package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// wantDone checks that nothing can be done any more with what a closure got.
func wantDone(t testing.TB, db *DB, ctx context.Context, raw manager.DBTX) {
	t.Helper()
	for _, way := range waysToRun {
		if err := way.run(context.Background(), raw, orphan); !errors.Is(err, manager.ErrTxDone) {
			t.Errorf("kept queries, by %s: got %v, want ErrTxDone", way.name, err)
		}
	}
	err := db.WithTx(ctx, func(context.Context, Tx) error { t.Error("a write closure ran in a kept context"); return nil })
	if !errors.Is(err, manager.ErrTxDone) && !errors.Is(err, manager.ErrReadOnly) { // the latter when it was a read's
		t.Errorf("WithTx in a kept context: got %v, want ErrTxDone", err)
	}
	err = db.ReadOnly(ctx, func(context.Context, Reader) error { t.Error("a read closure ran in a kept context"); return nil })
	if !errors.Is(err, manager.ErrTxDone) {
		t.Errorf("ReadOnly in a kept context: got %v, want ErrTxDone", err)
	}
	err = manager.AfterCommit(ctx, func(context.Context, uint64) { t.Error("a function registered in a kept context ran") })
	if !errors.Is(err, manager.ErrTxDone) {
		t.Errorf("AfterCommit in a kept context: got %v, want ErrTxDone", err)
	}
}

func TestQueriesKeptBeyondAWrite(t *testing.T) {
	for name, end := range map[string]func() error{
		"that committed":   func() error { return nil },
		"that rolled back": func() error { return errOwn },
		"that panicked":    func() error { return panicking("out of paper") },
		"that exited":      func() error { exit(); return nil },
	} {
		for _, mode := range modes {
			t.Run(name+"/"+mode.name, func(t *testing.T) {
				db := openNotes(t)
				var kept Tx
				var keptCtx context.Context
				mode.run(t, db, context.Background(), func(ctx context.Context, tx Tx) error {
					kept, keptCtx = tx, ctx
					return end()
				})
				wantDone(t, db, keptCtx, kept.raw)
				// Nor may they reach into the transaction that has the connection now.
				err := db.WithTx(t.Context(), func(context.Context, Tx) error {
					wantDone(t, db, keptCtx, kept.raw)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if got := withoutNeighbours(t, db); len(got) != 0 {
					t.Errorf("titles: got %q, want none", got)
				}
			})
		}
	}
}

func TestQueriesKeptBeyondARead(t *testing.T) {
	db := openNotes(t, manager.WithReaders(1))
	var kept Reader
	var keptCtx context.Context
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
		kept, keptCtx = q, ctx
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// The pool's only connection serves the next one meanwhile.
	err = db.ReadOnly(t.Context(), func(context.Context, Reader) error {
		wantDone(t, db, keptCtx, kept.raw)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestQueriesKeptBeyondANestedTransaction(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		var kept []manager.DBTX
		var ctxs []context.Context
		keep := func(ctx context.Context, raw manager.DBTX) { kept, ctxs = append(kept, raw), append(ctxs, ctx) }
		_ = db.WithTx(ctx, func(ctx context.Context, tx Tx) error { keep(ctx, tx.raw); return nil })
		_ = db.WithTx(ctx, func(ctx context.Context, tx Tx) error { keep(ctx, tx.raw); return errOwn })
		_ = db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { keep(ctx, q.raw); return nil })
		for i := range kept {
			wantDone(t, db, ctxs[i], kept[i])
		}
		return tx.add(ctx, "the parent goes on")
	})
	if err != nil {
		t.Error(err)
	}
}

const manyRows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n"

func TestRowsLeftOpenAreClosed(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t)
			var left []*sql.Rows
			open := func(ctx context.Context, raw manager.DBTX, query string) error {
				rows, err := raw.QueryContext(ctx, query)
				if err == nil {
					left = append(left, rows)
					rows.Next()
				}
				return err
			}
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				err := errors.Join(
					open(ctx, tx.raw, manyRows),
					open(ctx, tx.raw, "-- name: Many :many\n"+manyRows),
					open(ctx, tx.raw, "-- name: Many :many\n"+manyRows), // the same query twice at once
					db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
						return open(ctx, tx.raw, "-- name: InsertMany :many\nINSERT INTO notes (folder, title) VALUES ('inbox', 'a'), ('inbox', 'b') RETURNING id")
					}),
					db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { return open(ctx, q.raw, manyRows) }),
				)
				if err != nil {
					return err
				}
				err = db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
					return errors.Join(errOwn, open(ctx, tx.raw, "INSERT INTO notes (folder, title) VALUES ('inbox', 'c'), ('inbox', 'd') RETURNING id"))
				})
				if err.Error() != errOwn.Error() {
					t.Errorf("nested transaction: got %v, want only its own error", err)
				}
				return nil
			}).err
			if err != nil {
				t.Fatal(err)
			}
			if len(left) != 6 {
				t.Fatalf("rows left open: got %d, want 6", len(left))
			}
			for i, rows := range left {
				if rows.Next() || !errors.Is(rows.Err(), manager.ErrTxDone) {
					t.Errorf("rows %d after the closure: got %v, want ErrTxDone", i, rows.Err())
				}
				_ = rows.Close()
			}
			if got, want := withoutNeighbours(t, db), []string{"a", "b"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}

func TestRowsLeftOpenDoNotKeepAReader(t *testing.T) {
	db := openNotes(t, manager.WithReaders(1))
	for range 3 {
		var rows *sql.Rows
		err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) (err error) {
			rows, err = q.raw.QueryContext(ctx, manyRows)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if rows.Next() || !errors.Is(rows.Err(), manager.ErrTxDone) {
			t.Errorf("rows after the closure: got %v, want ErrTxDone", rows.Err())
		}
	}
	// Each read saw the newest state: no snapshot is held by open rows.
	if err := db.WithTx(t.Context(), adding("new")); err != nil {
		t.Fatal(err)
	}
	if got := titles(t, db); len(got) != 1 {
		t.Errorf("titles: got %q, want the new one", got)
	}
}

func TestRowThatIsNeverScanned(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t, manager.WithReaders(1))
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				_ = tx.raw.QueryRowContext(ctx, "-- name: Never :one\nINSERT INTO notes (folder, title) VALUES ('inbox', 'a') RETURNING id")
				_ = tx.raw.QueryRowContext(ctx, "-- name: Never :one\nINSERT INTO notes (folder, title) VALUES ('inbox', 'b') RETURNING id")
				return tx.add(ctx, "c")
			}).err
			if err != nil {
				t.Error(err)
			}
			for range 2 {
				err = db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
					_ = q.raw.QueryRowContext(ctx, manyRows)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
			if got := withoutNeighbours(t, db); len(got) != 3 {
				t.Errorf("titles: got %q, want three", got)
			}
		})
	}
}

func TestStatementsOfManyGoroutinesInOneTransaction(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for i := range 20 {
					if err := tx.add(ctx, fmt.Sprintf("%d of %d", i, worker)); err != nil {
						t.Error(err)
					}
					if n, err := tx.CountNotes(ctx); err != nil || n < int64(i) {
						t.Errorf("count: got %d, %v", n, err)
					}
					if list, err := tx.Titles(ctx, "inbox"); err != nil || len(list) <= i {
						t.Errorf("list: got %d titles, %v", len(list), err)
					}
				}
			})
		}
		wg.Wait()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := titles(t, db); len(got) != 160 {
		t.Errorf("notes: got %d, want 160", len(got))
	}
}

// A statement that a goroutine left behind sends while the transaction ends
// is in it, or is refused: it never runs afterwards.
func TestStatementsThatRaceWithTheEnd(t *testing.T) {
	for name, end := range map[string]error{"a commit": nil, "a rollback": errOwn} {
		for _, mode := range modes {
			t.Run(name+"/"+mode.name, func(t *testing.T) {
				db := openNotes(t)
				var accepted atomic.Int64
				var workers sync.WaitGroup
				mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
					busyWorkers := make(chan struct{}, 4)
					for worker := range 4 {
						workers.Go(func() {
							for i := 0; ; i++ {
								err := tx.add(context.Background(), fmt.Sprintf("%d of %d", i, worker))
								if err != nil {
									if !errors.Is(err, manager.ErrTxDone) {
										t.Errorf("got %v, want ErrTxDone", err)
									}
									return
								}
								accepted.Add(1)
								if i == 3 {
									busyWorkers <- struct{}{}
								}
							}
						})
					}
					for range 4 {
						<-busyWorkers
					}
					return end
				})
				workers.Wait()
				want := int(accepted.Load())
				if end != nil {
					want = 0
				}
				if got := len(withoutNeighbours(t, db)); got != want {
					t.Errorf("notes: got %d, want %d", got, want)
				}
			})
		}
	}
}
