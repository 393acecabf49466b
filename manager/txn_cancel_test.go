package manager_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// slowly is a statement's condition that takes SQLite a while to find true.
const slowly = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT COUNT(*) FROM n) > 0"

const (
	slowAdd   = "-- name: SlowAdd :exec\nINSERT INTO notes (folder, title) SELECT 'inbox', 'slow' WHERE " + slowly
	slowCount = "-- name: SlowCount :one\nSELECT COUNT(*) FROM notes WHERE " + slowly
)

var errUnfinished = errors.New("the statement did not finish")

func TestContextThatHasEndedRunsNothing(t *testing.T) {
	db := openNotes(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := db.WithTx(ctx, func(context.Context, Tx) error { t.Error("the write closure ran"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("WithTx: got %v, want context.Canceled", err)
	}
	err = db.ReadOnly(ctx, func(context.Context, Reader) error { t.Error("the read closure ran"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ReadOnly: got %v, want context.Canceled", err)
	}
}

func TestContextEndsWhileQueued(t *testing.T) {
	db := openNotes(t)
	release := hold(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	queued := enqueue(ctx, t, db, func(context.Context, Tx) error { t.Error("the closure ran"); return nil })
	cancel()
	if err := queued.wait(t).err; !errors.Is(err, context.Canceled) { // the writer is still held
		t.Errorf("got %v, want context.Canceled", err)
	}
	release()
}

func TestContextEndsBeforeBegin(t *testing.T) {
	t.Run("lone", func(t *testing.T) {
		tap := newTap()
		db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithRetryBudget(patience))
		tap.on("BEGIN IMMEDIATE", func(manager.DriverConn) error { return busy(0) })
		ctx, cancel := context.WithCancel(t.Context())
		c := start(func() error {
			return db.WithTx(ctx, func(context.Context, Tx) error { t.Error("the closure ran"); return nil })
		})
		until(t, "BEGIN to be retried", func() bool { return db.Stats().Retries > 2 })
		cancel()
		if err := c.wait(t).err; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		tap.on("BEGIN IMMEDIATE", nil)
		if err := db.WithTx(t.Context(), adding("next")); err != nil {
			t.Errorf("the next transaction: %v", err)
		}
	})
	for place, name := range []string{"first of a group", "second of a group"} {
		t.Run(name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithRetryBudget(patience))
			release := hold(t, db)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ctxs := []context.Context{t.Context(), t.Context(), t.Context()}
			ctxs[place] = ctx
			var calls []*call
			for i, title := range numbered(3) {
				calls = append(calls, enqueue(ctxs[i], t, db, func(ctx context.Context, tx Tx) error {
					if i == place {
						t.Error("the closure ran")
					}
					return tx.add(ctx, title)
				}))
			}
			tap.on("BEGIN IMMEDIATE", func(manager.DriverConn) error { return busy(0) })
			release()
			until(t, "BEGIN to be retried", func() bool { return db.Stats().Retries > 2 })
			cancel()
			if err := calls[place].wait(t).err; !errors.Is(err, context.Canceled) { // though BEGIN is still busy
				t.Errorf("who was cancelled: got %v, want context.Canceled", err)
			}
			tap.on("BEGIN IMMEDIATE", nil)
			for i, c := range calls {
				if err := c.wait(t).err; i != place && err != nil {
					t.Errorf("the other: %v", err)
				}
			}
			if got, want := titles(t, db), slices.Delete(numbered(3), place, place+1); !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}

func TestContextEndsWhileEarlierMembersRun(t *testing.T) {
	db := openNotes(t)
	release := hold(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	first := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		cancel()
		return tx.add(ctx, "first")
	})
	second := enqueue(ctx, t, db, func(context.Context, Tx) error { t.Error("the closure ran"); return nil })
	release()
	if err := first.wait(t).err; err != nil {
		t.Error(err)
	}
	if err := second.wait(t).err; !errors.Is(err, context.Canceled) {
		t.Errorf("the second: got %v, want context.Canceled", err)
	}
}

func TestContextEndsInsideAWrite(t *testing.T) {
	type closure = func(ctx context.Context, db *DB, tx Tx, cancel func()) error
	for _, test := range []struct {
		name     string
		closure  closure
		canceled bool // the answer, else success
		want     []string
	}{
		{"between statements", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			if err := tx.add(ctx, "a"); err != nil {
				return err
			}
			cancel()
			return tx.add(ctx, "b")
		}, true, nil},
		{"between statements, told in other words", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			cancel()
			if err := tx.add(ctx, "a"); err != nil {
				return errors.Join(errOwn, err)
			}
			return nil
		}, true, nil},
		{"between statements that use another context", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			cancel()
			return tx.add(context.Background(), "a")
		}, true, nil},
		{"before a Query", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			cancel()
			_, err := tx.Titles(ctx, "inbox")
			return err
		}, true, nil},
		{"before a QueryRow", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			cancel()
			_, err := tx.CountNotes(ctx)
			return err
		}, true, nil},
		{"before a nested transaction", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			cancel()
			return db.WithTx(ctx, func(context.Context, Tx) error { return errors.New("the nested closure ran") })
		}, true, nil},
		{"inside a write statement", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			if _, err := tx.raw.ExecContext(ctx, slowAdd); err != nil { // cancelled in it
				return errors.Join(errUnfinished, err)
			}
			return tx.add(ctx, "b")
		}, true, nil},
		{"inside the last write statement", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			_, err := tx.raw.ExecContext(ctx, slowAdd)
			return err
		}, false, []string{"slow"}},
		{"inside a read", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			var n int
			if err := tx.raw.QueryRowContext(ctx, slowCount).Scan(&n); err != nil {
				return errors.Join(errUnfinished, err)
			}
			return tx.add(ctx, "b")
		}, true, nil},
		{"between the rows of a read", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			rows, err := tx.raw.QueryContext(ctx, "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")
			if err != nil {
				return err
			}
			n := 0
			for ; rows.Next(); n++ {
				cancel()
			}
			if err := rows.Err(); err != nil || n != 3 {
				return errors.Join(errUnfinished, err)
			}
			return tx.add(ctx, "b")
		}, true, nil},
		{"after the last statement", func(ctx context.Context, db *DB, tx Tx, cancel func()) error {
			err := tx.add(ctx, "a")
			cancel()
			return err
		}, false, []string{"a"}},
	} {
		for _, mode := range modes {
			t.Run(test.name+"/"+mode.name, func(t *testing.T) {
				tap := newTap()
				db := openNotes(t, manager.WithDriver(tap.wrap))
				connections := readOnce(t, db, tap.connections)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				for _, slow := range []string{"SlowAdd", "SlowCount"} {
					tap.on(slow, func(manager.DriverConn) error { cancel(); return nil })
				}
				err := mode.run(t, db, ctx, func(ctx context.Context, tx Tx) error {
					return test.closure(ctx, db, tx, cancel)
				}).err
				if test.canceled && !errors.Is(err, context.Canceled) || !test.canceled && err != nil {
					t.Errorf("answer: got %v, want canceled: %t", err, test.canceled)
				}
				if errors.Is(err, errUnfinished) {
					t.Error(err)
				}
				if got := withoutNeighbours(t, db); !slices.Equal(got, test.want) {
					t.Errorf("titles: got %q, want %q", got, test.want)
				}
				if err := db.WithTx(t.Context(), adding("next")); err != nil {
					t.Errorf("the next transaction: %v", err)
				}
				if got := tap.connections(); got != connections {
					t.Errorf("connections opened since: got %d, want 0", got-connections)
				}
			})
		}
	}
}

