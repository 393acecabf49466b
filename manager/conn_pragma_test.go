package manager_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// SQLite says nothing when it ignores a pragma, so what Open sets it reads back.
func TestOpenRefusesAPragmaThatDidNotTake(t *testing.T) {
	for _, name := range []string{"foreign_keys", "synchronous", "trusted_schema", "query_only"} {
		t.Run(name, func(t *testing.T) {
			db, err := manager.Open(t.Context(), bankPath(t), newBank, newBank, manager.WithMigration(bankMigrate),
				manager.WithDriver(func(c manager.DriverConn) manager.DriverConn { return &deafConn{c, name} }))
			if err == nil { // readers are opened when they are needed
				defer bankClose(t, db)
				err = db.ReadOnly(t.Context(), func(context.Context, *bank) error { return nil })
			}
			wantKind(t, "Open", err, manager.ErrUnsupported)
			if err != nil && !strings.HasPrefix(err.Error(), "set PRAGMA "+name) {
				t.Errorf("Open: got %v, want it to name the pragma", err)
			}
		})
	}
}

// A deafConn does not hear that a pragma is set.
type deafConn struct {
	manager.DriverConn
	pragma string
}

func (c *deafConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if strings.HasPrefix(query, "PRAGMA "+c.pragma+" = ") {
		query = "SELECT 1"
	}
	return c.DriverConn.QueryContext(ctx, query, args)
}

// wantKind checks that an error is of one of the manager's kinds.
func wantKind(t testing.TB, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: got %v, want %v", what, err, kind)
	}
}

// A log that a killed program left is read, and stays where it is: whoever opens for reading does not write.
func TestOpenReadOnlyChangesNothing(t *testing.T) {
	live := bankPath(t)
	db := bankOpen(t, live)
	bankFill(t, db)
	path := bankPath(t)
	for _, suffix := range []string{"", "-wal"} { // as the disk has them after a kill
		content, err := os.ReadFile(live + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, log := readFile(t, path), readFile(t, path+"-wal")
	if len(log) == 0 {
		t.Fatal("the log is empty, so it says nothing")
	}
	reader, err := manager.OpenReadOnly(t.Context(), path, newBank)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := bankCount(t, reader), bankCount(t, db); got != want {
		t.Errorf("transfers: got %d, want %d", got, want)
	}
	if err := reader.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if got := readFile(t, path); got != before {
		t.Error("the database was written")
	}
	if got := readFile(t, path+"-wal"); got != log {
		t.Errorf("the log has %d bytes, want the %d that were there", len(got), len(log))
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(content)
}
