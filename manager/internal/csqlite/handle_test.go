//go:build cgo

package csqlite_test

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

// dsn names a file of its own, without SQLite's mutexes, as the manager does.
func dsn(t *testing.T) string {
	return "file:" + filepath.Join(t.TempDir(), "test.db") + "?_mutex=no&_foreign_keys=1"
}

func open(t *testing.T, dsn string) (*sqlite3.SQLiteConn, *csqlite.Handle) {
	t.Helper()
	conn, h, err := csqlite.Open(func() (driver.Conn, error) { return (&sqlite3.SQLiteDriver{}).Open(dsn) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if h != nil {
			h.Close()
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	if h == nil && csqlite.Available {
		t.Fatal("the connection has no handle")
	}
	return conn.(*sqlite3.SQLiteConn), h
}

func need(t *testing.T) {
	t.Helper()
	if !csqlite.Available {
		t.Skip("this build has no handles")
	}
}

func exec(t *testing.T, c *sqlite3.SQLiteConn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := c.ExecContext(t.Context(), text, nil); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func TestOpenWithoutHandleIsTheDriver(t *testing.T) {
	if csqlite.Available {
		t.Skip("this build has handles")
	}
	c, h := open(t, dsn(t))
	if h != nil {
		t.Error("got a handle")
	}
	exec(t, c, "CREATE TABLE t (a)")
}

func TestDeferredForeignKeys(t *testing.T) {
	need(t)
	c, h := open(t, dsn(t))
	exec(t, c, "CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
	for _, step := range []struct {
		text string
		want bool
	}{
		{"BEGIN", false},
		{"INSERT INTO child VALUES (1)", true},
		{"SAVEPOINT s", true},
		{"INSERT INTO child VALUES (2)", true},
		{"INSERT INTO parent VALUES (1)", true},
		{"INSERT INTO parent VALUES (2)", false},
		{"DELETE FROM parent WHERE id = 1", true},
		{"ROLLBACK TO s", true},
		{"RELEASE s", true},
		{"DELETE FROM child", false},
		{"INSERT INTO child VALUES (3)", true},
		{"ROLLBACK", false},
		{"BEGIN; PRAGMA defer_foreign_keys = 1; INSERT INTO child VALUES (4)", true},
		{"INSERT INTO parent VALUES (4); COMMIT", false},
	} {
		exec(t, c, step.text)
		if got := h.DeferredForeignKeys(); got != step.want {
			t.Errorf("after %s: got %v, want %v", step.text, got, step.want)
		}
	}
}

func TestInTransaction(t *testing.T) {
	need(t)
	c, h := open(t, dsn(t))
	for _, step := range []struct {
		text string
		want bool
	}{
		{"SELECT 1", false}, {"BEGIN", true}, {"COMMIT", false}, {"SAVEPOINT s", true}, {"RELEASE s", false}, {"BEGIN IMMEDIATE", true}, {"ROLLBACK", false},
	} {
		exec(t, c, step.text)
		if got := h.InTransaction(); got != step.want || got == c.AutoCommit() {
			t.Errorf("after %s: got %v, want %v; AutoCommit %v", step.text, got, step.want, c.AutoCommit())
		}
	}
	exec(t, c, "BEGIN")
	h.Close()
	if h.InTransaction() || h.DeferredForeignKeys() {
		t.Error("a closed handle has a transaction")
	}
}

// Connections opened at the same time, ours and others', each get the handle that
// is theirs, and what was registered is gone afterwards.
func TestOpenAtOnce(t *testing.T) {
	need(t)
	var wg sync.WaitGroup
	failed := make(chan error, 32)
	for n := range cap(failed) {
		name := dsn(t)
		wg.Go(func() {
			if n%2 == 1 {
				c, err := (&sqlite3.SQLiteDriver{}).Open(name)
				if err == nil {
					err = c.Close()
				}
				failed <- err
				return
			}
			failed <- openAndBegin(name)
		})
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Error(err)
		}
	}
}

// openAndBegin opens a connection and looks whether its handle follows it.
func openAndBegin(name string) error {
	conn, h, err := csqlite.Open(func() (driver.Conn, error) { return (&sqlite3.SQLiteDriver{}).Open(name) })
	if err != nil {
		return err
	}
	defer conn.Close()
	if h == nil {
		return errors.New("no handle")
	}
	defer h.Close()
	c := conn.(*sqlite3.SQLiteConn)
	for range 100 {
		for _, text := range []string{"BEGIN", "COMMIT"} {
			if _, err := c.Exec(text, nil); err != nil {
				return err
			}
			if h.InTransaction() == c.AutoCommit() {
				return fmt.Errorf("after %s the handle and the connection disagree", text)
			}
		}
	}
	return nil
}

func TestOpenIsSureOfItsConnection(t *testing.T) {
	need(t)
	driverOpen := func() (driver.Conn, error) { return (&sqlite3.SQLiteDriver{}).Open(dsn(t)) }
	refused := errors.New("refused")
	var others []driver.Conn
	for name, test := range map[string]struct {
		open func() (driver.Conn, error)
		want error
	}{
		"it opens two": {func() (driver.Conn, error) {
			c, err := driverOpen()
			others = append(others, c)
			if err != nil {
				return nil, err
			}
			return driverOpen()
		}, nil},
		"it opens none": {func() (driver.Conn, error) { return others[0], nil }, nil},
		"it opens on another goroutine": {func() (c driver.Conn, err error) {
			done := make(chan struct{})
			go func() { defer close(done); c, err = driverOpen() }()
			<-done
			return c, err
		}, nil},
		"it calls Open": {func() (driver.Conn, error) {
			inner, h, err := csqlite.Open(driverOpen)
			others = append(others, inner)
			if err != nil || h == nil {
				return nil, errors.Join(err, errors.New("the inner one: no handle"))
			}
			h.Close()
			return driverOpen()
		}, nil},
		"it fails": {func() (driver.Conn, error) { return nil, refused }, refused},
	} {
		t.Run(name, func(t *testing.T) {
			if len(others) == 0 {
				c, err := driverOpen()
				if err != nil {
					t.Fatal(err)
				}
				others = append(others, c)
			}
			conn, h, err := csqlite.Open(test.open)
			if !errors.Is(err, test.want) || h != nil {
				t.Errorf("got a handle: %v, error %v; want no handle, error %v", h != nil, err, test.want)
			}
			if conn != nil && conn != others[0] {
				_ = conn.Close()
			}
		})
	}
	for _, c := range others {
		_ = c.Close()
	}
	t.Run("it panics", func(t *testing.T) {
		func() {
			defer func() { _ = recover() }()
			_, _, _ = csqlite.Open(func() (driver.Conn, error) { panic("on purpose") })
		}()
		if _, h := open(t, dsn(t)); h == nil {
			t.Error("after a panic: no handle")
		}
	})
}
