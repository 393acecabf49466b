package manager_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestBackupEndsWithItsContext(t *testing.T) {
	db := backupSource(t)
	folder := t.TempDir()
	dest := filepath.Join(folder, "copy.db")
	cause := errors.New("shutting down")
	for _, c := range []struct {
		name  string
		phase manager.BackupPhase
		call  int
	}{
		{"before it begins", "", 0},
		{"after the first pages", manager.BackupCopying, 1},
		{"between pages", manager.BackupCopying, 2},
		{"before the check", manager.BackupChecking, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			if c.phase == "" {
				cancel(cause)
			}
			calls := 0
			err := db.Backup(ctx, dest, manager.OnBackupProgress(func(p manager.BackupProgress) {
				if ctx.Err() != nil {
					t.Errorf("progress after the end: %+v", p)
				}
				if p.Phase == c.phase {
					if calls++; calls == c.call {
						cancel(cause)
					}
				}
			}))
			if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
				t.Errorf("got %v, want context.Canceled and its cause", err)
			}
			if got := openFiles(t, folder); len(got) > 0 {
				t.Errorf("files left behind: %q", got)
			}
		})
	}
	if err := db.Backup(t.Context(), dest); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestBackupIsInterruptedWhileItChecks(t *testing.T) {
	tap := newTap()
	ctx, cancel := context.WithCancel(t.Context())
	tap.onRead("PRAGMA integrity_check(3)", func(manager.DriverConn) error {
		cancel() // the check has begun, as far as Backup can tell
		return nil
	})
	db := backupSource(t, manager.WithDriver(tap.wrap))
	folder := t.TempDir()
	if err := db.Backup(ctx, filepath.Join(folder, "copy.db")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if got := openFiles(t, folder); len(got) > 0 {
		t.Errorf("files left behind: %q", got)
	}
}

func TestBackupWhoseProgressPanicsLeavesNothing(t *testing.T) {
	db := backupSource(t)
	folder := t.TempDir()
	c := start(func() error {
		return db.Backup(t.Context(), filepath.Join(folder, "copy.db"), manager.OnBackupProgress(func(manager.BackupProgress) { panic("mine") }))
	}).wait(t)
	if c.panic != "mine" {
		t.Errorf("panic: got %v, want mine", c.panic)
	}
	if got := openFiles(t, folder); len(got) > 0 {
		t.Errorf("files left behind: %q", got)
	}
	if got := db.Stats().ReaderLabels; len(got) > 0 {
		t.Errorf("readers: got %q, want none", got)
	}
}

func TestBackupWithoutRoom(t *testing.T) {
	t.Run("under a limit of the file size", func(t *testing.T) {
		db, folder := backupSource(t), t.TempDir()
		childStart(t, "backup under a limit", nil, db.Path(), folder).wait(t)
	})
	t.Run("on a full disk", func(t *testing.T) {
		db, folder := backupSource(t), t.TempDir()
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder).CombinedOutput(); err != nil {
			t.Skipf("cannot mount a small filesystem here: %s", out)
		}
		t.Cleanup(func() { _ = exec.Command("umount", folder).Run() })
		backupRefuses(t, folder, manager.ErrFull, "no room for", func() error { return db.Backup(t.Context(), filepath.Join(folder, "copy.db")) })
		dest := filepath.Join(folder, "restored.db")
		backupRefuses(t, folder, manager.ErrFull, "no room for", func() error { return manager.Restore(t.Context(), db.Path(), dest) })
	})
}

func init() {
	childRoles["backup under a limit"] = func(t *testing.T, args []string) {
		db := bankOpen(t, args[0])
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		err := db.Backup(t.Context(), filepath.Join(args[1], "copy.db"))
		if !errors.Is(err, manager.ErrIO) && !errors.Is(err, manager.ErrFull) {
			t.Errorf("got %v, want ErrIO or ErrFull", err)
		}
		if got := openFiles(t, args[1]); len(got) > 0 {
			t.Errorf("files left behind: %q", got)
		}
	}
	childRoles["backup where nobody may write"] = func(t *testing.T, args []string) {
		db := bankOpen(t, args[0])
		dest := filepath.Join(args[1], "copy.db")
		backupRefuses(t, args[1], manager.ErrReadOnly, "must exist and be writable", func() error { return db.Backup(t.Context(), dest) })
		backupRefuses(t, args[1], manager.ErrReadOnly, "must exist and be writable", func() error { return manager.Restore(t.Context(), args[0], dest) })
	}
	// Says every step, and stops at the one that it is told.
	childRoles["backup"] = func(t *testing.T, args []string) {
		var stop int
		fmt.Sscan(args[2], &stop)
		db, call := bankOpen(t, args[0]), 0
		err := db.Backup(t.Context(), args[1], manager.OnBackupProgress(func(p manager.BackupProgress) {
			if call++; call == stop || p.Phase == manager.BackupChecking {
				childSay("%s", p.Phase)
				if call == stop {
					childHear()()
				}
			}
		}))
		if err != nil {
			t.Error(err)
		}
	}
}

