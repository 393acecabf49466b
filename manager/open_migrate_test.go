package manager_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// A migration is any function: what it must not do is found after it has returned nil.
func TestOpenLooksAtWhatAMigrationLeaves(t *testing.T) {
	const tables = "CREATE TABLE parents (id INTEGER PRIMARY KEY); CREATE TABLE children (parent REFERENCES parents (id) ON DELETE CASCADE); INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1);"
	for _, c := range []struct {
		name, sql string
		want      error
		says      string
	}{
		{"foreign keys are on", tables + "INSERT INTO children VALUES (2)", manager.ErrForeignKey, ""},
		{"foreign keys act", tables + "DELETE FROM parents; INSERT INTO children SELECT 2 FROM children", nil, ""},
		{"foreign keys switched off", tables + "PRAGMA foreign_keys = OFF; DELETE FROM parents", manager.ErrForeignKey, "children"},
		{"an open transaction", "BEGIN; " + tables, manager.ErrUnsupported, "transaction open"},
		{"an open savepoint", "SAVEPOINT a; " + tables, manager.ErrUnsupported, "transaction open"},
		{"a schema that calls what it must not", "CREATE VIEW v AS SELECT load_extension('x'); SELECT * FROM v", errAny, "unsafe use"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.db")
			db, err := manager.Open(t.Context(), path, newReader, newTx, manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
				_, err := db.ExecContext(ctx, c.sql)
				return err
			}))
			if err == nil {
				defer db.Close(context.Background())
			}
			if c.want == errAny && err == nil || c.want != errAny && !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %v with %q", err, c.want, c.says)
			}
		})
	}
}

// What a migration changed counts also where the connection that changed it is gone.
func TestOpenLooksAtWhatALostConnectionChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.db")
	open := func(sql string) error {
		db, err := manager.Open(t.Context(), path, newReader, newTx, manager.WithMigration(migrationOf(sql)))
		if err == nil {
			err = db.Close(context.Background())
		}
		return err
	}
	if err := open("CREATE TABLE parents (id INTEGER PRIMARY KEY); CREATE TABLE children (parent REFERENCES parents (id)); INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := open("PRAGMA foreign_keys = OFF; DELETE FROM parents"); !errors.Is(err, manager.ErrForeignKey) {
		t.Errorf("got %v, want ErrForeignKey", err)
	}
}

// migrationOf runs sql on a connection that is closed afterwards.
func migrationOf(sqlText string) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.ExecContext(ctx, sqlText); err != nil {
			return err
		}
		_ = c.Raw(func(any) error { return driver.ErrBadConn }) // database/sql closes it
		return nil
	}
}

// errAny stands for an error of no kind.
var errAny = errors.New("any error")
