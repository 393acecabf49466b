package manager_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// strays are functions of the caller's that do not return.
var strays = map[string]func(){"panics": func() { panic("stray") }, "exits": exit}

// groupOf runs two closures in one group, and returns their calls once both are answered.
func groupOf(t *testing.T, db *DB, first, second func(context.Context, Tx) error) (calls []*call) {
	t.Helper()
	release := hold(t, db)
	calls = append(calls, enqueue(context.Background(), t, db, first), enqueue(context.Background(), t, db, second))
	release()
	for _, c := range calls {
		c.wait(t)
	}
	return calls
}

func wantGoesOn(t *testing.T, db *DB, title string) {
	t.Helper()
	if err := db.WithTx(t.Context(), adding(title)); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
	if got := titles(t, db); !slices.Contains(got, title) {
		t.Errorf("titles: got %q, want %q among them", got, title)
	}
}

// A connection that is lost in a group is opened again on the manager's goroutine.
func TestConnectHookThatDoesNotReturn(t *testing.T) {
	for name, stray := range strays {
		t.Run(name, func(t *testing.T) {
			faults, armed := faultdriver.New(), atomic.Bool{}
			hook := func(context.Context, *sqlite3.SQLiteConn) error {
				if armed.Load() {
					stray()
				}
				return nil
			}
			db := openNotes(t, manager.WithDriver(faults.Wrap), manager.WithConnectHook(hook), manager.WithReaders(1))
			_ = titles(t, db)
			lose := func(ctx context.Context, on manager.DBTX) error {
				faults.Arm(faultdriver.Fault{Point: faultdriver.Statement, Code: faultdriver.ConnectionLost})
				_, err := on.ExecContext(ctx, "SELECT 1")
				armed.Store(true)
				return err
			}
			calls := groupOf(t, db, func(ctx context.Context, tx Tx) error { return lose(ctx, tx.raw) }, adding("second"))
			for _, c := range calls {
				if c.err == nil || c.panic != nil || c.exited {
					t.Errorf("got %v, panic %v, exited %v, want an error", c.err, c.panic, c.exited)
				}
			}
			if err := db.WithTx(t.Context(), adding("never")); err == nil {
				t.Error("write without a connection: no error")
			}
			armed.Store(false)
			wantGoesOn(t, db, "after")
			if err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error { return lose(ctx, q.raw) }); err == nil {
				t.Error("read on a connection that is lost: no error")
			}
			if err := db.ReadOnly(t.Context(), func(context.Context, Reader) error { return nil }); err == nil {
				t.Error("read without a connection: no error")
			}
			armed.Store(false)
			wantGoesOn(t, db, "after reading")
			armed.Store(true)
			other, err := manager.Open(t.Context(), bankPath(t), newReader, newTx, manager.WithConnectHook(hook))
			if err == nil {
				_ = other.Close(t.Context())
				t.Error("Open: no error")
			}
		})
	}
}

type strayHandler struct {
	slog.Handler
	stray func()
}

func (h strayHandler) Handle(context.Context, slog.Record) error { h.stray(); return nil }

func TestLogHandlerThatDoesNotReturn(t *testing.T) {
	for name, stray := range strays {
		t.Run(name, func(t *testing.T) {
			faults := faultdriver.New()
			log := slog.New(strayHandler{slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}), stray})
			db := openNotes(t, manager.WithDriver(faults.Wrap), manager.WithLogger(log))
			for point, code := range map[faultdriver.Point]faultdriver.Code{faultdriver.Commit: faultdriver.Full, faultdriver.Begin: faultdriver.Busy} {
				faults.Arm(faultdriver.Fault{Point: point, Code: code, Nth: 2}) // the first is of the holder
				for _, c := range groupOf(t, db, adding("first at "+string(point)), adding("second at "+string(point))) {
					if c.err != nil {
						t.Errorf("%s at %s: got %v, want it to run again", code, point, c.err)
					}
				}
			}
			calls := groupOf(t, db, func(context.Context, Tx) error { panic("own") }, adding("beside a panic"))
			if calls[0].panic != "own" || calls[1].err != nil {
				t.Errorf("got panic %v and error %v, want the closure's own panic alone", calls[0].panic, calls[1].err)
			}
			wantGoesOn(t, db, "after")
		})
	}
}

