package limits_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/effort"
)

// TestCallersLeaveNothingBehind has callers end in every way, alone and in
// crowds, many times over, and closes the manager.
func TestCallersLeaveNothingBehind(t *testing.T) {
	for _, c := range []struct {
		name string
		call func(t *testing.T, db *store)
	}{
		{"answered", func(t *testing.T, db *store) {
			_ = db.WithTx(t.Context(), adding("kept"))
		}},
		{"failed", func(t *testing.T, db *store) {
			_ = db.WithTx(t.Context(), func(context.Context, queries) error { return errOwn })
		}},
		{"cancelled while it waits", func(t *testing.T, db *store) {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			_ = db.WithTx(ctx, adding("perhaps"))
		}},
		{"cancelled inside", func(t *testing.T, db *store) {
			ctx, cancel := context.WithCancel(t.Context())
			_ = db.WithTx(ctx, func(ctx context.Context, q queries) error { cancel(); return q.add(ctx, "never") })
		}},
		{"cancelled inside a read", func(t *testing.T, db *store) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			_ = db.ReadOnly(ctx, func(ctx context.Context, q queries) error {
				return q.QueryRowContext(ctx, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").Scan(new(int))
			})
		}},
		{"panicking", func(t *testing.T, db *store) {
			defer func() { _ = recover() }()
			_ = db.WithTx(t.Context(), func(ctx context.Context, q queries) error { _ = q.add(ctx, "never"); panic("out of paper") })
		}},
		{"panicking in a read", func(t *testing.T, db *store) {
			defer func() { _ = recover() }()
			_ = db.ReadOnly(t.Context(), func(context.Context, queries) error { panic("out of paper") })
		}},
		{"exiting", func(t *testing.T, db *store) {
			apart(func() {
				_ = db.WithTx(t.Context(), func(ctx context.Context, q queries) error { _ = q.add(ctx, "never"); runtime.Goexit(); return nil })
			})
		}},
		{"exiting in a read", func(t *testing.T, db *store) {
			apart(func() {
				_ = db.ReadOnly(t.Context(), func(context.Context, queries) error { runtime.Goexit(); return nil })
			})
		}},
		{"leaving rows open", func(t *testing.T, db *store) {
			_ = db.WithTx(t.Context(), func(ctx context.Context, q queries) error {
				_, err := q.QueryContext(ctx, "SELECT 1 UNION ALL SELECT 2")
				return err
			})
		}},
		{"leaving a nested transaction open", func(t *testing.T, db *store) {
			leaveNested(t, db)
		}},
		{"without a lock file that another holds", func(t *testing.T, db *store) {
			leaveLock(t, db)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := nothingLeft(t)
			db := open(t)
			for range 3 {
				c.call(t, db) // nobody else is there
			}
			release := hold(t, db, "first")
			var crowd sync.WaitGroup
			for range 20 {
				crowd.Go(func() { c.call(t, db) })
			}
			release()
			crowd.Wait()
			if err := db.WithTx(t.Context(), adding("next")); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
			shut(t, db)
			check()
		})
	}
}

// apart runs fn on a goroutine that may call runtime.Goexit.
func apart(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

// leaveNested returns from a closure while a nested transaction still runs.
func leaveNested(t *testing.T, db *store) {
	started, gate := make(chan struct{}), make(chan struct{})
	var nested sync.WaitGroup
	var once sync.Once
	_ = db.WithTx(t.Context(), func(ctx context.Context, q queries) error {
		nested.Go(func() {
			_ = db.WithTx(ctx, func(ctx context.Context, q queries) error {
				once.Do(func() { close(started) })
				<-gate
				return q.add(ctx, "never")
			})
		})
		<-started
		return nil
	})
	close(gate)
	nested.Wait()
}

// leaveLock gives up waiting for a lock file that a second manager holds.
func leaveLock(t *testing.T, db *store) {
	other := openAt(t, db.Path())
	release := hold(t, other, "other manager")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	_ = db.WithTx(ctx, adding("never"))
	release()
	shut(t, other)
}

// TestOpenAndCloseManyTimes opens many managers, on one file and on many,
// some of which fail.
func TestOpenAndCloseManyTimes(t *testing.T) {
	dir := t.TempDir()
	check := nothingLeft(t)
	for i := range effort.Count(40, 400) {
		path := filepath.Join(dir, fmt.Sprint(i%10, ".db"))
		db := openAt(t, path, manager.WithReaders(1+i%4))
		if i%3 == 0 {
			_, err := manager.Open(t.Context(), path, newQueries, newQueries, manager.WithApplicationID(7))
			if !errors.Is(err, manager.ErrWrongFile) {
				t.Fatalf("open as another program: got %v, want ErrWrongFile", err)
			}
		}
		if err := db.WithTx(t.Context(), adding("kept")); err != nil {
			t.Fatal(err)
		}
		shut(t, db)
	}
	check()
}
