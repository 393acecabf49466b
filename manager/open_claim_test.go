package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// TestMigrationInterrupted: what a migration had begun when it stopped must not look like another program's file.
func TestMigrationInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bank.db")
	stopped := errors.New("stopped")
	_, err := manager.Open(t.Context(), path, newBank, newBank, manager.WithApplicationID(bankApplication),
		manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
			if _, err := db.ExecContext(ctx, "CREATE TABLE versions (version INTEGER)"); err != nil {
				return err
			}
			return stopped
		}))
	if !errors.Is(err, stopped) {
		t.Fatalf("got %v, want the migration's error", err)
	}
	db, err := manager.Open(t.Context(), path, newBank, newBank, manager.WithApplicationID(bankApplication), manager.WithMigration(bankMigrate))
	if err != nil {
		t.Fatalf("open again: %v", err)
	}
	if err := db.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
