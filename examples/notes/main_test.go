package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/examples/notes/db"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/managertest"
)

func TestAddNotesAddsAllOrNone(t *testing.T) {
	t.Parallel()
	store := managertest.Open(t, db.New, db.New, migrations)
	if err := addNotes(t.Context(), store, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if err := addNotes(t.Context(), store, "c", "a"); !errors.Is(err, manager.ErrUnique) {
		t.Errorf("a title that is there: got %v, want ErrUnique", err)
	}
	var out strings.Builder
	if err := writeNotes(t.Context(), store, &out); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "1 a\n2 b\n"; got != want {
		t.Errorf("notes: got %q, want %q", got, want)
	}
}

func TestRunTwiceOnOneFile(t *testing.T) {
	path := t.TempDir() + "/notes.db"
	for range 2 {
		if err := run(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
}
