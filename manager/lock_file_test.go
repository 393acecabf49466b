package manager_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// lockTake takes the lock file the way a program such as flock(1) does, and fails if that needs a wait.
func lockTake(t testing.TB, path string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(path+"-lock", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatalf("lock file of an idle manager: %v, want it free", err)
	}
	return func() { f.Close() }
}

func TestLockFileIsHeldOnlyAroundTransactions(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	lockTake(t, path)()
	held := bankHoldWriter(t, db, "holder")
	f, err := os.Open(path + "-lock")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("lock file beside a write transaction: %v, want it taken", err)
	}
	held.end(t)
	lockTake(t, path)()
	bankCount(t, db) // reading takes no lock
	release := lockTake(t, path)
	bankCount(t, db)
	release()
}

func TestLockFileQueuesTwoManagers(t *testing.T) {
	path := bankPath(t)
	first, second := bankOpen(t, path), bankOpen(t, path, manager.WithRetryBudget(patience))
	bankFill(t, first)
	held := bankHoldWriter(t, first, "holder")
	waiting := start(func() error { return bankAdd(context.Background(), second, "second", 1) })
	until(t, "the second manager to wait for the lock", lockWaited(path))
	if waiting.returned() {
		t.Errorf("the second manager's write ended beside the first's: %v", waiting.err)
	}
	held.end(t)
	if err := waiting.wait(t).err; err != nil {
		t.Error(err)
	}
	bankAudit(t, first, 1)
	if got := second.Stats().Retries; got != 0 {
		t.Errorf("retries: got %d, want 0: the lock file keeps managers from meeting at SQLite's lock", got)
	}
}

// A manager that is never idle still lets others in between its groups.
func TestLockFileIsGivenUpBetweenGroups(t *testing.T) {
	path := bankPath(t)
	busy, guest := bankOpen(t, path), bankOpen(t, path, manager.WithRetryBudget(patience))
	bankFill(t, busy)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var written atomic.Int64
	var calls []*call
	for g := range 8 {
		calls = append(calls, start(func() error {
			for seq := int64(0); ctx.Err() == nil; seq++ {
				if err := bankAdd(context.Background(), busy, fmt.Sprint("busy", g), seq); err != nil {
					return err
				}
				written.Add(1)
			}
			return nil
		}))
	}
	until(t, "the busy manager to be busy", func() bool { return written.Load() > 100 })
	const visits = 20
	for seq := range int64(visits) {
		before := written.Load()
		if err := bankAdd(t.Context(), guest, "guest", seq); err != nil {
			stop()
			t.Fatal(err)
		}
		if passed := written.Load() - before; passed > 1000 {
			t.Errorf("%d transactions of the busy manager passed one waiting guest, want a fair turn", passed)
		}
	}
	stop()
	for _, c := range calls {
		if err := c.wait(t).err; err != nil {
			t.Error(err)
		}
	}
	bankAudit(t, busy, written.Load()+visits)
}

func TestWaiterWhoseContextEndsGivesTheLockOn(t *testing.T) {
	path := bankPath(t)
	holder, waiter, third := bankOpen(t, path), bankOpen(t, path, manager.WithRetryBudget(time.Hour)), bankOpen(t, path)
	bankFill(t, holder)
	held := bankHoldWriter(t, holder, "holder")
	ctx, cancel := context.WithCancel(context.Background())
	ran := false
	waiting := start(func() error {
		return waiter.WithTx(ctx, func(context.Context, *bank) error { ran = true; return nil })
	})
	until(t, "the waiter to wait for the lock", lockWaited(path))
	cancel()
	if err := waiting.wait(t).err; !errors.Is(err, context.Canceled) || ran {
		t.Errorf("waiter: got %v, closure ran: %v, want Canceled and not", err, ran)
	}
	held.end(t)
	// The kernel hands the lock to the wait that nobody wants any more; it must not stay there.
	if err := bankAdd(t.Context(), third, "third", 1); err != nil {
		t.Errorf("a write of a third manager: %v", err)
	}
	if err := bankAdd(t.Context(), waiter, "waiter", 1); err != nil {
		t.Errorf("the waiter's next write: %v", err)
	}
	if err := bankAdd(t.Context(), holder, "holder", 1); err != nil {
		t.Errorf("the holder's next write: %v", err)
	}
	bankAudit(t, holder, 3)
	lockTake(t, path)()
}