// Rows that a closure leaves open end with its transaction, on the manager's goroutine if it is a group's.
func TestTracerThatDoesNotReturnAtTheEndOfATransaction(t *testing.T) {
	for name, stray := range strays {
		t.Run(name, func(t *testing.T) {
			trace := func(ctx context.Context, op manager.Operation) (context.Context, func(error)) {
				if op.Query != "Left" {
					return ctx, func(error) {}
				}
				return ctx, func(error) { stray() }
			}
			db := openNotes(t, manager.WithTracer(trace), manager.WithReaders(1))
			leave := func(ctx context.Context, on manager.DBTX) error {
				_, err := on.QueryContext(ctx, "-- name: Left :many\nSELECT 1 UNION ALL SELECT 2")
				return err
			}
			leaving := func(ctx context.Context, tx Tx) error {
				return errors.Join(tx.add(ctx, "kept"), leave(ctx, tx.raw))
			}
			undone := atomic.Int32{}
			alone := start(func() error {
				return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error {
					return errors.Join(manager.AfterRollback(ctx, func(context.Context, error) { undone.Add(1) }), leave(ctx, tx.raw))
				})
			}).wait(t)
			read := start(func() error {
				return db.ReadOnly(context.Background(), func(ctx context.Context, q Reader) error { return leave(ctx, q.raw) })
			}).wait(t)
			for _, c := range append(groupOf(t, db, leaving, adding("second")), alone, read) {
				if c.err != nil || c.panic != nil || c.exited {
					t.Errorf("got %v, panic %v, exited %v, want nil: the transaction had ended", c.err, c.panic, c.exited)
				}
			}
			if undone.Load() != 0 {
				t.Error("AfterRollback ran for what was committed")
			}
			wantTitles(t, db, "kept", "second")
			wantGoesOn(t, db, "after")
		})
	}
}

// SQLite calls it in the middle of COMMIT.
func TestCommitHookThatDoesNotReturn(t *testing.T) {
	for name, stray := range strays {
		t.Run(name, func(t *testing.T) {
			armed := atomic.Bool{}
			db := openNotes(t, manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
				c.RegisterCommitHook(func() int {
					if armed.CompareAndSwap(true, false) {
						stray()
					}
					return 0
				})
				return nil
			}))
			calls := groupOf(t, db, func(ctx context.Context, tx Tx) error {
				armed.Store(true)
				return tx.add(ctx, "first")
			}, adding("second"))
			for _, c := range calls {
				if !errors.Is(c.err, manager.ErrCommitUnknown) {
					t.Errorf("got %v, panic %v, exited %v, want ErrCommitUnknown", c.err, c.panic, c.exited)
				}
			}
			if got := len(titles(t, db)); got == 1 { // closing what the hook has left may commit
				t.Error("the group was torn")
			}
			wantGoesOn(t, db, "after")
			undone := atomic.Int32{}
			c := start(func() error {
				return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error {
					armed.Store(true)
					return errors.Join(tx.add(ctx, "alone"), manager.AfterRollback(ctx, func(context.Context, error) { undone.Add(1) }))
				})
			}).wait(t)
			if c.panic == nil && !c.exited && !errors.Is(c.err, manager.ErrCommitUnknown) { // in its caller's goroutine, or in the manager's
				t.Errorf("alone: got %v, want what the hook did, or ErrCommitUnknown", c.err)
			}
			if undone.Load() != 0 {
				t.Error("AfterRollback ran, and the commit may be there")
			}
			wantGoesOn(t, db, "after all")
		})
	}
}

// What ends an evicted closure is its caller's, also when the context has ended before.
func TestEvictedClosureThatDoesNotReturn(t *testing.T) {
	for name, stray := range strays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openNotes(t)
			first, _, release := firstOfAGroup(t, db)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			gate := make(chan struct{})
			e := enqueue(ctx, t, db, func(context.Context, Tx) error { <-gate; stray(); return nil })
			release()
			if err := first.wait(t).err; err != nil { // answered, so the other one is out
				t.Error(err)
			}
			cancel()
			close(gate)
			if e.wait(t); e.err != nil || e.panic == nil && !e.exited {
				t.Errorf("got %v, panic %v, exited %v, want the closure's own end", e.err, e.panic, e.exited)
			}
			wantGoesOn(t, db, "after")
		})
	}
}
