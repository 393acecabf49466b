package migrate_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// family is a parent with children that a deleted parent takes with it, one a kind of action.
const family = `
-- +goose Up
CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id) ON DELETE CASCADE);
CREATE TABLE wards (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id) ON DELETE SET NULL);
INSERT INTO parents VALUES (1, 'a'), (2, 'b');
INSERT INTO children VALUES (1, 1), (2, 2);
INSERT INTO wards VALUES (1, 1), (2, 2);
`

// rebuild is what SQLite's documentation says to do for a change that ALTER TABLE cannot make.
const rebuild = `
CREATE TABLE new_parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO new_parents SELECT id, name FROM parents;
DROP TABLE parents;
ALTER TABLE new_parents RENAME TO parents;
`

const familyState = `SELECT (SELECT COUNT(*) FROM parents) || ' ' || (SELECT COUNT(*) FROM children) || ' ' || (SELECT COUNT(parent) FROM wards) || ' of version ' || (SELECT MAX(version_id) FROM goose_db_version)`

func with(second string) fstest.MapFS {
	return fstest.MapFS{"00001_family.sql": file(family), "00002_second.sql": file(second)}
}

func TestRebuildKeepsTheRowsThatRefer(t *testing.T) {
	for _, c := range []struct{ name, second string }{
		{"in goose's transaction", "-- +goose Up\n" + rebuild},
		{"with a pragma that does nothing there", "-- +goose Up\nPRAGMA foreign_keys = ON;\n" + rebuild},
		{"in a transaction of its own", "-- +goose NO TRANSACTION\n-- +goose Up\nPRAGMA foreign_keys = OFF;\nBEGIN;\n" + rebuild + "PRAGMA foreign_key_check;\nCOMMIT;\nPRAGMA foreign_keys = ON;\n"},
		{"in no transaction", "-- +goose NO TRANSACTION\n-- +goose Up\n" + rebuild},
		{"by REPLACE", "-- +goose Up\nREPLACE INTO parents SELECT id, 'new' FROM parents;\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "family.db")
			if got, want := opened(t, path, migrate.Up(with(c.second)), familyState), "2 2 2 of version 2"; got != want {
				t.Errorf("parents, children, wards: got %s, want %s", got, want)
			}
		})
	}
}

func TestMigrationThatLeavesOrphansIsRefused(t *testing.T) {
	const lost = "DELETE FROM parents WHERE id = 2;\n"
	for _, c := range []struct{ name, second, want string }{
		{"in goose's transaction", "-- +goose Up\n" + lost, "2 2 2 of version 1"},
		{"a parent that becomes another", "-- +goose Up\nUPDATE parents SET id = 9 WHERE id = 2;\n", "2 2 2 of version 1"},
		{"a parent that is renamed away", "-- +goose Up\nALTER TABLE parents RENAME TO old;\nCREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);\nDROP TABLE old;\n", "2 2 2 of version 1"},
		// What a file commits by itself nobody can take back; but it is not said to be applied.
		{"in a transaction of its own", "-- +goose NO TRANSACTION\n-- +goose Up\nBEGIN;\n" + lost + "COMMIT;\n", "1 2 2 of version 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "family.db")
			_, err := open(t.Context(), path, migrate.Up(with(c.second)))
			if !errors.Is(err, manager.ErrForeignKey) || !strings.Contains(err.Error(), "version:2") {
				t.Errorf("got %v, want ErrForeignKey that names the migration", err)
			}
			if got := raw(t, path, familyState); got != c.want {
				t.Errorf("parents, children, wards: got %s, want %s", got, c.want)
			}
		})
	}
}

func TestFileThatLeavesATransactionOpenIsRefused(t *testing.T) {
	for _, c := range []struct{ name, second string }{
		{"without COMMIT", "-- +goose NO TRANSACTION\n-- +goose Up\nBEGIN;\nINSERT INTO parents VALUES (3, 'c');\n"},
		{"in a savepoint", "-- +goose NO TRANSACTION\n-- +goose Up\nSAVEPOINT a;\nINSERT INTO parents VALUES (3, 'c');\n"},
		{"that fails inside it", "-- +goose NO TRANSACTION\n-- +goose Up\nBEGIN;\nINSERT INTO parents VALUES (3, 'c');\nINSERT INTO nowhere VALUES (1);\nCOMMIT;\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "family.db")
			if _, err := open(t.Context(), path, migrate.Up(with(c.second))); err == nil || !strings.Contains(err.Error(), "version:2") {
				t.Errorf("got %v, want an error that names the migration", err)
			}
			if got, want := raw(t, path, familyState), "2 2 2 of version 1"; got != want {
				t.Errorf("parents, children, wards: got %s, want %s", got, want)
			}
			if got, want := opened(t, path, migrate.Up(with("-- +goose Up\nINSERT INTO parents VALUES (3, 'c');\n")), familyState), "3 2 2 of version 2"; got != want {
				t.Errorf("once it is put right: got %s, want %s", got, want)
			}
		})
	}
}