// One wait in the kernel serves whoever waits in the manager, so giving up again and again piles nothing up.
func TestLockFileWaitsDoNotPileUp(t *testing.T) {
	path := bankPath(t)
	bankFill(t, bankOpen(t, path))
	waiter := bankOpen(t, path, manager.WithRetryBudget(2*time.Millisecond))
	files, routines := len(closeFiles(t)), len(closeGoroutines())
	release := lockTake(t, path)
	for seq := range int64(20) {
		err := bankAdd(t.Context(), waiter, "waiter", seq)
		if !errors.Is(err, manager.ErrBusy) || !strings.Contains(err.Error(), path+"-lock") {
			t.Errorf("write beside a foreign holder of the lock: got %v, want ErrBusy naming the lock file", err)
		}
		var e *manager.Error
		if !errors.As(err, &e) || e.Waited < 2*time.Millisecond {
			t.Errorf("got %+v, want the time waited in it", err)
		}
	}
	if got := len(closeGoroutines()); got > routines+2 {
		t.Errorf("goroutines of the manager while the lock is held: got %d, want %d and one that waits", got, routines)
	}
	release()
	until(t, "the waiter to be served once the lock is free", func() bool { return bankAdd(t.Context(), waiter, "waiter", 100) == nil })
	until(t, "the waits to end", func() bool { return len(closeGoroutines()) <= routines })
	if got := len(closeFiles(t)); got > files+1 {
		t.Errorf("open files: got %d, want %d", got, files)
	}
	lockTake(t, path)()
}

func TestCloseBesideAForeignHolderOfTheLock(t *testing.T) {
	path := bankPath(t)
	routines := len(closeGoroutines())
	db := bankOpen(t, path, manager.WithRetryBudget(2*time.Millisecond))
	release := lockTake(t, path)
	if err := bankAdd(t.Context(), db, "waiter", 1); !errors.Is(err, manager.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	bankClose(t, db)
	release()
	until(t, "the wait for the lock to end", func() bool { return len(closeGoroutines()) <= routines })
	lockTake(t, path)()
}

// Whoever removes the lock file takes fairness away, but SQLite's own lock still stands.
func TestLockFileRemovedMeanwhile(t *testing.T) {
	path := bankPath(t)
	first := bankOpen(t, path)
	bankFill(t, first)
	if err := os.Remove(path + "-lock"); err != nil {
		t.Fatal(err)
	}
	second := bankOpen(t, path)
	one := start(func() error { transferMoney(t, first, "first", 25); return nil })
	transferMoney(t, second, "second", 25)
	one.wait(t)
	bankAudit(t, first, 2*transferGoroutines*25)
}

func TestWithoutLockFileStillMigratesUnderIt(t *testing.T) {
	path := bankPath(t)
	bankFill(t, bankOpen(t, path))
	release := lockTake(t, path)
	_, err := manager.Open(t.Context(), path, newBank, newBank, manager.WithoutLockFile(), manager.WithRetryBudget(2*time.Millisecond), manager.WithMigration(bankMigrate))
	if !errors.Is(err, manager.ErrBusy) {
		t.Errorf("Open beside a holder of the lock: got %v, want ErrBusy", err)
	}
	release()
	db := bankOpen(t, path, manager.WithoutLockFile())
	release = lockTake(t, path)
	if err := bankAdd(t.Context(), db, "outsider", 1); err != nil {
		t.Errorf("write beside a holder of the lock: %v, want it not to wait", err)
	}
	release()
}

// lockWaited reports whether somebody waits for the lock file; where the system does not tell, some time passes.
func lockWaited(path string) func() bool {
	return func() bool {
		table, err := os.ReadFile("/proc/locks")
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			return true
		}
		info, err := os.Stat(path + "-lock")
		if err != nil {
			return false
		}
		inode := fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)
		for line := range strings.Lines(string(table)) {
			if strings.Contains(line, "-> FLOCK") && strings.Contains(line, inode) {
				return true
			}
		}
		return false
	}
}

func TestLockFileLivesBesideTheDatabase(t *testing.T) {
	path := bankPath(t)
	bankClose(t, bankOpen(t, path))
	info, err := os.Stat(path + "-lock")
	if err != nil || info.Size() != 0 {
		t.Errorf("lock file after Close: %v, %v, want an empty one that stays for the next process", info, err)
	}
	if got := openFiles(t, filepath.Dir(path)); len(got) != 2 {
		t.Errorf("files: got %q, want the database and its lock file", got)
	}
}
