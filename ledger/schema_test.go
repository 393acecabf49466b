package ledger_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// schemaAltered is a closed ledger whose file somebody else then ran statements on.
func schemaAltered(t *testing.T, statements ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ensure(t, l, at(1, 1, 10, 0))
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	schemaAlter(t, path, statements...)
	return path
}

// schemaMade is a file that statements alone have made.
func schemaMade(t *testing.T, statements ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ledger.db")
	schemaAlter(t, path, append([]string{"PRAGMA journal_mode = WAL", "PRAGMA application_id = 1397443655"}, statements...)...)
	return path
}

func schemaAlter(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range append([]string{"PRAGMA writable_schema = ON"}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// schemaRefused wants every way to open a file to refuse it, and to leave it as it was.
func schemaRefused(t *testing.T, path string, kind error, part string) {
	t.Helper()
	before := schemaSum(t, path)
	for name, open := range map[string]func() error{
		"Open":         func() error { _, err := ledger.Open(t.Context(), path); return err },
		"OpenReadOnly": func() error { _, err := ledger.OpenReadOnly(t.Context(), path); return err },
		"Restore":      func() error { return ledger.Restore(t.Context(), path, filepath.Join(t.TempDir(), "restored.db")) },
	} {
		if err := open(); !errors.Is(err, kind) || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: got %v, want %v with %s in it", name, err, kind, part)
		}
	}
	if schemaSum(t, path) != before {
		t.Error("the refused file was changed")
	}
}

func schemaSum(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data)
}

const schemaGoose = `CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))`

func TestOpenRefusesASchemaThatIsNotOurs(t *testing.T) {
	for name, c := range map[string]struct {
		statements []string
		part       string
	}{
		"trigger on a table of ours": {
			[]string{"CREATE TRIGGER evil AFTER INSERT ON events BEGIN UPDATE miners SET gain = gain + 1; END"},
			`trigger "evil" on "events" is not the ledger's`,
		},
		"the same in capitals": {
			[]string{"CREATE TRIGGER evil AFTER INSERT ON EVENTS BEGIN SELECT 1; END"},
			`trigger "evil" on "EVENTS" is not the ledger's`,
		},
		"trigger that writes elsewhere": {
			[]string{"CREATE TABLE loot (coldkey)", "CREATE TRIGGER evil AFTER INSERT ON miners BEGIN INSERT INTO loot VALUES (NEW.coldkey); END"},
			`trigger "evil" on "miners" is not the ledger's`,
		},
		"trigger that is called like a table": {
			[]string{"CREATE TRIGGER miners AFTER UPDATE ON miners BEGIN SELECT 1; END"},
			`trigger "miners" on "miners" is not the ledger's`,
		},
		"trigger with a name for the terminal": {
			[]string{"CREATE TRIGGER \"\x1b[2J\" AFTER UPDATE ON miners BEGIN SELECT 1; END"},
			`trigger "\x1b[2J" on "miners" is not the ledger's`,
		},
		"trigger on goose's table": {
			[]string{"CREATE TRIGGER evil BEFORE INSERT ON goose_db_version BEGIN SELECT RAISE(IGNORE); END"},
			`trigger "evil" on "goose_db_version" is not the ledger's`,
		},
		"trigger missing": {[]string{"DROP TRIGGER events_delete"}, `trigger "events_delete" is missing`},
		"trigger without its condition": {
			[]string{"DROP TRIGGER miners_delete", "CREATE TRIGGER miners_delete BEFORE DELETE ON miners BEGIN SELECT 1; END"},
			`trigger "miners_delete" is not what this program makes`,
		},
		"trigger with other words": {
			[]string{"UPDATE sqlite_schema SET sql = replace(sql, 'never deleted', 'never  deleted') WHERE name = 'miners_delete'"},
			`trigger "miners_delete" is not what this program makes`,
		},
		"view in the place of a table": {
			[]string{"ALTER TABLE snapshots RENAME TO true_snapshots", "CREATE VIEW snapshots AS SELECT * FROM true_snapshots"},
			`view "snapshots" stands in the place of the table`,
		},
		"generated column": {
			[]string{"ALTER TABLE miners ADD COLUMN evil AS (gain + 1)"},
			`table "miners" is not what this program makes`,
		},
		"column more":    {[]string{"ALTER TABLE rebuilds ADD COLUMN note TEXT"}, `table "rebuilds" is not what this program makes`},
		"check removed":  {[]string{"UPDATE sqlite_schema SET sql = replace(sql, 'typeof(gain) = ''integer''', '1') WHERE name = 'miners'"}, `table "miners" is not what this program makes`},
		"index missing":  {[]string{"DROP INDEX miners_by_status"}, `index "miners_by_status" is missing`},
		"index of other": {[]string{"DROP INDEX miners_by_status", "CREATE INDEX miners_by_status ON miners (gain)"}, `index "miners_by_status" is not what this program makes`},
		"index that refuses rows": {
			[]string{"CREATE UNIQUE INDEX one_each ON trades (miner_id)"},
			`index "one_each" on "trades" is not the ledger's and can refuse its rows`,
		},
		"goose's table is a view": {
			[]string{"DROP TABLE goose_db_version", "CREATE VIEW goose_db_version AS SELECT 108 AS version_id, 1 AS is_applied"},
			`view "goose_db_version" stands in the place of the table`,
		},
		"older than it says": {
			[]string{"DROP TABLE snapshots"},
			`table "snapshots" is missing`,
		},
		"newer than it says": {
			[]string{"DELETE FROM goose_db_version WHERE version_id > 107"},
			`table "policy" has a name of the ledger's`,
		},
		"no versions": {[]string{"DROP TABLE goose_db_version"}, `table "archive_runs" has a name of the ledger's`},
	} {
		t.Run(name, func(t *testing.T) {
			schemaRefused(t, schemaAltered(t, c.statements...), ledger.ErrSchema, c.part)
		})
	}
}

