package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// restoreSource is a closed bank with 400 transfers, in a folder of its own.
func restoreSource(t testing.TB) string {
	t.Helper()
	db := backupSource(t)
	bankClose(t, db)
	if err := os.Remove(db.Path() + "-lock"); err != nil {
		t.Fatal(err)
	}
	return db.Path()
}

func restoreBank(ctx context.Context, src, dest string, opts ...manager.Option) error {
	return manager.Restore(ctx, src, dest, append([]manager.Option{manager.WithApplicationID(bankApplication)}, opts...)...)
}

func TestRestoreOfABackupGivesTheDatabase(t *testing.T) {
	db := backupSource(t)
	folder := t.TempDir()
	src, dest := filepath.Join(folder, "copy.db"), filepath.Join(folder, "what? 100%.db")
	if err := db.Backup(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	before := refuseSum(t, src)
	if err := restoreBank(t.Context(), src, dest); err != nil {
		t.Fatal(err)
	}
	if got, want := openFiles(t, folder), []string{"copy.db", filepath.Base(dest)}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
	if refuseSum(t, src) != before {
		t.Error("the backup was changed")
	}
	info, err := os.Stat(dest)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode(), os.FileMode(0o600); got != want {
		t.Errorf("mode: got %v, want %v", got, want)
	}
	if backupDump(t, dest) != backupDump(t, db.Path()) {
		t.Error("the restored database does not hold what the first one holds")
	}
	backupAudit(t, dest)
}

func TestRestoreOfOtherFiles(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T) (src string, transfers int64)
	}{
		{"with a rollback journal", func(t *testing.T) (string, int64) {
			src := restoreSource(t)
			raw := openRaw(t, src, "")
			defer raw.Close()
			if _, err := raw.Exec("PRAGMA journal_mode = DELETE"); err != nil {
				t.Fatal(err)
			}
			return src, 400
		}},
		{"with the log of a killed program", func(t *testing.T) (string, int64) { return restoreHot(t) }},
		{"with a log, without its index", func(t *testing.T) (string, int64) {
			src, n := restoreHot(t)
			if err := os.Remove(src + "-shm"); err != nil {
				t.Fatal(err)
			}
			return src, n
		}},
		{"in use", func(t *testing.T) (string, int64) {
			db := backupSource(t)
			if err := bankAdd(t.Context(), db, "in the log", 1); err != nil {
				t.Fatal(err)
			}
			return db.Path(), 401
		}},
		{"through a link", func(t *testing.T) (string, int64) {
			link := filepath.Join(t.TempDir(), "link.db")
			if err := os.Symlink(restoreSource(t), link); err != nil {
				t.Skipf("no symbolic links here: %v", err)
			}
			return link, 400
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, want := c.make(t)
			folder := t.TempDir()
			dest := filepath.Join(folder, "restored.db")
			if err := restoreBank(t.Context(), src, dest); err != nil {
				t.Fatal(err)
			}
			if got, want := openFiles(t, folder), []string{"restored.db"}; !slices.Equal(got, want) {
				t.Errorf("files: got %q, want %q", got, want)
			}
			if got := backupAudit(t, dest); got != want {
				t.Errorf("transfers: got %d, want %d", got, want)
			}
		})
	}
}

// restoreHot is a bank as a killed program leaves it: transfers, 401 of them, are in the log alone.
func restoreHot(t testing.TB) (src string, transfers int64) {
	t.Helper()
	path := restoreSource(t)
	db := bankOpen(t, path)
	defer bankClose(t, db)
	if err := bankAdd(t.Context(), db, "in the log", 1); err != nil {
		t.Fatal(err)
	}
	return refuseCopy(t, path), 401
}

func TestRestoreLeavesALogWhereItIs(t *testing.T) {
	src, _ := restoreHot(t)
	before, logBefore := refuseSum(t, src), refuseSum(t, src+"-wal")
	if err := restoreBank(t.Context(), src, bankPath(t)); err != nil {
		t.Fatal(err)
	}
	if refuseSum(t, src) != before || refuseSum(t, src+"-wal") != logBefore {
		t.Error("the source or its log was changed")
	}
}

