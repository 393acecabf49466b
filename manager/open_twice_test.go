package manager_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestSecondManagerOfAFileIsWarnedOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	log := &logbook{}
	twins := func() int { return len(log.about("open in this process already")) }
	first := openAt(t, path, manager.WithLogger(log.logger()))
	report, err := manager.OpenReadOnly(t.Context(), path, newReader, manager.WithLogger(log.logger()))
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close(context.Background())
	openNotes(t, manager.WithLogger(log.logger()))
	if got := twins(); got != 0 {
		t.Errorf("warnings with a reader and another file: got %d, want none", got)
	}
	openAt(t, path, manager.WithLogger(log.logger()))
	if got := twins(); got != 1 {
		t.Errorf("warnings with a second manager: got %d, want 1", got)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(t.Context()); err != nil { // counts once
		t.Fatal(err)
	}
	openAt(t, path, manager.WithLogger(log.logger()))
	if got := twins(); got != 2 {
		t.Errorf("warnings with a second manager after one was closed: got %d, want 2", got)
	}
}

func TestManagerThatWaitsForAnotherOfItsProcessSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	first, second := openAt(t, path), openAt(t, path, manager.WithRetryBudget(20*time.Millisecond))
	err := first.WithTx(t.Context(), func(context.Context, Tx) error {
		err := second.WithTx(t.Context(), adding("a"))
		if !errors.Is(err, manager.ErrBusy) || !strings.Contains(err.Error(), "another manager of this") || !strings.Contains(err.Error(), "share the DB") {
			t.Errorf("got %v, want ErrBusy that names this process", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
