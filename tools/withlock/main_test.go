//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestLockPath(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dir, "real.db")
	if err := os.WriteFile(real, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling.db")
	if err := os.Symlink("later.db", dangling); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, database, want string }{
		{"the file itself", real, real + "-lock"},
		{"a symbolic link", link, real + "-lock"},
		{"a link to what is not created yet", dangling, filepath.Join(dir, "later.db-lock")},
		{"not created yet", filepath.Join(dir, "new.db"), filepath.Join(dir, "new.db-lock")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := lockPath(test.database)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if _, err := lockPath(filepath.Join(dir, "absent", "x.db")); err == nil {
		t.Error("a directory that does not exist: got no error")
	}
}

// The command below tries the same lock without waiting: it must not get it
// while we hold it, and its exit code must come back.
func TestRunHoldsTheLock(t *testing.T) {
	if os.Getenv("WITHLOCK_TRY") != "" {
		lock, err := os.OpenFile(os.Getenv("WITHLOCK_TRY"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK {
			os.Exit(7)
		}
		os.Exit(8)
	}
	database := filepath.Join(t.TempDir(), "x.db")
	path, err := lockPath(database)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("WITHLOCK_TRY", path)
	got, err := run(database, []string{os.Args[0], "-test.run=^TestRunHoldsTheLock$"})
	if err != nil {
		t.Fatal(err)
	}
	if got != 7 {
		t.Errorf("exit code: got %d, want 7 (the lock is held)", got)
	}
}
