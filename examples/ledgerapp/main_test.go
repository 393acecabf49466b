package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

const (
	alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	bob   = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
)

func TestMinerAndNoteAreAddedTogetherOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	var out strings.Builder
	if err := run(t.Context(), &out, path, alice, "pays on Fridays"); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "pays on Fridays\n"; got != want {
		t.Errorf("notes: got %q, want %q", got, want)
	}
	l, err := open(t.Context(), path) // the second time nothing is left to migrate
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(t.Context())
	if err := register(t.Context(), l, ledger.Registration{Coldkey: alice}, "twice"); !errors.Is(err, ledger.ErrMinerExists) {
		t.Errorf("a miner that is there: got %v, want ErrMinerExists", err)
	}
	if list, err := notes(t.Context(), l, alice); err != nil || len(list) != 1 {
		t.Errorf("notes: got %q, %v, want the first alone", list, err)
	}
	if _, err := notes(t.Context(), l, chain.Address(bob)); !errors.Is(err, manager.ErrNotFound) {
		t.Errorf("notes about nobody: got %v, want ErrNotFound", err)
	}
	if report, err := l.Verify(t.Context()); err != nil {
		t.Errorf("Verify: got %v, %v, want a ledger that is whole", report, err)
	}
}

// The ledger alone opens a file with tables of others.
func TestLedgerPassesOverOurTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := run(t.Context(), new(strings.Builder), path, alice, "a note"); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (*ledger.Ledger, error){
		"Open":         func() (*ledger.Ledger, error) { return ledger.Open(t.Context(), path) },
		"OpenReadOnly": func() (*ledger.Ledger, error) { return ledger.OpenReadOnly(t.Context(), path) },
	} {
		l, err := open()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if list, err := notes(t.Context(), l, alice); err != nil || len(list) != 1 {
			t.Errorf("notes after %s: got %q, %v, want one", name, list, err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
