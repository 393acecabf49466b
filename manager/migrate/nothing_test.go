package migrate_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stakeledger/stakeledger/manager/migrate"
)

// A folder without migrations is a mistake in the program, whatever it is given to.
func TestEverybodyRefusesAFolderWithoutMigrations(t *testing.T) {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	nothing := fstest.MapFS{"readme.txt": &fstest.MapFile{Data: []byte("no migration")}}
	for name, run := range map[string]func() error{
		"Up":       func() error { return migrate.Up(nothing)(context.Background(), db) },
		"To":       func() error { return migrate.To(nothing, 1)(context.Background(), db) },
		"NotNewer": func() error { return migrate.NotNewer(nothing)(context.Background(), db) },
		"List":     func() error { _, err := migrate.List(context.Background(), nothing, db); return err },
	} {
		if err := run(); err == nil || !strings.HasPrefix(err.Error(), "read migrations: ") {
			t.Errorf("%s: got %v, want an error that says what was attempted", name, err)
		}
	}
	var tables int
	if err := db.QueryRow("SELECT COUNT(*) FROM sqlite_schema").Scan(&tables); err != nil || tables > 0 {
		t.Errorf("tables: got %d, %v, want none", tables, err)
	}
}
