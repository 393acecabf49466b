package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/ledger"
)

func TestMigrationsOfAProgramRunAfterTheLedgers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	own := errors.New("own")
	var ran []string
	first := func(ctx context.Context, db *sql.DB) error {
		ran = append(ran, "first")
		var miners int
		err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM miners").Scan(&miners) // the ledger's tables are there
		_, createErr := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS mine (id INTEGER PRIMARY KEY)")
		return errors.Join(err, createErr)
	}
	second := func(context.Context, *sql.DB) error { ran = append(ran, "second"); return nil }
	failing := func(context.Context, *sql.DB) error { return own }
	for range 2 {
		l, err := ledger.Open(t.Context(), path, ledger.WithMigration(first), ledger.WithMigration(second))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(ran) != 4 || ran[0] != "first" || ran[1] != "second" {
		t.Errorf("ran: got %q, want first and second, twice", ran)
	}
	if _, err := ledger.Open(t.Context(), path, ledger.WithMigration(failing)); !errors.Is(err, own) {
		t.Errorf("a migration that fails: got %v, want its error", err)
	}
}
