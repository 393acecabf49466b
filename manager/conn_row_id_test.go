package manager_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

// rowID fails unless a closure that has inserted nothing finds last_insert_rowid() 0.
func rowID(ctx context.Context, tx Tx) error {
	if _, err := tx.raw.ExecContext(ctx, "INSERT OR IGNORE INTO notes (id, title) SELECT id, title FROM notes LIMIT 1"); err != nil {
		return err
	}
	got, err := rowsText(ctx, tx.raw, "SELECT last_insert_rowid()")
	if err == nil && fmt.Sprint(got) != "[0 ]" {
		err = fmt.Errorf("last_insert_rowid(): got %q, the row of another closure", got)
	}
	return err
}

// A closure does not meet the row that another one inserted last, in whatever
// transaction that was.
func TestLastInsertRowIDIsTheClosuresOwn(t *testing.T) {
	if !csqlite.Available {
		t.Skip("SQLite cannot be told in this build")
	}
	failing := func(ctx context.Context, tx Tx) error {
		return errors.Join(adding("failing")(ctx, tx), errors.New("on purpose"))
	}
	for _, c := range []struct {
		name string
		run  func(t *testing.T, db *DB) error
	}{
		{"after a commit", func(t *testing.T, db *DB) error { return db.WithTx(t.Context(), rowID) }},
		{"after a closure that failed", func(t *testing.T, db *DB) error {
			_ = db.WithTx(t.Context(), failing)
			return db.WithTx(t.Context(), rowID)
		}},
		{"alone", func(t *testing.T, db *DB) error { return db.WithTx(t.Context(), rowID, manager.Alone()) }},
		{"in a group", func(t *testing.T, db *DB) error {
			release := hold(t, db)
			a := enqueue(t.Context(), t, db, adding("a"))
			b := enqueue(t.Context(), t, db, rowID)
			c := enqueue(t.Context(), t, db, failing)
			d := enqueue(t.Context(), t, db, rowID)
			release()
			_ = c.wait(t)
			return errors.Join(a.wait(t).err, b.wait(t).err, d.wait(t).err)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openNotes(t)
			if err := db.WithTx(t.Context(), adding("one")); err != nil {
				t.Fatal(err)
			}
			if err := c.run(t, db); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("of its own first run", func(t *testing.T) {
		db := openNotes(t, manager.WithRunTwice())
		err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
			return errors.Join(rowID(ctx, tx), adding("two")(ctx, tx))
		})
		if err != nil {
			t.Error(err)
		}
	})
}
