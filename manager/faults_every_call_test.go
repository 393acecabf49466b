package manager_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
	"github.com/stakeledger/stakeledger/manager/internal/notes"
)

// faultsOf gives, for every call that an operation made, one fault of each code at it.
func faultsOf(counted *faultdriver.Injector, codes ...faultdriver.Code) (faults []faultdriver.Fault) {
	for _, point := range faultdriver.Points() {
		for nth := range counted.Count(point) {
			for _, code := range codes {
				faults = append(faults, faultdriver.Fault{Point: point, Nth: nth + 1, Code: code})
			}
		}
	}
	return faults
}

// asArmed checks that an operation's error, if it has one, is that of the fault.
func asArmed(t *testing.T, code faultdriver.Code, err error) {
	t.Helper()
	want := map[faultdriver.Code]error{
		faultdriver.IOErr: manager.ErrIO, faultdriver.Busy: manager.ErrBusy, faultdriver.ConnectionLost: driver.ErrBadConn,
	}[code]
	if err != nil && !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// Opening a fresh file meets a fault at every call in turn. It fails and leaves nothing that the next Open minds,
// or the database works.
func TestOpenWhoseEveryCallFailsOnce(t *testing.T) {
	open := func(t *testing.T, path string, faults *faultdriver.Injector) (*DB, error) {
		return manager.Open(t.Context(), path, newReader, newTx, manager.WithMigration(create(notes.Schema)),
			manager.WithApplicationID(7), manager.WithReaders(1), manager.WithDriver(faults.Wrap))
	}
	closed := func(t *testing.T, db *DB, faults *faultdriver.Injector) {
		t.Helper()
		if err := db.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if got := faults.Connections(); got != 0 {
			t.Errorf("connections left open: got %d, want none", got)
		}
	}
	counted := faultdriver.New()
	first, err := open(t, filepath.Join(t.TempDir(), "notes.db"), counted)
	if err != nil {
		t.Fatal(err)
	}
	faults := faultsOf(counted, faultdriver.IOErr, faultdriver.Busy)
	closed(t, first, counted)
	for _, fault := range faults {
		if fault.Point == faultdriver.Close {
			continue // what fails when a connection is given up is not said
		}
		t.Run(fault.String(), func(t *testing.T) {
			path, injector := filepath.Join(t.TempDir(), "notes.db"), faultdriver.New(fault)
			db, err := open(t, path, injector)
			fired := injector.Fired()
			injector.Arm()
			if len(fired) != 1 {
				t.Fatalf("fired: got %v, want %v", fired, fault)
			}
			asArmed(t, fault.Code, err)
			if err != nil {
				if got := injector.Connections(); got != 0 {
					t.Errorf("connections left open by a failed Open: got %d, want none", got)
				}
				if db, err = open(t, path, injector); err != nil {
					t.Fatalf("the next Open: %v", err)
				}
			}
			if err := db.WithTx(t.Context(), adding("first")); err != nil {
				t.Errorf("WithTx: %v", err)
			}
			if got := titles(t, db); !slices.Equal(got, []string{"first"}) {
				t.Errorf("titles: got %q, want [first]", got)
			}
			closed(t, db, injector)
		})
	}
}

// copying is Backup or Restore under faults.
type copying struct {
	run    func(dest string) error
	faults *faultdriver.Injector
	want   []string // the titles in the copy
}

// everyCall lets every call of a copy fail in turn. Each leaves a whole copy or nothing, and no connection.
func (c copying) everyCall(t *testing.T) {
	folder := t.TempDir()
	dest := filepath.Join(folder, "copy.db")
	before := c.faults.Connections()
	c.faults.Arm()
	if err := c.run(dest); err != nil {
		t.Fatal(err)
	}
	for _, fault := range faultsOf(c.faults, faultdriver.IOErr, faultdriver.Busy, faultdriver.ConnectionLost) {
		t.Run(fault.String(), func(t *testing.T) {
			for _, name := range openFiles(t, folder) {
				if err := os.Remove(filepath.Join(folder, name)); err != nil {
					t.Fatal(err)
				}
			}
			c.faults.Arm(fault)
			err := c.run(dest)
			fired := c.faults.Fired()
			c.faults.Arm()
			if len(fired) != 1 {
				t.Fatalf("fired: got %v, want %v", fired, fault)
			}
			asArmed(t, fault.Code, err)
			want := []string{"copy.db"}
			if err != nil {
				want = nil
			}
			if got := openFiles(t, folder); !slices.Equal(got, want) {
				t.Errorf("files after %v: got %q, want %q", err, got, want)
			}
			if got := c.faults.Connections(); got != before {
				t.Errorf("connections: got %d, want %d", got, before)
			}
			if err == nil {
				copied := openAt(t, dest)
				if got := titles(t, copied); !slices.Equal(got, c.want) {
					t.Errorf("titles in the copy: got %d, want %d", len(got), len(c.want))
				}
			}
		})
	}
}

func TestBackupWhoseEveryCallFailsOnce(t *testing.T) {
	faults := faultdriver.New()
	db := openNotes(t, manager.WithDriver(faults.Wrap))
	want := numbered(50)
	for _, title := range want {
		if err := db.WithTx(t.Context(), adding(title)); err != nil {
			t.Fatal(err)
		}
	}
	copying{faults: faults, want: want, run: func(dest string) error {
		return db.Backup(context.Background(), dest, manager.OnBackupProgress(func(manager.BackupProgress) {}))
	}}.everyCall(t)
	if got := titles(t, db); !slices.Equal(got, want) {
		t.Errorf("titles in the database: got %d, want %d", len(got), len(want))
	}
}

func TestRestoreWhoseEveryCallFailsOnce(t *testing.T) {
	db := openNotes(t)
	want := numbered(50)
	for _, title := range want {
		if err := db.WithTx(t.Context(), adding(title)); err != nil {
			t.Fatal(err)
		}
	}
	src := filepath.Join(t.TempDir(), "backup.db")
	if err := db.Backup(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	faults := faultdriver.New()
	copying{faults: faults, want: want, run: func(dest string) error {
		return manager.Restore(context.Background(), src, dest, manager.WithDriver(faults.Wrap), manager.WithApplicationID(0),
			manager.WithRestoreCheck(func(ctx context.Context, db *sql.DB) error {
				var n int
				return db.QueryRowContext(ctx, "SELECT COUNT(*) FROM notes").Scan(&n)
			}))
	}}.everyCall(t)
}