// The database is in use by this very process, whose locks must not be lost to the copying.
func TestRestoreFromADatabaseInUseIsOneSnapshot(t *testing.T) {
	db := backupSource(t)
	var stop atomic.Bool
	var writers sync.WaitGroup
	for w := range int64(4) {
		writers.Go(func() {
			for seq := int64(0); !stop.Load(); seq++ {
				err := db.WithTx(context.Background(), func(ctx context.Context, tx *bank) error {
					return tx.transfer(ctx, fmt.Sprint("worker", w), seq, (seq+w)%bankAccounts, (seq+w+5)%bankAccounts, 3)
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	defer writers.Wait()
	defer stop.Store(true)
	for i := range 3 {
		dest := filepath.Join(t.TempDir(), fmt.Sprint(i, ".db"))
		if err := restoreBank(t.Context(), db.Path(), dest); err != nil {
			t.Fatal(err)
		}
		backupAudit(t, dest)
	}
}

func TestRestoreFromReadOnlyMedia(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs the permissions of Unix")
	}
	for _, c := range []struct {
		name      string
		keep      []string // of what lies beside the database
		transfers int64
	}{
		{"alone", nil, 400},
		{"with a log and its index", []string{"-wal", "-shm"}, 401},
		{"with a log", []string{"-wal"}, 401},
		{"with an index left over", []string{"-shm"}, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := publicFolder(t)
			media := filepath.Join(dir, "media")
			if err := os.Mkdir(media, 0o755); err != nil {
				t.Fatal(err)
			}
			hot, _ := restoreHot(t)
			for _, suffix := range append([]string{""}, c.keep...) {
				data, err := os.ReadFile(hot + suffix)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(media, "bank.db"+suffix), data, 0o444); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(media, 0o555); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(media, 0o755) })
			before := openFiles(t, media)
			dest := filepath.Join(dir, "restored.db")
			childStart(t, "restore", childAsNobody, filepath.Join(media, "bank.db"), dest).wait(t)
			if got := openFiles(t, media); !slices.Equal(got, before) {
				t.Errorf("files on the media: got %q, want %q", got, before)
			}
			if got := backupAudit(t, dest); got != c.transfers {
				t.Errorf("transfers: got %d, want %d", got, c.transfers)
			}
		})
	}
}

func init() {
	childRoles["restore"] = func(t *testing.T, args []string) {
		if err := restoreBank(t.Context(), args[0], args[1]); err != nil {
			t.Error(err)
		}
	}
	// Says when it checks, and goes on when it is told.
	childRoles["restore in steps"] = func(t *testing.T, args []string) {
		childSay("begins")
		err := restoreBank(t.Context(), args[0], args[1], manager.WithRestoreCheck(func(context.Context, *sql.DB) error {
			childSay("checks")
			if args[2] == "stop" {
				childHear()()
			}
			return nil
		}))
		if err != nil {
			t.Error(err)
		}
	}
}

func TestRestoresToOnePlaceOneWins(t *testing.T) {
	src, folder := restoreSource(t), t.TempDir()
	dest := filepath.Join(folder, "restored.db")
	var won atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := restoreBank(context.Background(), src, dest)
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, manager.ErrBusy) && !errors.Is(err, fs.ErrExist):
				t.Errorf("got %v, want ErrBusy or fs.ErrExist", err)
			}
		})
	}
	all.Wait()
	if got := won.Load(); got != 1 {
		t.Errorf("restores that succeeded: got %d, want 1", got)
	}
	if got, want := openFiles(t, folder), []string{"restored.db"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
	backupAudit(t, dest)
}

func init() {
	// Asks whether somebody holds the lock that every connection to a database with a log has.
	childRoles["find the lock"] = func(t *testing.T, args []string) {
		f, err := os.OpenFile(args[0], os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		shared := syscall.Flock_t{Type: syscall.F_WRLCK, Start: 1<<30 + 2, Len: 510}
		if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &shared); err != nil || shared.Type == syscall.F_UNLCK {
			t.Errorf("lock on the database: got none (%v), want the other process's", err)
		}
	}
}

// A process that opens and closes a file by other ways than SQLite's loses the locks it has on it, and with
// them its log: whoever closes the database last removes that.
func TestCopyingKeepsTheLocksOfThisProcess(t *testing.T) {
	db := backupSource(t)
	childStart(t, "find the lock", nil, db.Path()).wait(t)
	folder := t.TempDir()
	dest := filepath.Join(folder, "restored.db")
	if err := errors.Join(db.Backup(t.Context(), filepath.Join(folder, "copy.db")), restoreBank(t.Context(), db.Path(), dest)); err != nil {
		t.Fatal(err)
	}
	childStart(t, "find the lock", nil, db.Path()).wait(t)
}
