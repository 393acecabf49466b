package migrate_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

func TestRestoreRefusesNewerSchema(t *testing.T) {
	folder := t.TempDir()
	src := filepath.Join(folder, "notes.db")
	opened(t, src, migrate.Up(only(2)), "SELECT COUNT(*) FROM notes")
	for _, c := range []struct {
		name  string
		knows int // migrations of the program that restores
		want  error
	}{
		{"older program", 1, manager.ErrTooNew},
		{"same program", 2, nil},
		{"newer program", 3, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dest := filepath.Join(folder, c.name+".db")
			err := manager.Restore(t.Context(), src, dest, manager.WithApplicationID(appID), manager.WithRestoreCheck(migrate.NotNewer(only(c.knows))))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if _, err := os.Stat(dest); (err == nil) != (c.want == nil) {
				t.Errorf("restored file: %v", err)
			}
			if c.want == nil { // Open migrates what is older
				if got, want := opened(t, dest, migrate.Up(only(c.knows)), "SELECT MAX(version_id) FROM goose_db_version"), map[int]string{2: "2", 3: "3"}[c.knows]; got != want {
					t.Errorf("version after Open: got %s, want %s", got, want)
				}
			}
		})
	}
}
