package migrate_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

func sqlFile(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// grown is the schema of a program whose first two migrations its old files have.
var grown = fstest.MapFS{
	"00001_notes.sql": sqlFile("-- +goose Up\nCREATE TABLE notes (id INTEGER PRIMARY KEY);"),
	"00002_tags.sql":  sqlFile("-- +goose Up\nCREATE TABLE tags (note INTEGER REFERENCES notes (id));"),
	"00003_body.sql":  sqlFile("-- +goose Up\nDELETE FROM tags WHERE note NOT IN (SELECT id FROM notes);\nALTER TABLE notes ADD COLUMN body TEXT;"),
}

func openWith(t *testing.T, path string, migrations ...func(context.Context, *sql.DB) error) error {
	t.Helper()
	itself := func(db manager.DBTX) manager.DBTX { return db }
	db, err := manager.Open(t.Context(), path, itself, itself, manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
		for _, m := range migrations {
			if err := m(ctx, db); err != nil {
				return err
			}
		}
		return nil
	}))
	if err != nil {
		return err
	}
	err = db.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
		var orphans int
		return q.QueryRowContext(ctx, "SELECT count(body) FROM notes, (SELECT count(*) AS n FROM tags) WHERE n = 0").Scan(&orphans)
	})
	return errors.Join(err, db.Close(t.Context()))
}

func executing(query string) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error { _, err := db.ExecContext(ctx, query); return err }
}

func TestExistingFileIsRecorded(t *testing.T) {
	const made = "CREATE TABLE IF NOT EXISTS Notes (id INTEGER PRIMARY KEY); CREATE TABLE IF NOT EXISTS tags (note INTEGER REFERENCES notes (id))"
	for _, test := range []struct {
		name   string
		before string // what another program did, with foreign keys off
		with   migrate.Option
		want   string // in the error; "" is none
	}{
		{"a fresh file", "", migrate.Existing("notes", 2), ""},
		{"an old file", made, migrate.Existing("notes", 2), ""},
		{"with rows whose parent is missing, which a migration corrects", "PRAGMA foreign_keys = off; " + made + "; INSERT INTO tags VALUES (7)", migrate.Existing("notes", 2), ""},
		{"that has only the first", "CREATE TABLE notes (id INTEGER PRIMARY KEY)", migrate.Existing("notes", 1), ""},
		{"of another program", "CREATE TABLE other (id INTEGER)", migrate.Existing("notes", 2), ""},
		{"without it", made, migrate.Table("goose_db_version"), "migrate.Existing"},
		{"a version that is not there", made, migrate.Existing("notes", 4), "knows 1, 2, 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "old.db")
			old, err := sql.Open("sqlite3", path)
			if err == nil {
				_, err = old.Exec(test.before)
			}
			if err = errors.Join(err, old.Close()); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				err := openWith(t, path, migrate.Up(grown, test.with))
				if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("Open: got %v, want %q", err, test.want)
				}
			}
		})
	}
}

// A library's tables in the same file are not the program's.
func TestExistingIsAboutOneTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	library := executing("CREATE TABLE IF NOT EXISTS library (id INTEGER)")
	for range 2 {
		if err := openWith(t, path, library, migrate.Up(grown, migrate.Existing("notes", 2), migrate.Table("program_versions"))); err != nil {
			t.Error(err)
		}
	}
}

func TestFilesThatAreNoMigrationsAreNamed(t *testing.T) {
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"without a version":   {fstest.MapFS{"schema.sql": sqlFile("CREATE TABLE t (x)")}, "named like 00001_notes.sql, with its version first; found schema.sql"},
		"without its +goose":  {fstest.MapFS{"00001_t.sql": sqlFile("CREATE TABLE t (x);")}, `read 00001_t.sql: not supported: it has no line "-- +goose Up"`},
		"of golang-migrate":   {fstest.MapFS{"1_t.up.sql": sqlFile("CREATE TABLE t (x);")}, `read 1_t.up.sql: not supported: it has no line "-- +goose Up"`},
		"with another defect": {fstest.MapFS{"00001_t.sql": sqlFile("-- +goose Up\nCREATE TABLE t (x)")}, "missing semicolon"},
	} {
		t.Run(name, func(t *testing.T) {
			err := openWith(t, filepath.Join(t.TempDir(), "t.db"), migrate.Up(test.files))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
