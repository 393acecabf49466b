package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTheLedgerIsNoInput: to open and close the ledger's file would drop the locks that the process has on it.
func TestTheLedgerIsNoInput(t *testing.T) {
	db := simulated(t)
	folder := t.TempDir()
	link := filepath.Join(folder, "events.jsonl")
	if err := os.Symlink(db, link); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} { // as a program leaves them that was killed
		if err := os.WriteFile(db+suffix, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{db, link, db + "-lock", db + "-wal", db + "-shm", filepath.Dir(db) + "/./" + filepath.Base(db)} {
		for _, args := range [][]string{{"ingest", file}, {"ingest", "-", file}, {"sync", file}, {"report", "--html", file}} {
			run(t, "", append(args, "--db", db)...).fails(t, exitFailure, "of the ledger itself")
		}
	}
	run(t, "", "--db", db, "backup", "--overwrite", link).fails(t, exitFailure, "the database itself")
	must(t, "", "--db", db, "report")
}
