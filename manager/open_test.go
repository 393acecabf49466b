package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

func TestOpenCreatesFilesForTheirOwnerAlone(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	for _, file := range []string{path, path + "-wal", path + "-shm", path + "-lock"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, want := info.Mode(), os.FileMode(0o600); got != want {
			t.Errorf("%s: mode %v, want %v", filepath.Base(file), got, want)
		}
	}
}

func TestOpenSetsPragmasOnEveryConnection(t *testing.T) {
	const readers = 3
	everywhere := map[string]string{
		"journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "0", "trusted_schema": "0",
		"cell_size_check": "1", "page_size": "4096",
	}
	db := bankOpen(t, bankPath(t), manager.WithReaders(readers))
	check := func(ctx context.Context, where string, b *bank, more map[string]string) {
		for _, pragmas := range []map[string]string{everywhere, more} {
			for name, want := range pragmas {
				if got, err := b.value(ctx, "PRAGMA "+name); err != nil || got != want {
					t.Errorf("%s: PRAGMA %s: got %q, %v, want %q", where, name, got, err, want)
				}
			}
		}
	}
	err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
		check(ctx, "writer", tx, map[string]string{"synchronous": "2", "query_only": "0", "wal_autocheckpoint": "0", "cache_size": "-65536", "temp_store": "1"})
		return nil
	})
	if err != nil {
		t.Error(err)
	}

	// Every reader holds its connection until all have one, so that none is looked at twice.
	var together, done sync.WaitGroup
	together.Add(readers)
	for i := range readers {
		done.Go(func() {
			err := db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
				together.Done()
				together.Wait()
				check(ctx, fmt.Sprintf("reader %d", i), q, map[string]string{"query_only": "1", "cache_size": "-16384", "temp_store": "2"})
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}

func TestWriterNeedsNoTemporaryDirectory(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	db := bankOpen(t, bankPath(t))
	got, err := manager.Write(t.Context(), db, func(ctx context.Context, tx *bank) (string, error) {
		return tx.value(ctx, "PRAGMA temp_store")
	})
	if err != nil || got != "2" {
		t.Errorf("PRAGMA temp_store: got %q, %v, want 2, memory", got, err)
	}
}

func TestOpenWithSynchronousNormal(t *testing.T) {
	db := bankOpen(t, bankPath(t), manager.WithSynchronousNormal())
	got, err := manager.Write(t.Context(), db, func(ctx context.Context, tx *bank) (string, error) {
		return tx.value(ctx, "PRAGMA synchronous")
	})
	if err != nil || got != "1" {
		t.Errorf("PRAGMA synchronous: got %q, %v, want 1", got, err)
	}
}

func TestOpenOddPaths(t *testing.T) {
	for _, name := range []string{
		"with space.db", "100%.db", "a%20b.db", "%.db", "what?.db", "a?mode=memory.db", "no#1.db", "plus+and&.db",
		"semi;colon.db", "quote'd.db", `double"d.db`, "ünïcödé-台灣.db", "-dash.db", "file.db:", "no-suffix", "..db",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			folder := filepath.Join(dir, "in "+name)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, name)
			db := bankOpen(t, path)
			bankFill(t, db)
			if got := db.Path(); got != path {
				t.Errorf("Path: got %q, want %q", got, path)
			}
			bankClose(t, db)
			if got, want := openFiles(t, folder), []string{name, name + "-lock"}; !slices.Equal(got, want) {
				t.Errorf("files: got %q, want %q", got, want)
			}
			if got, want := openFiles(t, dir), []string{"in " + name}; !slices.Equal(got, want) {
				t.Errorf("files above: got %q, want %q", got, want)
			}
			bankAudit(t, bankOpen(t, path), 0)
		})
	}
}

func TestOpenRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	db := bankOpen(t, "bank.db")
	if got, want := db.Path(), filepath.Join(folder, "bank.db"); got != want {
		t.Errorf("Path: got %q, want %q", got, want)
	}
	t.Chdir(t.TempDir()) // what is open stays where it is
	bankFill(t, db)
	bankAudit(t, db, 0)
	bankClose(t, db)
}

