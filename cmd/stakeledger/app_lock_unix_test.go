//go:build unix

package main

import (
	"os"
	"syscall"
	"testing"
)

// holdLock holds the lock file of a ledger, as a process that writes it does, until it is released.
func holdLock(t *testing.T, db string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(db+"-lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { _ = f.Close() }
}