func TestOpenRefusesAFileThatOnlySaysItIsALedger(t *testing.T) {
	for name, c := range map[string]struct {
		statements []string
		part       string
	}{
		"all migrations claimed, no tables": {
			[]string{schemaGoose, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0,1),(101,1),(102,1),(103,1),(104,1),(105,1),(106,1),(107,1),(108,1)"},
			`table "archive_runs" is missing`,
		},
		"tables of the same names": {
			[]string{schemaGoose, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0,1),(101,1),(102,1)", "CREATE TABLE miners (miner_id, coldkey)", "CREATE TABLE registrations (uid)"},
			`table "close_modes" is missing`,
		},
		"table of the same name, no migration": {[]string{"CREATE TABLE Miners (x)"}, `table "Miners" has a name of the ledger's`},
	} {
		t.Run(name, func(t *testing.T) {
			schemaRefused(t, schemaMade(t, c.statements...), ledger.ErrSchema, c.part)
		})
	}
}

// The check goes by what the schema's rows say of themselves. SQLite refuses a row that is not what its text says.
func TestOpenRefusesASchemaThatLies(t *testing.T) {
	for name, row := range map[string]string{
		"of the table":                "'trigger', 'evil', 'mine', 0, 'CREATE TRIGGER evil AFTER INSERT ON miners BEGIN SELECT 1; END'",
		"of the name":                 "'trigger', 'other', 'miners', 0, 'CREATE TRIGGER evil AFTER INSERT ON miners BEGIN SELECT 1; END'",
		"of the type":                 "'table', 'evil', 'miners', 0, 'CREATE TRIGGER evil AFTER INSERT ON miners BEGIN SELECT 1; END'",
		"of the type, as one of ours": "'view', 'evil', 'evil', 0, 'CREATE TRIGGER evil AFTER INSERT ON miners BEGIN SELECT 1; END'",
	} {
		t.Run(name, func(t *testing.T) {
			path := schemaAltered(t, "CREATE TABLE mine (x)", "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ("+row+")")
			schemaRefused(t, path, manager.ErrCorrupt, "malformed database schema")
		})
	}
}

