package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

type q struct{ db manager.DBTX }

func newQ(db manager.DBTX) *q { return &q{db} }

func openTest(t testing.TB, opts ...manager.Option) *manager.DB[*q, *q] {
	opts = append([]manager.Option{manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v INTEGER NOT NULL UNIQUE)")
		return err
	})}, opts...)
	db, err := manager.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), newQ, newQ, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return db
}

func (q *q) insert(ctx context.Context, v int) error {
	_, err := q.db.ExecContext(ctx, "-- name: Insert :exec\nINSERT INTO t (v) VALUES (?)", v)
	return err
}
func (q *q) count(ctx context.Context) (n int, err error) {
	err = q.db.QueryRowContext(ctx, "-- name: Count :one\nSELECT count(*) FROM t").Scan(&n)
	return n, err
}

func TestSmoke(t *testing.T) {
	db := openTest(t)
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 100 {
				err := db.WithTx(t.Context(), func(ctx context.Context, tx *q) error {
					if err := tx.insert(ctx, g*100+i); err != nil {
						return err
					}
					if i%10 == 9 {
						return errors.New("no")
					}
					return nil
				})
				if (err != nil) != (i%10 == 9) {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	n, err := manager.Read(t.Context(), db, func(ctx context.Context, r *q) (int, error) { return r.count(ctx) })
	if err != nil || n != 64*90 {
		t.Fatal(n, err)
	}
	t.Logf("%+v", db.Stats())
	err = db.WithTx(t.Context(), func(ctx context.Context, tx *q) error { return tx.insert(ctx, 1) })
	t.Log(err)
	if !errors.Is(err, manager.ErrUnique) {
		t.Error(err)
	}
}

func TestGroupPanicGoexit(t *testing.T) {
	db := openTest(t)
	release := make(chan struct{})
	started := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		_ = db.WithTx(t.Context(), func(ctx context.Context, tx *q) error { close(started); <-release; return nil })
	}()
	<-started
	var panics, exits, oks int
	var mu sync.Mutex
	for i := range 30 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			returned := false
			defer func() {
				r := recover()
				mu.Lock()
				defer mu.Unlock()
				if r != nil {
					panics++
				} else if !returned {
					exits++
				}
			}()
			err := db.WithTx(t.Context(), func(ctx context.Context, tx *q) error {
				if err := tx.insert(ctx, i); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					panic("x")
				case 2:
					runtime.Goexit()
				}
				return nil
			})
			returned = true
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			oks++
			mu.Unlock()
		}()
	}
	for db.Stats().Queue < 30 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
	n, _ := manager.Read(t.Context(), db, func(ctx context.Context, r *q) (int, error) { return r.count(ctx) })
	if panics != 10 || exits != 10 || oks != 10 || n != 10 {
		t.Fatal(panics, exits, oks, n)
	}
}