func TestContextEndsAtCommit(t *testing.T) {
	for _, mode := range modes {
		t.Run("that succeeds/"+mode.name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap))
			ctx, cancel := context.WithCancel(t.Context())
			err := mode.run(t, db, ctx, func(ctx context.Context, tx Tx) error {
				tap.once("COMMIT", func(manager.DriverConn) error { cancel(); return nil })
				return tx.add(ctx, "a")
			}).err
			if err != nil {
				t.Errorf("answer: got %v, want success", err)
			}
			if got, want := withoutNeighbours(t, db), []string{"a"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
		t.Run("that is busy at first/"+mode.name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap))
			ctx, cancel := context.WithCancel(t.Context())
			err := mode.run(t, db, ctx, func(ctx context.Context, tx Tx) error {
				tap.once("COMMIT", func(manager.DriverConn) error { cancel(); return busy(0) })
				return tx.add(ctx, "a")
			}).err
			if err != nil {
				t.Errorf("answer: got %v, want success", err)
			}
		})
		t.Run("that fails/"+mode.name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap))
			ctx, cancel := context.WithCancel(t.Context())
			err := mode.run(t, db, ctx, func(ctx context.Context, tx Tx) error {
				tap.once("COMMIT", func(c manager.DriverConn) error {
					cancel()
					return rollBack(sqlite3.Error{Code: sqlite3.ErrFull})(c)
				})
				return tx.add(ctx, "a")
			}).err
			// Alone it hears of the COMMIT; in a group its turn to run again comes too late.
			if want := map[string]error{"lone": manager.ErrFull, "grouped": context.Canceled}[mode.name]; !errors.Is(err, want) {
				t.Errorf("answer: got %v, want %v", err, want)
			}
			if got := withoutNeighbours(t, db); len(got) != 0 {
				t.Errorf("titles: got %q, want none", got)
			}
		})
	}
}