// What others keep beside the ledger is theirs, and so is how a tool lays out the text of a statement.
func TestOpenAcceptsWhatOthersKeepBeside(t *testing.T) {
	for name, statements := range map[string][]string{
		"tables": {
			"CREATE TABLE mine (position_id INTEGER UNIQUE REFERENCES positions (position_id), note TEXT)",
			"CREATE UNIQUE INDEX mine_by_note ON mine (note)",
			"CREATE TRIGGER miners AFTER INSERT ON mine BEGIN UPDATE mine SET note = 'seen'; END",
			"CREATE TRIGGER mine AFTER DELETE ON mine BEGIN SELECT 1; END",
			"CREATE VIEW gains AS SELECT coldkey, gain FROM miners",
		},
		"index on a table of ours": {"CREATE INDEX trades_by_hotkey ON trades (hotkey)"},
		"statistics":               {"ANALYZE"},
		"layout":                   {"UPDATE sqlite_schema SET sql = replace(sql, char(10), char(10) || ' /* note */ ') || ' -- end' WHERE type IN ('table', 'trigger') AND tbl_name = 'miners'"},
	} {
		t.Run(name, func(t *testing.T) {
			path := schemaAltered(t, statements...)
			for _, open := range []func(context.Context, string, ...ledger.Option) (*ledger.Ledger, error){ledger.OpenReadOnly, ledger.Open} {
				l, err := open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := l.Miners(t.Context(), ledger.Page[ledger.Miner]{}); err != nil {
					t.Error(err)
				}
				if err := l.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
			if err := ledger.Restore(t.Context(), path, filepath.Join(t.TempDir(), "restored.db")); err != nil {
				t.Error(err)
			}
		})
	}
}

// A ledger of every version is one, also where a newer version was undone. Who only reads does not migrate it.
func TestOpenAcceptsEveryVersion(t *testing.T) {
	migrations, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		t.Fatal(err)
	}
	const newest = 108
	for _, from := range []string{"below", "above"} {
		for version := int64(101); version <= newest; version++ {
			path := schemaMade(t)
			db, err := sql.Open("sqlite3", path)
			if err != nil {
				t.Fatal(err)
			}
			if from == "above" {
				err = migrate.Up(migrations)(t.Context(), db)
			}
			if err := errors.Join(err, migrate.To(migrations, version)(t.Context(), db), db.Close()); err != nil {
				t.Fatal(err)
			}
			if version < newest {
				_, err := ledger.OpenReadOnly(t.Context(), path)
				if !errors.Is(err, ledger.ErrSchema) || !strings.Contains(err.Error(), "migrate up") {
					t.Errorf("OpenReadOnly of version %d, reached from %s: got %v, want ErrSchema and how to migrate", version, from, err)
				}
			}
			for _, open := range []func(context.Context, string, ...ledger.Option) (*ledger.Ledger, error){ledger.Open, ledger.OpenReadOnly} {
				l, err := open(t.Context(), path)
				if err != nil {
					t.Errorf("version %d, reached from %s: %v", version, from, err)
					continue
				}
				if err := l.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestOpenRefusesANewerVersion(t *testing.T) {
	path := schemaAltered(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (199, 1)")
	schemaRefused(t, path, manager.ErrTooNew, "the file has version 199")
}

// The schema has been written again since.
func TestOpenRefusesAFileOfBeforeTheRelease(t *testing.T) {
	path := schemaMade(t, schemaGoose, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0,1),(1,1),(2,1)", "CREATE TABLE miners (miner_id, coldkey)")
	schemaRefused(t, path, ledger.ErrSchema, "made before the first release; ingest its events again")
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "ledger.db")
	for name, open := range map[string]func(context.Context, string, ...ledger.Option) (*ledger.Ledger, error){"Write": ledger.Open, "ReadOnly": ledger.OpenReadOnly} {
		l, err := ledger.Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		l.Close(context.Background())
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l, err := open(b.Context(), path)
				if err != nil {
					b.Fatal(err)
				}
				l.Close(context.Background())
			}
		})
	}
}
