package manager_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

// labels is a table like tags, whose foreign key is checked at COMMIT.
const labels = "CREATE TABLE labels (note_id INTEGER NOT NULL REFERENCES notes (id) DEFERRABLE /* at */ INITIALLY\nDEFERRED, name TEXT)"

// delays are the ways for a check to be deferred to COMMIT, and the statement
// that an unlucky closure begins with.
var delays = []struct {
	name, begin, table string
	prepare            func(t *testing.T, db *DB)
}{
	{"by the schema", "", "labels", func(*testing.T, *DB) {}},
	{"by a table of an own transaction", "", "labels", func(t *testing.T, db *DB) {
		if err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return waysToRun[2].run(ctx, tx.raw, labels) }); err != nil {
			t.Fatal(err)
		}
	}},
	{"by a table of another program", "", "labels", func(t *testing.T, db *DB) { execOn(t, foreign(t, db), labels) }},
	{"by a table of the closure itself", labels, "labels", func(*testing.T, *DB) {}},
	{"by a pragma", "PRAGMA defer_foreign_keys = ON", "tags", func(*testing.T, *DB) {}},
	{"by a pragma in a nested transaction", "PRAGMA defer_foreign_keys(yes)", "tags", func(*testing.T, *DB) {}},
}

// A violation that is deferred belongs to its own closure: no other one sees its
// rows, cures it or fails with it.
func TestDeferredViolationIsItsClosuresOwn(t *testing.T) {
	for _, delay := range delays {
		t.Run(delay.name, func(t *testing.T) {
			tap := newTap()
			schema := deferred("")
			if delay.name == "by the schema" {
				schema += labels + ";"
			}
			db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithMigration(create(schema)))
			delay.prepare(t, db)
			run := waysToRun[2].run
			violate := func(ctx context.Context, tx Tx) error {
				return errors.Join(run(ctx, tx.raw, delay.begin+";SELECT 1"), run(ctx, tx.raw, "INSERT INTO "+delay.table+" VALUES (99, 'orphan')"))
			}
			if delay.name == "by a pragma in a nested transaction" {
				inner := violate
				violate = func(ctx context.Context, tx Tx) error { return db.WithTx(ctx, inner) }
			}
			release := hold(t, db)
			before := enqueue(t.Context(), t, db, adding("before"))
			guilty := enqueue(t.Context(), t, db, violate)
			cure := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
				found, err := rowsText(ctx, tx.raw, "SELECT name FROM sqlite_schema WHERE name = '"+delay.table+"'")
				if err != nil || len(found) == 0 {
					return err // its table came with the closure, and went with it
				}
				if found, err = rowsText(ctx, tx.raw, "DELETE FROM "+delay.table+" WHERE note_id = 99 RETURNING name"); len(found) > 0 {
					t.Errorf("another closure deleted %q, which never were", found)
				}
				return err
			})
			after := enqueue(t.Context(), t, db, adding("after"))
			said := tap.count("COMMIT")
			release()
			if err := errors.Join(before.wait(t).err, cure.wait(t).err, after.wait(t).err); err != nil {
				t.Error(err)
			}
			if err := guilty.wait(t).err; !errors.Is(err, manager.ErrForeignKey) {
				t.Errorf("who broke the constraint: got %v, want ErrForeignKey", err)
			}
			if got := tap.count("COMMIT") - said; csqlite.Available && got != 3 {
				t.Errorf("COMMIT was said: got %d times, want 3: the holder's, the group's and that of the one that fails", got)
			}
			if got, want := titles(t, db), []string{"before", "after"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}

// Deferred constraints that hold when a closure returns do not keep it from sharing a commit.
func TestDeferredConstraintsThatHoldShareACommit(t *testing.T) {
	if !csqlite.Available {
		t.Skip("without the C code a schema with deferred constraints shares no commits")
	}
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithMigration(create(deferred("DEFERRABLE INITIALLY DEFERRED"))))
	release := hold(t, db)
	var calls []*call
	for i, title := range numbered(8) {
		calls = append(calls, enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
			run := waysToRun[2].run
			if err := tx.AddTag(ctx, int64(i+1), "first"); err != nil {
				return err
			}
			if i%2 == 0 {
				if err := run(ctx, tx.raw, "PRAGMA defer_foreign_keys = 1"); err != nil {
					return err
				}
			}
			return tx.add(ctx, title)
		}))
	}
	said := tap.count("COMMIT")
	release()
	for _, c := range calls {
		if err := c.wait(t).err; err != nil {
			t.Error(err)
		}
	}
	if got := tap.count("COMMIT") - said; got != 2 {
		t.Errorf("COMMIT was said: got %d times, want 2: the holder's and the group's", got)
	}
}

// PRAGMA defer_foreign_keys is one closure's: the next one's violation fails at
// its own statement.
func TestDeferringEndsWithItsClosure(t *testing.T) {
	broken := func(ctx context.Context, tx Tx) error {
		if err := tx.AddTag(ctx, 99, "orphan"); !errors.Is(err, manager.ErrForeignKey) {
			return errors.Join(errors.New("the statement did not fail"), err)
		}
		return nil
	}
	deferring := func(end error) func(context.Context, Tx) error {
		return func(ctx context.Context, tx Tx) error {
			return errors.Join(waysToRun[2].run(ctx, tx.raw, "PRAGMA defer_foreign_keys = ON"), end)
		}
	}
	for _, end := range []error{nil, errOwn} {
		db := openNotes(t)
		release := hold(t, db)
		first := enqueue(t.Context(), t, db, deferring(end))
		second := enqueue(t.Context(), t, db, broken)
		release()
		if err := first.wait(t).err; !errors.Is(err, end) {
			t.Errorf("the first: got %v, want %v", err, end)
		}
		if err := second.wait(t).err; err != nil {
			t.Errorf("in the same group, after %v: %v", end, err)
		}
		if err := db.WithTx(t.Context(), broken); err != nil {
			t.Errorf("the next transaction, after %v: %v", end, err)
		}
	}
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		if err := db.WithTx(ctx, deferring(errOwn)); !errors.Is(err, errOwn) {
			return err
		}
		return broken(ctx, tx)
	})
	if err != nil {
		t.Errorf("after a nested transaction that failed: %v", err)
	}
}

// Switched off, the pragma would forget what is broken by then.
func TestDeferringCannotForgetAViolation(t *testing.T) {
	for _, off := range []string{"OFF", "0", "''", "no", "'off'", "[]", "2.5", "-1"} {
		for _, way := range waysToRun {
			db := openNotes(t)
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				err := errors.Join(way.run(ctx, tx.raw, "PRAGMA defer_foreign_keys = ON"), tx.AddTag(ctx, 99, "orphan"))
				if err == nil {
					_ = way.run(ctx, tx.raw, "PRAGMA defer_foreign_keys = "+off)
				}
				return err
			})
			if !errors.Is(err, manager.ErrForeignKey) {
				t.Errorf("%s by %s: got %v, want ErrForeignKey", off, way.name, err)
			}
		}
	}
}
