package manager_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

const nobody = 65534

// besideOwner is the owner, group and mode of a file.
func besideOwner(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d %#o", s.Uid, s.Gid, info.Mode().Perm())
}

// besideFolder is a folder that everybody may write, also below those of the test.
func besideFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "beside-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func init() {
	childRoles["write as another"] = func(t *testing.T, args []string) {
		db, err := manager.Open(t.Context(), args[0], newBank, newBank, manager.WithMigration(bankMigrate), manager.WithRetryBudget(50*time.Millisecond))
		if err == nil {
			err = errors.Join(bankAdd(t.Context(), db, "another", 1), db.Close(t.Context()))
		}
		childSay("%q", fmt.Sprint(err))
	}
	childRoles["hold the lock file"] = func(t *testing.T, args []string) {
		lockTake(t, args[0])
		childSay("holds")
		childHear()()
	}
}

// The superuser looked at a service's database, or made a copy: the service goes on.
func TestFilesBesideHaveTheOwnerAndModeOfTheDatabase(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs the superuser, who alone may give files away")
	}
	for _, mode := range []fs.FileMode{0o600, 0o660, 0o664} {
		t.Run(mode.String(), func(t *testing.T) {
			path := filepath.Join(besideFolder(t), "bank.db")
			db := bankOpen(t, path)
			bankFill(t, db)
			bankClose(t, db)
			if err := errors.Join(os.Remove(path+"-lock"), os.Chown(path, nobody, nobody), os.Chmod(path, mode)); err != nil {
				t.Fatal(err)
			}
			db = bankOpen(t, path)
			if err := bankAdd(t.Context(), db, "superuser", 1); err != nil {
				t.Error(err)
			}
			dest := filepath.Join(filepath.Dir(path), "copy.db")
			if err := db.Backup(t.Context(), dest); err != nil {
				t.Error(err)
			}
			bankClose(t, db)
			want := fmt.Sprintf("%d:%d %#o", nobody, nobody, mode)
			for _, file := range []string{path + "-lock", dest} {
				if got := besideOwner(t, file); got != want {
					t.Errorf("%s: got %s, want %s", filepath.Base(file), got, want)
				}
			}
			if got := childStart(t, "write as another", childAsNobody, path).said(t); got != `"<nil>"` {
				t.Errorf("the database's owner: got %s, want it to write", got)
			}
		})
	}
}

func TestLockFileOfAnotherIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs the superuser, who alone may give files away")
	}
	path := filepath.Join(besideFolder(t), "bank.db")
	db := bankOpen(t, path)
	bankFill(t, db)
	bankClose(t, db)
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	got := childStart(t, "write as another", childAsNobody, path).said(t)
	for _, part := range []string{"lock file " + path + "-lock", "belongs to root", "0600"} {
		if !strings.Contains(got, part) {
			t.Errorf("got %s, want %q in it", got, part)
		}
	}
	if strings.Contains(got, "OpenReadOnly") {
		t.Errorf("got %s, want no advice that does not help", got)
	}
	bankClose(t, bankOpen(t, path)) // puts it right
	if got := childStart(t, "write as another", childAsNobody, path).said(t); got != `"<nil>"` {
		t.Errorf("once the superuser has opened it again: got %s, want it to write", got)
	}
}

func TestLinksInThePlaceOfOurFilesAreNotFollowed(t *testing.T) {
	db, path := fileBank(t)
	victim := filepath.Join(t.TempDir(), "victim")
	dest := path + ".copy"
	if err := errors.Join(os.Symlink(victim, dest+".partial-copy-lock"), os.Symlink(victim, dest+".partial-copy")); err != nil {
		t.Fatal(err)
	}
	err := db.Backup(t.Context(), dest)
	refuseWants(t, err, manager.ErrUnsupported, "symbolic link")
	bankClose(t, db)
	if err := errors.Join(os.Remove(path+"-lock"), os.Symlink(victim, path+"-lock")); err != nil {
		t.Fatal(err)
	}
	refuseOpen(t, path, manager.ErrUnsupported, "symbolic link")
	if _, err := os.Lstat(victim); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what the links lead to: %v, want it not made", err)
	}
	if err := errors.Join(os.Remove(path+"-lock"), syscall.Mkfifo(path+"-lock", 0o600)); err != nil {
		t.Fatal(err)
	}
	refuseOpen(t, path, manager.ErrUnsupported, "not a regular file")
}

// One of those who wait stands before the lock file, the others behind him.
func TestEverybodyBehindAStoppedHolderOfTheLockFileIsTold(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path, manager.WithRetryBudget(patience), manager.WithMaxQueueWait(100*time.Millisecond))
	bankFill(t, db)
	holder := childStart(t, "hold the lock file", nil, path)
	holder.said(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	var calls []*call
	for seq := range int64(6) {
		callCtx := ctx
		if seq > 3 {
			callCtx = context.Background() // ends by MaxQueueWait
		}
		queued := db.Stats().Queue
		calls = append(calls, start(func() error { return bankAdd(callCtx, db, "waiter", seq) }))
		switch {
		case seq == 0:
			until(t, "the first to wait for the lock file", lockWaited(path))
		case seq <= 3: // whoever has not begun to wait when the context ends waits for nobody
			until(t, "it to stand in the queue", func() bool {
				return db.Stats().Queue > queued || slices.ContainsFunc(calls, (*call).returned)
			})
		}
	}
	until(t, "those who end by themselves", func() bool { return calls[4].returned() && calls[5].returned() })
	cancel(errOwn)
	for i, c := range calls {
		err := c.wait(t).err
		for _, part := range []string{path + "-lock", fmt.Sprint("process ", holder.cmd.Process.Pid)} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("waiter %d: got %v, want %q in it", i, err, part)
			}
		}
	}
	holder.kill(t)
	if err := bankAdd(t.Context(), db, "after", 1); err != nil {
		t.Error(err)
	}
}
