package manager_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// A file that other programs wrote may have rows that foreign keys would refuse.
func TestOpenWarnsOfRowsWithoutTheirParent(t *testing.T) {
	const orphan = "INSERT INTO child VALUES (7, 99)"
	const filler = "INSERT INTO filler WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT zeroblob(1000000) FROM n"
	for _, test := range []struct {
		name   string
		setup  []string
		opts   []manager.Option
		table  string
		warned bool // by the first Open
		again  bool // by the second
	}{
		{"none", nil, nil, "", false, false},
		{"one", []string{orphan}, nil, "child", true, true},
		{"one in WAL mode", []string{"PRAGMA journal_mode = WAL", orphan}, nil, "child", true, true},
		{"one in a large file", []string{orphan, filler}, nil, "child", true, false}, // which is in WAL mode then
		{"foreign keys off", []string{orphan}, []manager.Option{manager.WithPragma("foreign_keys", "OFF")}, "", false, false},
		{"a parent key that is not unique", []string{"CREATE TABLE loose (n INTEGER REFERENCES filler (body))", "INSERT INTO loose VALUES (1)"}, nil, "<nil>", true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.db")
			pool, err := sql.Open("sqlite3", path)
			if err != nil {
				t.Fatal(err)
			}
			schema := []string{"CREATE TABLE parent (id INTEGER PRIMARY KEY)", "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id))", "CREATE TABLE filler (body BLOB)"}
			for _, statement := range append(schema, test.setup...) {
				if _, err := pool.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			if err := pool.Close(); err != nil {
				t.Fatal(err)
			}
			for round, want := range []bool{test.warned, test.again} {
				log := &logbook{}
				db, err := manager.Open(t.Context(), path, newBank, newBank, append(test.opts, manager.WithLogger(log.logger()))...)
				if err != nil {
					t.Fatal(err)
				}
				warnings := append(log.about("parent is missing"), log.about("cannot be checked")...)
				if got := len(warnings) == 1; got != want {
					t.Errorf("Open %d: got %d warnings, want one: %t", round+1, len(warnings), want)
				}
				if want && len(warnings) > 0 {
					if got := warnings[0].attrs["table"].String(); got != test.table {
						t.Errorf("warning: got table %q, want %q", got, test.table)
					}
				}
				if err := db.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
