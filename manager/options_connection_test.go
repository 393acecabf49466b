package manager_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes"
)

// pragmas reads one on the writer's connection and on a reader's.
func pragmas(t testing.TB, db *DB, name string) (writer, reader string) {
	t.Helper()
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		return tx.raw.QueryRowContext(ctx, "PRAGMA "+name).Scan(&writer)
	})
	if err == nil {
		err = db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
			return q.raw.QueryRowContext(ctx, "PRAGMA "+name).Scan(&reader)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return writer, reader
}

func TestPragmaIsSetOnEveryConnection(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"recursive_triggers", "ON", "1"},
		{"Cache_Size", "-1234", "-1234"},
		{"foreign_keys", "off", "0"},
		{"mmap_size", "65536", "65536"},
		{"temp_store", "memory", "2"},
	} {
		db := openNotes(t, manager.WithPragma(test.name, test.value))
		if writer, reader := pragmas(t, db, test.name); writer != test.want || reader != test.want {
			t.Errorf("PRAGMA %s = %s: got %s on the writer and %s on a reader, want %s", test.name, test.value, writer, reader, test.want)
		}
	}
}

func TestPragmaThatIsRefused(t *testing.T) {
	for _, test := range []struct{ name, value string }{
		{"journal_mode", "DELETE"}, {"SYNCHRONOUS", "OFF"}, {"locking_mode", "EXCLUSIVE"}, {"query_only", "1"}, {"user_version", "7"},
		{"no_such_pragma", "1"}, {"main.cache_size", "1"}, {"cache_size = 1; DROP TABLE notes", "1"}, {"", "1"}, {"cache_size", ""}, {"optimize", "1"},
	} {
		path := filepath.Join(t.TempDir(), "notes.db")
		db, err := manager.Open(t.Context(), path, newReader, newTx, manager.WithMigration(create(notes.Schema)), manager.WithPragma(test.name, test.value))
		if err == nil {
			_ = db.Close(t.Context())
		}
		wantKind(t, "PRAGMA "+test.name, err, manager.ErrUnsupported)
	}
}

func TestConnectHookRegistersFunctions(t *testing.T) {
	var connections atomic.Int64
	schema := strings.Replace(notes.Schema, "title   TEXT NOT NULL", "title TEXT NOT NULL COLLATE by_length CHECK (shout(title) <> 'NO')", 1)
	path := filepath.Join(t.TempDir(), "notes.db")
	opts := []manager.Option{
		manager.WithMigration(create(schema)), // needs both already
		manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
			connections.Add(1)
			return errors.Join(
				c.RegisterFunc("shout", strings.ToUpper, true),
				c.RegisterCollation("by_length", func(a, b string) int { return len(a) - len(b) }))
		}),
		manager.WithPragma("trusted_schema", "1"),
	}
	db, err := manager.Open(t.Context(), path, newReader, newTx, opts...)
	if err != nil {
		t.Fatal(err)
	}
	for title, kind := range map[string]error{"a": nil, "no": manager.ErrCheck} {
		if err := db.WithTx(t.Context(), adding(title)); !errors.Is(err, kind) {
			t.Errorf("%s: got %v, want %v", title, err, kind)
		}
	}
	wantKind(t, "a title as long as another", db.WithTx(t.Context(), adding("b")), manager.ErrUnique)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Errorf("Backup: %v", err)
	}
	if err := db.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if connections.Load() < 3 {
		t.Errorf("hook was called for %d connections, want those of the migration and the backup too", connections.Load())
	}
}

func TestConnectHookCannotPassTheManagerBy(t *testing.T) {
	db := openNotes(t, manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
		c.RegisterAuthorizer(func(int, string, string, string) int { return sqlite3.SQLITE_OK })
		_, err := c.Exec("PRAGMA foreign_keys = OFF", nil)
		return err
	}))
	if writer, reader := pragmas(t, db, "foreign_keys"); writer != "1" || reader != "1" {
		t.Errorf("foreign_keys: got %s and %s, want 1", writer, reader)
	}
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		_, err := tx.raw.ExecContext(ctx, "COMMIT")
		return err
	})
	wantKind(t, "COMMIT", err, manager.ErrUnsupported)
}

func TestConnectHookThatFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	_, err := manager.Open(t.Context(), path, newReader, newTx, manager.WithConnectHook(func(context.Context, *sqlite3.SQLiteConn) error { return errOwn }))
	if !errors.Is(err, errOwn) {
		t.Errorf("Open: got %v, want the hook's error", err)
	}
}

func TestConnectHookAttaches(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.db")
	db := openNotes(t, manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
		_, err := c.Exec("ATTACH '"+other+"' AS other", nil)
		return err
	}))
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		_, err := tx.raw.ExecContext(ctx, "CREATE TABLE other.list (x INTEGER)")
		if err == nil {
			_, err = tx.raw.ExecContext(ctx, "INSERT INTO other.list VALUES (1)")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	err = db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
		return q.raw.QueryRowContext(ctx, "SELECT COUNT(*) FROM other.list").Scan(&n)
	})
	if err != nil || n != 1 {
		t.Errorf("rows in the attached file: got %d, %v, want 1", n, err)
	}
}
