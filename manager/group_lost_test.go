package manager_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// counting runs fn and counts how often.
func counting(n *atomic.Int32, fn func(context.Context, Tx) error) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		n.Add(1)
		return fn(ctx, tx)
	}
}

// failGroup makes the COMMIT after the holder's fail.
func failGroup(tap *tap, fail func(manager.DriverConn) error) {
	tap.once("COMMIT", func(manager.DriverConn) error {
		tap.once("COMMIT", fail)
		return nil
	})
}

func TestFailedGroupCommitRunsEveryClosureAgain(t *testing.T) {
	full := sqlite3.Error{Code: sqlite3.ErrFull}
	for name, fail := range map[string]func(manager.DriverConn) error{
		"and SQLite has rolled back":       rollBack(full),
		"and the transaction still stands": func(manager.DriverConn) error { return full },
		"and its outcome is unknown":       rollBack(sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}),
	} {
		t.Run(name, func(t *testing.T) {
			tap, log := newTap(), &logbook{}
			db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithLogger(log.logger()))
			release := hold(t, db)
			var ran [4]atomic.Int32
			first := enqueue(t.Context(), t, db, counting(&ran[0], adding("first")))
			failing := enqueue(t.Context(), t, db, counting(&ran[1], func(context.Context, Tx) error { return errOwn }))
			clashing := enqueue(t.Context(), t, db, counting(&ran[2], adding("first")))
			last := enqueue(t.Context(), t, db, counting(&ran[3], adding("last")))
			said := tap.count("COMMIT")
			failGroup(tap, fail)
			release()
			if err := errors.Join(first.wait(t).err, last.wait(t).err); err != nil {
				t.Error(err)
			}
			if err := failing.wait(t).err; err != errOwn {
				t.Errorf("who failed: got %v, want its own error", err)
			}
			if err := clashing.wait(t).err; !errors.Is(err, manager.ErrUnique) {
				t.Errorf("who repeated a note: got %v, want ErrUnique", err)
			}
			for i := range ran {
				if got := ran[i].Load(); got != 2 {
					t.Errorf("closure %d ran: got %d times, want 2", i, got)
				}
			}
			if got := tap.count("COMMIT") - said; got != 4 {
				t.Errorf("COMMIT was said: got %d times, want 4: holder, group, and one by one the two that succeed", got)
			}
			if got := log.about("group commit failed"); len(got) != 1 || got[0].attrs["transactions"].Int64() != 4 {
				t.Errorf("log about it: got %v, want one line that counts 4 transactions", got)
			}
			if got, want := titles(t, db), []string{"first", "last"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}

// In the group the second closure meets the first one's row; once the COMMIT
// has failed and the first has changed its mind, that row never was.
func TestFalseUniqueAnswerIsCorrected(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	release := hold(t, db)
	var ran atomic.Int32
	fickle := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		if err := tx.add(ctx, "disputed"); err != nil {
			return err
		}
		if ran.Add(1) > 1 {
			return errOwn
		}
		return nil
	})
	var seen atomic.Value
	rival := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		err := tx.add(ctx, "disputed")
		if err != nil {
			seen.Store(err)
		}
		return err
	})
	failGroup(tap, rollBack(sqlite3.Error{Code: sqlite3.ErrFull}))
	release()
	if err := fickle.wait(t).err; err != errOwn {
		t.Errorf("the first: got %v, want its own error", err)
	}
	if err := rival.wait(t).err; err != nil {
		t.Errorf("the rival: got %v, want success since the first one's row never was", err)
	}
	if err, _ := seen.Load().(error); !errors.Is(err, manager.ErrUnique) {
		t.Errorf("the rival met in the group: got %v, want ErrUnique, else this test proves nothing", err)
	}
	if got, want := titles(t, db), []string{"disputed"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}

