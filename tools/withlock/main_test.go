//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

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
	path, err := manager.LockPath(database)
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
