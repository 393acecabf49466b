package migrate_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

func oneFile(name, up, down string) fstest.MapFS {
	return fstest.MapFS{name: {Data: []byte("-- +goose Up\n" + up + ";\n-- +goose Down\n" + down + ";\n")}}
}

// A library's migrations and a program's have each their own versions in one file.
func TestTwoSetsOfMigrationsInOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	library := oneFile("00001_library.sql", "CREATE TABLE library (id INTEGER PRIMARY KEY)", "DROP TABLE library")
	program := oneFile("00001_program.sql", "CREATE TABLE program (id INTEGER REFERENCES library (id))", "DROP TABLE program")
	later := oneFile("00002_later.sql", "CREATE TABLE later (id INTEGER)", "DROP TABLE later")
	later["00001_program.sql"] = program["00001_program.sql"]
	own := migrate.Table("program_versions")
	raw := func(db manager.DBTX) manager.DBTX { return db }
	open := func(migrations ...func(context.Context, *sql.DB) error) error {
		db, err := manager.Open(t.Context(), path, raw, raw, manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
			for _, m := range migrations {
				if err := m(ctx, db); err != nil {
					return err
				}
			}
			return nil
		}))
		if err == nil {
			err = db.Close(t.Context())
		}
		return err
	}
	for range 2 {
		if err := open(migrate.Up(library), migrate.Up(program, own)); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(migrate.Up(library), migrate.Up(later, own)); err != nil {
		t.Fatal(err)
	}
	if err := open(migrate.Up(library), migrate.Up(program, own)); !errors.Is(err, manager.ErrTooNew) {
		t.Errorf("the program before the last: got %v, want ErrTooNew", err)
	}
	if err := open(migrate.Up(library), migrate.To(later, 1, own), migrate.Up(program, own), migrate.Up(later, own)); err != nil {
		t.Errorf("one down and up again: %v", err)
	}
	check := func(ctx context.Context, db *sql.DB) error {
		list, err := migrate.List(ctx, later, db, own)
		if len(list) != 2 || !list[1].Applied {
			t.Errorf("List: got %v, want both applied", list)
		}
		return errors.Join(err, migrate.NotNewer(later, own)(ctx, db), migrate.NotNewer(library)(ctx, db))
	}
	if err := open(check); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", "a b", `x"; DROP TABLE library; --`} {
		if err := open(migrate.Up(program, migrate.Table(name))); !errors.Is(err, manager.ErrUnsupported) {
			t.Errorf("version table %q: got %v, want ErrUnsupported", name, err)
		}
	}
}
