package manager_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func TestCloseInsideAClosureIsAnError(t *testing.T) {
	db := openNotes(t)
	closing := func(ctx context.Context) error {
		wantKind(t, "Close inside", db.Close(ctx), manager.ErrUnsupported)
		return nil
	}
	for name, run := range map[string]func() error{
		"WithTx": func() error {
			return db.WithTx(t.Context(), func(ctx context.Context, _ Tx) error { return closing(ctx) })
		},
		"ReadOnly": func() error {
			return db.ReadOnly(t.Context(), func(ctx context.Context, _ Reader) error { return closing(ctx) })
		},
		"nested": func() error {
			return db.WithTx(t.Context(), func(ctx context.Context, _ Tx) error {
				return db.ReadOnly(ctx, func(ctx context.Context, _ Reader) error { return closing(ctx) })
			})
		},
	} {
		if err := start(run).wait(t).err; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := db.WithTx(t.Context(), adding("goes on")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// As after an interrupt, when main's defer closes with a context that has ended.
func TestCloseWithAnEndedContextClosesWhatNobodyUses(t *testing.T) {
	for range 20 { // a choice at random would show
		db := openNotes(t)
		if err := db.WithTx(t.Context(), adding("a")); err != nil {
			t.Fatal(err)
		}
		_ = titles(t, db)
		why, cancel := context.WithCancelCause(t.Context())
		cancel(errOwn)
		if err := db.Close(why); err != nil {
			t.Fatalf("Close: %v", err)
		}
		if info, err := os.Stat(db.Path() + "-wal"); err == nil && info.Size() > 0 {
			t.Fatalf("the log is still there, with %d bytes", info.Size())
		}
	}
}

func TestCloseThatGivesUpNamesWhoIsInside(t *testing.T) {
	db := openNotes(t)
	release := hold(t, db, manager.Label("holder"))
	why, cancel := context.WithCancelCause(t.Context())
	cancel(errOwn)
	err := db.Close(why)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errOwn) || !strings.Contains(err.Error(), "holder") {
		t.Errorf("got %v, want the context's error and cause, with the label", err)
	}
	release()
}