func TestTransactionThatSQLiteDropsInsideAGroup(t *testing.T) {
	for _, test := range []struct {
		name string
		drop func(ctx context.Context, tx Tx) error
		want error
	}{
		{"by INSERT OR ROLLBACK", func(ctx context.Context, tx Tx) error {
			return tx.AddNoteOrRollBack(ctx, "inbox", "before")
		}, manager.ErrUnique},
		{"and the closure goes on", func(ctx context.Context, tx Tx) error {
			_ = tx.AddNoteOrRollBack(ctx, "inbox", "before")
			return tx.add(ctx, "orphan")
		}, manager.ErrTxAborted},
		{"and the closure ignores all errors", func(ctx context.Context, tx Tx) error {
			_ = tx.AddNoteOrRollBack(ctx, "inbox", "before")
			_ = tx.add(ctx, "orphan")
			return nil
		}, manager.ErrTxAborted},
		{"and the closure panics", func(ctx context.Context, tx Tx) error {
			panic(tx.AddNoteOrRollBack(ctx, "inbox", "before"))
		}, nil},
		{"and the closure exits", func(ctx context.Context, tx Tx) error {
			_ = tx.AddNoteOrRollBack(ctx, "inbox", "before")
			exit()
			return nil
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := openNotes(t)
			release := hold(t, db)
			var ran [2]atomic.Int32
			before := enqueue(t.Context(), t, db, counting(&ran[0], adding("before")))
			failing := enqueue(t.Context(), t, db, func(context.Context, Tx) error { return errOwn })
			dropping := enqueue(t.Context(), t, db, counting(&ran[1], test.drop))
			after := enqueue(t.Context(), t, db, adding("after"))
			release()
			if err := errors.Join(before.wait(t).err, after.wait(t).err); err != nil {
				t.Error(err)
			}
			if err := failing.wait(t).err; err != errOwn {
				t.Errorf("who failed: got %v, want its own error", err)
			}
			c := dropping.wait(t)
			switch {
			case test.want != nil && !errors.Is(c.err, test.want):
				t.Errorf("who dropped the transaction: got %v, want %v", c.err, test.want)
			case test.want == nil && c.panic == nil && !c.exited:
				t.Errorf("who dropped the transaction: returned %v, want it to panic or exit", c.err)
			}
			for i := range ran {
				if got := ran[i].Load(); got != 2 {
					t.Errorf("closure %d ran: got %d times, want 2", i, got)
				}
			}
			if got, want := titles(t, db), []string{"before", "after"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}

func TestErrorOfTheDiskInsideAGroupHarmsNobodyElse(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	release := hold(t, db)
	before := enqueue(t.Context(), t, db, adding("before"))
	unlucky := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		_, err := tx.SetStars(ctx, 1, "inbox")
		return err
	})
	after := enqueue(t.Context(), t, db, adding("after"))
	tap.on("SetStars", rollBack(sqlite3.Error{Code: sqlite3.ErrFull}))
	release()
	if err := errors.Join(before.wait(t).err, after.wait(t).err); err != nil {
		t.Error(err)
	}
	if err := unlucky.wait(t).err; !errors.Is(err, manager.ErrFull) {
		t.Errorf("who met the error: got %v, want ErrFull", err)
	}
	if got, want := titles(t, db), []string{"before", "after"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}

func TestUnknownCommitIsSaidSo(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	tap.once("COMMIT", rollBack(sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}))
	if err := db.WithTx(t.Context(), adding("a")); !errors.Is(err, manager.ErrCommitUnknown) {
		t.Errorf("COMMIT with an I/O error: got %v, want ErrCommitUnknown", err)
	}
	tap.once("COMMIT", rollBack(sqlite3.Error{Code: sqlite3.ErrFull}))
	if err := db.WithTx(t.Context(), adding("b")); !errors.Is(err, manager.ErrFull) || errors.Is(err, manager.ErrCommitUnknown) {
		t.Errorf("COMMIT with any other error: got %v, want ErrFull and nothing unknown", err)
	}
	if err := db.WithTx(t.Context(), adding("c")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
	if got, want := titles(t, db), []string{"c"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}