func TestFileDoesNotMeetWhatAnotherLeft(t *testing.T) {
	const outside = "-- +goose NO TRANSACTION\n"
	for _, c := range []struct{ name, head, first, second string }{
		{"a pragma", outside, "PRAGMA ignore_check_constraints = ON;", "INSERT INTO limited VALUES (-1);"},
		{"a pragma in the transaction", "", "pragma ignore_check_constraints = ON;", "INSERT INTO limited VALUES (-1);"},
		{"a temporary table in a table's place", outside, "CREATE TEMP TABLE limited (n);", "INSERT INTO limited VALUES (-1);"},
		{"a temporary table, made in the transaction", "", "CREATE TABLE\"temp\".limited (n);", "INSERT INTO limited VALUES (-1);"},
		{"an attached database", outside, "ATTACH ':memory:' AS other; CREATE TABLE other.elsewhere (n);", "INSERT INTO elsewhere VALUES (1);"},
		{"query_only", outside, "PRAGMA query_only = ON;", "INSERT INTO limited VALUES (-1);"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := fstest.MapFS{
				"00001_limited.sql": file("-- +goose Up\nCREATE TABLE limited (n INTEGER CHECK (n > 0));\n"),
				"00002_first.sql":   file(c.head + "-- +goose Up\n" + c.first + "\n"),
				"00003_second.sql":  file("-- +goose Up\n" + c.second + "\n"),
			}
			if c.name == "query_only" { // its own version cannot be recorded then
				if _, err := open(t.Context(), filepath.Join(t.TempDir(), "n.db"), migrate.Up(files)); err == nil || !strings.Contains(err.Error(), "version:2") {
					t.Errorf("got %v, want an error of the second file", err)
				}
				return
			}
			if _, err := open(t.Context(), filepath.Join(t.TempDir(), "n.db"), migrate.Up(files)); err == nil || !strings.Contains(err.Error(), "version:3") {
				t.Errorf("got %v, want the third file to fail", err)
			}
		})
	}
}

func TestVersionsAreComparedOneByOne(t *testing.T) {
	files := func(versions ...int) fstest.MapFS {
		fsys := fstest.MapFS{}
		for _, v := range versions {
			fsys[fmt.Sprintf("%05d_t.sql", v)] = file(fmt.Sprintf("-- +goose Up\nCREATE TABLE t%d (x);\n-- +goose Down\nDROP TABLE t%d;\n", v, v))
		}
		return fsys
	}
	for _, c := range []struct {
		name          string
		file, program []int
		kind          error
		names         []string
	}{
		{"branches of one program", []int{1, 3}, []int{1, 4}, manager.ErrTooNew, []string{"version 3,", "1, 4"}},
		{"an older program", []int{1, 3}, []int{1}, manager.ErrTooNew, []string{"version 3,"}},
		{"a file with one between", []int{1, 2, 3}, []int{1, 3}, manager.ErrTooNew, []string{"version 2,"}},
		{"a program with one between", []int{1, 3}, []int{1, 2, 3}, manager.ErrUnsupported, []string{"1, 3", "not 2"}},
		{"nothing in common", []int{2}, []int{1, 3}, manager.ErrTooNew, []string{"version 2,", "1, 3"}},
		{"the same", []int{1, 3}, []int{1, 3}, nil, nil},
		{"a newer program", []int{1, 3}, []int{1, 3, 4}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "t.db")
			opened(t, path, migrate.Up(files(c.file...)), "SELECT 1")
			program := files(c.program...)
			check := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, c.kind) {
					t.Fatalf("%s: got %v, want %v", what, err, c.kind)
				}
				for _, name := range c.names {
					if !strings.Contains(err.Error(), name) {
						t.Errorf("%s: %q lacks %q", what, err, name)
					}
				}
			}
			check("Restore", manager.Restore(t.Context(), path, filepath.Join(folder, "copy.db"), manager.WithRestoreCheck(migrate.NotNewer(program))))
			if c.kind != manager.ErrUnsupported { // that one can be listed
				db, err := sql.Open("sqlite3", path)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				_, err = migrate.List(t.Context(), program, db)
				check("List", err)
			}
			db, err := open(t.Context(), path, migrate.Up(program))
			check("Up", err)
			if err == nil {
				db.Close(context.Background())
			}
			if got, want := raw(t, path, "SELECT group_concat(version_id, ' ') FROM goose_db_version WHERE version_id > 0"), strings.Trim(fmt.Sprint(c.file), "[]"); c.kind != nil && got != want {
				t.Errorf("versions after an Up that was refused: got %s, want %s", got, want)
			}
		})
	}
}

// A package that is only imported may have registered migrations for another database.
func TestRegisteredGoMigrationsDoNotRun(t *testing.T) {
	goose.ResetGlobalMigrations()
	t.Cleanup(goose.ResetGlobalMigrations)
	stranger := goose.NewGoMigration(2, &goose.GoFunc{RunTx: func(context.Context, *sql.Tx) error {
		t.Error("the migration of another package ran")
		return nil
	}}, nil)
	if err := goose.SetGlobalMigrations(stranger); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "notes.db")
	if got, want := opened(t, path, migrate.Up(only(1)), state), "1835624306: notes: version 1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// raw reads one value without the manager.
func raw(t *testing.T, path, query string) (value string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}
