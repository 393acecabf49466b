package manager_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func TestReadOnlyInsideAWriteSeesItsChanges(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		if err := tx.add(ctx, "mine"); err != nil {
			return err
		}
		inside, err := manager.Read(ctx, db, func(ctx context.Context, q Reader) (int64, error) { return q.CountNotes(ctx) })
		if err != nil || inside != 1 {
			t.Errorf("inside: got %d notes, %v, want its own one", inside, err)
		}
		outside, err := manager.Read(t.Context(), db, func(ctx context.Context, q Reader) (int64, error) { return q.CountNotes(ctx) })
		if err != nil || outside != 0 {
			t.Errorf("with another context: got %d notes, %v, want none yet", outside, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadOnlyInsideAReadSharesItsSnapshot(t *testing.T) {
	db := openNotes(t, manager.WithReaders(1)) // a second connection would have to wait for ever
	count := func(ctx context.Context, q Reader) (int64, error) { return q.CountNotes(ctx) }
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
		if n, err := q.CountNotes(ctx); err != nil || n != 0 {
			t.Errorf("at first: got %d notes, %v, want none", n, err)
		}
		if err := db.WithTx(t.Context(), adding("new")); err != nil { // another caller, by its context
			return err
		}
		n, err := manager.Read(ctx, db, count)
		if err != nil || n != 0 {
			t.Errorf("nested, after a commit elsewhere: got %d notes, %v, want the snapshot's none", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := manager.Read(t.Context(), db, count); err != nil || n != 1 {
		t.Errorf("afterwards: got %d notes, %v, want 1", n, err)
	}
}

func TestWriteInsideAReadIsRefused(t *testing.T) {
	db := openNotes(t)
	write := func(ctx context.Context) {
		t.Helper()
		err := db.WithTx(ctx, func(context.Context, Tx) error { t.Error("the closure ran"); return nil })
		if !errors.Is(err, manager.ErrReadOnly) {
			t.Errorf("got %v, want ErrReadOnly", err)
		}
		if err := manager.AfterCommit(ctx, func(context.Context, uint64) { t.Error("AfterCommit of a read ran") }); !errors.Is(err, manager.ErrTxDone) {
			t.Errorf("AfterCommit inside a read: got %v, want ErrTxDone", err)
		}
	}
	read := func(ctx context.Context, q Reader) error { write(ctx); return nil }
	err := errors.Join(
		db.ReadOnly(t.Context(), read),
		db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error { return db.ReadOnly(ctx, read) }),
		db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return db.ReadOnly(ctx, read) }),
		db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
			return db.WithTx(ctx, func(ctx context.Context, tx Tx) error { return db.ReadOnly(ctx, read) })
		}),
	)
	if err != nil {
		t.Error(err)
	}
}

// The types keep sqlc's writes out of ReadOnly; raw SQL is kept out by the
// connection and by the manager.
func TestRawWriteInsideAReadIsRefused(t *testing.T) {
	db := openNotes(t)
	for _, statement := range []string{
		orphan,
		"UPDATE notes SET stars = 5",
		"DELETE FROM notes",
		"CREATE TABLE more (id INTEGER)",
		"SELECT 1; " + orphan,
	} {
		for _, way := range waysToRun {
			if way.query != "" && strings.Contains(statement, ";") {
				continue // a named query is its first statement
			}
			t.Run(statement+"/"+way.name, func(t *testing.T) {
				read := func(ctx context.Context, q Reader) error {
					if err := way.run(ctx, q.raw, statement); !errors.Is(err, manager.ErrReadOnly) {
						t.Errorf("got %v, want ErrReadOnly", err)
					}
					_, err := q.CountNotes(ctx) // the view lives on
					return err
				}
				if err := db.ReadOnly(t.Context(), read); err != nil {
					t.Errorf("ReadOnly: %v", err)
				}
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					if err := errors.Join(tx.add(ctx, "before"), db.ReadOnly(ctx, read), tx.add(ctx, "after")); err != nil {
						return err
					}
					list, err := tx.Titles(ctx, "inbox")
					if want := []string{"before", "after"}; err != nil || !slices.Equal(list, want) {
						t.Errorf("titles: got %q, %v, want %q", list, err, want)
					}
					return errOwn // which clears the table for the next case
				})
				if err != errOwn {
					t.Errorf("ReadOnly inside WithTx: %v", err)
				}
			})
		}
	}
}
