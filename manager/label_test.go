package manager_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// A labelStore has the wrappers that programs write around WithTx.
type labelStore struct{ db *DB }

// labelled ends a closure with an error of a statement, which bears the label.
func labelled(ctx context.Context, raw manager.DBTX) error {
	_, err := raw.ExecContext(ctx, "SELECT missing FROM nowhere")
	return err
}

func (s *labelStore) direct(ctx context.Context) error {
	return s.db.WithTx(ctx, func(ctx context.Context, tx Tx) error { return labelled(ctx, tx.raw) })
}

// tx hides Tx from its callers.
func (s *labelStore) tx(ctx context.Context, fn func(ctx context.Context, raw manager.DBTX) error) error {
	return s.db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.CountNotes(ctx); err != nil { // a statement of the wrapper's own
			return err
		}
		return fn(ctx, tx.raw)
	})
}

func (s *labelStore) read(ctx context.Context, fn func(ctx context.Context, raw manager.DBTX) error) error {
	return s.db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { return fn(ctx, q.raw) })
}

func (s *labelStore) pass(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error {
	return s.db.WithTx(ctx, fn)
}

func (s *labelStore) each(items int, do func(int) error) error {
	for i := range items {
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

func (s *labelStore) wrapped(ctx context.Context) error {
	return s.tx(ctx, func(ctx context.Context, raw manager.DBTX) error { return labelled(ctx, raw) })
}

func (s *labelStore) wrappedToo(ctx context.Context) error {
	return s.tx(ctx, func(ctx context.Context, raw manager.DBTX) error { return labelled(ctx, raw) })
}

func (s *labelStore) wrappedRead(ctx context.Context) error {
	return s.read(ctx, func(ctx context.Context, raw manager.DBTX) error { return labelled(ctx, raw) })
}

func (s *labelStore) passed(ctx context.Context) error {
	return s.pass(ctx, func(ctx context.Context, tx Tx) error { return labelled(ctx, tx.raw) })
}

func (s *labelStore) loop(ctx context.Context) error {
	return s.db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
		return s.each(2, func(int) error { return labelled(ctx, tx.raw) })
	})
}

func (s *labelStore) inCallback(ctx context.Context) error {
	return s.each(1, func(int) error { return s.tx(ctx, labelled) })
}

// small is inlined into its callers, and its closure is named after them.
func small(db *DB, ctx context.Context) error {
	return db.WithTx(ctx, func(ctx context.Context, tx Tx) error { return labelled(ctx, tx.raw) })
}

func factory() func(ctx context.Context, tx Tx) error {
	return func(ctx context.Context, tx Tx) error { return labelled(ctx, tx.raw) }
}

func TestLabelsSeeThroughWrappersAndInlining(t *testing.T) {
	db := openNotes(t)
	s := &labelStore{db}
	const store = "manager_test.(*labelStore)."
	for _, test := range []struct {
		name string
		run  func(ctx context.Context) error
		want string
	}{
		{"direct", s.direct, store + "direct"},
		{"wrapped", s.wrapped, store + "wrapped"},
		{"wrapped by the same", s.wrappedToo, store + "wrappedToo"},
		{"a wrapped read", s.wrappedRead, store + "wrappedRead"},
		{"the closure is passed on", s.passed, store + "passed"},
		{"a callback of the closure's own", s.loop, store + "loop"},
		{"given a function that is no closure", s.inCallback, store + "inCallback"},
		{"inlined", func(ctx context.Context) error { return small(db, ctx) }, "manager_test.small"},
		{"inlined elsewhere", func(ctx context.Context) error { return errors.Join(small(db, ctx)) }, "manager_test.small"},
		{"made by another function", func(ctx context.Context) error { return db.WithTx(ctx, factory()) }, "manager_test.factory"},
	} {
		for round := range 50 { // from the first on, and when all is known
			err := test.run(t.Context())
			var e *manager.Error
			if !errors.As(err, &e) || e.Label != test.want {
				t.Errorf("%s, call %d: got %v with label %q, want %q", test.name, round, err, e.Label, test.want)
				break
			}
		}
	}
}

// deep is a wrapper whose callers are wrappers themselves.
func (s *labelStore) deep(ctx context.Context, fn func(context.Context, manager.DBTX) error) error {
	return s.db.WithTx(ctx, func(ctx context.Context, tx Tx) error { return fn(ctx, tx.raw) })
}

// A wrapper of a wrapper is seen through where each caller comes as far.
func TestLabelsSeeThroughTwoWrappers(t *testing.T) {
	s := &labelStore{openNotes(t)}
	for round := range 50 {
		err := retried(t.Context(), s.deep, func(ctx context.Context, raw manager.DBTX) error { return labelled(ctx, raw) })
		var e *manager.Error
		if want := "manager_test.TestLabelsSeeThroughTwoWrappers"; !errors.As(err, &e) || e.Label != want {
			t.Fatalf("call %d: got %v with label %q, want %q", round, err, e.Label, want)
		}
	}
}

// made is a closure that another function makes.
func made() func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error { return labelled(ctx, tx.raw) }
}

// A closure that was made elsewhere is labelled by who made it, also where that was inlined into the caller.
func TestLabelOfAClosureMadeElsewhere(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), made())
	var e *manager.Error
	if want := "manager_test.made"; !errors.As(err, &e) || e.Label != want {
		t.Errorf("got %v with label %q, want %q", err, e.Label, want)
	}
}

func retried(ctx context.Context, tx func(context.Context, func(context.Context, manager.DBTX) error) error, fn func(context.Context, manager.DBTX) error) error {
	for range 2 {
		if err := tx(ctx, fn); err != nil {
			return fmt.Errorf("retried: %w", err)
		}
	}
	return nil
}
