package manager_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// unfinished is a copy of the database at path as a power failure leaves it in
// the middle of a transaction that is written with a rollback journal, as the
// very first one of a file is.
func unfinished(t *testing.T, path string) string {
	t.Helper()
	raw := openRaw(t, path, "?_journal_mode=DELETE")
	raw.SetMaxOpenConns(1)
	for _, query := range []string{
		"PRAGMA cache_size = 1", // so that pages get into the file before the commit
		"BEGIN IMMEDIATE",
		"UPDATE accounts SET balance = balance + 1",
		"INSERT INTO transfers (worker, seq, payer, payee, amount, payload) SELECT 'cut off', account_id, account_id, account_id, 1, zeroblob(20000) FROM accounts",
	} {
		if _, err := raw.Exec(query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	to := bankPath(t)
	for _, suffix := range []string{"", "-journal"} {
		data, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestOpenTakesBackAnUnfinishedTransaction(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	if err := bankAdd(t.Context(), db, "before", 1); err != nil {
		t.Fatal(err)
	}
	bankClose(t, db)
	path = unfinished(t, path)
	_, err := manager.OpenReadOnly(t.Context(), path, newBank)
	if !errors.Is(err, manager.ErrReadOnly) || !strings.Contains(err.Error(), "open it once with Open") {
		t.Errorf("open read-only: got %v, want ErrReadOnly and what to do", err)
	}
	bankAudit(t, bankOpen(t, path), 1)
	if _, err := os.Stat(path + "-journal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("journal after Open: got %v, want none", err)
	}
}

func TestOpenRefusesAnotherProgramsUnfinishedFile(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	bankClose(t, db)
	path = unfinished(t, path)
	_, err := manager.Open(t.Context(), path, newBank, newBank, manager.WithApplicationID(bankApplication+1))
	if !errors.Is(err, manager.ErrWrongFile) {
		t.Errorf("got %v, want ErrWrongFile", err)
	}
	var mode string
	if err := openRaw(t, path, "").QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil {
		t.Fatal(err)
	}
	if mode != "delete" {
		t.Errorf("journal mode: got %s, want delete as before", mode)
	}
}
