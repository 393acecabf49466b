package manager_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// What cannot even be rolled back is thrown away with its connection.
func TestRollbackThatFailsCostsTheConnection(t *testing.T) {
	ioErr := sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrRead}
	t.Run("lone", func(t *testing.T) {
		tap, log := newTap(), &logbook{}
		db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithLogger(log.logger()))
		connections := tap.connections()
		tap.on("ROLLBACK", func(manager.DriverConn) error { return ioErr })
		err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
			return errors.Join(errOwn, tx.add(ctx, "a"))
		})
		if !errors.Is(err, errOwn) {
			t.Errorf("got %v, want the closure's own error", err)
		}
		if err := db.WithTx(t.Context(), adding("next")); err != nil {
			t.Errorf("the next transaction: %v", err)
		}
		if got := tap.connections() - connections; got != 1 {
			t.Errorf("connections opened since: got %d, want 1", got)
		}
		if len(log.about("rollback failed")) != 1 {
			t.Error("the log says nothing of the rollback that failed")
		}
		if got, want := titles(t, db), []string{"next"}; !slices.Equal(got, want) {
			t.Errorf("titles: got %q, want %q", got, want)
		}
	})
	t.Run("grouped", func(t *testing.T) {
		tap := newTap()
		db := openNotes(t, manager.WithDriver(tap.wrap))
		release := hold(t, db)
		first := enqueue(t.Context(), t, db, adding("first"))
		second := enqueue(t.Context(), t, db, adding("second"))
		failGroup(tap, func(manager.DriverConn) error { return sqlite3.Error{Code: sqlite3.ErrFull} })
		tap.on("ROLLBACK", func(manager.DriverConn) error { return ioErr })
		release()
		if err := errors.Join(first.wait(t).err, second.wait(t).err); err != nil {
			t.Error(err)
		}
		if got, want := titles(t, db), []string{"first", "second"}; !slices.Equal(got, want) {
			t.Errorf("titles: got %q, want %q", got, want)
		}
	})
}

// As long as the database cannot be opened again, writers get an error; then
// they work again.
func TestLostConnectionIsReplacedWhenItCanBe(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	tap.on("ROLLBACK", func(manager.DriverConn) error { return sqlite3.Error{Code: sqlite3.ErrIoErr} })
	tap.refuseWriters(sqlite3.Error{Code: sqlite3.ErrCantOpen})
	if err := db.WithTx(t.Context(), func(context.Context, Tx) error { return errOwn }); err != errOwn {
		t.Errorf("whose rollback failed: got %v, want the closure's own error", err)
	}
	for range 2 {
		err := db.WithTx(t.Context(), func(context.Context, Tx) error { t.Error("a closure ran"); return nil })
		if !errors.Is(err, manager.ErrIO) {
			t.Errorf("without a connection: got %v, want ErrIO", err)
		}
	}
	if got := titles(t, db); len(got) != 0 { // readers do not need it
		t.Errorf("titles: got %q, want none", got)
	}
	tap.refuseWriters(nil)
	if err := db.WithTx(t.Context(), adding("next")); err != nil {
		t.Errorf("once it can be opened again: %v", err)
	}
}