func TestOpenSymbolicLinksShareOneLockFile(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(folder, "bank.db")
	toFolder, toFile := filepath.Join(dir, "to-folder"), filepath.Join(dir, "to-file.db")
	for _, link := range [][2]string{{folder, toFolder}, {real, toFile}} {
		if err := os.Symlink(link[0], link[1]); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	first := bankOpen(t, filepath.Join(toFolder, "bank.db")) // the file is not there yet
	bankFill(t, first)
	for _, path := range []string{filepath.Join(toFolder, "bank.db"), toFile, real} {
		second := bankOpen(t, path, manager.WithRetryBudget(50*time.Millisecond))
		if got := second.Path(); got != real {
			t.Errorf("Path of %s: got %q, want %q", path, got, real)
		}
		held := bankHoldWriter(t, first, "holder")
		err := bankAdd(t.Context(), second, path, 1)
		if !errors.Is(err, manager.ErrBusy) || !strings.Contains(err.Error(), real+"-lock") {
			t.Errorf("write beside a holder of the lock: got %v, want ErrBusy naming %s-lock", err, real)
		}
		held.end(t)
		bankClose(t, second)
	}
	bankClose(t, first)
	if got, want := openFiles(t, folder), []string{"bank.db", "bank.db-lock"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
}

func TestOpenDanglingSymbolicLinkSharesTheLockFileOfItsTarget(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.db"), filepath.Join(dir, "link.db")
	if err := os.Symlink(real, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	db := bankOpen(t, link)
	if got := db.Path(); got != real {
		t.Errorf("Path: got %q, want %q", got, real)
	}
	bankClose(t, db)
	if got, want := openFiles(t, dir), []string{"link.db", "real.db", "real.db-lock"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
}

func TestOpenMigratesOnItsOwnConnection(t *testing.T) {
	path := bankPath(t)
	var kept *sql.DB
	db := bankOpen(t, path, manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
		kept = db
		if err := bankMigrate(ctx, db); err != nil {
			return err
		}
		_, err := db.ExecContext(ctx, "CREATE TEMP TABLE left_over (x); PRAGMA foreign_keys = OFF")
		return err
	}))
	err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
		got, err := tx.value(ctx, "SELECT (SELECT COUNT(*) FROM sqlite_temp_schema) || foreign_keys FROM pragma_foreign_keys")
		if err == nil && got != "01" {
			t.Errorf("temporary tables and foreign_keys: got %s, want 01", got)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := kept.PingContext(t.Context()); err == nil {
		t.Error("the migration's *sql.DB is still open, want it closed")
	}
}

func TestOpenReturnsTheMigrationsError(t *testing.T) {
	path := bankPath(t)
	_, err := manager.Open(t.Context(), path, newBank, newBank, manager.WithMigration(func(context.Context, *sql.DB) error { return errOwn }))
	if !errors.Is(err, errOwn) || !strings.HasPrefix(fmt.Sprint(err), "migrate "+path) {
		t.Errorf("got %v, want the migration's error, naming what was attempted", err)
	}
	bankFill(t, bankOpen(t, path)) // nothing stands in the way of the next try
}

// A program that knows no lock file may keep the database busy while it is migrated.
func TestOpenRepeatsABusyMigration(t *testing.T) {
	for _, point := range []faultdriver.Point{faultdriver.Begin, faultdriver.Statement, faultdriver.Step, faultdriver.Prepare, faultdriver.Commit} {
		t.Run(string(point), func(t *testing.T) {
			faults, runs := faultdriver.New(), 0
			path := bankPath(t)
			migrate := func(ctx context.Context, db *sql.DB) error {
				if runs++; runs < 3 {
					faults.Arm(faultdriver.Fault{Point: point, Code: faultdriver.BusySnapshot})
				}
				if err := bankMigrate(ctx, db); err != nil {
					return fmt.Errorf("migrate: %w", err)
				}
				return migrateOnce(ctx, db)
			}
			bankFill(t, bankOpen(t, path, manager.WithMigration(migrate), manager.WithDriver(faults.Wrap)))
			if runs != 3 {
				t.Errorf("runs of the migration: got %d, want 3", runs)
			}
			runs = -1000
			_, err := manager.Open(t.Context(), path, newBank, newBank, manager.WithRetryBudget(10*time.Millisecond), manager.WithMigration(migrate), manager.WithDriver(faults.Wrap))
			if !errors.Is(err, manager.ErrBusy) {
				t.Errorf("Open of a database that stays busy: got %v, want ErrBusy", err)
			}
		})
	}
}

// migrateOnce begins, prepares, steps and commits.
func migrateOnce(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	s, err := tx.PrepareContext(ctx, "UPDATE accounts SET balance = balance RETURNING account_id")
	if err != nil {
		return err
	}
	defer s.Close()
	if err := drain(s.QueryContext(ctx)); err != nil {
		return err
	}
	return tx.Commit()
}

// What a migration, or a connect hook, meets elsewhere is none of our waiting.
func TestOpenReturnsABusyOfAnotherDatabaseOnce(t *testing.T) {
	elsewhere := bankPath(t)
	locked, err := openRaw(t, elsewhere, "?_txlock=immediate").Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Rollback()
	other, runs := openRaw(t, elsewhere, "?_busy_timeout=1"), 0
	meet := func() error {
		runs++
		_, err := other.Exec("CREATE TABLE t (x INTEGER)")
		return err
	}
	for name, option := range map[string]manager.Option{
		"migration":    manager.WithMigration(func(context.Context, *sql.DB) error { return meet() }),
		"connect hook": manager.WithConnectHook(func(context.Context, *sqlite3.SQLiteConn) error { return meet() }),
	} {
		runs = 0
		_, err := manager.Open(t.Context(), bankPath(t), newBank, newBank, option)
		var met sqlite3.Error
		if !errors.As(err, &met) || met.Code != sqlite3.ErrBusy || runs != 1 {
			t.Errorf("%s: got %v after %d runs, want SQLITE_BUSY after one", name, err, runs)
		}
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	held := bankHoldWriter(t, db, "holder")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := manager.Open(ctx, path, newBank, newBank, manager.WithRetryBudget(time.Hour))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Open beside a holder of the lock file: got %v, want DeadlineExceeded", err)
	}
	held.end(t)
	bankFill(t, db)
}

func TestOpenReadOnlyServesALiveFile(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	held := bankHoldWriter(t, db, "holder") // neither opening nor reading waits for it
	report, err := manager.OpenReadOnly(t.Context(), path, newBank, manager.WithApplicationID(bankApplication))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bankClose(t, report) })
	bankAudit(t, report, 0)
	held.end(t)
	for seq := range int64(3) {
		if err := bankAdd(t.Context(), db, "live", seq); err != nil {
			t.Fatal(err)
		}
		if got, want := bankCount(t, report), seq+1; got != want {
			t.Errorf("transfers seen after the commit: got %d, want %d", got, want)
		}
	}
	ran := false
	err = report.WithTx(t.Context(), func(context.Context, *bank) error { ran = true; return nil })
	if !errors.Is(err, manager.ErrReadOnly) || ran {
		t.Errorf("WithTx: got %v, closure ran: %v, want ErrReadOnly and not", err, ran)
	}
	err = report.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error { return q.insertAccount(ctx, 99, 0) })
	if !errors.Is(err, manager.ErrReadOnly) {
		t.Errorf("insert inside ReadOnly: got %v, want ErrReadOnly", err)
	}
	bankClose(t, db) // a reader elsewhere does not stand in the way
	if got, want := bankCount(t, report), int64(3); got != want {
		t.Errorf("transfers seen after the writer closed: got %d, want %d", got, want)
	}
}

// openFiles lists a folder.
func openFiles(t testing.TB, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// openRaw opens the file with nothing but the driver: another program's way, which knows no lock file.
func openRaw(t testing.TB, path, options string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String()+options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