// publicFolder is one that every user may enter: t.TempDir's parents are their owner's alone.
func publicFolder(t testing.TB) string {
	t.Helper()
	if os.Geteuid() == 0 && runtime.GOOS != "linux" {
		t.Skip("needs a user whom permissions bind")
	}
	dir, err := os.MkdirTemp("", "public")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBackupIntoAFolderThatCannotBeWritten(t *testing.T) {
	dir := publicFolder(t)
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o555); err != nil {
		t.Fatal(err)
	}
	childStart(t, "backup where nobody may write", childAsNobody, filepath.Join(dir, "bank.db"), closed).wait(t)
}

func TestKilledBackupLeavesNothingOrAll(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	db := backupSource(t)
	want := bankCount(t, db)
	folder := t.TempDir()
	dest := filepath.Join(folder, "copy.db")
	steps := []string{"copying", "copying", "checking"}
	rounds := 9
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		stop := []int{1, 2, 0}[round%3] // 0: never, it is killed somewhere in the rest
		c := childStart(t, "backup", nil, db.Path(), dest, fmt.Sprint(stop))
		if got, want := c.said(t), steps[round%3]; got != want {
			t.Fatalf("child said %q, want %q", got, want)
		}
		if stop == 0 {
			time.Sleep(time.Duration(random.Int64N(int64(30 * time.Millisecond))))
		}
		c.kill(t)
		left := openFiles(t, folder)
		switch {
		case stop != 0 && !slices.Equal(left, []string{"copy.db.partial-copy", "copy.db.partial-copy-lock"}):
			t.Errorf("round %d: killed while copying left %q, want the partial copy", round, left)
		case slices.Contains(left, "copy.db"):
			if got := backupAudit(t, dest); got != want {
				t.Errorf("round %d: transfers in the copy: got %d, want %d", round, got, want)
			}
			if err := os.Remove(dest); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Backup(t.Context(), dest); err != nil {
		t.Fatal(err)
	}
	if got, want := openFiles(t, folder), []string{"copy.db"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
}

// A backup that copies what the database is at each step never ends beside a writer that never rests.
func TestBackupOfAFullDatabaseBesideAFullWriter(t *testing.T) {
	megabytes := 200
	if testing.Short() {
		megabytes = 20
	}
	db := bankOpen(t, bankPath(t))
	bankFill(t, db)
	backupGrow(t, db, megabytes*16, 62_500)
	var stop atomic.Bool
	var commits atomic.Int64
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for seq := int64(0); !stop.Load(); seq++ {
				err := db.WithTx(context.Background(), func(ctx context.Context, tx *bank) error {
					return tx.transfer(ctx, fmt.Sprint("worker", w), seq, seq%bankAccounts, (seq+5)%bankAccounts, 1)
				})
				if err != nil {
					t.Error(err)
					return
				}
				commits.Add(1)
			}
		})
	}
	defer writers.Wait()
	defer stop.Store(true)
	until(t, "the writers to run", func() bool { return commits.Load() > 100 })
	dest := filepath.Join(t.TempDir(), "copy.db")
	var last manager.BackupProgress
	began, before := time.Now(), commits.Load()
	var copied time.Duration
	var meanwhile int64
	err := db.Backup(t.Context(), dest, manager.OnBackupProgress(func(p manager.BackupProgress) {
		if p.Done < last.Done || last.Total != 0 && p.Total != last.Total {
			t.Errorf("progress: got %+v after %+v", p, last)
		}
		if last = p; p.Phase == manager.BackupChecking {
			copied, meanwhile = time.Since(began), commits.Load()-before
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB copied in %v beside %d commits, log of %d pages; checked and on disk after %v", megabytes, copied.Round(time.Millisecond), meanwhile, last.WALFrames, time.Since(began).Round(time.Millisecond))
	if meanwhile == 0 {
		t.Error("commits while pages were copied: got none, want the writers to go on")
	}
	backupAudit(t, dest)
}
